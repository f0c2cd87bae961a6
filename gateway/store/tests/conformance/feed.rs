//! The feed of events: whoever asks for what is above the last id that he has seen gets every event, once.

use super::Factory;
use super::cases::{ABSENT, at, batch, put};
use super::fixtures::{self as f, block_on, tenant};
use gateway_core::event::EventKind;
use gateway_core::id::{EventId, Id};
use gateway_core::journal::{First, Journal, Query, Range, Row, RowKey, Version};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const KIND: EventKind = EventKind::ChargeUpdated;

fn id(row: &Row) -> Id {
    match row {
        Row::Event(event) => event.id.0,
        _other => panic!("not an event"),
    }
}

async fn events(journal: &dyn Journal, of: u8, above: Option<Id>) -> Vec<Id> {
    let range = Range { above, below: None, first: First::Oldest, limit: usize::MAX };
    let query = Query::Events { tenant: tenant(of), kinds: Vec::new(), range };
    journal.query(&query).await.unwrap().iter().map(|stored| id(&stored.row)).collect()
}

pub async fn order(make: Factory) {
    let engine = make(None);
    let journal = engine.journal();
    let drawn = |high: u128, low: u128| high << 64 | low;
    put(journal, ABSENT, f::event(tenant(0), drawn(50, 1), KIND)).await.unwrap();
    put(journal, ABSENT, f::sequence("n", 1)).await.unwrap();
    // Drawn before, but committed after; of a batch in any order; of another tenant.
    let rows = [(0, 40, 2), (0, 60, 3), (1, 45, 4), (0, 60, 3 - 1)];
    let writes = rows.iter().map(|(of, high, low)| (ABSENT, f::event(tenant(*of), drawn(*high, *low), KIND)));
    journal.commit(batch(writes.collect())).await.unwrap();
    // The same of what payments tell.
    let payment = |of: u8, id: u128, told: &[(u128, EventKind)]| {
        (ABSENT, f::telling(f::payment(tenant(of), id, 1, None, None), told))
    };
    let told = vec![
        payment(0, 1, &[(drawn(7, 5), KIND), (drawn(64, 6), EventKind::ChargeSucceeded)]),
        payment(1, 2, &[(drawn(1, 7), KIND)]),
    ];
    journal.commit(batch(told)).await.unwrap();
    let first = [drawn(50, 1), drawn(51, 2), drawn(60, 3), drawn(62, 2), drawn(63, 5), drawn(64, 6)];
    let second = [drawn(61, 4), drawn(65, 7)];
    let bare = |ids: Vec<Id>| ids.into_iter().map(|id| id.0).collect::<Vec<_>>();
    assert_eq!(bare(events(journal, 0, None).await), first);
    assert_eq!(bare(events(journal, 1, None).await), second);
    let key = RowKey::Event(tenant(0), EventId(Id(drawn(63, 5))));
    let told = journal.read(&key).await.unwrap().unwrap();
    assert_eq!(
        (told.version, id(&told.row)),
        (Version(1), Id(drawn(63, 5))),
        "under the id that it was given"
    );
    let elsewhere = RowKey::Event(tenant(1), EventId(Id(drawn(63, 5))));
    assert_eq!(journal.read(&elsewhere).await.unwrap(), None);
    // A batch that loses uses nothing up.
    let lost = vec![(ABSENT, f::event(tenant(0), drawn(99, 1), KIND)), (at(7), f::sequence("n", 1))];
    journal.commit(batch(lost)).await.unwrap_err();
    let engine = engine.reopen();
    // Also when the clock was set back between two runs.
    put(engine.journal(), ABSENT, f::event(tenant(0), drawn(3, 9), KIND)).await.unwrap();
    assert_eq!(events(engine.journal(), 0, Some(Id(drawn(64, 6)))).await, [Id(drawn(66, 9))]);
    let key = RowKey::Event(tenant(0), EventId(Id(drawn(66, 9))));
    assert!(engine.journal().read(&key).await.unwrap().is_some());
}

/// Writers draw their ids some time before they commit, so that many commits overtake others.
pub fn polling(make: Factory) {
    const WRITERS: u64 = 4;
    const EACH: u64 = 150;
    let engine = make(None);
    let journal = engine.journal();
    let (clock, over) = (AtomicU64::new(1), AtomicBool::new(false));
    let seen = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let clock = &clock;
                scope.spawn(move || {
                    for number in 0..EACH {
                        let high = u128::from(clock.fetch_add(1, Ordering::Relaxed));
                        if number % 3 == writer % 3 {
                            std::thread::yield_now();
                        }
                        let low = u128::from(writer * EACH + number);
                        let id = high << 64 | low;
                        let row = match number % 2 {
                            0 => f::event(tenant(0), id, KIND),
                            _odd => f::telling(f::payment(tenant(0), low, 1, None, None), &[(id, KIND)]),
                        };
                        block_on(put(journal, ABSENT, row)).unwrap();
                    }
                })
            })
            .collect();
        let poller = scope.spawn(|| {
            let mut seen = BTreeSet::new();
            let mut last = None;
            loop {
                let at_the_end = over.load(Ordering::Acquire);
                for id in block_on(events(journal, 0, last)) {
                    assert!(seen.insert(id.0 as u64), "told twice");
                    last = Some(id);
                }
                if at_the_end {
                    return seen;
                }
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        over.store(true, Ordering::Release);
        poller.join().unwrap()
    });
    assert_eq!(seen.len() as u64, WRITERS * EACH, "events that the poller never saw");
}
