//! The scorer in the gateway: payments become features, features become a verdict, durable records become its memory.
//!
//! Architecture invariant: what is scored and what is remembered of a payment are made by one function, [`risk_event`], from
//! the stored attempt alone. So a replay of the journal gives the features that were served.

use arc_swap::ArcSwap;
use gateway_acquirers::test_cards::{Behaviour, TEST_CARDS};
use gateway_core::journal::{Batch, Observer, PaymentRow, Row};
use gateway_core::payment::{
    Attempt, Event, FailureKind, Instrument, Payment, RiskLevel, RiskOutcome, RiskVerdict,
};
use gateway_core::tenant::Mode;
use gateway_core::time::Timestamp;
use risk::event::{Entity, Label, Outcome, Record, key_of};
use risk::features::Settings;
use risk::model::Model;
use risk::scorer::Scorer;
use risk::verdict::{Thresholds, Verdict, judge};
use std::collections::HashMap;
use std::sync::Arc;

/// What is known of a request beside the payment itself.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {}

/// Numbers of this range are never blocked by the model in development: the README's first payments.
const SHOWCASE_BIN: u32 = 424_242;

/// How verdicts are made.
pub struct Policy {
    pub thresholds: Thresholds,
    /// Development: never block the showcase range by the model.
    pub spare_showcase: bool,
}

/// The scorer, its model, and its memory.
pub struct Scoring {
    scorer: ArcSwap<Scorer>,
    model: ArcSwap<Model>,
    policy: Policy,
    /// What published test cards do, by their fingerprints under this store's key.
    published: HashMap<[u8; 16], Behaviour>,
}

impl Scoring {
    /// A scorer with an empty memory.
    ///
    /// # Errors
    /// The model can't be served; the message says why.
    pub fn new(model: Model, policy: Policy, vault: &crypto::vault::Vault) -> Result<Self, String> {
        Scorer::serves(&model)?;
        let published = TEST_CARDS
            .iter()
            .filter_map(|card| Some((crypto::card::CardNumber::parse(card.number).ok()?, card.behaviour)))
            .map(|(number, behaviour)| (vault.fingerprint(&number), behaviour))
            .collect();
        Ok(Self {
            scorer: ArcSwap::from_pointee(Scorer::new(Settings::default())),
            model: ArcSwap::from_pointee(model),
            policy,
            published,
        })
    }

    /// Puts another model in place, as a whole: no decision rests on two.
    ///
    /// # Errors
    /// The model can't be served, and the old one stays.
    pub fn swap(&self, model: Model) -> Result<(), String> {
        Scorer::serves(&model)?;
        self.model.store(Arc::new(model));
        Ok(())
    }

    /// The version of the model that decides now.
    pub fn model_version(&self) -> Arc<str> {
        Arc::clone(self.model.load().version())
    }

    /// Judges the payment's next attempt.
    pub fn assess(&self, payment: &Payment, _circumstances: &Circumstances, now: Timestamp) -> RiskOutcome {
        let Some(instrument) = &payment.instrument else {
            return outcome(RiskVerdict::Accept, (0, RiskLevel::NotAssessed), String::new());
        };
        let number = u16::try_from(payment.attempts.len() + 1).unwrap_or(u16::MAX);
        let event = risk_event(payment, instrument, (number, payment.amount.minor, now));
        let decision = self.scorer.load().score(&self.model.load(), &event);
        if payment.tenant.mode == Mode::Test
            && let Some(behaviour) = self.published.get(&instrument.card.fingerprint)
        {
            return published_outcome(*behaviour, decision.risk_score);
        }
        self.rule(decision.risk_score, instrument)
    }

    fn rule(&self, score: u8, instrument: &Instrument) -> RiskOutcome {
        let ruling = judge(score, self.policy.thresholds, &[]);
        let level = match ruling.level {
            risk::verdict::RiskLevel::Normal => RiskLevel::Normal,
            risk::verdict::RiskLevel::Elevated => RiskLevel::Elevated,
            risk::verdict::RiskLevel::Highest => RiskLevel::Highest,
        };
        let spared = self.policy.spare_showcase && instrument.card.bin == SHOWCASE_BIN;
        let verdict = match ruling.verdict {
            _any if spared => RiskVerdict::Accept,
            Verdict::Block => RiskVerdict::Block,
            // Until reviews can be approved, holding a capture would strand it: the elevated level tells the merchant.
            Verdict::Accept | Verdict::Review => RiskVerdict::Accept,
        };
        let reason = ruling.reasons.first().map(risk::verdict::Reason::code).unwrap_or_default();
        outcome(verdict, (score, level), reason)
    }

    fn remember(&self, row: &PaymentRow) {
        let scorer = self.scorer.load();
        for recorded in &row.events {
            for record in records(&row.payment, &recorded.event, recorded.at).into_iter().flatten() {
                scorer.observe(&record);
            }
        }
    }
}

fn outcome(verdict: RiskVerdict, (score, level): (u8, RiskLevel), reason: String) -> RiskOutcome {
    RiskOutcome { verdict, score, level, reason }
}

/// In test mode a published card's verdict is the card's own, whatever the model says.
fn published_outcome(behaviour: Behaviour, score: u8) -> RiskOutcome {
    match behaviour {
        Behaviour::BlockedAsFraud => {
            outcome(RiskVerdict::Block, (score.max(90), RiskLevel::Highest), "highest_risk_level".to_owned())
        }
        Behaviour::ElevatedRisk => outcome(
            RiskVerdict::Accept,
            (score.clamp(65, 74), RiskLevel::Elevated),
            "elevated_risk_level".to_owned(),
        ),
        Behaviour::Approve
        | Behaviour::Decline(_)
        | Behaviour::FailsToCharge
        | Behaviour::Challenge
        | Behaviour::Disputed => {
            outcome(RiskVerdict::Accept, (score.min(64), RiskLevel::Normal), String::new())
        }
    }
}

/// The scorer's event of an attempt.
fn risk_event(
    payment: &Payment,
    instrument: &Instrument,
    (number, amount_minor, at): (u16, i64, Timestamp),
) -> risk::event::Event {
    let currency = payment.amount.currency;
    let code: [u8; 3] = currency.code().as_bytes().try_into().unwrap_or(*b"usd");
    let exponent = u8::try_from(currency.exponent()).unwrap_or(2);
    let fingerprint = instrument.card.fingerprint;
    let card = u64::from_be_bytes(fingerprint[..8].try_into().expect("eight of sixteen bytes"));
    let merchant = payment.tenant.merchant.0.0;
    let id = (payment.id.0.0 as u64) ^ (u64::from(number) << 48);
    let mut event = risk::event::Event::new(id, at.unix_seconds(), amount_minor)
        .in_currency(code, exponent)
        .with(Entity::Card, card)
        .with(Entity::Merchant, (merchant >> 64) as u64 ^ merchant as u64);
    if let Some(customer) = payment.details.customer {
        event = event.with(Entity::Customer, (customer.0.0 >> 64) as u64 ^ customer.0.0 as u64);
    }
    if let Some(email) = &payment.details.receipt_email {
        event = event.with(Entity::Email, key_of(&email.to_lowercase()));
    }
    event
}

fn attempt_event(payment: &Payment, attempt: &Attempt) -> risk::event::Event {
    risk_event(payment, &attempt.instrument, (attempt.number, attempt.amount_minor, attempt.at))
}

/// What a transition teaches the scorer.
fn records(payment: &Payment, event: &Event, at: Timestamp) -> [Option<Record>; 2] {
    let told = |outcome| {
        payment.attempt().map(|attempt| Record::Outcome {
            event: attempt_event(payment, attempt),
            outcome,
            time_s: at.unix_seconds(),
        })
    };
    match event {
        Event::AuthorizationIntended { attempt, .. } => {
            [Some(Record::Authorization(attempt_event(payment, attempt))), None]
        }
        Event::Blocked { attempt } => {
            [Some(Record::Authorization(attempt_event(payment, attempt))), told(Outcome::Blocked)]
        }
        Event::Authorized { .. } | Event::Sold { .. } => [told(Outcome::Approved), None],
        Event::AuthorizationFailed { failure, .. } if failure.kind == FailureKind::Declined => {
            [told(Outcome::Declined), None]
        }
        Event::RefundIntended { refund, .. } if refund.reason.as_deref() == Some("fraudulent") => {
            let label = payment.attempt_numbered(refund.attempt).map(|attempt| Record::Label {
                event: attempt_event(payment, attempt),
                verdict: Label::Fraud,
                known_at_s: at.unix_seconds(),
            });
            [label, None]
        }
        _teaches_nothing => [None, None],
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
        self.scorer.load().snapshot()
    }
}
