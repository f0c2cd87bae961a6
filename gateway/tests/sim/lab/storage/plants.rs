//! The planted bugs at the store's port: what the engine or the store would do if they had them.

use super::super::planted::Planted;
use super::SimJournal;
use gateway_core::claim::ClaimState;
use gateway_core::journal::{
    Batch, CommitError, Expect, Journal, Receipt, Row, RowKey, StoreError, Urgency, Versioned,
};
use gateway_core::payment::{OpenKind, RefundState};
use gateway_core::ports::Clock;
use gateway_store::embedded::port::Disk;
use gateway_store::lossy::LossyDisk;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::sleep;

/// A replica lags so long, in milliseconds.
const LAG_MS: u64 = 150;

/// What the planted bugs remember.
#[derive(Default)]
pub struct Plants {
    /// What a row was before its last write, and when that was.
    before: Mutex<HashMap<RowKey, (Versioned, u64)>>,
    /// Held while an acknowledged commit is still to be written.
    behind: Arc<tokio::sync::Mutex<()>>,
}

/// Commits, with the planted bug if there is one.
pub async fn commit(journal: &SimJournal, mut batch: Batch) -> Result<Receipt, CommitError> {
    let world = &journal.world;
    match world.planted {
        Some(Planted::SentBeforeDurable) => {
            let behind = Arc::clone(&journal.plants.behind).lock_owned().await;
            let (stage, _, _) = super::dump::step_of(&batch);
            if stage != super::Stage::Intend {
                return journal.take(batch).await;
            }
            // Acknowledged at once; written when the message is long under way.
            let late = journal.inner_later(batch, behind);
            tokio::spawn(late);
            return Ok(Receipt { position: 0 });
        }
        Some(Planted::ClaimForgotten) => {
            for write in &mut batch.writes {
                if matches!(write.row, Row::Claim(_)) {
                    replace_whatever_is_there(journal, write).await;
                }
            }
        }
        Some(Planted::BlindWrites) => {
            for write in &mut batch.writes {
                remember(journal, &write.row.key()).await;
                if matches!(write.expect, Expect::Version(_)) {
                    replace_whatever_is_there(journal, write).await;
                }
            }
        }
        Some(Planted::EventsAfterwards) => return events_afterwards(journal, batch).await,
        Some(Planted::Storm) => {
            let now = world.clock.now();
            for write in &mut batch.writes {
                if let Row::Payment(row) = &mut write.row {
                    let payment = Arc::make_mut(&mut row.payment);
                    payment.open.iter_mut().filter(|open| open.tries > 0).for_each(|open| open.due = now);
                }
            }
        }
        Some(Planted::CardInClear) => {
            let card = world.notes().card.clone();
            for write in &mut batch.writes {
                if let (Row::Payment(row), Some(card)) = (&mut write.row, &card) {
                    Arc::make_mut(&mut Arc::make_mut(&mut row.payment).details).description =
                        Some(format!("paid with {card}"));
                }
            }
        }
        _elsewhere => {}
    }
    journal.take(batch).await
}

async fn replace_whatever_is_there(journal: &SimJournal, write: &mut gateway_core::Write) {
    if let Ok(Some(current)) = journal.inner.read(&write.row.key()).await {
        write.expect = Expect::Version(current.version);
    }
}

async fn remember(journal: &SimJournal, key: &RowKey) {
    if let Ok(Some(current)) = journal.inner.read(key).await {
        let now = journal.world.now_ms();
        let mut before = journal.plants.before.lock().expect("nothing panics while it holds this lock");
        before.insert(key.clone(), (current, now));
    }
}

async fn events_afterwards(journal: &SimJournal, mut batch: Batch) -> Result<Receipt, CommitError> {
    let mut later = Batch::new(Urgency::New);
    for write in &mut batch.writes {
        let Row::Payment(row) = &mut write.row else { continue };
        row.public_events().flatten().for_each(|event| {
            later.insert(Row::Event(Box::new(event)));
        });
        row.told.events.clear();
    }
    let receipt = journal.take(batch).await?;
    if !later.writes.is_empty() {
        journal.take(later).await?;
    }
    Ok(receipt)
}

/// Reads, with the planted bug if there is one.
pub async fn read(journal: &SimJournal, key: &RowKey) -> Result<Option<Versioned>, StoreError> {
    let world = &journal.world;
    if world.has(Planted::BlindWrites) && matches!(key, RowKey::Payment(..)) {
        let before =
            journal.plants.before.lock().expect("nothing panics while it holds this lock").get(key).cloned();
        if let Some((stale, at)) = before
            && world.now_ms() < at + LAG_MS
        {
            return Ok(Some(stale));
        }
    }
    let mut found = journal.inner.read(key).await?;
    match (world.planted, found.as_mut().map(|stored| &mut stored.row)) {
        (Some(Planted::ClaimForgotten), Some(Row::Claim(claim)))
            if matches!(claim.state, ClaimState::Provisional { .. }) =>
        {
            return Ok(None);
        }
        (Some(Planted::ReplayRenderedAnew), Some(Row::Claim(claim))) => {
            if let ClaimState::Final { body, .. } = &mut claim.state {
                *body = None;
            }
        }
        (Some(Planted::NothingReserved), Some(Row::Payment(row))) => {
            let payment = Arc::make_mut(&mut row.payment);
            payment.refunds.retain(|refund| refund.state != RefundState::Pending);
            payment
                .open
                .retain(|open| !matches!(open.kind, OpenKind::Capture { .. } | OpenKind::Refund { .. }));
        }
        _untouched => {}
    }
    Ok(found)
}

impl SimJournal {
    fn inner_later(
        &self,
        batch: Batch,
        behind: tokio::sync::OwnedMutexGuard<()>,
    ) -> impl Future<Output = ()> + Send + 'static + use<> {
        let (world, life) = (Arc::clone(&self.world), self.world.life());
        let me = self.me.clone();
        async move {
            sleep(Duration::from_millis(world.draw(|dice| dice.between(5, 60)))).await;
            if let Some(me) = me.upgrade()
                && world.life() == life
                && world.death().is_none()
            {
                drop(me.take(batch).await);
            }
            drop(behind);
        }
    }
}

/// The lossy disk, and the planted bug of a disk whose sync is none.
pub struct SimDisk {
    disk: LossyDisk,
    lies: bool,
}

impl SimDisk {
    /// Over this disk; `lies`: a sync returns before it has done anything.
    pub const fn new(disk: LossyDisk, lies: bool) -> Self {
        Self { disk, lies }
    }
}

impl Disk for SimDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn create(&self, name: &str) -> io::Result<()> {
        self.disk.create(name)
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.disk.append(name, bytes)
    }

    fn rewrite(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.rewrite(name, offset, bytes)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        if self.lies { Ok(()) } else { self.disk.sync(name) }
    }

    fn read(&self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.disk.read(name, offset, into)
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        self.disk.len(name)
    }

    fn truncate(&self, name: &str, len: u64) -> io::Result<()> {
        self.disk.truncate(name, len)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.disk.sync_dir()
    }

    fn room(&self) -> io::Result<u64> {
        self.disk.room()
    }

    fn hold_room(&self, name: &str, bytes: u64) -> io::Result<()> {
        self.disk.hold_room(name, bytes)
    }
}
