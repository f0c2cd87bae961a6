//! The named queries, answered by walking the rows in key order.

use super::State;
use crate::rows;
use gateway_core::id::{
    CustomerId, EventId, Id, MerchantId, PaymentId, PaymentMethodId, RefundId, ReviewId, SetupIntentId,
    ValueListId, ValueListItemId,
};
use gateway_core::journal::{DueKind, DuePlace, First, Query, Range, Row, RowKey, Versioned};
use gateway_core::tenant::{Mode, Tenant};
use gateway_core::time::Timestamp;

impl State {
    pub(super) fn answer(&self, query: &Query) -> Vec<Versioned> {
        match query {
            Query::Payments { tenant, customer, range } => self.list(
                range,
                |id| RowKey::Payment(*tenant, PaymentId(id)),
                |row| of_customer(row, customer.as_ref()),
            ),
            Query::Refunds { tenant, range } => {
                self.list(range, |id| RowKey::Refund(*tenant, RefundId(id)), |_| true)
            }
            Query::Events { tenant, kinds, range } => self.list(
                range,
                |id| RowKey::Event(*tenant, EventId(id)),
                |row| matches!(row, Row::Event(event) if kinds.is_empty() || kinds.contains(&event.kind)),
            ),
            Query::Customers { tenant, email, range } => self.list(
                range,
                |id| RowKey::Customer(*tenant, CustomerId(id)),
                |row| matches!(row, Row::Customer(customer) if rows::listed(customer, email.as_deref())),
            ),
            Query::PaymentMethods { tenant, customer, range } => self.list(
                range,
                |id| RowKey::PaymentMethod(*tenant, PaymentMethodId(id)),
                |row| of_customer(row, Some(customer)),
            ),
            Query::SetupIntents { tenant, customer, range } => self.list(
                range,
                |id| RowKey::SetupIntent(*tenant, SetupIntentId(id)),
                |row| of_customer(row, customer.as_ref()),
            ),
            Query::Reviews { tenant, range } => self.list(
                range,
                |id| RowKey::Review(*tenant, ReviewId(id)),
                |row| matches!(row, Row::Review(review) if review.open),
            ),
            Query::ValueLists { tenant, range } => self.list(
                range,
                |id| RowKey::ValueList(*tenant, ValueListId(id)),
                |row| matches!(row, Row::ValueList(list) if !list.deleted),
            ),
            Query::ValueListItems { tenant, list, range } => self.list(
                range,
                |id| RowKey::ValueListItem(*tenant, ValueListItemId(id)),
                |row| matches!(row, Row::ValueListItem(item) if rows::stands_in(item, *list)),
            ),
            Query::Due { kind, after, until, limit } => self.due_until((*kind, *after), *until, *limit),
            Query::Awaiting { reference } => self.awaiting(*reference),
            Query::Merchants => self.list(&ALL, |id| RowKey::Merchant(MerchantId(id)), |_| true),
            Query::ApiKeys => self.api_keys(),
        }
    }

    /// Rows between two keys of one kind, in the range's direction.
    fn list(&self, range: &Range, key: impl Fn(Id) -> RowKey, keep: impl Fn(&Row) -> bool) -> Vec<Versioned> {
        let inside = |row: &Row| {
            rows::id_of(row).is_some_and(|id| {
                range.above.is_none_or(|above| id > above) && range.below.is_none_or(|below| id < below)
            })
        };
        let all = self.rows.range(key(Id(0))..=key(Id(u128::MAX))).map(|(_, row)| row);
        let kept = all.filter(|row| inside(&row.row) && keep(&row.row));
        match range.first {
            First::Oldest => kept.take(range.limit).cloned().collect(),
            First::Newest => kept.rev().take(range.limit).cloned().collect(),
        }
    }

    fn due_until(
        &self,
        (kind, after): (DueKind, Option<DuePlace>),
        until: Timestamp,
        limit: usize,
    ) -> Vec<Versioned> {
        let behind = |place: &DuePlace| after.is_none_or(|after| *place > after);
        self.due
            .iter()
            .filter(|(of, at, tenant, payment)| {
                let place = DuePlace { at: *at, tenant: *tenant, payment: *payment };
                *of == kind && *at <= until && behind(&place)
            })
            .take(limit)
            .filter_map(|(_, _, tenant, id)| self.rows.get(&RowKey::Payment(*tenant, *id)).cloned())
            .collect()
    }

    /// Entries are hints here, too: the row says whether it still awaits the answer.
    fn awaiting(&self, reference: u64) -> Vec<Versioned> {
        let lowest = (reference, Tenant { merchant: MerchantId(Id(0)), mode: Mode::Test }, PaymentId(Id(0)));
        self.awaited
            .range(lowest..)
            .take_while(|(of, _, _)| *of == reference)
            .filter_map(|(_, tenant, id)| self.rows.get(&RowKey::Payment(*tenant, *id)))
            .filter(|found| rows::awaited(&found.row).any(|awaited| awaited == reference))
            .cloned()
            .collect()
    }

    fn api_keys(&self) -> Vec<Versioned> {
        let bounds = RowKey::ApiKey([0; 32])..=RowKey::ApiKey([0xFF; 32]);
        let mut keys: Vec<Versioned> = self.rows.range(bounds).map(|(_, row)| row.clone()).collect();
        keys.sort_by_key(|key| rows::id_of(&key.row));
        keys
    }
}

const ALL: Range = Range { above: None, below: None, first: First::Oldest, limit: usize::MAX };

/// Whether a row stands in the customer's list; without a customer every row does.
fn of_customer(row: &Row, customer: Option<&CustomerId>) -> bool {
    customer.is_none_or(|customer| rows::customer_of(row) == Some(*customer))
}
