//! The feed of events: whoever asks for what is above the last id that he has seen gets every event, once.

use super::Factory;
use super::cases::{ABSENT, at, batch, put};
use super::fixtures::{self as f, block_on, tenant};
use gateway_core::event::EventKind;
use gateway_core::id::{EventId, Id};
use gateway_core::journal::{First, Journal, Query, Range, Row, RowKey};
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
    let (first, second) = (vec![drawn(50, 1), drawn(51, 2), drawn(60, 3), drawn(62, 2)], vec![drawn(61, 4)]);
    let bare = |ids: Vec<Id>| ids.into_iter().map(|id| id.0).collect::<Vec<_>>();
    assert_eq!(bare(events(journal, 0, None).await), first);
    assert_eq!(bare(events(journal, 1, None).await), second);
    // A batch that loses uses nothing up.
    let lost = vec![(ABSENT, f::event(tenant(0), drawn(99, 1), KIND)), (at(7), f::sequence("n", 1))];
    journal.commit(batch(lost)).await.unwrap_err();
    let engine = engine.reopen();
    // Also when the clock was set back between two runs.
    put(engine.journal(), ABSENT, f::event(tenant(0), drawn(3, 9), KIND)).await.unwrap();
    assert_eq!(events(engine.journal(), 0, Some(Id(drawn(62, 2)))).await, [Id(drawn(63, 9))]);
    let key = RowKey::Event(tenant(0), EventId(Id(drawn(63, 9))));
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
                        block_on(put(journal, ABSENT, f::event(tenant(0), high << 64 | low, KIND))).unwrap();
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
