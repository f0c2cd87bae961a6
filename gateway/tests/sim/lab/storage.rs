//! The store of one life of the process: the embedded journal machine over the lossy disk, behind a port that waits, crashes and
//! takes notes.

mod plants;

use super::dump;
use super::facts::Shown;
use super::faults::{Deed, Fault, Stage};
use super::planted::Planted;
use super::random::Drawn;
use super::world::{Death, World};
use gateway_core::id::PaymentId;
use gateway_core::journal::{
    Batch, CommitError, Journal, Observer, Query, Receipt, Row, RowKey, StoreError, Versioned,
};
use gateway_core::payment::Recorded;
use gateway_core::ports::{BoxFuture, Random};
use gateway_core::tenant::Tenant;
use gateway_store::embedded::{Inline, OpenError, Setup, Sizes};
use gateway_store::lossy::{self, LossyDisk, LossyIndex};
use plants::Plants;
pub use plants::SimDisk;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::sleep;

/// The machine's disk and index, which outlive its lives.
#[derive(Clone, Default)]
pub struct Platter {
    pub disk: LossyDisk,
    pub index: LossyIndex,
}

impl Platter {
    /// The life that wrote to it has ended.
    pub fn settle(&self, death: Death, random: &dyn Random) {
        match death {
            Death::Killed => self.disk.kill(),
            Death::PowerLost => {
                self.disk.crash(random);
                self.index.crash(random);
            }
        }
    }
}

/// Small sizes, so that segments are changed and layers fed within one seed.
const SIZES: Sizes = Sizes {
    segment_bytes: 512 << 10,
    layer_entries: 512,
    overlay_entries: 262_144,
    recent_rows: 512,
    recent_bytes: 4 << 20,
};

/// The port.
pub struct SimJournal {
    world: Arc<World>,
    disk: LossyDisk,
    inner: Inline<SimDisk, LossyIndex>,
    plants: Plants,
    commits: AtomicU64,
    /// Until the process serves.
    recovering: AtomicBool,
    /// Itself, for what goes on by itself.
    me: Weak<Self>,
}

impl SimJournal {
    /// Opens the store, as a process does that starts.
    ///
    /// # Errors
    /// The disk failed meanwhile, or what is on it is damaged.
    pub fn open(
        world: &Arc<World>,
        platter: &Platter,
        (random, observer): (Arc<Drawn>, Arc<dyn Observer>),
    ) -> Result<Arc<Self>, OpenError> {
        let disk = SimDisk::new(platter.disk.clone(), world.has(Planted::SyncThatIsNone));
        let setup = Setup { sizes: SIZES, random, observer: Some(observer) };
        let inner = Inline::open(disk, platter.index.clone(), setup)?;
        Ok(Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            world: Arc::clone(world),
            disk: platter.disk.clone(),
            inner,
            plants: Plants::default(),
            commits: AtomicU64::new(0),
            recovering: AtomicBool::new(true),
        }))
    }

    /// The process serves.
    pub fn recovered(&self) {
        self.recovering.store(false, Ordering::Relaxed);
    }

    /// The store itself, for the dump.
    pub const fn inner(&self) -> &Inline<SimDisk, LossyIndex> {
        &self.inner
    }

    async fn take(&self, batch: Batch) -> Result<Receipt, CommitError> {
        let (mut stage, mut deed, key) = dump::step_of(&batch);
        if self.recovering.load(Ordering::Relaxed) {
            (stage, deed) = (Stage::Recover, Deed::Plain);
        }
        if let Some(key) = &key {
            self.world.progress(key, stage, Some(deed));
        }
        let from_ms = self.world.now_ms();
        let (before, after) = self.world.draw(|dice| (dice.below(4), dice.below(4)));
        sleep(Duration::from_millis(before)).await;
        let struck = self.strike(stage, deed).await;
        let noted = Noted::of(&batch);
        match self.inner.commit(batch).await {
            Err(CommitError::Unknown(_)) => {
                let death = if struck == Some(Fault::TornWrite) { Death::PowerLost } else { Death::Killed };
                match self.world.die(death).await {}
            }
            Err(other) => Err(other),
            Ok(receipt) => {
                self.note(noted, from_ms);
                let next = match stage {
                    Stage::Intend => Stage::Send,
                    Stage::Recover => Stage::Recover,
                    _outcome => Stage::Answer,
                };
                if let Some(key) = &key {
                    self.world.progress(key, if next == Stage::Send { Stage::Wait } else { next }, None);
                }
                self.tend().await;
                self.world.between(next, deed).await;
                sleep(Duration::from_millis(after)).await;
                Ok(receipt)
            }
        }
    }

    async fn strike(&self, stage: Stage, deed: Deed) -> Option<Fault> {
        let struck = self.world.strike(&Fault::COMMIT, stage, deed)?;
        let now = self.disk.operations();
        match struck {
            Fault::Killed => match self.world.die(Death::Killed).await {},
            Fault::PowerLost => match self.world.die(Death::PowerLost).await {},
            Fault::TornWrite => self.disk.strike(now + 1, lossy::Fault::PowerLoss),
            Fault::SyncFailed => self.disk.strike(now + 2, lossy::Fault::SyncFails),
            Fault::DiskFull => self.disk.strike(now + 1, lossy::Fault::Full),
            clock => self.world.set_clock(clock),
        }
        Some(struck)
    }

    fn note(&self, noted: Noted, from_ms: u64) {
        let until_ms = self.world.now_ms();
        self.world.trace(("durable", &noted.versions, &noted.outcomes));
        let mut notes = self.world.notes();
        notes.intents.extend(noted.intents);
        for (payment, version) in noted.versions {
            notes.shown.entry(payment).or_default().push(Shown { version, from_ms, until_ms });
        }
        for reference in noted.outcomes {
            notes.landed(reference, until_ms);
        }
    }

    /// What the store's own threads do in production.
    async fn tend(&self) {
        let count = self.commits.fetch_add(1, Ordering::Relaxed) + 1;
        let fed = if count.is_multiple_of(16) { self.inner.feed() } else { Ok(()) };
        let checkpoint = count.is_multiple_of(self.world.swarm.checkpoint_every);
        let kept = fed.and_then(|()| if checkpoint { self.inner.checkpoint() } else { Ok(()) });
        if kept.is_err() {
            match self.world.die(Death::Killed).await {}
        }
    }
}

/// What is remembered of a batch once it is durable.
struct Noted {
    intents: Vec<u64>,
    versions: Vec<(String, u32)>,
    outcomes: Vec<u64>,
}

impl Noted {
    fn of(batch: &Batch) -> Self {
        let (mut intents, mut versions, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
        for write in &batch.writes {
            if let Row::Payment(row) = &write.row {
                intents.extend(row.payment.outstanding().map(|open| open.trace.reference));
                versions.push((row.payment.id.to_string(), row.payment.version));
                outcomes.extend(row.events.iter().filter_map(|recorded| dump::outcome_of(&recorded.event)));
            }
        }
        Self { intents, versions, outcomes }
    }
}

impl Journal for SimJournal {
    fn commit<'a>(&'a self, batch: Batch) -> BoxFuture<'a, Result<Receipt, CommitError>> {
        Box::pin(plants::commit(self, batch))
    }

    fn read<'a>(&'a self, key: &'a RowKey) -> BoxFuture<'a, Result<Option<Versioned>, StoreError>> {
        Box::pin(async move {
            if let RowKey::Claim(claim) = key
                && let Some((_, deed)) = self.world.stands(&claim.key)
            {
                self.world.between(Stage::Claim, deed).await;
            }
            let found = plants::read(self, key).await;
            self.world.dawdle().await;
            found
        })
    }

    fn query<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Versioned>, StoreError>> {
        self.inner.query(query)
    }

    fn history<'a>(
        &'a self,
        tenant: Tenant,
        payment: PaymentId,
    ) -> BoxFuture<'a, Result<Vec<Recorded>, StoreError>> {
        self.inner.history(tenant, payment)
    }
}
