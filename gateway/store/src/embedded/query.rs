//! The named queries over the durable view.

use super::key::Hashed;
use super::keys::{self, Facets, Link, Span};
use super::layer::{Slot, decode_entry};
use super::page::Value;
use super::port::{Disk, Index};
use super::view::View;
use crate::rows;
use gateway_core::event::EventKind;
use gateway_core::id::{
    CustomerId, EventId, Id, PaymentMethodId, RefundId, ReviewId, SetupIntentId, ValueListId, ValueListItemId,
};
use gateway_core::journal::{DueKind, First, Query, Range, Row, RowKey, StoreError, Versioned};
use gateway_core::tenant::Tenant;
use std::sync::Arc;

/// Entries of a page at least: short pages would make filters slow.
const PAGE_MIN: usize = 32;
/// Entries of a page at most, so that a long list lets others run in between.
const PAGE_MAX: usize = 256;

/// A query as a walk over a range of the index.
pub(crate) struct Walk {
    /// What is left to walk; `None`: nothing.
    span: Option<Span>,
    first: First,
    limit: usize,
    keep: Keep,
    found: Vec<Versioned>,
}

/// Which of the rows in the range are answers.
enum Keep {
    All,
    OfCustomer(CustomerId),
    Listed(Option<String>),
    Kinds(Vec<EventKind>),
    /// Reviews that wait.
    Waiting,
    /// Lists of values that were not deleted.
    Lists,
    /// Values of this list that were not deleted.
    OfList(ValueListId),
    Due(DueKind),
    Awaiting(u64),
}

impl Keep {
    /// Whether an entry's facets already say no.
    fn may_keep(&self, facets: &Facets) -> bool {
        match (self, facets.link) {
            (Keep::Kinds(kinds), Link::Tag(tag)) => {
                kinds.is_empty() || kinds.iter().any(|kind| *kind as u8 == tag)
            }
            (Keep::Kinds(_), Link::None | Link::List(_)) => false,
            (Keep::Waiting, link) => link == Link::Tag(1),
            (
                Keep::All
                | Keep::OfCustomer(_)
                | Keep::Listed(_)
                | Keep::Lists
                | Keep::OfList(_)
                | Keep::Due(_)
                | Keep::Awaiting(_),
                _,
            ) => true,
        }
    }

    /// Whether a row, found under `key`, is an answer.
    fn keeps(&self, key: &[u8], row: &Row) -> bool {
        match self {
            Keep::All | Keep::Kinds(_) => true,
            Keep::OfCustomer(customer) => rows::customer_of(row) == Some(*customer),
            Keep::Listed(email) => {
                matches!(row, Row::Customer(customer) if rows::listed(customer, email.as_deref()))
            }
            Keep::Waiting => matches!(row, Row::Review(review) if review.open),
            Keep::Lists => matches!(row, Row::ValueList(list) if !list.deleted),
            Keep::OfList(list) => matches!(row, Row::ValueListItem(item) if rows::stands_in(item, *list)),
            Keep::Due(kind) => {
                let due = rows::due_of(row);
                due.is_some_and(|(of, _)| of == *kind) && due == keys::due_of(key)
            }
            Keep::Awaiting(reference) => rows::awaited(row).any(|awaited| awaited == *reference),
        }
    }
}

impl Walk {
    /// How to answer a query.
    pub(crate) fn of(query: &Query) -> Self {
        match query {
            Query::Payments { tenant, customer, range } => {
                Self::by_customer(keys::sample_payment(*tenant), *customer, range)
            }
            Query::Refunds { tenant, range } => {
                Self::by_id(&RowKey::Refund(*tenant, RefundId(Id(0))), range, Keep::All)
            }
            Query::Events { tenant, kinds, range } => Self::events(*tenant, kinds, range),
            Query::Customers { tenant, email, range } => Self::customers(*tenant, email.as_deref(), range),
            Query::PaymentMethods { tenant, customer, range } => {
                let sample = RowKey::PaymentMethod(*tenant, PaymentMethodId(Id(0)));
                Self::by_customer(sample, Some(*customer), range)
            }
            Query::SetupIntents { tenant, customer, range } => {
                Self::by_customer(RowKey::SetupIntent(*tenant, SetupIntentId(Id(0))), *customer, range)
            }
            Query::Reviews { tenant, range } => {
                Self::by_id(&RowKey::Review(*tenant, ReviewId(Id(0))), range, Keep::Waiting)
            }
            Query::ValueLists { tenant, range } => {
                Self::by_id(&RowKey::ValueList(*tenant, ValueListId(Id(0))), range, Keep::Lists)
            }
            Query::ValueListItems { tenant, list, range } => {
                let sample = RowKey::ValueListItem(*tenant, ValueListItemId(Id(0)));
                let span = Span::of_list(&sample, list.0.0, (range.above, range.below));
                Self::new(span, range, Keep::OfList(*list))
            }
            Query::Awaiting { reference } => {
                let span = Some(Span::of_awaiting(*reference));
                Self::new(span, &EVERYTHING, Keep::Awaiting(*reference))
            }
            Query::Due { kind, after, until, limit } => {
                let span = Span::of_due(*kind, *after, *until);
                Self::new(span, &Range { limit: *limit, ..EVERYTHING }, Keep::Due(*kind))
            }
            Query::Merchants => Self::by_id(&keys::sample_merchant(), &EVERYTHING, Keep::All),
            Query::ApiKeys => Self::new(Some(Span::of_api_keys()), &EVERYTHING, Keep::All),
        }
    }

    fn new(span: Option<Span>, range: &Range, keep: Keep) -> Self {
        Self { span, first: range.first, limit: range.limit, keep, found: Vec::new() }
    }

    fn by_id(sample: &RowKey, range: &Range, keep: Keep) -> Self {
        Self::new(Span::of_rows(sample, range.above, range.below), range, keep)
    }

    fn by_customer(sample: RowKey, customer: Option<CustomerId>, range: &Range) -> Self {
        let Some(customer) = customer else { return Self::by_id(&sample, range, Keep::All) };
        let span = Span::of_list(&sample, customer.0.0, (range.above, range.below));
        Self::new(span, range, Keep::OfCustomer(customer))
    }

    fn events(tenant: Tenant, kinds: &[EventKind], range: &Range) -> Self {
        let sample = RowKey::Event(tenant, EventId(Id(0)));
        match kinds {
            [] => Self::by_id(&sample, range, Keep::All),
            [one] if let Some(list) = keys::kind_list(*one as u8) => {
                let span = Span::of_list(&sample, list, (range.above, range.below));
                Self::new(span, range, Keep::Kinds(kinds.to_vec()))
            }
            several => Self::by_id(&sample, range, Keep::Kinds(several.to_vec())),
        }
    }

    fn customers(tenant: Tenant, email: Option<&str>, range: &Range) -> Self {
        let sample = RowKey::Customer(tenant, CustomerId(Id(0)));
        let keep = Keep::Listed(email.map(str::to_owned));
        let Some(email) = email else { return Self::by_id(&sample, range, keep) };
        let span = Span::of_list(&sample, keys::digest(email), (range.above, range.below));
        Self::new(span, range, keep)
    }

    /// Walks one page further; `true` if there may be more to find.
    pub(crate) fn step<D: Disk, I: Index>(&mut self, view: &View<D, I>) -> Result<bool, StoreError> {
        let missing = self.limit.saturating_sub(self.found.len());
        let Some(span) = self.span.take().filter(|_| missing > 0) else { return Ok(false) };
        let page = view
            .page(&span, self.first, missing.clamp(PAGE_MIN, PAGE_MAX))
            .map_err(|error| view.unavailable(error))?;
        for (key, value) in page.found {
            if self.found.len() == self.limit {
                return Ok(false);
            }
            match self.follow(view, &key, value) {
                Ok(row) => self.found.extend(row),
                // One damaged record must not keep all other due work from being done.
                Err(StoreError::Corrupt(why)) if matches!(self.keep, Keep::Due(_)) => view.damaged_work(&why),
                Err(error) => return Err(error),
            }
        }
        self.span = page.rest;
        Ok(self.span.is_some() && self.found.len() < self.limit)
    }

    /// The row of an entry, if it is an answer.
    fn follow<D: Disk, I: Index>(
        &self,
        view: &View<D, I>,
        key: &[u8],
        value: Value,
    ) -> Result<Option<Versioned>, StoreError> {
        let strange = || StoreError::Corrupt("a key of the index can't be understood".to_owned());
        let row_key = Hashed::from(keys::row_of(key).ok_or_else(strange)?);
        let entry = match value {
            Value::Slot(Slot::Row(entry)) => Some(entry),
            Value::Bytes(bytes) if !bytes.is_empty() => {
                Some(decode_entry(&bytes).map_err(|error| view.unavailable(error))?)
            }
            Value::Slot(Slot::Listed(_) | Slot::Gone | Slot::Void) | Value::Bytes(_) => {
                view.entry(&row_key).map_err(|error| view.unavailable(error))?
            }
        };
        // A list's entry whose row is not there: the row's own entry was lost, which replay after a crash makes good before anyone reads.
        let Some(entry) = entry.filter(|entry| self.keep.may_keep(&entry.facets)) else { return Ok(None) };
        let row = view.row(&row_key, &entry)?;
        Ok(self.keep.keeps(key, &row.row).then(|| Arc::unwrap_or_clone(row)))
    }

    /// The answer.
    pub(crate) fn finish(mut self, query: &Query) -> Vec<Versioned> {
        if *query == Query::ApiKeys {
            self.found.sort_by_key(|key| rows::id_of(&key.row));
        }
        self.found
    }
}

const EVERYTHING: Range = Range { above: None, below: None, first: First::Oldest, limit: usize::MAX };
