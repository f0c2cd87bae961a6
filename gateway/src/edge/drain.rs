//! The signal to wind down, seen by every connection: finish what has begun, then, if that takes too long, stop.

use std::sync::atomic::{AtomicU8, Ordering};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// How far winding down has come. Only ever grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// As always.
    Serving,
    /// Take nothing new, finish what has begun.
    Draining,
    /// Drop what is left.
    Aborting,
}

/// One for all connections of an edge.
#[derive(Debug, Default)]
pub(super) struct Drain {
    stage: AtomicU8,
    notify: Notify,
}

impl Drain {
    /// A load, nothing more: cheap enough to ask at every turn of a connection.
    pub(super) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Serving,
            1 => Stage::Draining,
            _ => Stage::Aborting,
        }
    }

    /// Moves on and wakes everybody who waits.
    pub(super) fn enter(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
        self.notify.notify_waiters();
    }

    /// Completes when the stage moves on after this call; look at [`Drain::stage`] once it has been polled.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.notify.notified()
    }

    /// Waits until serving is over.
    pub(super) async fn begun(&self) {
        loop {
            let changed = self.changed();
            if self.stage() > Stage::Serving {
                return;
            }
            changed.await;
        }
    }
}
