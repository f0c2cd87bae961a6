//! A mix of requests that make sense one after the other: what was authorized is captured or voided, what was captured is
//! refunded, what was sent is sent again.

use crate::audit::record::{Body, Writer, is_final};
use crate::crash::replays::Keepsakes;
use crate::load::workload::Note;
use crate::load::{Action, After, Job, Workload};
use crate::mix::authorizations::{Series, body};
use crate::mix::cards::Cards;
use crate::mix::wallets::{self, Waiting};
use crate::mix::weights::Mix;
use crate::mix::{Merchants, merchants::Merchant};
use crate::random::Random;
use crate::wire::{Answer, Loss, Prepared, Target};
use bytes::Bytes;
use http::{HeaderValue, Method};
use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::Duration;

/// The most payments of each kind that a thread remembers for later requests.
const REMEMBERED: usize = 20_000;
/// The most requests that it remembers to send again.
const SENT: usize = 256;
/// A request is sent this often at most.
const ATTEMPTS: u32 = 600;
/// A card that is declined.
const DECLINED: &[u8] = b"4000000000000002";

/// What a client does when it has no final answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// It lets it be.
    Once,
    /// It sends the same request with the same key again until it has one, as the SDKs do.
    UntilFinal,
}

/// A payment that more can be done to.
#[derive(Debug, Clone)]
struct Open {
    merchant: Merchant,
    payment: String,
    amount_minor: i64,
}

impl Open {
    /// What a request was about, as far as its note tells; `payment` is the one that it made.
    fn of(job: &Job, payment: &str) -> Self {
        Self { merchant: Merchant::of(job), payment: payment.to_owned(), amount_minor: job.note.amount_minor }
    }
}

/// The mix of one thread of the client.
pub struct Mixture {
    target: Target,
    merchants: Merchants,
    mix: Mix,
    cards: Cards,
    random: Random,
    prefix: String,
    count: u64,
    persistence: Persistence,
    history: Option<Writer>,
    keepsakes: Option<Keepsakes>,
    unsettled: Option<Waiting>,
    authorized: VecDeque<Open>,
    captured: VecDeque<Open>,
    known: VecDeque<Open>,
    /// Payments by wallets whose customers have not decided.
    waiting: VecDeque<Open>,
    sent: VecDeque<Job>,
}

/// What mixtures of all threads have in common.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub target: Target,
    pub merchants: Merchants,
    pub mix: Mix,
    pub series: Series,
    pub persistence: Persistence,
    /// Where requests are kept that have a final answer, to ask for it again.
    pub keepsakes: Option<Keepsakes>,
    /// Where reads are left of payments that still wait for their customers at the end.
    pub waiting: Option<Waiting>,
}

impl Mixture {
    /// The share of one thread.
    pub fn new(recipe: &Recipe, worker: usize, history: Option<Writer>) -> Self {
        let stream = worker as u64 * 2;
        let random = |offset| Random::new(recipe.series.seed, stream + offset);
        Self {
            target: recipe.target.clone(),
            merchants: recipe.merchants.clone(),
            cards: Cards::new(recipe.mix.cards, recipe.mix.card_skew, random(0)),
            mix: recipe.mix.clone(),
            random: random(1),
            prefix: format!("{}-{worker}-", recipe.series.run),
            count: 0,
            persistence: recipe.persistence,
            history,
            keepsakes: recipe.keepsakes.clone(),
            unsettled: recipe.waiting.clone(),
            authorized: VecDeque::new(),
            captured: VecDeque::new(),
            known: VecDeque::new(),
            waiting: VecDeque::new(),
            sent: VecDeque::new(),
        }
    }

    fn key(&mut self) -> String {
        self.count += 1;
        format!("{}{}", self.prefix, self.count)
    }

    /// A payment of a fresh card, or by a wallet.
    fn payment(&mut self, action: Action) -> Job {
        let key = self.key();
        let merchant = self.merchants.next(&mut self.random).clone();
        let amount = 100 + self.random.below(20_000);
        let (op, body) = self.order(action, amount, &key);
        let note = Note {
            merchant: merchant.id.to_string(),
            op: op.to_owned(),
            payment: None,
            amount_minor: amount.cast_signed(),
            currency: "usd".to_owned(),
            key,
        };
        let mut job = self.post("/v1/payment_intents", &merchant, (action, body), note);
        job.hang_up_after = (action == Action::HangUp).then(|| Duration::from_millis(self.mix.hang_up_ms));
        job
    }

    /// What it is to the money, and its body.
    fn order(&mut self, action: Action, amount: u64, key: &str) -> (&'static str, Bytes) {
        if matches!(action, Action::Alipay | Action::WechatPay) {
            return ("sale", wallets::body(action.as_str(), amount, key));
        }
        let drawn = self.cards.draw();
        let number: &[u8] = if action == Action::Decline { DECLINED } else { &drawn };
        let (op, method) =
            if action == Action::Sale { ("sale", "automatic") } else { ("authorize", "manual") };
        (op, body(number, amount, (method, key)))
    }

    fn post(&self, path: &str, merchant: &Merchant, (action, body): (Action, Bytes), note: Note) -> Job {
        let request = Prepared {
            method: Method::POST,
            uri: self.target.uri(path),
            authorization: merchant.authorization.clone(),
            idempotency_key: Some(HeaderValue::from_str(&note.key).expect("letters, digits and dashes")),
            body,
        };
        Job { action, request, hang_up_after: None, note, attempt: 1 }
    }

    /// Something done to a payment that is there.
    fn follow(&mut self, action: Action, open: &Open, amount_minor: i64) -> Job {
        let key = self.key();
        let id = &open.payment;
        let (op, path, body) = match action {
            Action::Void => ("void", format!("/v1/payment_intents/{id}/cancel"), String::new()),
            Action::Refund => {
                ("refund", "/v1/refunds".to_owned(), format!("payment_intent={id}&amount={amount_minor}"))
            }
            _capture => (
                "capture",
                format!("/v1/payment_intents/{id}/capture"),
                format!("amount_to_capture={amount_minor}"),
            ),
        };
        let note = Note {
            merchant: open.merchant.id.to_string(),
            op: op.to_owned(),
            key,
            payment: Some(id.clone()),
            amount_minor,
            currency: "usd".to_owned(),
        };
        self.post(&path, &open.merchant, (action, body.into()), note)
    }

    /// A part of an amount, or, half of the time, the whole.
    fn part(&mut self, amount_minor: i64) -> i64 {
        if self.random.below(2) == 0 || amount_minor < 2 {
            return amount_minor;
        }
        1 + self.random.below(amount_minor.unsigned_abs() - 1).cast_signed()
    }

    fn retrieve(&self, action: Action, open: &Open) -> Job {
        let request = Prepared {
            method: Method::GET,
            uri: self.target.uri(&format!("/v1/payment_intents/{}", open.payment)),
            authorization: open.merchant.authorization.clone(),
            idempotency_key: None,
            body: Bytes::new(),
        };
        let note = Note {
            merchant: open.merchant.id.to_string(),
            op: "retrieve".to_owned(),
            payment: Some(open.payment.clone()),
            amount_minor: open.amount_minor,
            currency: "usd".to_owned(),
            ..Note::default()
        };
        Job { action, request, hang_up_after: None, note, attempt: 1 }
    }

    /// Remembers what an answer makes possible.
    fn learn(&mut self, job: &Job, answer: &Answer) {
        let body = Body::of(&answer.body);
        let (Some(payment), Some(status)) = (body.payment(), body.status.as_deref()) else { return };
        if job.action == Action::Duplicate {
            return;
        }
        let open = Open::of(job, payment);
        match (job.note.op.as_str(), status) {
            ("authorize", "requires_capture") => remember(&mut self.authorized, open.clone()),
            ("sale" | "capture", "succeeded") => remember(&mut self.captured, open.clone()),
            ("retrieve", "succeeded") if job.action == Action::Poll => {
                remember(&mut self.captured, open.clone())
            }
            ("sale", "requires_action" | "processing") if job.attempt == 1 => {
                remember(&mut self.waiting, open.clone())
            }
            _nothing_more => {}
        }
        if matches!(job.note.op.as_str(), "authorize" | "sale") {
            remember(&mut self.known, open);
        }
    }
}

fn remember<T>(queue: &mut VecDeque<T>, item: T) {
    if queue.len() >= REMEMBERED {
        queue.pop_front();
    }
    queue.push_back(item);
}

impl Workload for Mixture {
    fn due(&mut self) -> Job {
        let action = self.mix.draw(&mut self.random);
        let job = match action {
            Action::Capture | Action::Void => self.authorized.pop_front().map(|open| {
                let amount =
                    if action == Action::Void { open.amount_minor } else { self.part(open.amount_minor) };
                self.follow(action, &open, amount)
            }),
            Action::Refund => self.captured.pop_front().map(|mut open| {
                let amount = self.part(open.amount_minor);
                let job = self.follow(action, &open, amount);
                open.amount_minor -= amount;
                if open.amount_minor > 0 {
                    remember(&mut self.captured, open);
                }
                job
            }),
            Action::Retrieve => {
                let index = self.random.below(self.known.len() as u64) as usize;
                self.known.get(index).cloned().map(|open| self.retrieve(action, &open))
            }
            Action::Poll => self.waiting.pop_front().map(|open| self.retrieve(action, &open)),
            Action::Duplicate => {
                let index = self.random.below(self.sent.len() as u64) as usize;
                self.sent.get(index).cloned().map(|job| Job { action, attempt: job.attempt + 1, ..job })
            }
            Action::Authorize
            | Action::Sale
            | Action::HangUp
            | Action::Decline
            | Action::Alipay
            | Action::WechatPay => Some(self.payment(action)),
        };
        // What nothing can be done to yet is made first.
        job.unwrap_or_else(|| self.payment(Action::Authorize))
    }

    fn done(&mut self, job: &Job, result: &Result<Answer, Loss>) -> After {
        if let Some(history) = &mut self.history {
            history.write(job, result);
        }
        if let (Action::Poll, Some(payment)) = (job.action, &job.note.payment)
            && wallets::waits(result)
        {
            self.waiting.push_back(Open::of(job, payment));
        }
        let last = match result {
            Ok(answer) => {
                self.learn(job, answer);
                // A refusal of the request itself stays one, however often it is sent.
                let refused = (400..500).contains(&answer.status) && !matches!(answer.status, 409 | 429);
                let last = is_final(&job.note.op, (answer.status, answer.replayed), &Body::of(&answer.body));
                if last && let Some(keepsakes) = &self.keepsakes {
                    keepsakes.lock().unwrap_or_else(PoisonError::into_inner).push(job.clone());
                }
                refused || last
            }
            Err(_lost) => false,
        };
        let posted = job.request.method == Method::POST;
        if posted && job.action.makes_a_payment() {
            if self.sent.len() >= SENT {
                self.sent.pop_front();
            }
            self.sent.push_back(Job { hang_up_after: None, ..job.clone() });
        }
        if last || !posted || self.persistence == Persistence::Once || job.attempt >= ATTEMPTS {
            return After::Done;
        }
        let again = Job { attempt: job.attempt + 1, hang_up_after: None, ..job.clone() };
        // Slower each time, up to a second.
        let pause = Duration::from_millis((50 * u64::from(job.attempt)).min(950) + self.random.below(50));
        After::Again(Box::new(again), pause)
    }

    fn close(&mut self) {
        if let Some(unsettled) = &self.unsettled {
            let reads = self.waiting.iter().map(|open| self.retrieve(Action::Poll, open));
            unsettled.lock().unwrap_or_else(PoisonError::into_inner).extend(reads);
        }
        // Writes what was gathered.
        self.history = None;
    }
}
