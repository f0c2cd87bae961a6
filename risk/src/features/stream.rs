//! The streaming extractor: one writer applies durable records in journal order, any number of readers extract.
//!
//! Readers never see half a record: a version counter is odd while the writer works, and a reader that met a
//! change starts again. What a reader got is therefore exactly the state after `features_as_of` records.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::catalog::FeatureVector;
use super::extract::{Asked, counterpart, fill};
use super::state::{EntityState, Matured};
use super::table::{Queue, Table};
use super::window::DAY_S;
use crate::event::{Entity, Event, Label, Outcome, Record};

/// Attempts of a reader before it waits for the writer.
const OPTIMISTIC_READS: usize = 16;
/// Spreads above the mean at which odd amounts explain half of a fraud.
const EXPLAINED_Z: f32 = 3.0;

/// Bounds of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Entities of each kind that are remembered; one costs at most 256 bytes.
    pub entities: usize,
    /// Payments that wait for their label delay; one costs 48 bytes. When full, the oldest is dropped and
    /// counts neither as fraud nor as genuine.
    pub pending: usize,
    /// A payment counts as genuine or as fraud this long after it happened, seconds, and not before.
    pub label_delay_s: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { entities: 1_000_000, pending: 1_000_000, label_delay_s: 7 * DAY_S }
    }
}

/// A payment that waits for its label delay to pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pending {
    pub(super) id: u64,
    pub(super) paid_s: u32,
    pub(super) amount: f32,
    pub(super) card: Option<u64>,
    pub(super) merchant: Option<u64>,
}

/// A label that becomes known after its payment has matured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Late {
    pub(super) payment: Pending,
    pub(super) verdict: Label,
}

/// What only the writer sees.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) now_s: u32,
    pub(super) queues: [Queue; 6],
    pub(super) pending: VecDeque<Pending>,
    /// Frauds among the pending, with the moment that they are known.
    pub(super) frauds: BTreeMap<u64, u32>,
    /// Labels for the future, by the moment that they are known and their order of arrival.
    pub(super) late: BTreeMap<(u32, u64), Late>,
    pub(super) matured: u64,
    pub(super) matured_frauds: u64,
}

/// Streaming features of all entities.
pub struct Extractor {
    pub(super) settings: Settings,
    pub(super) tables: [Table; 6],
    /// Twice the number of records applied; odd while one is being applied.
    pub(super) version: AtomicU64,
    /// Overall rate of fraud among matured payments, the bits of an `f32`.
    pub(super) prior: AtomicU32,
    pub(super) writer: Mutex<Writer>,
}

impl Extractor {
    /// An extractor that has seen nothing.
    pub fn new(settings: Settings) -> Self {
        Extractor {
            settings,
            tables: std::array::from_fn(|_| Table::new()),
            version: AtomicU64::new(0),
            prior: AtomicU32::new(0),
            writer: Mutex::new(Writer::default()),
        }
    }

    /// The bounds that it was made with.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Records applied so far: the `features_as_of` of what is extracted now.
    pub fn position(&self) -> u64 {
        self.version.load(Ordering::Acquire) / 2
    }

    /// Entities remembered of one kind.
    pub fn remembered(&self, entity: Entity) -> usize {
        self.tables[entity.index()].len()
    }

    /// Applies one durable record. Call it in journal order: the state, and with it every later feature, is a
    /// function of the sequence of records alone.
    pub fn observe(&self, record: &Record) {
        let mut writer = self.lock();
        // The fence keeps the changes below from becoming visible before the odd version.
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        match record {
            Record::Authorization(event) => self.authorization(&mut writer, event),
            Record::Outcome { event, outcome, time_s } => {
                self.advance(&mut writer, seconds(*time_s));
                match outcome {
                    Outcome::Approved => self.approved(event, writer.now_s),
                    Outcome::Declined | Outcome::Blocked => self.declined(event, writer.now_s),
                }
            }
            Record::Label { event, verdict, known_at_s } => {
                self.label(&mut writer, &pending(event), (*verdict, seconds(*known_at_s)));
            }
        }
        self.version.store(version + 2, Ordering::Release);
    }

    /// Seconds since the event's card was first approved; `None` if that never happened, or is forgotten. No feature: it tells cards
    /// with a history from numbers that were merely tried before.
    pub fn approved_for_s(&self, event: &Event) -> Option<u32> {
        let state = self.tables[Entity::Card.index()].read(event.key(Entity::Card)?)?;
        (state.approved_s > 0).then(|| seconds(event.time_s).saturating_sub(state.approved_s))
    }

    /// Features of `event` from everything observed so far, into `out`. Gives the number of records that they
    /// rest on.
    pub fn extract(&self, event: &Event, out: &mut FeatureVector) -> u64 {
        for _ in 0..OPTIMISTIC_READS {
            let before = self.version.load(Ordering::Acquire);
            if before.is_multiple_of(2) {
                self.read(event, out);
                fence(Ordering::Acquire);
                if self.version.load(Ordering::Relaxed) == before {
                    return before / 2;
                }
            }
            std::hint::spin_loop();
        }
        let _writer = self.lock();
        self.read(event, out);
        self.version.load(Ordering::Relaxed) / 2
    }

    fn read(&self, event: &Event, out: &mut FeatureVector) {
        let states: [Option<EntityState>; 6] =
            std::array::from_fn(|kind| event.keys[kind].and_then(|key| self.tables[kind].read(key)));
        let asked = Asked {
            event,
            now_s: seconds(event.time_s),
            amount: event.amount() as f32,
            prior: f32::from_bits(self.prior.load(Ordering::Relaxed)),
        };
        fill(&asked, &states, out);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn authorization(&self, writer: &mut Writer, event: &Event) {
        self.advance(writer, seconds(event.time_s));
        let (now_s, amount) = (seconds(event.time_s), event.amount() as f32);
        for entity in Entity::ALL {
            let Some(key) = event.key(entity) else { continue };
            let other = counterpart(event, entity);
            let places = (&mut writer.queues[entity.index()], self.settings.entities);
            self.tables[entity.index()].upsert(key, places, |state| {
                state.velocity.add(now_s, amount, other);
                state.amounts.add(now_s, amount);
            });
        }
        if writer.pending.len() >= self.settings.pending
            && let Some(dropped) = writer.pending.pop_front()
        {
            writer.frauds.remove(&dropped.id);
        }
        writer.pending.push_back(pending(event));
    }

    fn approved(&self, event: &Event, now_s: u32) {
        let Some(card) = event.key(Entity::Card) else { return };
        self.tables[Entity::Card.index()].update(card, |state| {
            if state.approved_s == 0 {
                state.approved_s = now_s;
            }
        });
    }

    fn declined(&self, event: &Event, now_s: u32) {
        for entity in Entity::ALL {
            if let Some(key) = event.key(entity) {
                self.tables[entity.index()].update(key, |state| state.velocity.decline(now_s));
            }
        }
    }

    /// Moves the clock, and lets everything mature whose time has come.
    fn advance(&self, writer: &mut Writer, now_s: u32) {
        writer.now_s = writer.now_s.max(now_s);
        loop {
            let ripe =
                writer.pending.front().map(|first| first.paid_s.saturating_add(self.settings.label_delay_s));
            let late = writer.late.first_key_value().map(|(known, _)| known.0);
            match (ripe, late) {
                (Some(ripe_s), late)
                    if ripe_s <= writer.now_s && late.is_none_or(|late_s| ripe_s <= late_s) =>
                {
                    self.mature(writer, ripe_s);
                }
                (_, Some(late_s)) if late_s <= writer.now_s => {
                    if let Some((_, label)) = writer.late.pop_first() {
                        self.correct(writer, &label, late_s);
                    }
                }
                (_, _) => break,
            }
        }
        let rate = writer.matured_frauds as f64 / (writer.matured.max(1)) as f64;
        self.prior.store((rate as f32).to_bits(), Ordering::Relaxed);
    }

    fn mature(&self, writer: &mut Writer, ripe_s: u32) {
        let Some(payment) = writer.pending.pop_front() else { return };
        let known_s = writer.frauds.remove(&payment.id);
        let fraud = known_s.is_some_and(|known_s| known_s <= ripe_s);
        writer.matured += 1;
        writer.matured_frauds += u64::from(fraud);
        self.each_labelled(&payment, ripe_s, |state, matured| match fraud {
            true => state.risk.fraud(matured),
            false => state.risk.genuine(matured),
        });
        if let (false, Some(known_s)) = (fraud, known_s) {
            let late = Late { payment, verdict: Label::Fraud };
            writer.late.insert((known_s, payment.id), late);
        }
    }

    fn label(&self, writer: &mut Writer, payment: &Pending, (verdict, known_s): (Label, u32)) {
        let ripe_s = payment.paid_s.saturating_add(self.settings.label_delay_s);
        let oldest_s = writer.pending.front().map_or(u32::MAX, |first| first.paid_s);
        let matured = ripe_s <= writer.now_s || payment.paid_s < oldest_s;
        match (matured, verdict) {
            (false, Label::Fraud) => {
                let known = writer.frauds.entry(payment.id).or_insert(known_s);
                *known = (*known).min(known_s);
                // A label whose payment is not among the pending would stay for ever.
                if writer.frauds.len() > self.settings.pending {
                    writer.frauds.pop_first();
                }
            }
            (false, Label::Genuine) => {
                writer.frauds.remove(&payment.id);
            }
            (true, verdict) if known_s > writer.now_s => {
                writer.late.insert((known_s, payment.id), Late { payment: *payment, verdict });
                if writer.late.len() > self.settings.pending {
                    writer.late.pop_last();
                }
            }
            (true, verdict) => self.correct(writer, &Late { payment: *payment, verdict }, writer.now_s),
        }
    }

    fn correct(&self, writer: &mut Writer, label: &Late, known_s: u32) {
        match label.verdict {
            Label::Fraud => writer.matured_frauds += 1,
            Label::Genuine => writer.matured_frauds = writer.matured_frauds.saturating_sub(1),
        }
        self.each_labelled(&label.payment, known_s, |state, matured| match label.verdict {
            Label::Fraud => state.risk.fraud_after_all(matured),
            Label::Genuine => state.risk.genuine_after_all(matured),
        });
    }

    /// Changes the card and the merchant of a payment, with what the card's amounts explain of a fraud.
    fn each_labelled(&self, payment: &Pending, known_s: u32, change: impl Fn(&mut EntityState, Matured)) {
        let explained = payment
            .card
            .and_then(|card| self.tables[Entity::Card.index()].read(card))
            .filter(|state| state.amounts.settled())
            .map_or(0.0, |state| logistic(state.amounts.z(payment.amount) - EXPLAINED_Z));
        let matured = Matured { paid_s: payment.paid_s, known_s, plainness: 1.0 - explained };
        for (entity, key) in [(Entity::Card, payment.card), (Entity::Merchant, payment.merchant)] {
            if let Some(key) = key {
                self.tables[entity.index()].update(key, |state| change(state, matured));
            }
        }
    }
}

fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Unix seconds as the states keep them; times outside 1970 to 2106 are clamped.
pub(super) fn seconds(time_s: i64) -> u32 {
    u32::try_from(time_s.max(0)).unwrap_or(u32::MAX)
}

fn pending(event: &Event) -> Pending {
    Pending {
        id: event.id,
        paid_s: seconds(event.time_s),
        amount: event.amount() as f32,
        card: event.key(Entity::Card),
        merchant: event.key(Entity::Merchant),
    }
}
