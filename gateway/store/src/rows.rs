//! What the engines need to know of rows: which list a row stands in, when it is due, whether a batch is well formed.

use gateway_core::id::{CustomerId, EventId, Id, ValueListId};
use gateway_core::journal::{DueKind, Expect, Row, RowKey, Write};
use gateway_core::record::{Customer, PaymentMethod};
use gateway_core::risk::ValueListItem;
use gateway_core::time::Timestamp;
use std::collections::HashSet;
use std::hash::Hash;

/// Where a row stands among the writes of a batch that was named before, if there is one. Such a batch is a defect of its maker: which of
/// two expectations of one row should hold is not defined, so no engine takes it. Each has keys of its own kind.
pub(crate) fn named_twice<'a, W, K: Eq + Hash>(writes: &'a [W], key: impl Fn(&'a W) -> K) -> Option<usize> {
    const FEW: usize = 12;
    if writes.len() > FEW {
        let mut known = HashSet::with_capacity(writes.len());
        return writes.iter().position(|write| !known.insert(key(write)));
    }
    // For few, comparing each with each is less work than a table.
    (1..writes.len()).find(|at| writes[..*at].iter().any(|before| key(before) == key(&writes[*at])))
}

/// The ids of the events that a write inserts: the only kind of row whose place in its list is given by the order of commits.
pub(crate) fn new_events(write: &mut Write) -> impl Iterator<Item = &mut EventId> {
    let (alone, told) = match (&write.expect, &mut write.row) {
        (Expect::Absent, Row::Event(event)) => (Some(&mut event.id), None),
        (Expect::Absent | Expect::Version(_), Row::Payment(row)) => (None, Some(&mut row.told.events)),
        (
            Expect::Absent | Expect::Version(_),
            Row::Event(_)
            | Row::Claim(_)
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
            | Row::Evaluation(_),
        ) => (None, None),
    };
    alone.into_iter().chain(told.into_iter().flatten().map(|told| &mut told.id))
}

/// The refusal of a batch that names `key` twice.
pub(crate) fn named_twice_text(key: &RowKey) -> String {
    format!("a batch may name a row once only, this one names {key:?} twice")
}

/// When a row has work due.
pub(crate) fn due_of(row: &Row) -> Option<(DueKind, Timestamp)> {
    match row {
        Row::Payment(row) => row.payment.due(),
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
        | Row::Evaluation(_) => None,
    }
}

/// The references of messages whose answers a row awaits.
pub(crate) fn awaited(row: &Row) -> impl Iterator<Item = u64> + '_ {
    let payment = match row {
        Row::Payment(row) => Some(&*row.payment),
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
        | Row::Evaluation(_) => None,
    };
    payment.into_iter().flat_map(gateway_core::payment::Payment::awaited)
}

/// The customer in whose list a row stands.
pub(crate) fn customer_of(row: &Row) -> Option<CustomerId> {
    match row {
        Row::Payment(row) => row.payment.details.customer,
        Row::PaymentMethod(method) if attached(method) => method.customer,
        Row::SetupIntent(intent) => intent.customer,
        Row::PaymentMethod(_)
        | Row::Claim(_)
        | Row::Event(_)
        | Row::Refund(_)
        | Row::Token(_)
        | Row::Customer(_)
        | Row::Merchant(_)
        | Row::ApiKey(_)
        | Row::Sequence(_)
        | Row::Review(_)
        | Row::ValueList(_)
        | Row::ValueListItem(_)
        | Row::Evaluation(_) => None,
    }
}

/// A payment method stands in its customer's list until it is detached or consumed.
pub(crate) const fn attached(method: &PaymentMethod) -> bool {
    !method.spent
}

/// Whether a value stands in this list.
pub(crate) fn stands_in(item: &ValueListItem, list: ValueListId) -> bool {
    item.list == list && !item.deleted
}

/// Whether a customer is listed, given the e-mail that is asked for.
pub(crate) fn listed(customer: &Customer, email: Option<&str>) -> bool {
    !customer.deleted && email.is_none_or(|email| customer.email.as_deref() == Some(email))
}

/// The id by which a row is ordered in its list; `None` for rows without one.
pub(crate) fn id_of(row: &Row) -> Option<Id> {
    match row {
        Row::Payment(row) => Some(row.payment.id.0),
        Row::Event(row) => Some(row.id.0),
        Row::Refund(row) => Some(row.id.0),
        Row::PaymentMethod(row) => Some(row.id.0),
        Row::Token(row) => Some(row.id.0),
        Row::Customer(row) => Some(row.id.0),
        Row::SetupIntent(row) => Some(row.id.0),
        Row::Merchant(row) => Some(row.id.0),
        Row::ApiKey(row) => Some(row.id.0),
        Row::Review(row) => Some(row.id.0),
        Row::ValueList(row) => Some(row.id.0),
        Row::ValueListItem(row) => Some(row.id.0),
        Row::Evaluation(row) => Some(row.id.0),
        Row::Claim(_) | Row::Sequence(_) => None,
    }
}
