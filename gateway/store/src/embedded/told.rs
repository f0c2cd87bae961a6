//! Events that a payment's row tells: they have keys of their own in the index, all of which lead to that row.

use super::key::Hashed;
use super::keys::{self, Entry, Facets, Link};
use super::layer::Step;
use gateway_core::id::{EventId, Id};
use gateway_core::journal::{Row, RowKey, Version, Versioned};

/// An event is written once.
const FIRST: Version = Version(1);

/// What the index has to learn of the events that a row, written at `position`, tells. Gives the largest id among them, the last one's;
/// 0 if it tells of none.
pub(crate) fn learn(row: &Row, position: u64, mut tell: impl FnMut(Hashed, Step)) -> u128 {
    let Row::Payment(row) = row else { return 0 };
    for told in &row.told.events {
        let key = Hashed::from(keys::row_key(&RowKey::Event(row.payment.tenant, told.id)));
        let facets = Facets { link: Link::Tag(told.kind as u8), due: None };
        facets.lists(&key).into_iter().for_each(|list| tell(list, Step::Enlist));
        tell(key, Step::Row(Entry { version: FIRST, position, facets }));
    }
    row.told.events.last().map_or(0, |last| last.id.0.0)
}

/// What stands under a key in the record that its entry leads to: the record's row, or an event that it tells; `None` if neither.
pub(crate) fn found_under(key: &[u8], version: Version, row: Row) -> Option<Versioned> {
    let found = match (keys::timed_id(key), row) {
        (Some((keys::EVENTS, id)), Row::Payment(row)) => {
            Versioned { version: FIRST, row: Row::Event(Box::new(row.event(EventId(Id(id)))?)) }
        }
        (_, row) => Versioned { version, row },
    };
    (keys::key_of(&found.row)[..] == *key).then_some(found)
}
