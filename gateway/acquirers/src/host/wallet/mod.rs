//! The far end of the third protocol: an operator of wallets, with the same book and the same script of faults, customers who decide by
//! themselves, and notifications that may be lost, doubled, late or forged. It knows no sockets: whoever serves HTTP hands calls in, and
//! takes notifications away.

mod account;
mod courier;
mod customer;

pub use courier::Post;
pub use customer::{Customers, Does};

use super::book_file::{BookFile, Line};
use super::calls::{Answer, Call, Reaction, Script};
use super::faults::{FaultCounts, FaultKind, Faults};
use super::settings::{HostPorts, Settings};
use crate::wallet::wire::{NewPayment, NewRefund, Notification, Refused};
use account::{Accounts, Answered, Decision};
use crypto::webhook::{WebhookSecret, stripe_signature};
use gateway_core::ports::BoxFuture;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// Tries to deliver one notification.
const DELIVERIES: u32 = 5;
/// The pause after the first that failed; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);

/// A signed notification on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// For the header [`crate::wallet::wire::SIGNATURE`].
    pub signature: String,
    pub body: Vec<u8>,
}

/// Takes notifications to where they are wanted.
pub trait Courier: Send + Sync {
    /// Delivers one; whether it was received.
    fn deliver(&self, signed: Signed) -> BoxFuture<'_, bool>;
}

/// Whom an operator tells, and how it signs.
pub struct Notifying {
    pub courier: Arc<dyn Courier>,
    pub secret: WebhookSecret,
}

/// The operator.
pub struct Operator {
    script: Script,
    customers: Customers,
    ports: HostPorts,
    file: BookFile,
    accounts: Mutex<Accounts>,
    notifying: Option<Notifying>,
    /// Signs what is forged.
    stranger: WebhookSecret,
}

/// What a call is, in one word, and what it is about.
enum Step<'a> {
    Create,
    Retrieve(&'a str),
    Reverse(&'a str),
    Refund,
    RetrieveRefund(&'a str),
    ReverseRefund(&'a str),
    Unknown,
}

impl<'a> Step<'a> {
    fn of(method: &str, path: &'a str) -> Step<'a> {
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        match (method, parts.as_slice()) {
            ("POST", ["payments"]) => Step::Create,
            ("GET", ["payments", reference]) => Step::Retrieve(reference),
            ("POST", ["payments", reference, "reverse"]) => Step::Reverse(reference),
            ("POST", ["refunds"]) => Step::Refund,
            ("GET", ["refunds", reference]) => Step::RetrieveRefund(reference),
            ("POST", ["refunds", reference, "reverse"]) => Step::ReverseRefund(reference),
            _ => Step::Unknown,
        }
    }

    /// The words of `messages` in the script of faults.
    const fn word(&self) -> &'static str {
        match self {
            Step::Create => "create",
            Step::Retrieve(_) => "retrieve",
            Step::Reverse(_) => "reverse",
            Step::Refund => "refund",
            Step::RetrieveRefund(_) => "retrieve_refund",
            Step::ReverseRefund(_) => "reverse_refund",
            Step::Unknown => "unknown",
        }
    }
}

impl Operator {
    /// An operator with the book at `path`, continued if there is one; without a path it keeps none. Payments that nobody had
    /// decided are forgotten with the process: of them there is no line.
    ///
    /// # Errors
    /// The book can't be opened, or is none; or a fault has no meaning over HTTP.
    pub fn new(
        (settings, customers): (Settings, Customers),
        ports: HostPorts,
        path: Option<&Path>,
        notifying: Option<Notifying>,
    ) -> io::Result<Arc<Operator>> {
        let about_calls = |messages: &[String]| messages.iter().any(|message| message != "notify");
        let odd = settings.faults.iter().find(|fault| {
            matches!(fault.kind, FaultKind::Doubled | FaultKind::Anothers)
                && (fault.messages.is_empty() || about_calls(&fault.messages))
        });
        if odd.is_some() {
            let why =
                "doubled and anothers have no meaning for calls over HTTP: write messages = [\"notify\"]";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let mut accounts = Accounts::default();
        let file = match path {
            Some(path) => BookFile::open(path, |line| accounts.restore(line))?,
            None => BookFile::none(),
        };
        let entropy = |out: &mut [u8]| ports.random.fill(out);
        Ok(Arc::new(Operator {
            script: Script::new(&settings, &ports),
            customers,
            stranger: WebhookSecret::generate(&entropy),
            ports,
            file,
            accounts: Mutex::new(accounts),
            notifying,
        }))
    }

    /// The scripted faults, to change them while it serves.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        self.script.faults()
    }

    /// How often each fault was delivered.
    #[must_use]
    pub fn fault_counts(&self) -> FaultCounts {
        self.script.counts()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one call, as the script of faults will have it.
    ///
    /// # Errors
    /// The book can't be written: nothing may be answered then.
    pub fn answer(self: &Arc<Self>, call: &Call<'_>) -> io::Result<Reaction> {
        let step = Step::of(call.method, call.path);
        let fault = self.script.fault(step.word(), None);
        self.script.react(fault.as_ref(), (503, "{}".to_owned()), |less| self.act(&step, call.body, less))
    }

    fn act(self: &Arc<Self>, step: &Step<'_>, body: &[u8], less: i64) -> io::Result<Answer> {
        let at = self.ports.clock.now();
        let mut accounts = self.lock();
        let answered = match step {
            Step::Create => match serde_json::from_slice::<NewPayment<'_>>(body) {
                Ok(payment) => {
                    let made = accounts.create(&payment, less, at);
                    if made.novel {
                        self.await_customer(&payment.reference, payment.expires_in_s);
                    }
                    made
                }
                Err(_) => Answered::refused(400, "invalid"),
            },
            Step::Refund => match serde_json::from_slice::<NewRefund<'_>>(body) {
                Ok(refund) => accounts.refund(&refund, less, at),
                Err(_) => Answered::refused(400, "invalid"),
            },
            Step::Retrieve(reference) => accounts.show(reference, at),
            Step::Reverse(reference) => accounts.reverse(reference, at),
            Step::RetrieveRefund(reference) => accounts.show_refund(reference),
            Step::ReverseRefund(reference) => accounts.reverse_refund(reference, at),
            Step::Unknown => Answered::refused(404, "not_found"),
        };
        // Under the lock, so that the book's order is the order in which things happened.
        self.write(&answered.lines)?;
        Ok((answered.status, answered.body))
    }

    fn write(&self, lines: &[Line<'_>]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut bytes, line).expect("plain data always becomes JSON");
            bytes.push(b'\n');
        }
        self.file.append(&bytes)
    }

    /// A customer has a payment before them, and will do what customers here do.
    fn await_customer(self: &Arc<Self>, reference: &str, life_s: u64) {
        let does = self.customers.draw(&*self.ports.random);
        let (operator, reference) = (Arc::clone(self), reference.to_owned());
        let wait = Duration::from_millis(self.customers.after_ms);
        let task = async move {
            match does {
                Does::Nothing => {
                    sleep(Duration::from_secs(life_s)).await;
                    operator.expire(&reference);
                }
                Does::Approve | Does::Decline => {
                    sleep(wait).await;
                    operator.decide(&reference, does);
                }
            }
        };
        if !self.customers.by_hand {
            self.ports.tasks.spawn("a customer", Box::pin(task));
        }
    }

    /// What the customer does; whether it was still theirs to do.
    pub fn decide(self: &Arc<Self>, reference: &str, does: Does) -> bool {
        let decision = match does {
            Does::Approve => Decision::Pay,
            Does::Decline => Decision::Decline,
            Does::Nothing => return false,
        };
        self.conclude(reference, decision)
    }

    /// The customer's time is over.
    pub fn expire(self: &Arc<Self>, reference: &str) -> bool {
        self.conclude(reference, Decision::Expire)
    }

    /// Pays a payment whatever became of it before, as an operator does whose systems disagree; whether there was one.
    pub fn pay_against_its_word(self: &Arc<Self>, reference: &str) -> bool {
        self.conclude(reference, Decision::PayAnyway)
    }

    fn conclude(self: &Arc<Self>, reference: &str, decision: Decision) -> bool {
        let mut accounts = self.lock();
        let Some((lines, kind)) = accounts.conclude(reference, decision, self.ports.clock.now()) else {
            return false;
        };
        if let Err(error) = self.write(&lines) {
            tracing::error!(%error, "the book can't be written");
            return false;
        }
        drop(accounts);
        self.notify(kind, reference);
        true
    }

    /// Tells that there is news, as the script of faults will have it.
    fn notify(self: &Arc<Self>, kind: &str, reference: &str) {
        if self.notifying.is_none() {
            return;
        }
        let fault = self.script.fault("notify", None);
        let notification = Notification { kind: kind.into(), reference: reference.into() };
        let body = serde_json::to_vec(&notification).expect("two texts always become JSON");
        let (times, wait, forged) = match fault.as_ref().map(|fault| (fault.kind, fault.delay_ms)) {
            None => (1, 0, false),
            Some((FaultKind::Doubled, _)) => (2, 0, false),
            Some((FaultKind::Late, delay_ms)) => (1, delay_ms, false),
            // Somebody else's words: another signature.
            Some((FaultKind::Garbage, _)) => (1, 0, true),
            Some(_lost) => return,
        };
        for _time in 0..times {
            let (operator, body) = (Arc::clone(self), body.clone());
            let task = async move {
                sleep(Duration::from_millis(wait)).await;
                operator.deliver(&body, if forged { Signer::Stranger } else { Signer::Operator }).await;
            };
            self.ports.tasks.spawn("a notification", Box::pin(task));
        }
    }

    async fn deliver(&self, body: &[u8], signer: Signer) {
        let Some(notifying) = &self.notifying else { return };
        let mut pause = PAUSE;
        for _try in 0..DELIVERIES {
            let now = u64::try_from(self.ports.clock.now().unix_seconds()).unwrap_or(0);
            let secret = match signer {
                Signer::Operator => &notifying.secret,
                Signer::Stranger => &self.stranger,
            };
            let signed = Signed { signature: stripe_signature(&[secret], now, body), body: body.to_vec() };
            // What is forged is not sent again: whoever forges it does not mind.
            if notifying.courier.deliver(signed).await || matches!(signer, Signer::Stranger) {
                return;
            }
            sleep(pause).await;
            pause *= 2;
        }
    }
}

/// Whose signature stands under a notification.
#[derive(Clone, Copy)]
enum Signer {
    Operator,
    Stranger,
}

/// A refusal as the wire has it.
fn refusal(code: &str) -> String {
    serde_json::to_string(&Refused { error: code.into() }).expect("a text always becomes JSON")
}

#[cfg(test)]
mod tests;
