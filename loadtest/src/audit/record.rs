//! Writing the first witness's statement while a load runs: one line a request, in the order in which answers came.

use super::client::Line;
use crate::failure::{Failure, Result};
use crate::load::Job;
use crate::wire::{Answer, Loss};
use serde::Deserialize;
use std::borrow::Cow;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Lines are gathered to this many bytes before they are written.
const GATHER: usize = 64 * 1024;

/// What an answer says, as far as a client needs it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Body<'a> {
    #[serde(default, borrow)]
    pub id: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    pub object: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    pub status: Option<Cow<'a, str>>,
    /// A refund's payment; an id, as nothing is expanded.
    #[serde(default, borrow)]
    pub payment_intent: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    pub error: Option<Error<'a>>,
}

/// The error of a refusal.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Error<'a> {
    #[serde(default, borrow)]
    pub code: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    pub payment_intent: Option<Intent<'a>>,
}

/// The payment that a refusal is about.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Intent<'a> {
    #[serde(default, borrow)]
    pub id: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    pub status: Option<Cow<'a, str>>,
}

impl<'a> Body<'a> {
    /// Of an answer's bytes; nothing of what is no object of the dialect.
    pub fn of(bytes: &'a [u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// The payment intent that the answer is about.
    pub fn payment(&self) -> Option<&str> {
        let of_error = || self.error.as_ref()?.payment_intent.as_ref()?.id.as_deref();
        match self.object.as_deref() {
            Some("payment_intent") => self.id.as_deref(),
            Some(_other) => self.payment_intent.as_deref(),
            None => of_error(),
        }
    }
}

/// Refusals of the payment's own state: decided after the key was claimed, and so stored with it.
const DECIDED: [&str; 5] = [
    "payment_intent_unexpected_state",
    "amount_too_large",
    "charge_already_refunded",
    "charge_already_captured",
    "charge_expired_for_capture",
];

/// Whether this is the answer that its key must get for ever. A replay says so itself, also of a refund that was pending when it was
/// answered; a first answer is judged by what it says.
pub fn is_final(op: &str, (status, replayed): (u16, bool), body: &Body<'_>) -> bool {
    if op == "retrieve" {
        return false;
    }
    if replayed {
        return true;
    }
    match status {
        200 => !matches!(body.status.as_deref(), Some("processing" | "pending" | "requires_action")),
        402 => body.payment().is_some(),
        400 => body
            .error
            .as_ref()
            .and_then(|error| error.code.as_deref())
            .is_some_and(|code| DECIDED.contains(&code)),
        _refused_before => false,
    }
}

/// A file that all threads of the client write to.
#[derive(Debug, Clone)]
pub struct Record {
    file: Arc<Mutex<File>>,
    path: PathBuf,
}

impl Record {
    /// A new file.
    ///
    /// # Errors
    /// It can't be made.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|error| Failure::file("making the history", path, &error))?;
        Ok(Self { file: Arc::new(Mutex::new(file)), path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A thread's own end of it.
    pub fn writer(&self) -> Writer {
        Writer { record: self.clone(), gathered: Vec::with_capacity(GATHER + 1024) }
    }
}

/// One thread's end of a record. Dropping it writes what was gathered.
#[derive(Debug)]
pub struct Writer {
    record: Record,
    gathered: Vec<u8>,
}

impl Writer {
    /// Writes down a request that ended.
    pub fn write(&mut self, job: &Job, result: &std::result::Result<Answer, Loss>) {
        let line = line(job, result);
        serde_json::to_writer(&mut self.gathered, &line).expect("memory takes any line");
        self.gathered.push(b'\n');
        if self.gathered.len() >= GATHER {
            self.flush();
        }
    }

    /// Writes what was gathered. A history that can't be written ends the program: an audit of a part would be worth nothing.
    pub fn flush(&mut self) {
        let mut file = self.record.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(&self.gathered) {
            eprintln!("loadtest: writing the history {}: {error}", self.record.path.display());
            std::process::exit(1);
        }
        self.gathered.clear();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.flush();
    }
}

fn line(job: &Job, result: &std::result::Result<Answer, Loss>) -> Line {
    let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let mut line = Line {
        at: i64::try_from(at).unwrap_or(i64::MAX),
        merchant: job.note.merchant.clone(),
        op: job.note.op.clone(),
        key: job.note.key.clone(),
        payment: job.note.payment.clone(),
        amount_minor: job.note.amount_minor,
        currency: job.note.currency.clone(),
        attempt: job.attempt,
        ..Line::default()
    };
    match result {
        Err(loss) => line.lost = Some(loss.as_str().to_owned()),
        Ok(answer) => {
            let body = Body::of(&answer.body);
            line.status = Some(answer.status);
            line.is_final = is_final(&line.op, (answer.status, answer.replayed), &body);
            line.replayed = answer.replayed;
            line.digest = digest(&answer.body);
            line.payment = line.payment.or_else(|| body.payment().map(str::to_owned));
            line.code = body.error.as_ref().and_then(|error| error.code.as_deref()).map(str::to_owned);
            line.state = body.status.map(Cow::into_owned);
            line.object = body.id.map(Cow::into_owned);
        }
    }
    line
}

/// SHA-256 in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        write!(text, "{byte:02x}").expect("text takes any text");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_final_as_the_dialect_says() {
        let intent =
            |status: &str| format!(r#"{{"id":"pi_1","object":"payment_intent","status":"{status}"}}"#);
        let error =
            |code: &str| format!(r#"{{"error":{{"code":"{code}","payment_intent":{{"id":"pi_1"}}}}}}"#);
        let table = [
            ("authorize", 200, intent("requires_capture"), true),
            ("authorize", 200, intent("processing"), false),
            ("authorize", 200, intent("requires_action"), false),
            ("retrieve", 200, intent("succeeded"), false),
            ("authorize", 402, error("card_declined"), true),
            ("authorize", 402, r#"{"error":{"code":"incorrect_number"}}"#.to_owned(), false),
            ("capture", 400, error("payment_intent_unexpected_state"), true),
            ("capture", 400, r#"{"error":{"code":"parameter_missing"}}"#.to_owned(), false),
            ("authorize", 409, error("idempotency_key_in_use"), false),
            ("authorize", 429, error("rate_limit"), false),
            ("authorize", 503, "<html>".to_owned(), false),
        ];
        for (op, status, body, expected) in table {
            let body = Body::of(body.as_bytes());
            assert_eq!(is_final(op, (status, false), &body), expected, "{op} {status} {body:?}");
            assert_eq!(is_final(op, (status, true), &body), op != "retrieve", "a replay of {op}");
        }
    }

    #[test]
    fn a_refund_names_its_payment() {
        let body =
            Body::of(br#"{"id":"re_1","object":"refund","status":"succeeded","payment_intent":"pi_9"}"#);
        assert_eq!((body.payment(), body.id.as_deref()), (Some("pi_9"), Some("re_1")));
        assert_eq!(digest(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
