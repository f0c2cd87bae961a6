//! What is in flight, and what was until lately: so that an answer finds who waits for it, and one that comes late or twice is
//! still known for what it is.

use super::codec::Message;
use super::compose::{Asked, Expect};
use super::interpret::interpret;
use super::key::Key;
use gateway_core::acquirer::{Answer, LateAnswer, LateAnswers, OriginalKind, Trace};
use gateway_core::time::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use tokio::sync::oneshot;

/// How many messages are remembered after their answer or their deadline, some 200 bytes each.
const REMEMBERED: usize = 16_384;

struct Entry {
    expect: Expect,
    /// Who waits; nobody once it was answered or given up.
    waiting: Option<oneshot::Sender<Answer>>,
    /// Tells this send of a message from an earlier one with the same key.
    serial: u64,
}

#[derive(Default)]
struct Rows {
    entries: HashMap<Key, Entry>,
    /// In the order in which they are forgotten; a pair whose serial is not the entry's is out of date.
    done: VecDeque<(Key, u64)>,
    serial: u64,
}

/// The table of one acquirer, shared by its connections: an answer may come on another one than its question.
#[derive(Default)]
pub struct Table {
    rows: Mutex<Rows>,
}

/// What became of an answer that came in.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Somebody waited for it.
    Awaited,
    /// It is the late or second answer to a message that is remembered, and went to the sink.
    Late,
    /// Nothing is known of its question; it went to the sink if it says enough of itself.
    Unmatched,
}

impl Table {
    /// Enters a message before it is queued. Nothing if the same message is in flight already.
    pub fn enter(&self, key: Key, expect: Expect) -> Option<(u64, oneshot::Receiver<Answer>)> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.entries.get(&key).is_some_and(|entry| entry.waiting.is_some()) {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        rows.serial += 1;
        let serial = rows.serial;
        rows.entries.insert(key, Entry { expect, waiting: Some(sender), serial });
        Some((serial, receiver))
    }

    /// Nobody waits any more; the message left, so it is remembered for a while.
    pub fn give_up(&self, key: &Key, serial: u64) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = rows.entries.get_mut(key).filter(|entry| entry.serial == serial) {
            entry.waiting = None;
            rows.remember(*key, serial);
        }
    }

    /// The message never left: forget it.
    pub fn withdraw(&self, key: &Key, serial: u64) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.entries.get(key).is_some_and(|entry| entry.serial == serial) {
            rows.entries.remove(key);
        }
    }

    /// Tells whoever waits that the message never left.
    pub fn refuse(&self, key: &Key, serial: u64, why: String) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.entries.get(key).is_none_or(|entry| entry.serial != serial) {
            return;
        }
        let waiting = rows.entries.remove(key).and_then(|entry| entry.waiting);
        drop(rows);
        if let Some(waiting) = waiting {
            // Whoever waited may have given up in this very moment; then it has its own outcome.
            let _ = waiting.send(Answer::NotSent(why));
        }
    }

    /// Gives an outcome to whoever waits, without an answer from the peer.
    pub fn conclude(&self, key: &Key, serial: u64, answer: Answer) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = rows.entries.get_mut(key).filter(|entry| entry.serial == serial) else { return };
        let waiting = entry.waiting.take();
        rows.remember(*key, serial);
        drop(rows);
        if let Some(waiting) = waiting {
            // Whoever waited may have given up in this very moment; then it has its own outcome.
            let _ = waiting.send(answer);
        }
    }

    /// Matches an answer from the peer.
    pub fn arrived(&self, message: &Message<'_>, sink: &Sink<'_>) -> Arrival {
        let Some(key) = Key::of_answer(message) else { return Arrival::Unmatched };
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = rows.entries.get_mut(&key) else {
            drop(rows);
            return unmatched(message, sink);
        };
        let (expect, serial) = (entry.expect, entry.serial);
        let waiting = entry.waiting.take();
        if waiting.is_some() {
            rows.remember(key, serial);
        }
        drop(rows);
        let answer = interpret(message, &expect);
        let answer = match waiting.map(|waiting| waiting.send(answer)) {
            Some(Ok(())) => return Arrival::Awaited,
            // It gave up between the look-up and the hand-over: late by a hair.
            Some(Err(answer)) => answer,
            None => interpret(message, &expect),
        };
        match expect.asked {
            Asked::For(kind) => sink.hand_over(expect.trace, kind, answer),
            // A reversal is repeated until one is answered in time; a verification moved nothing.
            Asked::Reversal | Asked::Verification => {}
        }
        Arrival::Late
    }
}

impl Rows {
    fn remember(&mut self, key: Key, serial: u64) {
        self.done.push_back((key, serial));
        while self.done.len() > REMEMBERED {
            let Some((oldest, serial)) = self.done.pop_front() else { return };
            let over = |entry: &Entry| entry.serial == serial && entry.waiting.is_none();
            if self.entries.get(&oldest).is_some_and(over) {
                self.entries.remove(&oldest);
            }
        }
    }
}

/// Where late answers go, and what they are signed with.
pub struct Sink<'a> {
    pub acquirer: &'a str,
    pub now: Timestamp,
    pub late: &'a dyn LateAnswers,
}

impl Sink<'_> {
    fn hand_over(&self, trace: Trace, kind: OriginalKind, answer: Answer) {
        self.late.arrived(LateAnswer { acquirer: self.acquirer.into(), trace, kind, answer });
    }
}

/// An answer from before a restart: what it says of itself is all there is.
fn unmatched(message: &Message<'_>, sink: &Sink<'_>) -> Arrival {
    let said = || {
        let trace = Trace {
            stan: u32::try_from(message.number(11)?).ok()?,
            reference: message.number(37)?,
            at: sink.now,
        };
        let currency = super::interpret::currency(message.text(49)?)?;
        let amount = gateway_core::money::Money::new(i64::try_from(message.number(4)?).ok()?, currency);
        let processing = message.field(3)?.try_into().ok()?;
        let kind = match (&message.mti().as_bytes()[..], message.field(3)?.get(..2)?) {
            (b"0110", b"00") => OriginalKind::Authorize,
            (b"0210", b"00") => OriginalKind::Sale,
            (b"0210", b"20") => OriginalKind::Refund,
            (b"0230", _) => OriginalKind::Capture,
            (b"0410", _) => OriginalKind::Void,
            _ => return None,
        };
        Some(Expect { asked: Asked::For(kind), trace, processing, sent: amount, amount })
    };
    if let Some(expect) = said()
        && let Asked::For(kind) = expect.asked
    {
        sink.hand_over(expect.trace, kind, interpret(message, &expect));
    }
    Arrival::Unmatched
}
