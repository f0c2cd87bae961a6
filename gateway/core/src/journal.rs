//! The store's port: "if these versions still hold, write all of this, durably".
//!
//! Architecture invariant: no type of an engine crosses this port, and nothing in it supposes a single process. What it asks
//! for (compare-and-set over typed rows, read by key, named queries) an embedded log and any SQL database can do.

use crate::acquirer::{Permit, Trace};
use crate::claim::{Claim, ClaimKey};
use crate::event::{EventKind, PublicEvent, Told, ToldEvent};
use crate::id::{
    CustomerId, EvaluationId, EventId, Id, MerchantId, PaymentId, PaymentMethodId, RefundId, ReviewId,
    SetupIntentId, TokenId, ValueListId, ValueListItemId,
};
use crate::payment::{Payment, Recorded};
use crate::ports::BoxFuture;
use crate::record::{ApiKey, Customer, Merchant, PaymentMethod, Sequence, SetupIntent, Token};
use crate::risk::{Evaluation, ValueList, ValueListItem};
use crate::tenant::Tenant;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How often a row was written: 1 after its first write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version(pub u64);

/// What must hold for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expect {
    /// No such row yet.
    Absent,
    /// The row is at exactly this version.
    Version(Version),
}

/// A payment and what just happened to it: the state after, and the transitions since the version before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRow {
    /// Shared with whoever goes on with it: a payment is large, and is written at each of its steps.
    pub payment: Arc<Payment>,
    /// In a write: the transitions that this write adds. In a read: those of the last write.
    pub events: Vec<Recorded>,
    /// What this write tells of them. Each of these events can be read and listed like a row of its own ([`RowKey::Event`]), from this
    /// write on; none of them is ever written again.
    pub told: Told,
}

impl PaymentRow {
    /// The events that this write tells; `None` in place of one that tells of no transition of this write, which no writer makes.
    pub fn public_events(&self) -> impl Iterator<Item = Option<PublicEvent>> + '_ {
        self.told.events.iter().map(|told| self.public_event(told))
    }

    fn public_event(&self, told: &ToldEvent) -> Option<PublicEvent> {
        let transition = self.events.iter().find(|recorded| recorded.seq == told.version)?;
        Some(PublicEvent {
            id: told.id,
            tenant: self.payment.tenant,
            kind: told.kind,
            created: transition.at,
            snapshot: told.shown.of(self.payment.id, told.version),
            request_id: self.told.request_id,
            idempotency_key: self.told.idempotency_key.clone(),
        })
    }

    /// The event of this id among them.
    pub fn event(&self, id: EventId) -> Option<PublicEvent> {
        self.public_event(self.told.events.iter().find(|told| told.id == id)?)
    }
}

/// Which payment a refund belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRef {
    pub id: RefundId,
    pub tenant: Tenant,
    pub payment: PaymentId,
}

/// Which payment a review belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewRef {
    pub id: ReviewId,
    pub tenant: Tenant,
    pub payment: PaymentId,
    /// Whether it waits; only those are listed.
    pub open: bool,
}

/// A typed row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Row {
    Payment(Box<PaymentRow>),
    Claim(Box<Claim>),
    Event(Box<PublicEvent>),
    Refund(RefundRef),
    PaymentMethod(Box<PaymentMethod>),
    Token(Box<Token>),
    Customer(Box<Customer>),
    SetupIntent(Box<SetupIntent>),
    Merchant(Box<Merchant>),
    ApiKey(Box<ApiKey>),
    Sequence(Sequence),
    Review(ReviewRef),
    ValueList(Box<ValueList>),
    ValueListItem(Box<ValueListItem>),
    Evaluation(Box<Evaluation>),
}

/// A row's primary key. All but the operator's own records begin with the tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RowKey {
    Payment(Tenant, PaymentId),
    Claim(ClaimKey),
    Event(Tenant, EventId),
    Refund(Tenant, RefundId),
    PaymentMethod(Tenant, PaymentMethodId),
    Token(Tenant, TokenId),
    Customer(Tenant, CustomerId),
    SetupIntent(Tenant, SetupIntentId),
    Merchant(MerchantId),
    /// By the key's hash.
    ApiKey([u8; 32]),
    Sequence(String),
    Review(Tenant, ReviewId),
    ValueList(Tenant, ValueListId),
    ValueListItem(Tenant, ValueListItemId),
    Evaluation(Tenant, EvaluationId),
}

impl Row {
    /// The key under which the row lives.
    pub fn key(&self) -> RowKey {
        match self {
            Row::Payment(row) => RowKey::Payment(row.payment.tenant, row.payment.id),
            Row::Claim(row) => RowKey::Claim(row.key.clone()),
            Row::Event(row) => RowKey::Event(row.tenant, row.id),
            Row::Refund(row) => RowKey::Refund(row.tenant, row.id),
            Row::PaymentMethod(row) => RowKey::PaymentMethod(row.tenant, row.id),
            Row::Token(row) => RowKey::Token(row.tenant, row.id),
            Row::Customer(row) => RowKey::Customer(row.tenant, row.id),
            Row::SetupIntent(row) => RowKey::SetupIntent(row.tenant, row.id),
            Row::Merchant(row) => RowKey::Merchant(row.id),
            Row::ApiKey(row) => RowKey::ApiKey(row.hash),
            Row::Sequence(row) => RowKey::Sequence(row.name.clone()),
            Row::Review(row) => RowKey::Review(row.tenant, row.id),
            Row::ValueList(row) => RowKey::ValueList(row.tenant, row.id),
            Row::ValueListItem(row) => RowKey::ValueListItem(row.tenant, row.id),
            Row::Evaluation(row) => RowKey::Evaluation(row.tenant, row.id),
        }
    }
}

/// One conditional write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    pub expect: Expect,
    pub row: Row,
}

/// What a batch is for, which decides what may be shed when there is too little of something (room, time).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Urgency {
    /// New work: may be refused.
    New,
    /// What a merchant does with money that is held or was taken: a capture, a void, a refund. It has reserved room and time, and is refused
    /// only when what is left is needed for outcomes.
    FollowUp,
    /// The outcome of something already sent, a reversal, a resolution: is written as long as anything can be.
    Outcome,
}

/// Rows that are written together or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    pub writes: Vec<Write>,
    pub urgency: Urgency,
}

impl Batch {
    /// An empty batch.
    pub const fn new(urgency: Urgency) -> Self {
        Self { writes: Vec::new(), urgency }
    }

    /// Adds a row that must not exist yet.
    pub fn insert(&mut self, row: Row) -> &mut Self {
        self.writes.push(Write { expect: Expect::Absent, row });
        self
    }

    /// Adds a row that must still be at `version`.
    pub fn replace(&mut self, version: Version, row: Row) -> &mut Self {
        self.writes.push(Write { expect: Expect::Version(version), row });
        self
    }
}

/// A durable commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Receipt {
    /// Its place in the journal's order: of two commits, the later one has the larger position.
    pub position: u64,
}

/// A batch as it stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    pub position: u64,
    pub batch: Batch,
}

/// A place in the journal's order. The numbers are the engine's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor(pub [u64; 3]);

/// Some of the journal's batches, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    pub commits: Vec<Committed>,
    /// Where it goes on; `None` at the end.
    pub next: Option<Cursor>,
}

/// A row and how often it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    pub version: Version,
    pub row: Row,
}

/// Why a batch was not written, or may not have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitError {
    /// A condition did not hold; nothing was written. The row that stands in the way is durable.
    Conflict { key: RowKey, current: Option<Box<Versioned>> },
    /// Too many commits wait, or too little room is left for new work; nothing was written.
    Overloaded,
    /// No room for new payments; nothing was written.
    Full,
    /// The outcome of the commit is not known: only reading the rows again can tell. An embedded engine stops the process instead.
    Unknown(String),
    /// The engine does not serve (closing, failed); nothing was written.
    Unavailable(String),
}

/// A read or a query could not be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    Unavailable(String),
    /// Stored bytes are not what was written. Never served as truth.
    Corrupt(String),
}

/// Part of a list, in id order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Only ids above this.
    pub above: Option<Id>,
    /// Only ids below this.
    pub below: Option<Id>,
    /// Start with the newest or with the oldest of the range; the answer is in that order.
    pub first: First,
    /// At most this many rows.
    pub limit: usize,
}

/// Where a listing starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    Newest,
    Oldest,
}

/// Kinds of due work of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DueKind {
    /// Something was sent, or must be, and its answer is not known.
    Open,
    /// An authorization runs out.
    Expiry,
    /// As both, of a payment with a message that was tried too often: it stands apart.
    Stuck,
}

/// Where a payment stands among the due ones of a kind: they are ordered by this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DuePlace {
    pub at: Timestamp,
    pub tenant: Tenant,
    pub payment: PaymentId,
}

/// The named questions that an engine answers. There are no scans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Payments of a tenant, or of one of its customers.
    Payments { tenant: Tenant, customer: Option<CustomerId>, range: Range },
    /// References to refunds of a tenant.
    Refunds { tenant: Tenant, range: Range },
    /// Events of a tenant; of the given types only, unless there are none. One type is found without walking over the others.
    Events { tenant: Tenant, kinds: Vec<EventKind>, range: Range },
    /// Customers of a tenant that are not deleted; with this e-mail only, if given.
    Customers { tenant: Tenant, email: Option<String>, range: Range },
    /// A customer's attached payment methods.
    PaymentMethods { tenant: Tenant, customer: CustomerId, range: Range },
    /// Intents to save a card.
    SetupIntents { tenant: Tenant, customer: Option<CustomerId>, range: Range },
    /// References to reviews of a tenant that wait.
    Reviews { tenant: Tenant, range: Range },
    /// Lists of values of a tenant that are not deleted.
    ValueLists { tenant: Tenant, range: Range },
    /// Values of a list that are not deleted.
    ValueListItems { tenant: Tenant, list: ValueListId, range: Range },
    /// Payments with work of this kind due at or before `until` and behind `after`, earliest first, of every tenant.
    Due { kind: DueKind, after: Option<DuePlace>, until: Timestamp, limit: usize },
    /// The payment that awaits an answer to the message of this reference ([`Payment::awaited`]).
    Awaiting { reference: u64 },
    /// All merchants, oldest first.
    Merchants,
    /// All API keys, oldest first.
    ApiKeys,
}

/// The store.
pub trait Journal: Send + Sync {
    /// Writes all of a batch, if every expectation holds, and returns when it is durable. The order of commits is total.
    ///
    /// A new event's id is a proposal, also of one that a payment's row tells. Whoever polls the feed asks for what is above the last
    /// id that he has seen, so no event may become visible below one that is visible already: the engine writes the event with
    /// [`Id::above`] of the last event's id, in the order of commits. (Several processes over one database need it in order within
    /// each tenant only.)
    ///
    /// # Errors
    /// See [`CommitError`]. One batch's conflict never fails another's commit.
    fn commit<'a>(&'a self, batch: Batch) -> BoxFuture<'a, Result<Receipt, CommitError>>;

    /// The durable row of a key.
    ///
    /// # Errors
    /// The engine can't serve, or what it holds is damaged.
    fn read<'a>(&'a self, key: &'a RowKey) -> BoxFuture<'a, Result<Option<Versioned>, StoreError>>;

    /// Answers a named query from durable state.
    ///
    /// # Errors
    /// As [`Journal::read`].
    fn query<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Versioned>, StoreError>>;

    /// A part of the journal in its order, from a place that an earlier part named, or from its beginning
    /// (`Cursor::default()`). Nothing is left out, and all of it is durable.
    ///
    /// # Errors
    /// As [`Journal::read`]; also for an engine that keeps no order.
    fn part<'a>(&'a self, _from: Cursor) -> BoxFuture<'a, Result<Part, StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable("this engine can't be read in order".to_owned())) })
    }

    /// All transitions of a payment, 1..n; empty if there is no such payment.
    ///
    /// # Errors
    /// As [`Journal::read`].
    fn history<'a>(
        &'a self,
        tenant: Tenant,
        payment: PaymentId,
    ) -> BoxFuture<'a, Result<Vec<Recorded>, StoreError>>;
}

/// Is told of every durable batch, once and in journal order; by the embedded engine also of those replayed at its start.
pub trait Observer: Send + Sync {
    /// Takes up the state that [`Observer::snapshot`] gave at an earlier checkpoint; `None`: begin empty.
    /// Batches after that checkpoint follow. Returns false if it can't use the bytes: then everything is replayed.
    fn restore(&self, snapshot: Option<&[u8]>) -> bool;
    /// A batch became durable at `position`. Called from the committer: must be quick and never block.
    fn committed(&self, position: u64, batch: &Batch);
    /// Its state after all batches so far, to be kept in a checkpoint. May take long: no batch is told meanwhile, and no commit waits.
    fn snapshot(&self) -> Vec<u8>;
}

/// Commits a batch that holds the intent of a message, and grants the one permit to send it.
///
/// # Errors
/// As [`Journal::commit`]; also [`CommitError::Unavailable`] if no payment of the batch has `trace` outstanding, which is a
/// defect of the caller: nothing is written then.
pub async fn commit_intent(
    journal: &dyn Journal,
    batch: Batch,
    trace: Trace,
) -> Result<(Receipt, Permit), CommitError> {
    let covered = batch.writes.iter().any(|write| match &write.row {
        Row::Payment(row) => row.payment.outstanding().any(|open| open.trace == trace),
        Row::Claim(_)
        | Row::Event(_)
        | Row::Refund(_)
        | Row::PaymentMethod(_)
        | Row::Token(_)
        | Row::Customer(_)
        | Row::SetupIntent(_)
        | Row::Merchant(_)
        | Row::ApiKey(_)
        | Row::Sequence(_)
        | Row::Review(_)
        | Row::ValueList(_)
        | Row::ValueListItem(_)
        | Row::Evaluation(_) => false,
    });
    if !covered {
        return Err(CommitError::Unavailable("no intent for this message in the batch".to_owned()));
    }
    let receipt = journal.commit(batch).await?;
    Ok((receipt, Permit::granted(trace.reference)))
}
