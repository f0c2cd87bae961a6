//! Card testing: windows over card, card range, address and merchant, that refuse at once what looks like guessing of card numbers.
//!
//! A window watches how often cards that nobody knows are declined. When nearly all are, it *trips*: unknown cards are refused there
//! before anybody is asked, known ones go on. After a pause it lets a few through as a probe; if those are declined too, it trips
//! again for twice as long. Attempts count when they are admitted, not when they are stored, so that a burst can't outrun it.
//!
//! Memory is bounded: a fixed number of windows of each kind, the least recently used one of a small set making room.

mod window;

use std::sync::{Mutex, PoisonError, RwLock};

use window::{State, Window};

/// The kinds of window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// One card.
    Card,
    /// One network address.
    Address,
    /// The cards that begin with the same six or eight digits.
    Range,
    /// One merchant.
    Merchant,
}

impl Watched {
    const ALL: [Watched; 4] = [Watched::Card, Watched::Address, Watched::Range, Watched::Merchant];

    /// Stable code for records.
    pub const fn code(self) -> &'static str {
        match self {
            Watched::Card => "card_testing:card",
            Watched::Address => "card_testing:address",
            Watched::Range => "card_testing:bin",
            Watched::Merchant => "card_testing:merchant",
        }
    }
}

/// When a window of one kind trips.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Outcomes of unknown cards that must be seen first; older ones fade with a half-life of ten minutes.
    pub outcomes: f32,
    /// Share of declines among them from which on it trips.
    pub declines: f32,
    /// Unknown cards whose outcome is awaited at a time: more are refused until outcomes come in.
    pub awaited: f32,
}

impl Limit {
    /// Trips at `outcomes` fresh ones of which `declines_percent` are declines; above 100 it never does.
    pub fn new(outcomes: u16, declines_percent: u8, awaited: u16) -> Self {
        Limit {
            // They fade a little before the last one is in.
            outcomes: f32::from(outcomes) - 0.5,
            declines: f32::from(declines_percent) / 100.0,
            awaited: f32::from(awaited),
        }
    }
}

/// The limits and sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Of one card.
    pub card: Limit,
    /// Of one address.
    pub address: Limit,
    /// Of one card range.
    pub range: Limit,
    /// Of one merchant.
    pub merchant: Limit,
    /// How long a window that tripped refuses before it tries again, milliseconds; doubled each time that this fails.
    pub pause_ms: i64,
    /// Windows of each kind; one costs 48 bytes.
    pub windows: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            card: Limit::new(6, 90, 8),
            address: Limit::new(10, 80, 64),
            range: Limit::new(20, 80, 256),
            merchant: Limit::new(200, 85, 4096),
            pause_ms: 600_000,
            windows: 65_536,
        }
    }
}

/// An attempt to pay, as the guard sees it. Keys are hashes.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// The card.
    pub card: u64,
    /// Its first digits.
    pub range: u32,
    /// Where it is used.
    pub merchant: u64,
    /// Where the payer is, if that is known.
    pub address: Option<u64>,
    /// Whether the card has a good history of its own: it is refused only by its own window.
    pub known: bool,
    /// Milliseconds of any clock that does not run backwards.
    pub now_ms: i64,
}

impl Attempt {
    fn keys(&self) -> [Option<u64>; 4] {
        let unknown = |key: u64| (!self.known).then_some(key);
        [
            Some(self.card),
            self.address.and_then(unknown),
            unknown(u64::from(self.range)),
            unknown(self.merchant),
        ]
    }
}

/// An attempt that was let through, to be closed with its outcome by [`Guard::told`].
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
    keys: [Option<u64>; 4],
}

/// Windows that share a lock. A set is eight of them.
const WAYS: usize = 8;
const SHARDS: usize = 16;

struct Table {
    shards: Vec<Mutex<Vec<Window>>>,
    /// Sets of a shard.
    sets: usize,
}

/// The windows.
pub struct Guard {
    tables: [Table; 4],
    rules: RwLock<Rules>,
}

/// What can change while windows are watched.
#[derive(Clone, Copy)]
struct Rules {
    limits: [Limit; 4],
    pause_ms: i64,
}

impl Rules {
    const fn of(settings: &Settings) -> Self {
        let limits = [settings.card, settings.address, settings.range, settings.merchant];
        Rules { limits, pause_ms: settings.pause_ms }
    }
}

impl Guard {
    /// Windows that have seen nothing.
    pub fn new(settings: Settings) -> Self {
        let tables = std::array::from_fn(|_kind| Table::new(settings.windows));
        Guard { tables, rules: RwLock::new(Rules::of(&settings)) }
    }

    /// Judges by other limits from now on. Windows stay, and keep what they have seen; their number does not change.
    pub fn limit(&self, settings: &Settings) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Rules::of(settings);
    }

    fn rules(&self) -> Rules {
        *self.rules.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges an attempt and, if it is let through, counts it.
    ///
    /// # Errors
    /// The window that refuses it; nothing is counted then.
    pub fn admit(&self, attempt: &Attempt) -> Result<Ticket, Watched> {
        let (keys, rules) = (attempt.keys(), self.rules());
        for (kind, watched) in Watched::ALL.into_iter().enumerate() {
            let refuses = keys[kind].is_some_and(|key| {
                self.tables[kind].with(key, |window| {
                    window.state(attempt.now_ms, &rules.limits[kind], rules.pause_ms) == State::Refuses
                })
            });
            if refuses {
                return Err(watched);
            }
        }
        for (table, key) in self.tables.iter().zip(keys) {
            if let Some(key) = key {
                table.with(key, |window| window.admit(attempt.now_ms));
            }
        }
        Ok(Ticket { keys })
    }

    /// The outcome of an attempt that was let through.
    pub fn told(&self, ticket: Ticket, approved: Outcome, now_ms: i64) {
        let rules = self.rules();
        for (kind, key) in ticket.keys.into_iter().enumerate() {
            if let Some(key) = key {
                let (clock, limit) = ((now_ms, rules.pause_ms), &rules.limits[kind]);
                self.tables[kind].with(key, |window| window.told(approved, clock, limit));
            }
        }
    }

    /// Windows that refuse now, of each kind: card, address, range, merchant.
    pub fn tripped(&self) -> [usize; 4] {
        std::array::from_fn(|kind| {
            let shards = self.tables[kind].shards.iter();
            shards.map(|shard| lock(shard).iter().filter(|window| window.is_tripped()).count()).sum()
        })
    }
}

/// What an issuer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Yes.
    Approved,
    /// No.
    Declined,
    /// Nothing is known: it counts as neither.
    Unknown,
}

fn lock(shard: &Mutex<Vec<Window>>) -> std::sync::MutexGuard<'_, Vec<Window>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    fn new(windows: usize) -> Self {
        let sets = (windows / (SHARDS * WAYS)).max(1);
        let shard = || Mutex::new(vec![Window::default(); sets * WAYS]);
        Table { shards: (0..SHARDS).map(|_| shard()).collect(), sets }
    }

    /// The window of a key; a new one if it has none, in the place of the one that was used longest ago.
    fn with<T>(&self, key: u64, change: impl FnOnce(&mut Window) -> T) -> T {
        let hash = crate::event::mix(key);
        let mut shard = lock(&self.shards[hash as usize % SHARDS]);
        let start = (hash >> 8) as usize % self.sets * WAYS;
        let set = &mut shard[start..start + WAYS];
        let at = set.iter().position(|window| window.is_of(key)).unwrap_or_else(|| {
            let oldest = set.iter().enumerate().min_by_key(|(_, window)| window.worth());
            let at = oldest.map_or(0, |(at, _)| at);
            set[at] = Window::of(key);
            at
        });
        change(&mut set[at])
    }
}
