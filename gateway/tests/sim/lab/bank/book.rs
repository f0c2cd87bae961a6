//! An acquirer's book: what it decided about each message, and what stands of each authorization and sale.
//!
//! It shares nothing with the acquirers that the gateway ships. A repeat of a message, by its reference, is answered as the
//! first was and moves nothing.

use super::super::facts::{BookFacts, Line, Op, Standing};
use super::super::swarm::Unseen;
use std::collections::{BTreeMap, HashSet};

/// One message as the acquirer reads it.
#[derive(Debug, Clone)]
pub struct Message {
    pub reference: u64,
    pub op: Op,
    pub amount: i64,
    /// The message that it is about.
    pub about: Option<u64>,
    /// A reversal of a part: the rest of a hold is given back.
    pub part: bool,
}

/// What the acquirer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    Approved(i64),
    Declined,
    NotFound,
    /// It decides later.
    Pending,
    /// The customer must act first.
    Asks,
}

/// How a message that asks for money is decided when it comes for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Approve,
    /// For this much.
    ApproveFor(i64),
    Decline,
    Later,
    /// When the customer has acted.
    Challenge,
}

#[derive(Debug, Clone)]
struct Entry {
    line: Line,
    /// What the hold was before an increment.
    before: i64,
    pending: bool,
    /// Until the customer has acted.
    asks: bool,
    /// What was asked for, whatever was approved.
    asked: i64,
}

/// The book.
#[derive(Default)]
pub struct Book {
    entries: BTreeMap<u64, Entry>,
    standing: BTreeMap<u64, Standing>,
    /// Messages that were reversed before they came, where the acquirer remembers.
    dead: HashSet<u64>,
    /// Messages whose reversal was acknowledged although they had never come.
    pub blindly: HashSet<u64>,
}

impl Book {
    /// Decides one message.
    pub fn rule(&mut self, message: &Message, mood: Mood, unseen: Unseen) -> Ruling {
        match message.op {
            Op::Inquire => return self.inquire(message.about),
            Op::Reverse if !message.part => return self.reverse(message, unseen),
            Op::Authorize | Op::Sale | Op::Increment | Op::Capture | Op::Void | Op::Refund | Op::Reverse => {}
        }
        if let Some(known) = self.entries.get(&message.reference) {
            return known.ruling();
        }
        let dead = self.dead.contains(&message.reference);
        let mood = if dead { Mood::Decline } else { mood };
        let hold = match (message.op, message.about) {
            (Op::Authorize | Op::Sale, _) | (_, None) => message.reference,
            (_, Some(about)) => self.entries.get(&about).map_or(about, |entry| entry.line.hold),
        };
        let line = Line {
            reference: message.reference,
            op: message.op,
            hold,
            amount: message.amount,
            approved: false,
            undone: false,
        };
        let (pending, asks) = (matches!(mood, Mood::Later | Mood::Challenge), mood == Mood::Challenge);
        let mut entry = Entry { line, before: 0, pending, asks, asked: message.amount };
        self.decide(&mut entry, mood);
        let ruling = entry.ruling();
        self.entries.insert(message.reference, entry);
        ruling
    }

    fn decide(&mut self, entry: &mut Entry, mood: Mood) {
        let amount = match mood {
            Mood::Approve => entry.line.amount,
            Mood::ApproveFor(amount) => amount,
            Mood::Decline | Mood::Later | Mood::Challenge => return,
        };
        let line = &mut entry.line;
        let standing = self.standing.entry(line.hold).or_default();
        let free = standing.authorized - standing.captured;
        let fits = match line.op {
            Op::Authorize | Op::Sale => true,
            Op::Increment => {
                standing.captured == 0 && standing.authorized > 0 && amount > standing.authorized
            }
            Op::Capture | Op::Reverse => amount > 0 && amount <= free,
            Op::Void => standing.captured == 0 && standing.authorized > 0,
            Op::Refund => amount > 0 && amount <= standing.captured - standing.refunded,
            Op::Inquire => false,
        };
        if !fits {
            return;
        }
        entry.before = standing.authorized;
        match line.op {
            Op::Authorize | Op::Increment => standing.authorized = amount,
            Op::Sale => *standing = Standing { authorized: amount, captured: amount, refunded: 0 },
            Op::Capture => standing.captured += amount,
            Op::Reverse => standing.authorized -= amount,
            Op::Void => standing.authorized = 0,
            Op::Refund => standing.refunded += amount,
            Op::Inquire => {}
        }
        line.amount = amount;
        line.approved = true;
    }

    /// Decides what was left undecided; the ruling, if there was anything to decide.
    pub fn make_up_its_mind(&mut self, reference: u64, mood: Mood) -> Option<Ruling> {
        let mut entry = self.entries.get(&reference).filter(|entry| entry.pending)?.clone();
        entry.pending = false;
        self.decide(&mut entry, mood);
        let ruling = entry.ruling();
        self.entries.insert(reference, entry);
        Some(ruling)
    }

    /// What an honest operator reads here of a message: whether it was done, for all that was asked. Nothing while that may change, or where
    /// the answer would be neither yes nor no.
    pub fn truth(&self, reference: u64) -> Option<bool> {
        let entry = self.entries.get(&reference).filter(|entry| !entry.pending)?;
        let whole = entry.line.approved && !entry.line.undone && entry.line.amount == entry.asked;
        (whole || !entry.line.approved).then_some(whole)
    }

    /// Whether a message has come, and nothing of it stands.
    pub fn is_undone(&self, reference: u64) -> bool {
        let over = |entry: &Entry| !entry.pending && (!entry.line.approved || entry.line.undone);
        self.entries.get(&reference).is_some_and(over)
    }

    /// The message of a line, as its answer is told again.
    pub fn line_of(&self, reference: u64) -> Option<Message> {
        let entry = self.entries.get(&reference)?;
        let (op, amount) = (entry.line.op, entry.asked);
        Some(Message { reference, op, amount, about: None, part: false })
    }

    fn inquire(&self, about: Option<u64>) -> Ruling {
        about.and_then(|about| self.entries.get(&about)).map_or(Ruling::NotFound, Entry::ruling)
    }

    fn reverse(&mut self, message: &Message, unseen: Unseen) -> Ruling {
        let Some(about) = message.about else { return Ruling::Declined };
        let Some(entry) = self.entries.get_mut(&about) else {
            return match unseen {
                Unseen::NotFound => Ruling::NotFound,
                Unseen::Remembered => {
                    self.dead.insert(about);
                    Ruling::Approved(message.amount)
                }
                Unseen::Acknowledged => {
                    self.blindly.insert(about);
                    Ruling::Approved(message.amount)
                }
            };
        };
        entry.pending = false;
        if !entry.line.approved || entry.line.undone {
            return Ruling::Approved(message.amount);
        }
        let standing = self.standing.entry(entry.line.hold).or_default();
        match entry.line.op {
            Op::Authorize if standing.captured > 0 => return Ruling::Declined,
            Op::Sale if standing.refunded > 0 => return Ruling::Declined,
            Op::Authorize | Op::Sale => *standing = Standing::default(),
            Op::Increment if standing.captured > entry.before => return Ruling::Declined,
            // The raise alone is taken back: what was voided or given back since stays so.
            Op::Increment => {
                let raised = entry.line.amount - entry.before;
                standing.authorized = (standing.authorized - raised).max(standing.captured);
            }
            Op::Refund => standing.refunded -= entry.line.amount,
            Op::Capture | Op::Void | Op::Reverse | Op::Inquire => return Ruling::Declined,
        }
        entry.line.undone = true;
        Ruling::Approved(message.amount)
    }

    /// Whether a message was approved after its reversal had been acknowledged, and still stands.
    pub fn stands_against_its_reversal(&self, reference: u64) -> bool {
        let stands = |entry: &Entry| entry.line.approved && !entry.line.undone;
        self.blindly.contains(&reference) && self.entries.get(&reference).is_some_and(stands)
    }

    /// Whether any message was.
    pub fn stands_against_any_reversal(&self) -> bool {
        self.blindly.iter().any(|reference| self.stands_against_its_reversal(*reference))
    }

    /// The book for the auditor.
    pub fn facts(&self) -> BookFacts {
        let lines = self.entries.values().map(|entry| entry.line.clone()).collect();
        BookFacts { lines, standing: self.standing.clone() }
    }
}

impl Entry {
    const fn ruling(&self) -> Ruling {
        match (self.pending, self.line.approved) {
            (true, _) if self.asks => Ruling::Asks,
            (true, _) => Ruling::Pending,
            (false, true) => Ruling::Approved(self.line.amount),
            (false, false) => Ruling::Declined,
        }
    }
}
