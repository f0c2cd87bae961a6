//! One payment on a table: its history, a clock, and numbers that follow from the number of the step.

use crate::{invariants, stored};
use gateway_core::acquirer::{
    Abilities, Able, Answer, Approval, Decline, DeclineCode, PendingAnswer, Trace, Transmission,
};
use gateway_core::acquirer::{CustomerAction, FinalCapture};
use gateway_core::card::{Brand, CardFacts, Funding, SealedCard};
use gateway_core::event::EventKind;
use gateway_core::event::Shown;
use gateway_core::id::{Id, MerchantId, PaymentId, PaymentMethodId, RefundId, ReviewId};
use gateway_core::journal::DueKind;
use gateway_core::ledger::postings;
use gateway_core::means::Means;
use gateway_core::payment::{
    AUTHORIZATION_LIFE_MS, CancellationReason, CaptureMethod, Command, Conclusion, Confirm, Create, Details,
    Event, Instrument, OpenSeed, Payment, Recorded, RefundRequest, Rerouting, RiskLevel, RiskOutcome,
    RiskVerdict, Settle, Settlement, announce, apply, create, decide,
};
use gateway_core::risk::OriginKeys;
use gateway_core::{Currency, Mode, Money, Refusal, Tenant, Timestamp};

/// When every case begins.
pub const START: i64 = 1_700_000_000_000;
/// A message is due this long after it was sent.
pub const PATIENCE_MS: i64 = 10_000;
/// A pending answer promises a decision within this time.
pub const PENDING_MS: i64 = 60_000;

/// A payment, what happened to it, and what the next command is made of.
pub struct Scene {
    pub payment: Payment,
    pub history: Vec<Recorded>,
    /// What the last step told the merchant.
    pub told: Vec<(EventKind, Shown)>,
    /// What the last step did.
    pub events: Vec<Event>,
    pub step: u64,
    pub now: Timestamp,
    pub abilities: Abilities,
    pub accept_partial: bool,
    pub acquirer: &'static str,
}

/// All that an acquirer can be able to do.
pub const ABLE: Abilities = Abilities {
    inquiry: Able::Yes,
    partial_capture: Able::Yes,
    multiple_capture: Able::Yes,
    incremental: Able::Yes,
    repeat_window_ms: 86_400_000,
    max_delay_ms: 60_000,
};

pub fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

pub fn instrument() -> Instrument {
    let card = CardFacts {
        brand: Brand::Visa,
        funding: Funding::Credit,
        bin: 424_242,
        last4: *b"4242",
        exp_month: 12,
        exp_year: 2034,
        country: Some(*b"US"),
        fingerprint: [7; 16],
        cvc_provided: true,
    };
    let sealed = SealedCard { key_version: 1, bytes: vec![1, 2, 3] };
    let means = Means::Card { facts: card, sealed };
    Instrument { method: PaymentMethodId(Id(3)), means, billing_details: String::new() }
}

pub fn creation(amount: Money, capture_method: CaptureMethod) -> Create {
    Create {
        id: PaymentId(Id(1)),
        tenant: Tenant { merchant: MerchantId(Id(2)), mode: Mode::Test },
        at: Timestamp(START),
        amount,
        capture_method,
        details: Details::default(),
        instrument: Some(instrument()),
        secret: [9; 16],
    }
}

pub fn risk(verdict: RiskVerdict) -> RiskOutcome {
    let review = (verdict == RiskVerdict::Review).then_some(ReviewId(Id(77)));
    let (level, reason, origin) = (RiskLevel::Normal, String::new(), OriginKeys::default());
    RiskOutcome { verdict, score: 10, level, reason, origin, review }
}

pub fn approval(amount: Money) -> Approval {
    Approval {
        amount,
        reference: "A-1".into(),
        authorization_code: "004711".into(),
        network_transaction_id: None,
        cvc_check: None,
    }
}

/// An answer, short enough for a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Say {
    Yes(i64),
    YesIn(i64, Currency),
    No(DeclineCode),
    Wait,
    /// Wait, the customer must act.
    Ask,
    NotSent,
    Unknown,
    NotFound,
}

impl Scene {
    /// 10.00 usd with a card, before its first attempt.
    pub fn new(capture_method: CaptureMethod) -> Self {
        Self::from(creation(usd(1000), capture_method))
    }

    pub fn from(creation: Create) -> Self {
        let mut payment = None;
        let mut history = Vec::new();
        let mut told = Vec::new();
        let events = create(creation).expect("the amount is in range");
        for event in &events {
            let moved = payment.as_ref().map_or(Vec::new(), |p| postings(p, event));
            apply(&mut payment, event);
            let after = payment.as_ref().expect("created");
            told.extend(announce(after, event));
            let at = Timestamp(START);
            history.push(Recorded { seq: after.version, at, event: event.clone(), postings: moved });
        }
        let payment = payment.expect("created");
        Self {
            payment,
            history,
            told,
            events,
            step: 0,
            now: Timestamp(START),
            abilities: ABLE,
            accept_partial: false,
            acquirer: "bank-a",
        }
    }

    /// The number of the message that the step's command sends.
    pub fn reference(&self) -> u64 {
        self.step * 10
    }

    /// The number of a reversal or release that follows from the step's answer.
    pub fn spare(&self) -> u64 {
        self.step * 10 + 5
    }

    pub fn trace(&self, reference: u64) -> Trace {
        Trace { stan: u32::try_from(reference).expect("cases are short"), reference, at: self.now }
    }

    pub fn seed(&self) -> OpenSeed {
        OpenSeed { trace: self.trace(self.reference()), due: self.now.plus_ms(PATIENCE_MS), claim: None }
    }

    /// Judges a command and moves the payment by it, as a flow does; every invariant is checked after it.
    pub fn run(&mut self, command: Command) -> Result<(), Refusal> {
        self.events.clear();
        self.told.clear();
        let events = decide(&self.payment, command)?;
        assert!(!events.is_empty(), "a command that is taken does something");
        for event in &events {
            let moved = postings(&self.payment, event);
            let mut after = Some(self.payment.clone());
            apply(&mut after, event);
            self.payment = after.expect("it stays");
            self.told.extend(announce(&self.payment, event));
            let seq = self.payment.version;
            self.history.push(Recorded { seq, at: self.now, event: event.clone(), postings: moved });
        }
        stored::comes_back(&self.payment, &self.history, events.len());
        self.events = events;
        invariants::check(&self.payment, &self.history);
        Ok(())
    }

    pub fn confirm(&self) -> Command {
        let capture_before = self.now.plus_ms(AUTHORIZATION_LIFE_MS);
        Command::Authorize(Box::new(Confirm {
            at: self.now,
            risk: risk(RiskVerdict::Accept),
            acquirer: self.acquirer.into(),
            routed: None,
            seed: self.seed(),
            capture_before,
            decision: None,
        }))
    }

    pub fn capture(&self, amount_minor: Option<i64>, last: FinalCapture) -> Command {
        Command::Capture { amount_minor, last, at: self.now, abilities: self.abilities, seed: self.seed() }
    }

    pub fn cancel(&self, reason: CancellationReason) -> Command {
        Command::Cancel { reason, at: self.now, seed: self.seed() }
    }

    pub fn expire(&self) -> Command {
        Command::Expire { at: self.now, seed: self.seed() }
    }

    pub fn increment(&self, total_minor: i64) -> Command {
        Command::Increment { total_minor, abilities: self.abilities, seed: self.seed() }
    }

    pub fn refund(&self, amount_minor: Option<i64>) -> Command {
        let id = RefundId(Id(u128::from(self.reference())));
        let request = RefundRequest { id, at: self.now, amount_minor, reason: None, metadata: Vec::new() };
        Command::Refund { request: Box::new(request), seed: self.seed() }
    }

    pub fn reverse(&self, reference: u64) -> Command {
        Command::Reverse { reference, seed: self.seed() }
    }

    pub fn retry(&self, reference: u64) -> Command {
        Command::Retry { reference, due: self.now.plus_ms(PATIENCE_MS) }
    }

    pub fn settle(&self, reference: u64, settlement: Settlement) -> Command {
        Command::Settle(Box::new(Settle {
            reference,
            settlement,
            acquirer_reference: "by phone".into(),
            reason: "the bank says so".to_owned(),
            at: self.now,
            spare: self.trace(self.spare()),
        }))
    }

    pub fn reroute(&self, from: u64, acquirer: &str) -> Command {
        self.reroute_after(from, Rerouting::NotSent, acquirer)
    }

    pub fn reroute_after(&self, from: u64, why: Rerouting, acquirer: &str) -> Command {
        let (trace, due) = (self.trace(self.reference()), self.now.plus_ms(PATIENCE_MS));
        Command::Reroute { from, why, acquirer: acquirer.into(), trace, due }
    }

    pub fn conclude(&self, reference: u64, say: Say, transmission: Transmission) -> Command {
        Command::Conclude(Box::new(Conclusion {
            reference,
            answer: self.answer(say),
            transmission,
            at: self.now,
            due: self.now.plus_ms(PATIENCE_MS),
            spare: self.trace(self.spare()),
            accept_partial: self.accept_partial,
        }))
    }

    fn answer(&self, say: Say) -> Answer {
        let until = self.now.plus_ms(PENDING_MS);
        let redirect = CustomerAction::Redirect { url: None };
        match say {
            Say::Yes(minor) => Answer::Approved(approval(usd(minor))),
            Say::YesIn(minor, currency) => Answer::Approved(approval(Money::new(minor, currency))),
            Say::No(code) => Answer::Declined(Decline { code, network_code: "05".into(), cvc_check: None }),
            Say::Wait => Answer::Pending(PendingAnswer { until, action: None }),
            Say::Ask => Answer::Pending(PendingAnswer { until, action: Some(redirect) }),
            Say::NotSent => Answer::NotSent("refused".to_owned()),
            Say::Unknown => Answer::Unknown("no answer".to_owned()),
            Say::NotFound => Answer::NotFound,
        }
    }

    /// The payment in a line: status, capturable/captured/refundable, and what is due next.
    pub fn line(&self) -> String {
        let p = &self.payment;
        let refundable = p.captured_minor() - p.refunded_or_reserved_minor();
        let due = match p.due() {
            None => "-".to_owned(),
            Some((DueKind::Open, at)) => format!("open+{}", (at.0 - self.now.0) / 1000),
            Some((DueKind::Stuck, at)) => format!("stuck+{}", (at.0 - self.now.0) / 1000),
            Some((DueKind::Expiry, at)) => format!("hold+{}h", (at.0 - self.now.0) / 3_600_000),
        };
        let (status, capturable, captured) = (p.status().as_str(), p.capturable_minor(), p.captured_minor());
        format!("{status} {capturable}/{captured}/{refundable} {due}")
    }
}
