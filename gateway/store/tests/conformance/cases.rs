//! Commits: conditions, conflicts, versions, histories, races.

use super::fixtures::{self as f, tenant};
use super::{Engine, Factory};
use gateway_core::event::EventKind;
use gateway_core::id::{Id, PaymentId};
use gateway_core::journal::{
    Batch, CommitError, Expect, Journal, Receipt, Row, RowKey, Urgency, Version, Versioned, Write,
};
use gateway_core::payment::Recorded;

pub fn batch(writes: Vec<(Expect, Row)>) -> Batch {
    let writes = writes.into_iter().map(|(expect, row)| Write { expect, row }).collect();
    Batch { writes, urgency: Urgency::Outcome }
}

pub const ABSENT: Expect = Expect::Absent;

pub const fn at(version: u64) -> Expect {
    Expect::Version(Version(version))
}

pub async fn put(journal: &dyn Journal, expect: Expect, row: Row) -> Result<Receipt, CommitError> {
    journal.commit(batch(vec![(expect, row)])).await
}

async fn version(journal: &dyn Journal, key: &RowKey) -> Option<u64> {
    journal.read(key).await.unwrap().map(|row| row.version.0)
}

pub async fn conditions(make: Factory) {
    let engine = make(None);
    let journal = engine.journal();
    let row = || f::sequence("stan", 1);
    let key = row().key();
    let table: &[(Expect, bool, Option<u64>)] = &[
        (at(0), false, None),
        (at(1), false, None),
        (ABSENT, true, Some(1)),
        (ABSENT, false, Some(1)),
        (at(0), false, Some(1)),
        (at(2), false, Some(1)),
        (at(1), true, Some(2)),
        (at(1), false, Some(2)),
        (at(2), true, Some(3)),
    ];
    for (expect, holds, after) in table {
        let done = put(journal, *expect, row()).await;
        assert_eq!(done.is_ok(), *holds, "{expect:?}: {done:?}");
        assert_eq!(version(journal, &key).await, *after, "{expect:?}");
    }
    let engine = engine.reopen();
    assert_eq!(version(engine.journal(), &key).await, Some(3));
    put(engine.journal(), at(3), row()).await.unwrap();
}

pub async fn conflicts(make: Factory) {
    let engine = make(None);
    let journal = engine.journal();
    let first = f::claim(tenant(0), "k", None);
    put(journal, ABSENT, first.clone()).await.unwrap();
    let error = put(journal, ABSENT, f::claim(tenant(0), "k", Some(vec![1]))).await.unwrap_err();
    let current = Some(Box::new(Versioned { version: Version(1), row: first.clone() }));
    assert_eq!(error, CommitError::Conflict { key: first.key(), current });
    // Another merchant's key of the same name is another key.
    put(journal, ABSENT, f::claim(tenant(2), "k", None)).await.unwrap();
    let missing = f::claim(tenant(0), "other", None);
    let error = put(journal, at(1), missing.clone()).await.unwrap_err();
    assert_eq!(error, CommitError::Conflict { key: missing.key(), current: None });
}

pub async fn all_or_nothing(make: Factory) {
    let engine = make(None);
    let journal = engine.journal();
    put(journal, ABSENT, f::sequence("b", 1)).await.unwrap();
    let lost = batch(vec![(ABSENT, f::sequence("a", 1)), (ABSENT, f::sequence("b", 2))]);
    let error = journal.commit(lost).await.unwrap_err();
    assert!(
        matches!(&error, CommitError::Conflict { key, .. } if *key == f::sequence("b", 0).key()),
        "{error:?}"
    );
    assert_eq!(version(journal, &f::sequence("a", 0).key()).await, None);
    // The order of receipts is the order of commits; a batch without rows is one, too.
    let mut last = 0;
    for writes in [vec![(ABSENT, f::sequence("a", 1)), (at(1), f::sequence("b", 2))], vec![], vec![]] {
        let receipt = journal.commit(batch(writes)).await.unwrap();
        assert!(receipt.position > last);
        last = receipt.position;
    }
    let engine = engine.reopen();
    let receipt = put(engine.journal(), at(2), f::sequence("b", 3)).await.unwrap();
    assert!(receipt.position > last);
}

pub async fn named_twice(make: Factory) {
    let engine = make(None);
    let twice = batch(vec![(ABSENT, f::sequence("a", 1)), (at(1), f::sequence("a", 2))]);
    let error = engine.journal().commit(twice).await.unwrap_err();
    assert!(matches!(&error, CommitError::Unavailable(why) if why.contains("twice")), "{error:?}");
    assert_eq!(version(engine.journal(), &f::sequence("a", 0).key()).await, None);
    // Of many rows as well, and in no time.
    let mut many: Vec<_> = (0..20_000u32).map(|at| (ABSENT, f::sequence(&format!("{at}"), 1))).collect();
    let begun = std::time::Instant::now();
    many.push((ABSENT, f::sequence("19999", 2)));
    let error = engine.journal().commit(batch(many.clone())).await.unwrap_err();
    assert!(matches!(&error, CommitError::Unavailable(why) if why.contains("19999")), "{error:?}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    many.pop();
    engine.journal().commit(batch(many)).await.unwrap();
}

pub async fn every_row(make: Factory) {
    let t = tenant(1);
    let long_answer = vec![b'x'; 70_000];
    let rows = [
        f::payment(t, 1, 1, Some(4), Some(-5)),
        f::claim(t, &"k".repeat(255), Some(long_answer)),
        f::claim(t, "", None),
        f::event(t, 2, EventKind::ReviewClosed),
        f::refund(t, 3),
        f::payment_method(t, 4, Some(5), false),
        f::token(t, 6, false),
        f::customer(t, u128::MAX, Some("a@example.com"), false),
        f::setup_intent(t, 8, None),
        f::merchant(9, "Shop"),
        f::api_key(10, Some(5)),
        f::sequence("stan:bank-a", u64::MAX),
        f::review(t, 11, true),
        f::value_list(t, 12, false),
        f::value_list_item(t, 13, 12, true),
        f::evaluation(t, 14),
    ];
    let engine = make(None);
    let writes = rows.iter().map(|row| (ABSENT, row.clone())).collect();
    engine.journal().commit(batch(writes)).await.unwrap();
    let engine = engine.reopen();
    for row in rows {
        let found = engine.journal().read(&row.key()).await.unwrap();
        assert_eq!(found, Some(Versioned { version: Version(1), row }));
    }
    let other = f::payment(tenant(0), 1, 1, None, None).key();
    assert_eq!(engine.journal().read(&other).await.unwrap(), None, "another tenant's");
}

fn events_of(row: &Row) -> Vec<Recorded> {
    match row {
        Row::Payment(row) => row.events.clone(),
        _other => panic!("not a payment"),
    }
}

pub async fn histories(make: Factory) {
    let mut engine = make(None);
    let mut expected = Vec::new();
    for version in 1..=30u32 {
        let row = f::payment(tenant(0), 5, version, None, Some(i64::from(version)));
        expected.extend(events_of(&row));
        let expect = if version == 1 { ABSENT } else { at(u64::from(version) - 1) };
        put(engine.journal(), expect, row).await.unwrap();
        put(engine.journal(), ABSENT, f::event(tenant(0), u128::from(version), EventKind::ChargeUpdated))
            .await
            .unwrap();
        if version % 10 == 0 {
            engine = engine.reopen();
        }
    }
    let id = PaymentId(Id(5));
    assert_eq!(engine.journal().history(tenant(0), id).await.unwrap(), expected);
    assert_eq!(engine.journal().history(tenant(1), id).await.unwrap(), vec![]);
    let read = engine.journal().read(&RowKey::Payment(tenant(0), id)).await.unwrap().unwrap();
    assert_eq!(events_of(&read.row), expected[29..], "a read shows those of the last write");
}

/// Many threads commit at once: each claim is won once, and every loser sees the winner's row.
pub fn races(make: Factory) {
    let engine: Box<dyn Engine> = make(None);
    let journal = engine.journal();
    let contended = 20;
    let mut winners = vec![0u32; contended];
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8u64)
            .map(|thread| {
                scope.spawn(move || {
                    f::block_on(async move {
                        let mut won = Vec::new();
                        for number in 0..contended {
                            let claim =
                                f::claim(tenant(0), &format!("key {number}"), Some(vec![thread as u8]));
                            let own = f::sequence(&format!("{thread}/{number}"), thread);
                            match journal
                                .commit(batch(vec![(ABSENT, own.clone()), (ABSENT, claim.clone())]))
                                .await
                            {
                                Ok(_) => won.push(number),
                                Err(CommitError::Conflict { key, current: Some(current) }) => {
                                    assert_eq!(key, claim.key());
                                    assert_ne!(current.row, claim);
                                    let mine = journal.read(&own.key()).await.unwrap();
                                    assert_eq!(mine, None, "a loser writes nothing");
                                }
                                Err(error) => panic!("{error:?}"),
                            }
                        }
                        won
                    })
                })
            })
            .collect();
        for thread in threads {
            for number in thread.join().unwrap() {
                winners[number] += 1;
            }
        }
    });
    assert_eq!(winners, vec![1; contended]);
}
