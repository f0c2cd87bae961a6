//! The streaming extractor: one writer applies durable records in journal order, any number of readers extract.
//!
//! Readers never see half a record: the state has one lock, which readers share and the writer holds for a record. What a reader got
//! is therefore exactly the state after `features_as_of` records. One lock, and not one for each entity: a reader's six look-ups are
//! six chains of waits for memory, and every lock between them would make one chain wait for the one before.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use super::catalog::FeatureVector;
use super::extract::{Asked, counterpart, fill};
use super::state::{EntityState, Matured};
use super::table::{Queue, Table};
use super::window::DAY_S;
use crate::event::{Entity, Event, Label, Outcome, Record};

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

/// What readers see.
pub(super) struct State {
    pub(super) tables: [Table; 6],
    /// Records applied.
    pub(super) position: u64,
    /// Overall rate of fraud among matured payments.
    pub(super) prior: f32,
}

/// Streaming features of all entities.
pub struct Extractor {
    pub(super) settings: Settings,
    /// Written only by who holds the writer.
    pub(super) state: RwLock<State>,
    /// Held longer than the state, by a snapshot: so that no writer waits for the state meanwhile, and readers behind it.
    pub(super) writer: Mutex<Writer>,
}

impl Extractor {
    /// An extractor that has seen nothing.
    pub fn new(settings: Settings) -> Self {
        Extractor {
            settings,
            state: RwLock::new(State {
                tables: std::array::from_fn(|_| Table::new()),
                position: 0,
                prior: 0.0,
            }),
            writer: Mutex::new(Writer::default()),
        }
    }

    /// The bounds that it was made with.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Records applied so far: the `features_as_of` of what is extracted now.
    pub fn position(&self) -> u64 {
        self.state().position
    }

    /// Entities remembered of one kind.
    pub fn remembered(&self, entity: Entity) -> usize {
        self.state().tables[entity.index()].len()
    }

    /// Applies one durable record. Call it in journal order: the state, and with it every later feature, is a
    /// function of the sequence of records alone.
    pub fn observe(&self, record: &Record) {
        let mut writer = self.lock();
        if let Record::Authorization(event) = record {
            // Brings them near while readers still read: they are kept out for less time then.
            self.state().of(event);
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.position += 1;
        let mut turn = Turn { settings: self.settings, writer: &mut writer, state: &mut state };
        match record {
            Record::Authorization(event) => turn.authorization(event),
            Record::Outcome { event, outcome, time_s } => {
                turn.advance(seconds(*time_s));
                let now_s = turn.writer.now_s;
                match outcome {
                    Outcome::Approved => turn.state.approved(event, now_s),
                    Outcome::Declined | Outcome::Blocked => turn.state.declined(event, now_s),
                }
            }
            Record::Label { event, verdict, known_at_s } => {
                turn.label(&pending(event), *verdict, seconds(*known_at_s));
            }
        }
    }

    /// Seconds since the event's card was first approved; `None` if that never happened, or is forgotten. No feature: it tells cards
    /// with a history from numbers that were merely tried before.
    pub fn approved_for_s(&self, event: &Event) -> Option<u32> {
        let state = self.state();
        let approved_s = state.tables[Entity::Card.index()].read(event.key(Entity::Card)?)?.approved_s;
        (approved_s > 0).then(|| seconds(event.time_s).saturating_sub(approved_s))
    }

    /// Features of `event` from everything observed so far, into `out`. Gives the number of records that they
    /// rest on.
    pub fn extract(&self, event: &Event, out: &mut FeatureVector) -> u64 {
        let state = self.state();
        let states = state.of(event);
        let asked =
            Asked { event, now_s: seconds(event.time_s), amount: event.amount() as f32, prior: state.prior };
        fill(&asked, &states, out);
        state.position
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One record's change, with everything locked that it may touch.
struct Turn<'a> {
    settings: Settings,
    writer: &'a mut Writer,
    state: &'a mut State,
}

impl Turn<'_> {
    fn authorization(&mut self, event: &Event) {
        self.advance(seconds(event.time_s));
        let (now_s, amount) = (seconds(event.time_s), event.amount() as f32);
        for entity in Entity::ALL {
            let Some(key) = event.key(entity) else { continue };
            let other = counterpart(event, entity);
            let places = (&mut self.writer.queues[entity.index()], self.settings.entities);
            self.state.tables[entity.index()].upsert(key, places, |state| {
                state.velocity.add(now_s, amount, other);
                state.amounts.add(now_s, amount);
            });
        }
        if self.writer.pending.len() >= self.settings.pending
            && let Some(dropped) = self.writer.pending.pop_front()
        {
            self.writer.frauds.remove(&dropped.id);
        }
        self.writer.pending.push_back(pending(event));
    }

    /// Moves the clock, and lets everything mature whose time has come.
    fn advance(&mut self, now_s: u32) {
        self.writer.now_s = self.writer.now_s.max(now_s);
        loop {
            let ripe = self
                .writer
                .pending
                .front()
                .map(|first| first.paid_s.saturating_add(self.settings.label_delay_s));
            let late = self.writer.late.first_key_value().map(|(known, _)| known.0);
            match (ripe, late) {
                (Some(ripe_s), late)
                    if ripe_s <= self.writer.now_s && late.is_none_or(|late_s| ripe_s <= late_s) =>
                {
                    self.mature(ripe_s);
                }
                (_, Some(late_s)) if late_s <= self.writer.now_s => {
                    if let Some((_, label)) = self.writer.late.pop_first() {
                        self.correct(&label, late_s);
                    }
                }
                (_, _) => break,
            }
        }
        let rate = self.writer.matured_frauds as f64 / (self.writer.matured.max(1)) as f64;
        self.state.prior = rate as f32;
    }

    fn mature(&mut self, ripe_s: u32) {
        let Some(payment) = self.writer.pending.pop_front() else { return };
        let known_s = self.writer.frauds.remove(&payment.id);
        let fraud = known_s.is_some_and(|known_s| known_s <= ripe_s);
        self.writer.matured += 1;
        self.writer.matured_frauds += u64::from(fraud);
        self.state.each_labelled(&payment, ripe_s, |state, matured| match fraud {
            true => state.risk.fraud(matured),
            false => state.risk.genuine(matured),
        });
        if let (false, Some(known_s)) = (fraud, known_s) {
            let late = Late { payment, verdict: Label::Fraud };
            self.writer.late.insert((known_s, payment.id), late);
        }
    }

    fn label(&mut self, payment: &Pending, verdict: Label, known_s: u32) {
        let ripe_s = payment.paid_s.saturating_add(self.settings.label_delay_s);
        let oldest_s = self.writer.pending.front().map_or(u32::MAX, |first| first.paid_s);
        let matured = ripe_s <= self.writer.now_s || payment.paid_s < oldest_s;
        match (matured, verdict) {
            (false, Label::Fraud) => {
                let known = self.writer.frauds.entry(payment.id).or_insert(known_s);
                *known = (*known).min(known_s);
                // A label whose payment is not among the pending would stay for ever.
                if self.writer.frauds.len() > self.settings.pending {
                    self.writer.frauds.pop_first();
                }
            }
            (false, Label::Genuine) => {
                self.writer.frauds.remove(&payment.id);
            }
            (true, verdict) if known_s > self.writer.now_s => {
                self.writer.late.insert((known_s, payment.id), Late { payment: *payment, verdict });
                if self.writer.late.len() > self.settings.pending {
                    self.writer.late.pop_last();
                }
            }
            (true, verdict) => self.correct(&Late { payment: *payment, verdict }, self.writer.now_s),
        }
    }

    fn correct(&mut self, label: &Late, known_s: u32) {
        match label.verdict {
            Label::Fraud => self.writer.matured_frauds += 1,
            Label::Genuine => self.writer.matured_frauds = self.writer.matured_frauds.saturating_sub(1),
        }
        self.state.each_labelled(&label.payment, known_s, |state, matured| match label.verdict {
            Label::Fraud => state.risk.fraud_after_all(matured),
            Label::Genuine => state.risk.genuine_after_all(matured),
        });
    }
}

impl State {
    /// The states of an event's entities, in the order of [`Entity::ALL`]. Each is looked up and touched before any is used, so that
    /// memory is waited for once, and not once for each.
    fn of(&self, event: &Event) -> [Option<&EntityState>; 6] {
        let states: [Option<&EntityState>; 6] =
            std::array::from_fn(|kind| event.keys[kind].and_then(|key| self.tables[kind].read(key)));
        states.iter().flatten().for_each(|state| state.touch());
        states
    }

    fn approved(&mut self, event: &Event, now_s: u32) {
        let Some(card) = event.key(Entity::Card) else { return };
        if let Some(state) = self.tables[Entity::Card.index()].write(card)
            && state.approved_s == 0
        {
            state.approved_s = now_s;
        }
    }

    fn declined(&mut self, event: &Event, now_s: u32) {
        for entity in Entity::ALL {
            let known = event.key(entity).and_then(|key| self.tables[entity.index()].write(key));
            if let Some(state) = known {
                state.velocity.decline(now_s);
            }
        }
    }

    /// Changes the card and the merchant of a payment, with what the card's amounts explain of a fraud.
    fn each_labelled(&mut self, payment: &Pending, known_s: u32, change: impl Fn(&mut EntityState, Matured)) {
        let explained = payment
            .card
            .and_then(|card| self.tables[Entity::Card.index()].read(card))
            .filter(|state| state.amounts.settled())
            .map_or(0.0, |state| logistic(state.amounts.z(payment.amount) - EXPLAINED_Z));
        let matured = Matured { paid_s: payment.paid_s, known_s, plainness: 1.0 - explained };
        for (entity, key) in [(Entity::Card, payment.card), (Entity::Merchant, payment.merchant)] {
            if let Some(state) = key.and_then(|key| self.tables[entity.index()].write(key)) {
                change(state, matured);
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
