//! The far end of the other protocol: an upstream that speaks as much of the merchants' dialect as its adapter uses, with the same
//! book and the same script of faults. It knows no sockets: whoever serves HTTP hands calls in.
//!
//! An intent is named after the reference that its maker gives it, so that creating it again finds it, also after a restart.

mod account;
mod render;

use super::book_file::{BookFile, Line};
use super::calls::{Answer, Call, Reaction, Script};
use super::faults::{FaultCounts, FaultKind};
use super::settings::{HostPorts, Settings};
use crate::bank::test_cards::{Behaviour, behaviour};
use account::{Account, Refused, Taken};
use gateway_core::acquirer::DeclineCode;
use gateway_core::money::Currency;
use render::{broken, intent, refund, refused};
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The upstream.
pub struct Dialect {
    script: Script,
    ports: HostPorts,
    file: BookFile,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By the reference that makes their name.
    accounts: BTreeMap<String, Account>,
    /// The amount of each refund, and the intent's reference.
    refunds: BTreeMap<String, (i64, String)>,
    /// The book's names of the steps that were taken.
    taken: HashSet<u64>,
}

impl Dialect {
    /// An upstream with the book at `path`, continued if there is one; without a path it keeps none.
    ///
    /// # Errors
    /// The book can't be opened, or is none; or a fault has no meaning over HTTP.
    pub fn new(settings: Settings, ports: HostPorts, path: Option<&Path>) -> io::Result<Arc<Dialect>> {
        let odd = |kind| matches!(kind, FaultKind::Doubled | FaultKind::Anothers);
        if settings.faults.iter().any(|fault| odd(fault.kind)) {
            let why = "doubled and anothers have no meaning over HTTP: an answer belongs to its request";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let mut state = State::default();
        let file = match path {
            Some(path) => BookFile::open(path, |line| state.restore(line))?,
            None => BookFile::none(),
        };
        let script = Script::new(&settings, &ports);
        Ok(Arc::new(Dialect { script, ports, file, state: Mutex::new(state) }))
    }

    /// How often each fault was delivered.
    #[must_use]
    pub fn fault_counts(&self) -> FaultCounts {
        self.script.counts()
    }

    /// Answers one call, as the script of faults will have it.
    ///
    /// # Errors
    /// The book can't be written: nothing may be answered then.
    pub fn answer(&self, call: &Call<'_>) -> io::Result<Reaction> {
        let form = form(call.body);
        let path: Vec<&str> = call.path.trim_start_matches("/v1/").split('/').collect();
        let step = step(call.method, &path);
        let card = form.get("payment_method_data[card][number]").map(String::as_str);
        let fault = self.script.fault(step, card);
        self.script.react(fault.as_ref(), broken(), |less| self.act((step, &path), (call.key, &form), less))
    }

    fn act(
        &self,
        (step, path): (&str, &[&str]),
        (key, form): (Option<&str>, &BTreeMap<String, String>),
        less: i64,
    ) -> io::Result<Answer> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let name = name(key, path);
        let (answer, lines) = match step {
            "create" => (state.create(form), Vec::new()),
            "refund" => state.refund(name, form, self.ports.clock.now()),
            "verify" => ((200, "{\"id\":\"seti_1\",\"status\":\"succeeded\"}".to_owned()), Vec::new()),
            "retrieve_refund" => (state.show_refund(path[1]), Vec::new()),
            "unknown" => (refused(404, "resource_missing"), Vec::new()),
            _of_an_intent => {
                let change = Change { step, name, form, less, at: self.ports.clock.now() };
                state.change(path.get(1).copied().unwrap_or_default(), &change)
            }
        };
        let mut bytes = Vec::new();
        for line in &lines {
            serde_json::to_writer(&mut bytes, line).expect("plain data always becomes JSON");
            bytes.push(b'\n');
        }
        // Under the lock, so that the book's order is the order in which things happened.
        self.file.append(&bytes)?;
        Ok(answer)
    }
}

/// What is asked of an intent.
struct Change<'a> {
    step: &'a str,
    name: u64,
    form: &'a BTreeMap<String, String>,
    less: i64,
    at: gateway_core::time::Timestamp,
}

impl State {
    fn create(&mut self, form: &BTreeMap<String, String>) -> Answer {
        let text = |name: &str| form.get(name).map_or("", String::as_str);
        let (Some(currency), Ok(amount)) = (Currency::parse(text("currency")), text("amount").parse()) else {
            return refused(400, "parameter_missing");
        };
        let reference = match text("metadata[tollgate_reference]") {
            "" => format!("{:012}", self.accounts.len() + 1),
            given => given.to_owned(),
        };
        let sale = text("capture_method") != "manual";
        let made = self.accounts.entry(reference.clone());
        (200, intent(made.or_insert_with(|| Account::new(&reference, (amount, currency), sale))))
    }

    fn change(&mut self, id: &str, change: &Change<'_>) -> (Answer, Taken) {
        let missing = || (refused(404, "resource_missing"), Vec::new());
        let Some(account) = id.strip_prefix("pi_").and_then(|key| self.accounts.get_mut(key)) else {
            return missing();
        };
        // A key that was seen, or a mere look: the present state.
        if change.step == "retrieve" || self.taken.contains(&change.name) {
            return (render::present(account, change.step), Vec::new());
        }
        let number = |name: &str| change.form.get(name).and_then(|text| text.parse::<i64>().ok());
        let taken: Result<Taken, Refused> = match change.step {
            "confirm" => {
                let card = change.form.get("payment_method_data[card][number]").map_or("", String::as_str);
                let amount = account.amount - change.less;
                account.confirm(change.name, (decline(card), amount), change.at)
            }
            "capture" => {
                let amount = number("amount_to_capture").unwrap_or(account.capturable());
                let more = change.form.get("final_capture").is_some_and(|text| text == "false");
                account.capture(change.name, (amount, more), change.at)
            }
            "increment" => account.raise(change.name, number("amount").unwrap_or(0), change.at),
            "cancel" => account.cancel(change.name, change.at),
            _other => return missing(),
        };
        match taken {
            Ok(lines) => {
                self.taken.insert(change.name);
                (render::present(account, change.step), lines)
            }
            Err(code) => (refused(400, code), Vec::new()),
        }
    }

    fn refund(
        &mut self,
        name: u64,
        form: &BTreeMap<String, String>,
        at: gateway_core::time::Timestamp,
    ) -> (Answer, Taken) {
        let text = |name: &str| form.get(name).map_or("", String::as_str);
        let of = text("payment_intent").trim_start_matches("pi_").to_owned();
        let Some(account) = self.accounts.get_mut(&of) else {
            return (refused(404, "resource_missing"), Vec::new());
        };
        let reference = text("metadata[tollgate_reference]");
        let left = account.captured - account.refunded;
        let amount = text("amount").parse().unwrap_or(left);
        if self.taken.contains(&name) {
            return ((200, refund(reference, (amount, account.currency), &of)), Vec::new());
        }
        match account.refund(name, (amount, reference), at) {
            Ok(lines) => {
                self.taken.insert(name);
                self.refunds.insert(reference.to_owned(), (amount, of.clone()));
                ((200, refund(reference, (amount, account.currency), &of)), lines)
            }
            Err(code) => (refused(400, code), Vec::new()),
        }
    }

    fn show_refund(&self, id: &str) -> Answer {
        let reference = id.trim_start_matches("re_");
        let found = self.refunds.get(reference);
        let with = found.and_then(|(amount, of)| Some((amount, of, self.accounts.get(of)?.currency)));
        match with {
            Some((amount, of, currency)) => (200, refund(reference, (*amount, currency), of)),
            None => refused(404, "resource_missing"),
        }
    }

    fn restore(&mut self, line: &Line<'_>) {
        let Some(currency) = Currency::parse(&line.currency) else { return };
        self.taken.insert(line.id);
        let reference = if line.op == "refund" {
            let of = self.accounts.values().find(|account| account.name == line.original);
            let Some(of) = of.map(|account| account.reference.clone()) else { return };
            self.refunds.insert(line.reference.to_string(), (line.amount_minor, of.clone()));
            of
        } else {
            line.reference.to_string()
        };
        let made = self.accounts.entry(reference.clone());
        made.or_insert_with(|| Account::new(&reference, (line.amount_minor, currency), false)).restore(line);
    }
}

/// What a call is, in one word: the words of `messages` in the script of faults.
fn step(method: &str, path: &[&str]) -> &'static str {
    match (method, path) {
        ("POST", ["payment_intents"]) => "create",
        ("GET", ["payment_intents", _]) => "retrieve",
        ("POST", ["payment_intents", _, "confirm"]) => "confirm",
        ("POST", ["payment_intents", _, "capture"]) => "capture",
        ("POST", ["payment_intents", _, "cancel"]) => "cancel",
        ("POST", ["payment_intents", _, "increment_authorization"]) => "increment",
        ("POST", ["refunds"]) => "refund",
        ("GET", ["refunds", _]) => "retrieve_refund",
        ("POST", ["setup_intents"]) => "verify",
        _ => "unknown",
    }
}

/// The book's name for a step: the hash of its key, which a repeat has too.
fn name(key: Option<&str>, path: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (key, path).hash(&mut hasher);
    // Even, because the release that a capture brings has the next name.
    hasher.finish() & !1
}

fn decline(card: &str) -> Option<DeclineCode> {
    match behaviour(card) {
        Behaviour::Decline(code) => Some(code),
        Behaviour::FailsToCharge => Some(DeclineCode::GenericDecline),
        Behaviour::Challenge => Some(DeclineCode::AuthenticationRequired),
        Behaviour::Approve | Behaviour::Disputed | Behaviour::BlockedAsFraud | Behaviour::ElevatedRisk => {
            None
        }
    }
}

/// A form's pairs, decoded. What is no UTF-8 is left out.
fn form(body: &[u8]) -> BTreeMap<String, String> {
    let pairs = body.split(|byte| *byte == b'&').filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        Some((decoded(&pair[..at])?, decoded(&pair[at + 1..])?))
    });
    pairs.collect()
}

fn decoded(bytes: &[u8]) -> Option<String> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            plain => *plain,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests;
