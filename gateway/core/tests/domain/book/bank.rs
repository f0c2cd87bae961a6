//! An acquirer with a book of its own. It answers a repeated message as it answered the first, and acknowledges the reversal of what
//! it never saw: if the original then arrives, it is approved.

use gateway_core::payment::OpenKind;
use std::collections::{BTreeMap, BTreeSet};

/// A message on its way to the acquirer.
#[derive(Debug, Clone)]
pub struct Packet {
    pub reference: u64,
    pub attempt: u16,
    pub kind: OpenKind,
    /// What is asked for, in minor units.
    pub minor: i64,
}

/// One decision: what was approved (`None`: declined), and whether it was reversed since.
#[derive(Debug, Clone)]
pub struct Entry {
    pub attempt: u16,
    pub what: What,
    pub approved: Option<i64>,
    pub reversed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Hold,
    Sale,
    Raise,
    Capture,
    Void,
    Refund,
    Release,
    Reversal,
}

/// How the acquirer decides on what it has not seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Generous,
    Stingy,
    Refusing,
}

#[derive(Debug, Default)]
pub struct Bank {
    pub book: BTreeMap<u64, Entry>,
    /// Originals whose reversal came first.
    pub overtaken: BTreeSet<u64>,
}

impl Bank {
    /// Takes a message in and answers: the amount approved, or `None` for a decline.
    pub fn receive(&mut self, packet: &Packet, mood: Mood) -> Option<i64> {
        if let Some(entry) = self.book.get(&packet.reference) {
            return entry.approved;
        }
        let (what, refusable) = match &packet.kind {
            OpenKind::Authorize => (What::Hold, true),
            OpenKind::Sale => (What::Sale, true),
            OpenKind::Increment { .. } => (What::Raise, true),
            OpenKind::Capture { .. } => (What::Capture, true),
            OpenKind::Void { .. } => (What::Void, true),
            OpenKind::Refund { .. } => (What::Refund, true),
            OpenKind::Reverse { of, .. } => {
                self.undo(of.reference);
                (What::Reversal, false)
            }
            OpenKind::Release { .. } => (What::Release, false),
        };
        // A raise whose reversal came first is declined: hosts remember that much of a hold that they know.
        let given_up = what == What::Raise && self.overtaken.contains(&packet.reference);
        let less = matches!(what, What::Hold | What::Sale | What::Refund | What::Raise);
        let approved = match mood {
            Mood::Refusing if refusable => None,
            _mood if given_up => None,
            Mood::Stingy if less => Some(packet.minor - 1),
            Mood::Stingy | Mood::Refusing | Mood::Generous => Some(packet.minor),
        };
        let entry = Entry { attempt: packet.attempt, what, approved, reversed: false };
        self.book.insert(packet.reference, entry);
        approved
    }

    fn undo(&mut self, of: u64) {
        match self.book.get_mut(&of) {
            Some(entry) => entry.reversed = true,
            None => {
                self.overtaken.insert(of);
            }
        }
    }

    /// The sum of what stands of a kind, in minor units.
    pub fn sum(&self, what: What) -> i64 {
        self.standing(what).filter_map(|(_, entry)| entry.approved).sum()
    }

    /// The largest of what stands of a kind, in minor units.
    pub fn largest(&self, what: What) -> i64 {
        self.standing(what).filter_map(|(_, entry)| entry.approved).max().unwrap_or(0)
    }

    /// What was approved and not reversed, of a kind.
    pub fn standing(&self, what: What) -> impl Iterator<Item = (u64, &Entry)> {
        let stands = move |entry: &Entry| entry.what == what && entry.approved.is_some() && !entry.reversed;
        self.book.iter().filter(move |(_, entry)| stands(entry)).map(|(reference, entry)| (*reference, entry))
    }
}
