//! The auditor's own idea of a payment: its history is walked through, and everything is checked after every transition.

use super::super::facts::{PaymentFacts, Transition, What};
use super::Findings;
use std::collections::BTreeMap;

/// What a client sees of a payment at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub state: &'static str,
    pub amount: i64,
    pub received: i64,
    pub capturable: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Message {
    Ask,
    Capture(i64),
    Void,
    Increment,
    Refund(String),
    Release,
    /// Undoes the message before it, of this kind; nothing if that was over already.
    Undo {
        of: Option<Box<Message>>,
        cancels: bool,
    },
}

#[derive(Debug, Default)]
struct Attempt {
    reference: u64,
    failed: bool,
    held: bool,
    closed: bool,
    authorized: i64,
    captured: i64,
}

#[derive(Debug, Default)]
struct Payment {
    amount: i64,
    instrument: bool,
    canceled: bool,
    attempts: Vec<Attempt>,
    /// With whether the customer must act.
    open: BTreeMap<u64, (Message, bool)>,
    /// Amount, and whether it happened, failed, or is not known.
    refunds: BTreeMap<String, (i64, Option<bool>)>,
    balances: BTreeMap<(String, String), i64>,
}

/// Walks through a history. What a client could see after each transition, the first at index 0.
pub fn replay(facts: &PaymentFacts, findings: &mut Findings) -> Vec<Seen> {
    let mut payment = Payment::default();
    let mut seen = Vec::with_capacity(facts.history.len());
    for (at, transition) in facts.history.iter().enumerate() {
        let wanted = at as u32 + 1;
        findings.demand(transition.seq == wanted, 9, || {
            format!("{}: transition {} where {wanted} is next", facts.id, transition.seq)
        });
        payment.post(facts, transition, findings);
        payment.take(&transition.what);
        payment.check(facts, transition, findings);
        announced(facts, transition, findings);
        seen.push(payment.seen());
    }
    let last = facts.history.len() as u32;
    findings.demand(facts.version == last, 9, || {
        format!("{}: at version {} after {last} transitions", facts.id, facts.version)
    });
    let state = payment.state();
    findings.demand(state == facts.status, 2, || {
        format!("{}: stored as {}, its transitions make it {state}", facts.id, facts.status)
    });
    seen
}

impl Payment {
    fn post(&mut self, facts: &PaymentFacts, transition: &Transition, findings: &mut Findings) {
        let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
        for (account, currency, minor) in &transition.postings {
            *sums.entry(currency).or_default() += minor;
            *self.balances.entry((account.clone(), currency.clone())).or_default() += minor;
        }
        for (currency, sum) in sums {
            findings.demand(sum == 0, 2, || {
                format!("{}: transition {} posts {sum} {currency} from nowhere", facts.id, transition.seq)
            });
        }
    }

    fn attempt(&mut self, reference: u64) -> Option<&mut Attempt> {
        self.attempts.iter_mut().find(|attempt| attempt.reference == reference)
    }

    fn fail(&mut self, reference: u64) {
        self.instrument = false;
        if let Some(attempt) = self.attempt(reference) {
            attempt.failed = true;
        }
    }

    fn ask(&mut self, reference: u64, message: Message) {
        self.open.insert(reference, (message, false));
    }

    fn take(&mut self, what: &What) {
        match what {
            What::Created { amount } => self.amount = *amount,
            What::Updated { amount } => self.amount = amount.unwrap_or(self.amount),
            What::InstrumentSet => self.instrument = true,
            What::Asked { reference, .. } => {
                self.attempts.push(Attempt { reference: *reference, ..Attempt::default() });
                self.ask(*reference, Message::Ask);
            }
            What::Blocked => {
                self.attempts.push(Attempt { failed: true, ..Attempt::default() });
                self.instrument = false;
            }
            What::Rerouted { from, to } => {
                if let Some(open) = self.open.remove(from) {
                    self.open.insert(*to, open);
                }
                if let Some(attempt) = self.attempt(*from) {
                    attempt.reference = *to;
                }
            }
            What::Staged { reference, action } => {
                if let Some(open) = self.open.get_mut(reference) {
                    open.1 = *action;
                }
            }
            What::Authorized { reference, amount } | What::Sold { reference, amount } => {
                self.open.remove(reference);
                let sold = matches!(what, What::Sold { .. });
                if let Some(attempt) = self.attempt(*reference) {
                    (attempt.held, attempt.authorized, attempt.closed) = (true, *amount, sold);
                    attempt.captured = if sold { *amount } else { 0 };
                }
            }
            What::Failed { reference } => {
                self.open.remove(reference);
                self.fail(*reference);
            }
            What::ReversalAsked { of, reference, cancels, .. } => {
                let undone = self.open.remove(of).map(|(message, _)| Box::new(message));
                self.ask(*reference, Message::Undo { of: undone, cancels: *cancels });
            }
            What::Reversed { reference } => self.reversed(*reference),
            _about_a_hold => self.take_of_hold(what),
        }
    }

    fn reversed(&mut self, reference: u64) {
        let Some((Message::Undo { of: Some(of), cancels }, _)) = self.open.remove(&reference) else { return };
        match *of {
            Message::Ask if cancels => {
                self.canceled = true;
                if let Some(attempt) = self.attempts.last_mut() {
                    attempt.failed = true;
                }
            }
            Message::Ask => {
                self.instrument = false;
                if let Some(attempt) = self.attempts.last_mut() {
                    attempt.failed = true;
                }
            }
            Message::Refund(refund) => self.refund_is(&refund, false),
            Message::Capture(_)
            | Message::Void
            | Message::Increment
            | Message::Release
            | Message::Undo { .. } => {}
        }
    }

    fn refund_is(&mut self, refund: &str, happened: bool) {
        if let Some(known) = self.refunds.get_mut(refund) {
            known.1 = Some(happened);
        }
    }

    fn take_of_hold(&mut self, what: &What) {
        match what {
            What::CaptureAsked { reference, amount } => self.ask(*reference, Message::Capture(*amount)),
            What::VoidAsked { reference } => self.ask(*reference, Message::Void),
            What::IncrementAsked { reference, .. } => self.ask(*reference, Message::Increment),
            What::ReleaseAsked { reference } => self.ask(*reference, Message::Release),
            What::RefundAsked { reference, refund, amount } => {
                self.refunds.insert(refund.clone(), (*amount, None));
                self.ask(*reference, Message::Refund(refund.clone()));
            }
            What::Captured { reference, amount, last } => {
                self.open.remove(reference);
                if let Some(attempt) = self.attempts.last_mut() {
                    attempt.captured += amount;
                    attempt.closed = *last;
                }
            }
            What::Closed => {
                if let Some(attempt) = self.attempts.last_mut() {
                    attempt.closed = true;
                }
            }
            What::Voided { reference } => {
                self.open.remove(reference);
                self.canceled = true;
                if let Some(attempt) = self.attempts.last_mut() {
                    attempt.held = false;
                }
            }
            What::Incremented { reference, total } => {
                self.open.remove(reference);
                self.amount = *total;
                if let Some(attempt) = self.attempts.last_mut() {
                    attempt.authorized = *total;
                }
            }
            What::CaptureDeclined { reference }
            | What::VoidDeclined { reference }
            | What::IncrementDeclined { reference }
            | What::Released { reference } => {
                self.open.remove(reference);
            }
            What::Refunded { reference, refund } => {
                self.open.remove(reference);
                self.refund_is(refund, true);
            }
            What::RefundFailed { reference, refund } => {
                self.open.remove(reference);
                self.refund_is(refund, false);
            }
            What::Canceled => self.canceled = true,
            _moves_nothing => {}
        }
    }

    fn pending(&self) -> i64 {
        let of = |(message, _): &(Message, bool)| match message {
            Message::Capture(amount) => *amount,
            _other => 0,
        };
        self.open.values().map(of).sum()
    }

    fn captured(&self) -> i64 {
        self.attempts.iter().map(|attempt| attempt.captured).sum()
    }

    /// Invariants 1 and 2 after a transition.
    fn check(&self, facts: &PaymentFacts, transition: &Transition, findings: &mut Findings) {
        let at = || format!("{} after transition {} ({:?})", facts.id, transition.seq, transition.what);
        let authorized = self.attempts.last().map_or(0, |attempt| attempt.authorized);
        let (captured, pending) = (self.captured(), self.pending());
        findings.demand(captured + pending <= authorized && captured >= 0, 1, || {
            format!("{}: {captured} captured and {pending} under way of {authorized}", at())
        });
        let refunds = |wanted: Option<bool>| -> i64 {
            self.refunds.values().filter(|(_, state)| *state == wanted).map(|(amount, _)| amount).sum()
        };
        let (refunded, asked) = (refunds(Some(true)), refunds(None));
        findings.demand(refunded + asked <= captured, 1, || {
            format!("{}: {refunded} refunded and {asked} under way of {captured}", at())
        });
        let voided = matches!(transition.what, What::Voided { .. });
        findings.demand(!voided || captured == 0, 1, || format!("{}: voided after a capture", at()));
        let holding = self.open.values().filter(|(message, _)| message.holds()).count();
        findings.demand(holding <= 1, 5, || format!("{}: {holding} messages hold it at once", at()));
        let wanted =
            [("Receivable", captured - refunded), ("MerchantPending", -captured), ("Refunds", refunded)];
        for (account, minor) in wanted {
            let balance = self.balances.get(&(account.to_owned(), "usd".to_owned())).copied().unwrap_or(0);
            findings.demand(balance == minor, 2, || {
                format!("{}: {account} stands at {balance}, not at {minor}", at())
            });
        }
    }

    fn state(&self) -> &'static str {
        if self.canceled {
            return "canceled";
        }
        if let Some((_, action)) = self.open.values().find(|(message, _)| message.holds()) {
            return if *action { "requires_action" } else { "processing" };
        }
        match self.attempts.last() {
            Some(attempt) if attempt.held && attempt.closed => "succeeded",
            Some(attempt) if attempt.held => "requires_capture",
            Some(attempt) if !attempt.failed => "processing",
            Some(_) | None if self.instrument => "requires_confirmation",
            Some(_) | None => "requires_payment_method",
        }
    }

    fn seen(&self) -> Seen {
        let capturable = match self.attempts.last() {
            Some(attempt) if self.state() == "requires_capture" => attempt.authorized - attempt.captured,
            Some(_) | None => 0,
        };
        Seen { state: self.state(), amount: self.amount, received: self.captured(), capturable }
    }
}

impl Message {
    fn holds(&self) -> bool {
        match self {
            Message::Ask | Message::Capture(_) | Message::Void | Message::Increment => true,
            Message::Undo { of: Some(of), .. } => of.holds(),
            Message::Refund(_) | Message::Release | Message::Undo { of: None, .. } => false,
        }
    }
}

/// Invariant 9 without delivery: what merchants must be told was written with the transition, once.
fn announced(facts: &PaymentFacts, transition: &Transition, findings: &mut Findings) {
    let wanted: &[&str] = match &transition.what {
        What::Created { .. } => &["payment_intent.created"],
        What::Authorized { .. } => &["charge.succeeded", "payment_intent.amount_capturable_updated"],
        What::Sold { .. } => &["charge.succeeded", "payment_intent.succeeded"],
        What::Failed { .. } | What::Blocked => &["charge.failed", "payment_intent.payment_failed"],
        What::Captured { last: true, .. } => &["charge.captured", "payment_intent.succeeded"],
        What::Captured { .. } => &["charge.captured"],
        What::Voided { .. } | What::Canceled => &["payment_intent.canceled"],
        What::RefundAsked { .. } => &["refund.created"],
        What::Refunded { .. } => &["charge.refunded"],
        What::RefundFailed { .. } => &["refund.failed"],
        _untold => &[],
    };
    for kind in wanted {
        let told =
            facts.told.iter().filter(|(told, version)| told == kind && *version == transition.seq).count();
        findings.demand(told == 1, 9, || {
            format!("{}: transition {} is told {told} times as {kind}", facts.id, transition.seq)
        });
    }
}
