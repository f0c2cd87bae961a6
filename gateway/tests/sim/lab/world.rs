//! What one seed's ports share: the dice, the clock, the trace, the counters, and the switch that ends a life of the process.

use super::clock::SimClock;
use super::facts::{Ended, Life, Memory, Sent, Shown};
use super::faults::{Deed, Fault, Pair, Stage, is_reachable};
use super::planted::Planted;
use super::random::Dice;
use super::swarm::Swarm;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

/// What is done to the gateway now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A merchant is made; nothing goes wrong.
    Setup,
    Hurt,
    /// Nothing more goes wrong; everything must become known.
    Heal,
}

/// How a life of the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// What was written is there.
    Killed,
    /// What was not synced may not be.
    PowerLost,
}

/// What is counted and remembered.
pub struct Notes {
    pub phase: Phase,
    dice: Dice,
    trace: DefaultHasher,
    pub pairs: BTreeSet<Pair>,
    pub faults: u64,
    pub crashes_between: u64,
    pub sent: Vec<Sent>,
    pub memories: Vec<Memory>,
    pub shown: BTreeMap<String, Vec<Shown>>,
    pub lives: Vec<Life>,
    pub jumps_ms: Vec<u64>,
    pub recorded: BTreeMap<u64, Vec<u64>>,
    /// References of intents that are durable.
    pub intents: HashSet<u64>,
    /// Where the operation of a key stands.
    progress: HashMap<String, (Stage, Deed)>,
    /// How many messages have been sent whose outcome is not recorded, in this life.
    flying: HashSet<u64>,
    death: Option<Death>,
    /// Why the seed can't go on: a violation in itself.
    pub given_up: Option<String>,
    life: u32,
    /// The card of the last message, for the planted bug that writes it down.
    pub card: Option<String>,
}

/// One seed's world.
pub struct World {
    pub seed: u64,
    pub swarm: Swarm,
    pub planted: Option<Planted>,
    pub clock: Arc<SimClock>,
    /// Rung when a life shall end.
    pub dying: Notify,
    /// Rung when the seed can't go on.
    pub hopeless: Notify,
    notes: Mutex<Notes>,
}

impl World {
    /// The world of a seed.
    pub fn new(seed: u64, swarm: Swarm, planted: Option<Planted>) -> Arc<Self> {
        let notes = Notes {
            phase: Phase::Setup,
            dice: Dice::new(seed, 2),
            trace: DefaultHasher::new(),
            pairs: BTreeSet::new(),
            faults: 0,
            crashes_between: 0,
            sent: Vec::new(),
            memories: Vec::new(),
            shown: BTreeMap::new(),
            lives: Vec::new(),
            jumps_ms: Vec::new(),
            recorded: BTreeMap::new(),
            intents: HashSet::new(),
            progress: HashMap::new(),
            flying: HashSet::new(),
            death: None,
            given_up: None,
            life: 0,
            card: None,
        };
        let clock = Arc::new(SimClock::new());
        Arc::new(Self {
            seed,
            swarm,
            planted,
            clock,
            dying: Notify::new(),
            hopeless: Notify::new(),
            notes: Mutex::new(notes),
        })
    }

    /// The notes, for a moment in which nothing is awaited.
    pub fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().expect("nothing panics while it holds this lock")
    }

    /// Virtual milliseconds since the seed began.
    pub fn now_ms(&self) -> u64 {
        self.clock.elapsed_ms()
    }

    /// Whether this bug is planted.
    pub fn has(&self, planted: Planted) -> bool {
        self.planted == Some(planted)
    }

    /// Draws from the world's dice.
    pub fn draw<T>(&self, with: impl FnOnce(&mut Dice) -> T) -> T {
        with(&mut self.notes().dice)
    }

    /// Writes something into the trace that makes the hash.
    pub fn trace(&self, what: impl Hash) {
        let now = self.now_ms();
        let mut notes = self.notes();
        now.hash(&mut notes.trace);
        what.hash(&mut notes.trace);
    }

    /// The hash of everything that happened so far.
    pub fn trace_hash(&self) -> u64 {
        self.notes().trace.finish()
    }

    /// At most one of `faults` strikes at this step, as drawn; it is counted.
    pub fn strike(&self, faults: &[Fault], stage: Stage, deed: Deed) -> Option<Fault> {
        let mut notes = self.notes();
        if notes.phase != Phase::Hurt {
            return None;
        }
        let mut lot = notes.dice.below(1000);
        for fault in faults {
            let rate = self.swarm.rate(*fault);
            if lot < rate && is_reachable((*fault, stage, deed)) {
                notes.count((*fault, stage, deed));
                return Some(*fault);
            }
            lot = lot.saturating_sub(rate);
        }
        None
    }

    /// Counts a fault that was injected.
    pub fn count(&self, pair: Pair) {
        self.notes().count(pair);
    }

    /// Ends this life of the process as soon as its supervisor runs; the caller must not go on.
    pub async fn die(&self, death: Death) -> std::convert::Infallible {
        {
            let mut notes = self.notes();
            if notes.death.is_none() {
                notes.death = Some(death);
                if !notes.flying.is_empty() {
                    notes.crashes_between += 1;
                }
            }
        }
        self.dying.notify_one();
        std::future::pending().await
    }

    /// How this life is to end, if it is.
    pub fn death(&self) -> Option<Death> {
        self.notes().death
    }

    /// Nothing can go on, for this reason.
    pub fn give_up(&self, why: String) {
        self.notes().given_up.get_or_insert(why);
        self.hopeless.notify_one();
    }

    /// A life begins.
    pub fn born(&self) -> u32 {
        let mut notes = self.notes();
        notes.life += 1;
        notes.death = None;
        let number = notes.life;
        notes.lives.push(Life { number, until_ms: u64::MAX });
        number
    }

    /// The life has ended.
    pub fn died(&self) {
        let now = self.now_ms();
        let mut notes = self.notes();
        notes.death = None;
        notes.flying.clear();
        notes.progress.clear();
        if let Some(life) = notes.lives.last_mut() {
            life.until_ms = life.until_ms.min(now);
        }
    }

    /// Now and then a reader is held up, and what was read is no longer so.
    pub async fn dawdle(&self) {
        if let Some(pause_ms) = self.draw(|dice| dice.per_mille(30).then(|| dice.between(0, 4))) {
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
    }

    /// What can strike between two steps; whether it was the end.
    pub async fn between(&self, stage: Stage, deed: Deed) {
        match self.strike(&Fault::BETWEEN, stage, deed) {
            Some(Fault::Killed) => drop(self.die(Death::Killed).await),
            Some(Fault::PowerLost) => drop(self.die(Death::PowerLost).await),
            Some(fault) => self.set_clock(fault),
            None => {}
        }
    }

    /// Sets the wall clock ahead or back.
    pub fn set_clock(&self, fault: Fault) {
        let by = self.draw(|dice| dice.pick(&[2_000, 30_000, 600_000, 3_600_000])) as i64;
        let by = match fault {
            Fault::ClockBack => -by,
            Fault::WeekAhead => 8 * 24 * 3_600_000,
            _ahead => by,
        };
        self.clock.jump(by);
        let now = self.now_ms();
        self.notes().jumps_ms.push(now);
        self.trace(("clock", by));
    }

    /// A key's operation has come to a step.
    pub fn progress(&self, key: &str, stage: Stage, deed: Option<Deed>) {
        let mut notes = self.notes();
        match notes.progress.get_mut(key) {
            Some(at) => *at = (stage, deed.unwrap_or(at.1)),
            None => {
                notes.progress.insert(key.to_owned(), (stage, deed.unwrap_or(Deed::Plain)));
            }
        }
    }

    /// Where a key's operation stands.
    pub fn stands(&self, key: &str) -> Option<(Stage, Deed)> {
        self.notes().progress.get(key).copied()
    }

    /// A message is handed to an adapter; its place in the list.
    pub fn sending(&self, sent: Sent) -> usize {
        let mut notes = self.notes();
        if sent.op != super::facts::Op::Inquire {
            notes.flying.insert(sent.reference);
        }
        notes.sent.push(sent);
        notes.sent.len() - 1
    }

    /// The adapter has answered.
    pub fn answered(&self, place: usize, ended: Ended) {
        let now = self.now_ms();
        self.notes().sent[place].ended = Some((now, ended));
    }

    /// An answer to a message has come to its sender's door, whether or not anybody waits.
    pub fn arrived(&self, place: usize) {
        let now = self.now_ms();
        self.notes().sent[place].arrived_ms = Some(now);
    }

    /// The life that runs now.
    pub fn life(&self) -> u32 {
        self.notes().life
    }
}

impl Notes {
    fn count(&mut self, pair: Pair) {
        self.faults += 1;
        if is_reachable(pair) {
            self.pairs.insert(pair);
        }
    }

    /// An outcome of a message is durable.
    pub fn landed(&mut self, reference: u64, at_ms: u64) {
        self.flying.remove(&reference);
        self.recorded.entry(reference).or_default().push(at_ms);
    }
}
