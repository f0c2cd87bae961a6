//! Whether the process can take new payments now, and if not, why.

use crate::admin::Readiness;
use crate::engine::Engine;
use gateway_store::Embedded;
use std::io;
use std::sync::Arc;

/// Looks anew each time it is asked.
pub(super) struct Ready {
    pub(super) engine: Arc<Engine>,
    pub(super) store: Arc<Embedded>,
}

impl Readiness for Ready {
    fn reasons(&self) -> Vec<String> {
        reasons(self.engine.acquirers.any_up(), self.store.has_room())
    }
}

fn reasons(acquirer_is_up: bool, has_room: io::Result<bool>) -> Vec<String> {
    let mut reasons = Vec::new();
    if !acquirer_is_up {
        reasons.push("no acquirer is signed on".to_owned());
    }
    match has_room {
        Ok(true) => {}
        Ok(false) => reasons.push(
            "little room is left on the disk of the store: new payments are refused until there is more"
                .to_owned(),
        ),
        Err(error) => reasons.push(format!("the disk of the store can't be asked for its room: {error}")),
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_told() {
        let table: [(bool, io::Result<bool>, &[&str]); 4] = [
            (true, Ok(true), &[]),
            (false, Ok(true), &["signed on"]),
            (true, Ok(false), &["little room"]),
            (false, Err(io::Error::other("gone")), &["signed on", "gone"]),
        ];
        for (up, room, expected) in table {
            let told = reasons(up, room);
            assert_eq!(told.len(), expected.len(), "{told:?}");
            for (told, part) in told.iter().zip(expected) {
                assert!(told.contains(part), "{told}");
            }
        }
    }
}
