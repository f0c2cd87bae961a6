//! The scorer in the gateway: payments become features, features become a verdict, durable records become its memory.
//!
//! Architecture invariant: what is scored and what is remembered of a payment are made by one function,
//! [`events::event`], from what is stored of the attempt alone. So a replay of the journal gives the features that were served.

pub mod decision;
pub mod events;
pub mod export;
pub mod facts;
pub mod labels;
pub mod lists;
pub mod models;
pub mod rules;
pub mod verdict;

use arc_swap::ArcSwap;
use facts::{Circumstances, Facts};
use gateway_acquirers::test_cards::{Behaviour, TEST_CARDS};
use gateway_core::journal::{Batch, Observer, PaymentRow, Row};
use gateway_core::payment::{Instrument, Payment, RiskLevel, RiskOutcome, RiskVerdict};
use gateway_core::risk::{Decision, OriginKeys};
use gateway_core::tenant::{Mode, Tenant};
use gateway_core::time::Timestamp;
use lists::Lists;
use metrics::Counter;
use models::Models;
use risk::features::Settings;
use risk::guard::{self, Guard, Ticket};
use risk::model::Model;
use risk::scorer::Scorer;
use risk::verdict::Thresholds;
use rules::Rules;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use verdict::Verdict;

/// Numbers of this range are never blocked by the model or a window in development: the README's first payments.
const SHOWCASE_BIN: u32 = 424_242;
/// A card that was first approved this long ago is known.
const KNOWN_AFTER_S: u32 = 86_400;

/// How verdicts are made.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    pub thresholds: Thresholds,
    /// Development: never block the showcase range by the model or a window.
    pub spare_showcase: bool,
}

/// What can change while serving, as a whole.
struct Conduct {
    policy: Policy,
    rules: Rules,
}

/// The scorer, its models, its rules, and its memory.
pub struct Scoring {
    scorer: ArcSwap<Scorer>,
    pub models: Models,
    conduct: ArcSwap<Conduct>,
    pub lists: Lists,
    guard: Guard,
    /// What published test cards do, by their fingerprints under this store's key.
    published: HashMap<[u8; 16], Behaviour>,
    verdicts: OnceLock<Verdicts>,
}

/// A payment that is to be judged, wherever it is processed.
pub struct Case<'a> {
    pub tenant: Tenant,
    pub instrument: &'a Instrument,
    pub event: risk::event::Event,
    pub facts: Facts<'a>,
    pub now: Timestamp,
}

/// Whether the windows against card testing count a case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Windows {
    Count,
    LeaveAlone,
}

/// What is said of a payment.
pub struct Assessment {
    /// The moment that it judges: the attempt's own, too, since its features depend on it.
    pub at: Timestamp,
    pub risk: RiskOutcome,
    pub decision: Option<Box<Decision>>,
    /// To be told the issuer's word; none if no window counts this card.
    pub ticket: Option<Ticket>,
}

impl Scoring {
    /// A scorer with an empty memory.
    ///
    /// # Errors
    /// The model can't be served; the message says why.
    pub fn new(model: Model, policy: Policy, vault: &crypto::vault::Vault) -> Result<Self, String> {
        let published = TEST_CARDS
            .iter()
            .filter_map(|card| Some((crypto::card::CardNumber::parse(card.number).ok()?, card.behaviour)))
            .map(|(number, behaviour)| (vault.fingerprint(&number), behaviour))
            .collect();
        Ok(Self {
            scorer: ArcSwap::from_pointee(Scorer::new(Settings::default())),
            models: Models::new(model)?,
            conduct: ArcSwap::from_pointee(Conduct { policy, rules: Rules::default() }),
            lists: Lists::default(),
            guard: Guard::new(guard::Settings::default()),
            published,
            verdicts: OnceLock::new(),
        })
    }

    /// Judges by other thresholds and rules from now on.
    pub fn conduct(&self, policy: Policy, rules: Rules) {
        self.conduct.store(Arc::new(Conduct { policy, rules }));
    }

    /// Watches for card testing by these limits from now on; what the windows have seen stays.
    pub fn watch(&self, limits: &guard::Settings) {
        self.guard.limit(limits);
    }

    /// Puts another model in place, as a whole: no decision rests on two.
    ///
    /// # Errors
    /// The model can't be served, and the old one stays.
    pub fn swap(&self, model: Model) -> Result<(), String> {
        self.models.deploy(model).map(drop)
    }

    /// The version of the model that decides now.
    pub fn model_version(&self) -> Arc<str> {
        Arc::clone(self.models.serving().champion.model.version())
    }

    /// Windows that refuse unknown cards now: by card, address, range, merchant.
    pub fn tripped(&self) -> [usize; 4] {
        self.guard.tripped()
    }

    /// Records that the features rest on now.
    pub fn position(&self) -> u64 {
        self.scorer.load().extractor().position()
    }

    /// The features' state as bytes; equal records give equal bytes.
    pub fn state(&self) -> Vec<u8> {
        self.scorer.load().snapshot()
    }

    /// Judges the payment's next attempt.
    pub fn assess(&self, payment: &Payment, circumstances: &Circumstances, now: Timestamp) -> Assessment {
        let Some(instrument) = &payment.instrument else {
            let risk = verdict::outcome(RiskVerdict::Accept, (0, RiskLevel::NotAssessed), String::new());
            return Assessment { at: now, risk, decision: None, ticket: None };
        };
        let number = u16::try_from(payment.attempts.len() + 1).unwrap_or(u16::MAX);
        let origin = circumstances.keys;
        let subject = events::Subject::of(payment, (instrument, origin));
        let event = events::event(&subject, (number, payment.amount.minor, now));
        let facts = Facts { payment: Some(payment), amount: payment.amount, instrument, circumstances };
        let case = Case { tenant: payment.tenant, instrument, event, facts, now };
        self.judge(&case, origin, Windows::Count)
    }

    /// Judges a payment that is processed elsewhere.
    pub fn judge_elsewhere(&self, case: &Case<'_>, origin: OriginKeys) -> Assessment {
        self.judge(case, origin, Windows::LeaveAlone)
    }

    /// Judges a case: windows, model, rules and lists, in one verdict.
    fn judge(&self, case: &Case<'_>, origin: OriginKeys, windows: Windows) -> Assessment {
        let serving = self.models.serving();
        let scored = self.scorer.load().score(&serving.champion.model, &case.event);
        let card = case.instrument.means.card();
        let own = card
            .filter(|_| case.tenant.mode == Mode::Test)
            .and_then(|card| self.published.get(&card.fingerprint).copied());
        let conduct = self.conduct.load();
        let spared = conduct.policy.spare_showcase && card.is_some_and(|card| card.bin == SHOWCASE_BIN);
        let admitted = match (own, card) {
            (None, Some(card)) if !spared && windows == Windows::Count => self.admit(case, card.bin),
            // With a wallet no card can be tried out.
            (Some(_) | None, _) => Ok(None),
        };
        let lists = self.lists.of(case.tenant);
        let asked = rules::Asked { facts: &case.facts, score: scored.risk_score, features: &scored.features };
        let hits = conduct.rules.hits(&asked, &lists);
        let judged = Verdict { score: scored.risk_score, own, spared, hits: &hits };
        let (risk, reasons) = judged.rule(conduct.policy.thresholds, admitted.as_ref().err().copied());
        let decision = decision::stored(&serving, &scored, reasons);
        let risk = RiskOutcome { origin, ..risk };
        self.count(&risk, admitted.as_ref().err().copied());
        Assessment { at: case.now, risk, decision: Some(Box::new(decision)), ticket: admitted.ok().flatten() }
    }

    fn admit(&self, case: &Case<'_>, range: u32) -> Result<Option<Ticket>, guard::Watched> {
        // Cards being tried out may have been seen before, on another day, but never approved.
        let approved_for_s = self.scorer.load().extractor().approved_for_s(&case.event);
        let known = approved_for_s.is_some_and(|seconds| seconds >= KNOWN_AFTER_S);
        let key = |entity| case.event.key(entity);
        let attempt = guard::Attempt {
            card: key(risk::event::Entity::Card).unwrap_or_default(),
            range,
            merchant: key(risk::event::Entity::Merchant).unwrap_or_default(),
            address: key(risk::event::Entity::Address),
            known,
            now_ms: case.now.0,
        };
        self.guard.admit(&attempt).map(Some)
    }

    /// What the issuer said of an attempt that had a ticket.
    pub fn told(&self, ticket: Option<Ticket>, outcome: guard::Outcome, now: Timestamp) {
        if let Some(ticket) = ticket {
            self.guard.told(ticket, outcome, now.0);
        }
    }

    fn count(&self, risk: &RiskOutcome, refused: Option<guard::Watched>) {
        let verdicts = self.verdicts.get_or_init(Verdicts::register);
        let verdict = match risk.verdict {
            RiskVerdict::Accept => &verdicts.accept,
            RiskVerdict::Review => &verdicts.review,
            RiskVerdict::Block => &verdicts.block,
        };
        verdict.increment(1);
        if let Some(window) = refused {
            metrics::counter!("tollgate_risk_refused_total", "window" => window.code()).increment(1);
        }
    }

    fn remember(&self, row: &PaymentRow) {
        let scorer = self.scorer.load();
        for recorded in &row.events {
            for record in events::records(&row.payment, &recorded.event, recorded.at).into_iter().flatten() {
                scorer.observe(&record);
            }
        }
    }
}

/// How many payments got which verdict.
struct Verdicts {
    accept: Counter,
    review: Counter,
    block: Counter,
}

impl Verdicts {
    /// Asks for them once: finding one by its label takes longer than most of what is done for a verdict.
    fn register() -> Self {
        let of =
            |verdict: &'static str| metrics::counter!("tollgate_risk_verdicts_total", "verdict" => verdict);
        Self { accept: of("accept"), review: of("review"), block: of("block") }
    }
}

impl Observer for Scoring {
    fn restore(&self, snapshot: Option<&[u8]>) -> bool {
        let restored = match snapshot {
            None => Ok(Scorer::new(Settings::default())),
            Some(bytes) => Scorer::restore(bytes),
        };
        restored.map(|scorer| self.scorer.store(Arc::new(scorer))).is_ok()
    }

    fn committed(&self, _position: u64, batch: &Batch) {
        for write in &batch.writes {
            if let Row::Payment(row) = &write.row {
                self.remember(row);
            }
        }
    }

    fn snapshot(&self) -> Vec<u8> {
        self.state()
    }
}
