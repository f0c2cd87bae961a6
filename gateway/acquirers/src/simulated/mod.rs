//! The simulated acquirer: in this process, with the published test cards, a configurable latency and window, and a book.
//!
//! It lives and forgets with the process. After a restart its book is empty: an approval that the caller can name
//! (`Original::approval`) is still honoured by every follow-up, and anything else is, truthfully, `NotFound`: a hold
//! that no book has does not stand.

mod settings;

pub use settings::Settings;

use crate::Ports;
use crate::bank::test_cards::{Behaviour, behaviour};
use crate::bank::{Book, Op, Order, Ruling, Stated, Verdict};
use gateway_core::acquirer::{
    Abilities, Able, Acquirer, AcquirerRequest, Answer, Approval, ChallengeResult, Check, CustomerAction,
    CustomerPresence, Decline, DeclineCode, LateAnswer, LateAnswers, Link, Original, OriginalKind,
    PendingAnswer, Permit, Trace, Verb,
};
use gateway_core::means::{MeansKind, Wallet};
use gateway_core::money::{Currency, Money};
use gateway_core::ports::BoxFuture;
use gateway_core::{SmolStr, format_smolstr};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// The simulated acquirer.
pub struct Simulated {
    name: String,
    settings: Settings,
    window: Option<Semaphore>,
    book: Book,
    /// The challenges that are open, with what is needed to announce their outcome; as many as the book remembers.
    challenges: Mutex<HashMap<u64, Challenge>>,
    late: Arc<dyn LateAnswers>,
}

#[derive(Clone, Copy)]
struct Challenge {
    trace: Trace,
    currency: Currency,
    cvc: Option<Check>,
    wallet: Option<Wallet>,
}

impl Simulated {
    /// An acquirer of this name, with an empty book.
    #[must_use]
    pub fn new(name: &str, settings: Settings, ports: &Ports) -> Simulated {
        Simulated {
            name: name.to_owned(),
            window: (settings.window > 0).then(|| Semaphore::new(settings.window)),
            book: Book::new(settings.book_entries),
            challenges: Mutex::default(),
            late: Arc::clone(&ports.late),
            settings,
        }
    }

    /// The bank's answer, at once; what it changes is changed.
    fn judge(&self, request: &AcquirerRequest) -> Answer {
        let cvc = cvc_check(request);
        let original = match &request.verb {
            Verb::Authorize => return self.open(request, Op::Authorize, cvc),
            Verb::Sale => return self.open(request, Op::Sale, cvc),
            Verb::Verify => return verified(request, cvc),
            Verb::Inquire(original) => {
                let ruling = self.book.inquire(&stated(original));
                return self.phrase(
                    (original.trace, wallet_of(request)),
                    original.amount.currency,
                    ruling,
                    None,
                );
            }
            Verb::Increment(original)
            | Verb::Capture { original, .. }
            | Verb::Void(original)
            | Verb::Refund(original)
            | Verb::Reverse(original) => original,
        };
        let order = Order {
            op: op_of(&request.verb),
            reference: request.trace.reference,
            amount: request.amount,
            verdict: Verdict::Approve,
            original: Some(stated(original)),
        };
        let (ruling, _) = self.book.rule(&order);
        self.phrase((request.trace, wallet_of(request)), request.amount.currency, ruling, None)
    }

    fn open(&self, request: &AcquirerRequest, op: Op, cvc: Option<Check>) -> Answer {
        let (trace, currency) = (request.trace, request.amount.currency);
        let verdict = verdict(request);
        let order = Order { op, reference: trace.reference, amount: request.amount, verdict, original: None };
        let (ruling, _) = self.book.rule(&order);
        if ruling == Ruling::Pending {
            let mut open = self.challenges.lock().unwrap_or_else(PoisonError::into_inner);
            if open.len() >= self.settings.book_entries
                && let Some(oldest) = open.keys().min().copied()
            {
                open.remove(&oldest);
            }
            open.insert(trace.reference, Challenge { trace, currency, cvc, wallet: wallet_of(request) });
        }
        self.phrase((trace, wallet_of(request)), currency, ruling, cvc)
    }

    fn phrase(
        &self,
        (trace, wallet): (Trace, Option<Wallet>),
        currency: Currency,
        ruling: Ruling,
        cvc: Option<Check>,
    ) -> Answer {
        match ruling {
            Ruling::Approved(minor) => Answer::Approved(Approval {
                amount: Money::new(minor, currency),
                reference: trace.reference_text(),
                authorization_code: format_smolstr!("{:06}", scatter(trace.reference) % 1_000_000),
                network_transaction_id: Some(format_smolstr!(
                    "{:015}",
                    scatter(trace.reference) % 1_000_000_000_000_000
                )),
                cvc_check: cvc,
            }),
            Ruling::Declined(code) => Answer::Declined(declined(code, cvc)),
            Ruling::Pending => Answer::Pending(PendingAnswer {
                until: trace.at.plus_ms(i64::try_from(self.settings.challenge_ms).unwrap_or(i64::MAX)),
                action: Some(match wallet {
                    Some(Wallet::WechatPay) => CustomerAction::QrCode { text: None },
                    Some(Wallet::Alipay) | None => CustomerAction::Redirect { url: None },
                }),
            }),
            Ruling::NotFound => Answer::NotFound,
        }
    }

    /// Takes a place in the window, answers after the latency, and keeps the deadline.
    async fn exchange(&self, request: AcquirerRequest) -> Answer {
        let deadline = Instant::now() + Duration::from_millis(request.timeout_ms);
        let _place = match &self.window {
            None => None,
            Some(window) => match tokio::time::timeout_at(deadline, window.acquire()).await {
                Ok(Ok(place)) => Some(place),
                Ok(Err(_)) | Err(_) => {
                    return Answer::NotSent(format!("no place in the window of {}", self.settings.window));
                }
            },
        };
        let answer = self.judge(&request);
        if self.settings.latency_ms == 0 {
            return answer;
        }
        let ready = Instant::now() + Duration::from_millis(self.settings.latency_ms);
        tokio::time::sleep_until(ready.min(deadline)).await;
        if ready > deadline {
            return Answer::Unknown(format!("no answer within {} ms", request.timeout_ms));
        }
        answer
    }
}

impl Acquirer for Simulated {
    fn name(&self) -> &str {
        &self.name
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            inquiry: Able::Yes,
            partial_capture: Able::Yes,
            multiple_capture: Able::Yes,
            incremental: Able::Yes,
            repeat_window_ms: 86_400_000,
            max_delay_ms: 0,
        }
    }

    fn link(&self) -> Link {
        Link::Up
    }

    fn send<'a>(&'a self, permit: Permit, request: AcquirerRequest) -> BoxFuture<'a, Answer> {
        if !permit.covers(&request) {
            return Box::pin(std::future::ready(Answer::NotSent(
                "the permit is for another message".to_owned(),
            )));
        }
        // The fast path of speed tests: no window, no latency, so no timer and nothing to wait for.
        if self.window.is_none() && self.settings.latency_ms == 0 {
            return Box::pin(std::future::ready(self.judge(&request)));
        }
        Box::pin(self.exchange(request))
    }

    fn window(&self) -> usize {
        self.settings.window
    }

    fn serves(&self, _means: MeansKind) -> bool {
        true
    }

    fn challenge_answered(&self, trace: Trace, result: ChallengeResult) {
        let mut open = self.challenges.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(challenge) = open.remove(&trace.reference) else { return };
        drop(open);
        let verdict = match (result, challenge.wallet) {
            (ChallengeResult::Passed, _) => Verdict::Approve,
            (ChallengeResult::Failed, Some(_)) => Verdict::Decline(DeclineCode::CustomerDeclined),
            (ChallengeResult::Failed, None) => Verdict::Decline(DeclineCode::AuthenticationRequired),
        };
        let Some((op, ruling)) = self.book.challenged(trace.reference, verdict) else { return };
        let named = (challenge.trace, challenge.wallet);
        let answer = self.phrase(named, challenge.currency, ruling, challenge.cvc);
        let kind = if op == Op::Sale { OriginalKind::Sale } else { OriginalKind::Authorize };
        self.late.arrived(LateAnswer {
            acquirer: self.name.as_str().into(),
            trace: challenge.trace,
            kind,
            answer,
        });
    }
}

fn wallet_of(request: &AcquirerRequest) -> Option<Wallet> {
    request.wallet.as_ref().map(|order| order.wallet)
}

/// What the card says of a charge; of a wallet its owner must be asked, and it holds nothing.
fn verdict(request: &AcquirerRequest) -> Verdict {
    if request.wallet.is_some() {
        return match (&request.verb, request.customer) {
            (Verb::Sale, CustomerPresence::Present) => Verdict::Challenge,
            (Verb::Sale, CustomerPresence::Absent) => Verdict::Decline(DeclineCode::AuthenticationRequired),
            (_holds, _) => Verdict::Decline(DeclineCode::GenericDecline),
        };
    }
    let Some(card) = &request.card else { return Verdict::Decline(DeclineCode::IncorrectNumber) };
    match behaviour(card.pan.expose()) {
        Behaviour::Approve | Behaviour::Disputed | Behaviour::BlockedAsFraud | Behaviour::ElevatedRisk => {
            Verdict::Approve
        }
        Behaviour::Decline(code) => Verdict::Decline(code),
        Behaviour::FailsToCharge => Verdict::Decline(DeclineCode::GenericDecline),
        Behaviour::Challenge => match request.customer {
            CustomerPresence::Present => Verdict::Challenge,
            CustomerPresence::Absent => Verdict::Decline(DeclineCode::AuthenticationRequired),
        },
    }
}

/// A verification moves no money, so it leaves nothing in the book.
fn verified(request: &AcquirerRequest, cvc: Option<Check>) -> Answer {
    let Some(card) = &request.card else {
        return Answer::Declined(declined(DeclineCode::IncorrectNumber, cvc));
    };
    match behaviour(card.pan.expose()) {
        Behaviour::Decline(code) => Answer::Declined(declined(code, cvc)),
        Behaviour::Approve
        | Behaviour::FailsToCharge
        | Behaviour::Challenge
        | Behaviour::Disputed
        | Behaviour::BlockedAsFraud
        | Behaviour::ElevatedRisk => Answer::Approved(Approval {
            amount: Money::zero(request.amount.currency),
            reference: request.trace.reference_text(),
            authorization_code: SmolStr::default(),
            network_transaction_id: None,
            cvc_check: cvc,
        }),
    }
}

fn cvc_check(request: &AcquirerRequest) -> Option<Check> {
    let card = request.card.as_ref()?;
    card.cvc.as_ref()?;
    let wrong = behaviour(card.pan.expose()) == Behaviour::Decline(DeclineCode::IncorrectCvc);
    Some(if wrong { Check::Fail } else { Check::Pass })
}

fn declined(code: DeclineCode, cvc_check: Option<Check>) -> Decline {
    Decline { code, network_code: crate::response::code_of(code).into(), cvc_check }
}

fn op_of(verb: &Verb) -> Op {
    match verb {
        Verb::Authorize | Verb::Inquire(_) | Verb::Verify => Op::Authorize,
        Verb::Sale => Op::Sale,
        Verb::Increment(_) => Op::Increment,
        Verb::Capture { .. } => Op::Capture,
        Verb::Void(_) => Op::Void,
        Verb::Refund(_) => Op::Refund,
        Verb::Reverse(_) => Op::Reverse,
    }
}

fn stated(original: &Original) -> Stated {
    let op = match original.kind {
        OriginalKind::Authorize => Op::Authorize,
        OriginalKind::Sale => Op::Sale,
        OriginalKind::Increment => Op::Increment,
        OriginalKind::Capture => Op::Capture,
        OriginalKind::Void => Op::Void,
        OriginalKind::Refund => Op::Refund,
    };
    let approved = original.approval.as_ref().map(|approval| approval.amount);
    Stated { reference: original.trace.reference, op, amount: original.amount, approved }
}

/// A number that looks unlike its neighbours, the same for the same reference (the finalizer of SplitMix64).
fn scatter(reference: u64) -> u64 {
    let mut mixed = reference.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
