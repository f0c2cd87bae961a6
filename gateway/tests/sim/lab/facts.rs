//! What the three witnesses say, as plain data: the gateway's store, the acquirers' books, the clients' memories.

use bytes::Bytes;
use std::collections::BTreeMap;

/// A transition of a payment, as the store has it.
#[derive(Debug, Clone)]
pub struct Transition {
    pub seq: u32,
    pub what: What,
    /// Account, currency, minor units.
    pub postings: Vec<(String, String, i64)>,
}

/// What a transition did. References are those of messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Created {
        amount: i64,
    },
    Updated {
        amount: Option<i64>,
    },
    InstrumentSet,
    Asked {
        reference: u64,
        sale: bool,
        amount: i64,
    },
    Blocked,
    Rerouted {
        from: u64,
        to: u64,
    },
    /// Whether the customer must act.
    Staged {
        reference: u64,
        action: bool,
    },
    Looked {
        reference: u64,
    },
    Authorized {
        reference: u64,
        amount: i64,
    },
    Sold {
        reference: u64,
        amount: i64,
    },
    Failed {
        reference: u64,
    },
    ReversalAsked {
        of: u64,
        reference: u64,
        holds: bool,
        cancels: bool,
        refund: Option<String>,
    },
    Reversed {
        reference: u64,
    },
    CaptureAsked {
        reference: u64,
        amount: i64,
    },
    Captured {
        reference: u64,
        amount: i64,
        last: bool,
    },
    CaptureDeclined {
        reference: u64,
    },
    Closed,
    ReleaseAsked {
        reference: u64,
    },
    Released {
        reference: u64,
    },
    VoidAsked {
        reference: u64,
    },
    Voided {
        reference: u64,
    },
    VoidDeclined {
        reference: u64,
    },
    Canceled,
    IncrementAsked {
        reference: u64,
        total: i64,
    },
    Incremented {
        reference: u64,
        total: i64,
    },
    IncrementDeclined {
        reference: u64,
    },
    RefundAsked {
        reference: u64,
        refund: String,
        amount: i64,
    },
    Refunded {
        reference: u64,
        refund: String,
    },
    RefundFailed {
        reference: u64,
        refund: String,
    },
    /// Something that moves no money and changes no status.
    Noted,
}

/// What the store says of one attempt at the end.
#[derive(Debug, Clone)]
pub struct AttemptFacts {
    pub reference: u64,
    /// Whether it stands as authorized (or authorized and closed).
    pub stands: bool,
    pub authorized: i64,
    pub captured: i64,
    pub closed: bool,
}

/// What the store says of one payment.
#[derive(Debug, Clone)]
pub struct PaymentFacts {
    pub id: String,
    pub order: String,
    pub status: &'static str,
    pub amount: i64,
    pub version: u32,
    pub attempts: Vec<AttemptFacts>,
    /// Id, reference, amount, state.
    pub refunds: Vec<(String, u64, i64, &'static str)>,
    /// References of messages whose outcome is not known.
    pub open: Vec<u64>,
    pub history: Vec<Transition>,
    /// Kind of each public event, with the version that it shows.
    pub told: Vec<(&'static str, u32)>,
}

/// What the store holds under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimFacts {
    Open,
    Final { status: u16, body: Option<Vec<u8>> },
}

/// Everything that the store says.
#[derive(Debug, Clone, Default)]
pub struct StoreFacts {
    pub payments: Vec<PaymentFacts>,
    pub claims: BTreeMap<String, ClaimFacts>,
    /// Card numbers found in the bytes of the disk.
    pub cards_in_clear: usize,
}

/// What a message does at an acquirer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    Authorize,
    Sale,
    Increment,
    Capture,
    Void,
    Refund,
    Reverse,
    Inquire,
}

/// A line of an acquirer's book: one message that it decided.
#[derive(Debug, Clone)]
pub struct Line {
    pub reference: u64,
    pub op: Op,
    /// The authorization or sale that it belongs to; its own reference if it is one.
    pub hold: u64,
    /// What was approved, in minor units.
    pub amount: i64,
    pub approved: bool,
    /// Taken back by a reversal since.
    pub undone: bool,
}

/// What stands of an authorization or sale in an acquirer's book.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    pub authorized: i64,
    pub captured: i64,
    pub refunded: i64,
}

/// One acquirer's book.
#[derive(Debug, Clone, Default)]
pub struct BookFacts {
    pub lines: Vec<Line>,
    pub standing: BTreeMap<u64, Standing>,
}

/// One message as it was handed to an adapter.
#[derive(Debug, Clone)]
pub struct Sent {
    pub at_ms: u64,
    /// Which life of the process sent it.
    pub life: u32,
    pub reference: u64,
    pub op: Op,
    /// The message it is about, for inquiries and reversals.
    pub about: Option<u64>,
    pub first: bool,
    /// Whether an intent with this reference was durable then.
    pub durable: bool,
    /// When, and with what, the adapter answered; nothing if the process died before.
    pub ended: Option<(u64, Ended)>,
    /// Whether the wire did anything to it.
    pub hurt: bool,
    /// When the outcome came, if it did, whether or not anybody waited.
    pub arrived_ms: Option<u64>,
}

/// What an adapter answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Known,
    NotSent,
    Unknown,
    Pending,
    NotFound,
}

/// What a client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    Create { amount: i64, confirm: bool },
    Confirm,
    Capture { amount: i64 },
    Cancel,
    Refund { amount: i64 },
    Increment { total: i64 },
    Look,
}

/// What a client was told.
#[derive(Debug, Clone)]
pub struct Told {
    pub status: u16,
    pub body: Bytes,
    /// Marked as given before.
    pub replayed: bool,
    /// The object that it shows, as far as clients read it.
    pub view: View,
}

/// The parts of an answer that clients read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// The payment's id, also from inside an error or of a refund.
    pub payment: Option<String>,
    pub refund: Option<String>,
    pub state: Option<String>,
    pub amount: i64,
    pub received: i64,
    pub capturable: i64,
    /// Where the customer is sent.
    pub page: Option<String>,
    /// The code of an error.
    pub code: Option<String>,
}

/// One request and what came of it.
#[derive(Debug, Clone)]
pub struct Memory {
    /// The key; empty for reads.
    pub key: String,
    pub asked: Asked,
    /// The payment that was named; nothing for a creation.
    pub payment: Option<String>,
    pub began_ms: u64,
    pub ended_ms: u64,
    /// Sent on purpose under a key that belongs to another request.
    pub foreign: bool,
    /// Nothing, if the client hung up or the process died.
    pub told: Option<Told>,
}

/// A version of a payment that became durable.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    pub version: u32,
    /// When its commit began, and when it was acknowledged.
    pub from_ms: u64,
    pub until_ms: u64,
}

/// The end of a life of the process.
#[derive(Debug, Clone, Copy)]
pub struct Life {
    pub number: u32,
    pub until_ms: u64,
}

/// Everything that is audited.
pub struct Evidence {
    pub store: StoreFacts,
    pub books: Vec<BookFacts>,
    pub memories: Vec<Memory>,
    pub sent: Vec<Sent>,
    /// By payment, in the order in which they became durable.
    pub shown: BTreeMap<String, Vec<Shown>>,
    pub lives: Vec<Life>,
    /// When something was made durable about a message's outcome, by its reference.
    pub recorded: BTreeMap<u64, Vec<u64>>,
    /// Virtual milliseconds at which the wall clock was set.
    pub jumps_ms: Vec<u64>,
    /// When the faults ended, and when the run did.
    pub healed_ms: u64,
    pub ended_ms: u64,
    /// What the engine still holds when nothing is left to do: tasks of flows, claims.
    pub left: (usize, usize),
    /// Keys whose final answer did not come in time.
    pub keys_unsettled: Vec<String>,
}
