//! The book: every message by its reference, so that a repeat is answered as the first was, and each hold's funds.
//!
//! It is kept in memory and bounded: the oldest entries go when it is full. What a message says of its original
//! (`Stated`) therefore counts when the book itself remembers nothing: an approval that the sender can name is believed,
//! never denied.

use super::funds::Funds;
use gateway_core::acquirer::DeclineCode;
use gateway_core::money::{Currency, Money};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// What a message does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Authorize,
    Sale,
    Increment,
    Capture,
    Void,
    Refund,
    Reverse,
}

/// What the sender says of the original of a follow-up.
#[derive(Debug, Clone, Copy)]
pub struct Stated {
    /// The original's reference.
    pub reference: u64,
    /// What it was.
    pub op: Op,
    /// What it asked for.
    pub amount: Money,
    /// Whether the sender has its approval.
    pub approved: Option<Money>,
}

/// What the card says of a message that opens something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Approve,
    Decline(DeclineCode),
    /// The customer is asked first.
    Challenge,
}

/// One message to the bank.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    pub op: Op,
    /// The message's own reference.
    pub reference: u64,
    pub amount: Money,
    /// For what opens something; follow-ups are judged by the book alone.
    pub verdict: Verdict,
    /// For follow-ups.
    pub original: Option<Stated>,
}

/// What the bank answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Approved for this many minor units.
    Approved(i64),
    Declined(DeclineCode),
    /// The customer has not answered yet.
    Pending,
    /// To a reversal or an inquiry: there is no such message.
    NotFound,
}

/// Whether a message changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    First,
    /// The reference was known; the first answer was given again.
    Repeated,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    op: Op,
    /// The authorization or sale that it belongs to; its own reference if it is one.
    hold: u64,
    amount: i64,
    currency: Currency,
    ruling: Ruling,
    /// For a hold.
    funds: Funds,
    /// What the hold was before an increment or a void, so that these can be undone.
    before: i64,
    undone: i64,
}

/// The book.
pub struct Book {
    pages: Mutex<Pages>,
    most: usize,
}

#[derive(Default)]
struct Pages {
    entries: HashMap<u64, Entry>,
    order: VecDeque<u64>,
}

impl Book {
    /// A book that remembers at most `most` messages.
    #[must_use]
    pub fn new(most: usize) -> Book {
        Book { pages: Mutex::default(), most: most.max(1) }
    }

    /// Judges one message and writes it down. A reference that is known gets the answer that it got.
    pub fn rule(&self, order: &Order) -> (Ruling, Novelty) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = pages.entries.get(&order.reference) {
            return (known.ruling, Novelty::Repeated);
        }
        let entry = match (order.op, order.original) {
            // A refund that names no original is a credit of its own.
            (Op::Authorize | Op::Sale, _) | (Op::Refund, None) => opened(order),
            (Op::Reverse, Some(original)) => pages.reversed(order, &original),
            (Op::Increment | Op::Capture | Op::Void | Op::Refund, Some(original)) => {
                pages.followed(order, &original)
            }
            (Op::Increment | Op::Capture | Op::Void | Op::Reverse, None) => orphan(order),
        };
        pages.insert(order.reference, entry, self.most);
        (entry.ruling, Novelty::First)
    }

    /// What became of a message, as the book or else its sender has it.
    pub fn inquire(&self, original: &Stated) -> Ruling {
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        match (pages.entries.get(&original.reference), original.approved) {
            (Some(entry), _) => entry.ruling,
            (None, Some(approved)) => Ruling::Approved(approved.minor),
            (None, None) => Ruling::NotFound,
        }
    }

    /// The customer's answer to a challenge; says what the message then got, or nothing if it was not waiting for one.
    pub fn challenged(&self, reference: u64, verdict: Verdict) -> Option<(Op, Ruling)> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = pages.entries.get_mut(&reference).filter(|entry| entry.ruling == Ruling::Pending)?;
        let amount = Money::new(entry.amount, entry.currency);
        *entry = opened(&Order { op: entry.op, reference, amount, verdict, original: None });
        Some((entry.op, entry.ruling))
    }

    /// An authorization turns out to have been a sale (a host that reads its book again finds it in two lines).
    pub fn settle_as_sale(&self, reference: u64) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = pages.entries.get_mut(&reference).filter(|entry| entry.op == Op::Authorize) {
            entry.op = Op::Sale;
            entry.funds.captured = entry.funds.authorized;
        }
    }

    /// How many messages it remembers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).entries.len()
    }

    /// Whether it remembers none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn blank(order: &Order, hold: u64, ruling: Ruling) -> Entry {
    Entry {
        op: order.op,
        hold,
        amount: order.amount.minor,
        currency: order.amount.currency,
        ruling,
        funds: Funds::default(),
        before: 0,
        undone: 0,
    }
}

fn opened(order: &Order) -> Entry {
    let amount = order.amount.minor;
    let mut entry = blank(order, order.reference, Ruling::Pending);
    match order.verdict {
        Verdict::Approve => {
            let captured = if order.op == Op::Authorize { 0 } else { amount };
            let refunded = if order.op == Op::Refund { amount } else { 0 };
            entry.ruling = Ruling::Approved(amount);
            entry.funds = Funds { authorized: amount, captured, refunded };
        }
        Verdict::Decline(code) => entry.ruling = Ruling::Declined(code),
        Verdict::Challenge => {}
    }
    entry
}

/// A follow-up that names no original: there is nothing to take it from.
fn orphan(order: &Order) -> Entry {
    blank(order, order.reference, Ruling::Declined(DeclineCode::GenericDecline))
}

impl Pages {
    fn insert(&mut self, reference: u64, entry: Entry, most: usize) {
        while self.order.len() >= most {
            if let Some(oldest) = self.order.pop_front() {
                self.entries.remove(&oldest);
            }
        }
        self.order.push_back(reference);
        self.entries.insert(reference, entry);
    }

    /// The hold that `original` means: as remembered, else as stated.
    fn hold_of(&mut self, order: &Order, original: &Stated) -> Option<u64> {
        if let Some(entry) = self.entries.get(&original.reference) {
            return Some(entry.hold);
        }
        let approved = original.approved?;
        let op = if original.op == Op::Sale { Op::Sale } else { Op::Authorize };
        let stated = Order { op, reference: original.reference, amount: approved, ..*order };
        let mut entry = opened(&Order { verdict: Verdict::Approve, ..stated });
        if order.op == Op::Refund {
            entry.funds.captured = entry.funds.authorized;
        }
        self.order.push_back(original.reference);
        self.entries.insert(original.reference, entry);
        Some(original.reference)
    }

    fn followed(&mut self, order: &Order, original: &Stated) -> Entry {
        let Some(hold) = self.hold_of(order, original) else { return orphan(order) };
        let mut entry = blank(order, hold, Ruling::Declined(DeclineCode::GenericDecline));
        let Some(held) = self.entries.get_mut(&hold) else { return entry };
        if held.currency != order.amount.currency || !matches!(held.ruling, Ruling::Approved(_)) {
            return entry;
        }
        entry.before = held.funds.authorized;
        let amount = order.amount.minor;
        let done = match order.op {
            Op::Increment => held.funds.raise(amount),
            Op::Capture => held.funds.capture(amount),
            Op::Void => held.funds.void().map(drop),
            Op::Refund => held.funds.refund(amount),
            Op::Authorize | Op::Sale | Op::Reverse => Err(DeclineCode::GenericDecline),
        };
        entry.ruling = done.map_or_else(Ruling::Declined, |()| Ruling::Approved(amount));
        entry
    }

    fn reversed(&mut self, order: &Order, original: &Stated) -> Entry {
        let amount = order.amount.minor;
        let Some(target) = self.entries.get(&original.reference).copied() else {
            if original.approved.is_none() {
                // Should the original still arrive, it finds itself reversed already.
                let dead = Order { op: original.op, reference: original.reference, ..*order };
                let verdict = Verdict::Decline(DeclineCode::GenericDecline);
                self.order.push_back(original.reference);
                self.entries.insert(original.reference, opened(&Order { verdict, ..dead }));
                return blank(order, original.reference, Ruling::NotFound);
            }
            return blank(order, original.reference, Ruling::Approved(amount));
        };
        let ruling = match target.ruling {
            Ruling::Approved(_) => self.undo(original.reference, &target, amount),
            Ruling::Pending => {
                self.kill(original.reference);
                Ruling::Approved(amount)
            }
            Ruling::Declined(_) | Ruling::NotFound => Ruling::Approved(amount),
        };
        blank(order, target.hold, ruling)
    }

    fn kill(&mut self, reference: u64) {
        if let Some(entry) = self.entries.get_mut(&reference) {
            entry.ruling = Ruling::Declined(DeclineCode::GenericDecline);
        }
    }

    /// Takes back an approved message, as far as it still stands.
    fn undo(&mut self, reference: u64, target: &Entry, amount: i64) -> Ruling {
        let left = (target.amount - target.undone).min(amount);
        let Some(held) = self.entries.get_mut(&target.hold) else { return Ruling::Approved(amount) };
        let funds = &mut held.funds;
        let done = match target.op {
            Op::Authorize => funds.release(amount.min(funds.authorized)),
            Op::Sale => funds.uncapture(left).and_then(|()| funds.release(left)),
            Op::Increment if left > 0 => funds.release(funds.authorized - target.before),
            Op::Void if left > 0 => {
                funds.authorized = target.before;
                Ok(())
            }
            Op::Capture => funds.uncapture(left),
            Op::Refund => funds.unrefund(left),
            Op::Increment | Op::Void | Op::Reverse => Ok(()),
        };
        if let Err(code) = done {
            return Ruling::Declined(code);
        }
        if let Some(entry) = self.entries.get_mut(&reference) {
            entry.undone += left;
        }
        Ruling::Approved(amount)
    }
}

#[cfg(test)]
mod tests;
