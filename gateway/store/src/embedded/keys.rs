//! Keys and values of the index. All keys begin with a kind; those of rows and lists go on with the tenant.
//!
//! A row's entry says where its latest version stands in the journal. Lists by customer, e-mail or kind of event and the due work have keys
//! of their own and empty values. Entries of lists are hints: whoever follows one reads the row and looks whether it still belongs there. Those of
//! messages that are awaited are made with every write of a payment that awaits one, and never taken away: there are few.

use super::key::{Hashed, Key};
use crate::rows;
use gateway_core::event::EventKind;
use gateway_core::id::{Id, MerchantId, PaymentId};
use gateway_core::journal::{DueKind, DuePlace, Row, RowKey, Version};
use gateway_core::tenant::{Mode, Tenant};
use gateway_core::time::Timestamp;
use serde::{Deserialize, Serialize};

const PAYMENT: u8 = 0x10;
const CLAIM: u8 = 0x11;
const EVENT: u8 = 0x12;
const REFUND: u8 = 0x13;
const PAYMENT_METHOD: u8 = 0x14;
const TOKEN: u8 = 0x15;
const CUSTOMER: u8 = 0x16;
const SETUP_INTENT: u8 = 0x17;
const MERCHANT: u8 = 0x18;
const API_KEY: u8 = 0x19;
const SEQUENCE: u8 = 0x1A;
const REVIEW: u8 = 0x1B;
const VALUE_LIST: u8 = 0x1C;
const VALUE_LIST_ITEM: u8 = 0x1D;
const EVALUATION: u8 = 0x1E;
const LIST: u8 = 0x30;
const DUE: u8 = 0x40;
const AWAITING: u8 = 0x50;

const TENANT_LEN: usize = 17;

/// What the index holds of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub version: Version,
    /// Where the latest record of the row stands in the journal.
    pub position: u64,
    pub facets: Facets,
}

/// What decides in which lists a row stands; kept in its entry, so that it can be taken out of them without reading the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub(crate) struct Facets {
    pub link: Link,
    pub due: Option<(DueKind, Timestamp)>,
}

/// What a row belongs to, beside its tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub(crate) enum Link {
    #[default]
    None,
    /// It stands in the list of this customer, or of this e-mail.
    List(u128),
    /// The kind of an event, whether a review waits: filters without reading. Rarer kinds of events have lists besides.
    Tag(u8),
}

impl Facets {
    /// Those of a row.
    pub(crate) fn of(row: &Row) -> Self {
        let link = match row {
            Row::Event(event) => Link::Tag(event.kind as u8),
            Row::Customer(customer) => match customer.email.as_deref().filter(|_| !customer.deleted) {
                Some(email) => Link::List(digest(email)),
                None => Link::None,
            },
            Row::Payment(_) | Row::PaymentMethod(_) | Row::SetupIntent(_) => {
                rows::customer_of(row).map_or(Link::None, |customer| Link::List(customer.0.0))
            }
            Row::Claim(_)
            | Row::Refund(_)
            | Row::Token(_)
            | Row::Merchant(_)
            | Row::ApiKey(_)
            | Row::Sequence(_)
            | Row::ValueList(_)
            | Row::Evaluation(_) => Link::None,
            Row::Review(review) => Link::Tag(u8::from(review.open)),
            Row::ValueListItem(item) => match item.deleted {
                false => Link::List(item.list.0.0),
                true => Link::None,
            },
        };
        Self { link, due: rows::due_of(row) }
    }

    /// The keys, beside the row's own, under which a row with these facets stands.
    pub(crate) fn lists(&self, row: &[u8]) -> Lists {
        let mut lists = Lists::new();
        match self.link {
            Link::List(link) => lists.push(list_key(row, link).into()),
            Link::Tag(tag) if row.first() == Some(&EVENT) => {
                lists.extend(kind_list(tag).map(|link| list_key(row, link).into()));
            }
            Link::Tag(_) | Link::None => {}
        }
        if let Some((kind, at)) = self.due {
            let mut key = due_start(kind, at);
            key.extend_from_slice(&row[1..]);
            lists.push(key.into());
        }
        lists
    }
}

/// The keys of the lists in which a row stands, one or none for most.
pub(crate) type Lists = smallvec::SmallVec<[Hashed; 1]>;

/// Kinds of events that nearly every payment tells, so that a walk over all events finds them anywhere. They are most of what is
/// written, and have no list of their own.
const COMMON: [u8; 4] = [
    EventKind::PaymentIntentCreated as u8,
    EventKind::PaymentIntentSucceeded as u8,
    EventKind::PaymentIntentAmountCapturableUpdated as u8,
    EventKind::ChargeSucceeded as u8,
];

/// The list of a kind of events, if it has one.
pub(crate) fn kind_list(tag: u8) -> Option<u128> {
    (!COMMON.contains(&tag)).then_some(u128::from(tag))
}

/// Where an e-mail's customers are listed. Equal digests of different e-mails do no harm: rows are looked at before they are listed.
pub(crate) fn digest(text: &str) -> u128 {
    const OFFSET: u128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;
    text.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

/// The pieces as one key.
fn joined(pieces: &[&[u8]]) -> Key {
    let mut key = Key::new();
    pieces.iter().for_each(|piece| key.extend_from_slice(piece));
    key
}

/// What the keys of rows of one kind and tenant begin with.
fn head_of(kind: u8, tenant: Tenant) -> [u8; 1 + TENANT_LEN] {
    let mut head = [0; 1 + TENANT_LEN];
    head[0] = kind;
    head[1..TENANT_LEN].copy_from_slice(&tenant.merchant.0.0.to_be_bytes());
    head[TENANT_LEN] = match tenant.mode {
        Mode::Test => 0,
        Mode::Live => 1,
    };
    head
}

fn of_tenant(kind: u8, tenant: Tenant, rest: &[u8]) -> Key {
    let mut key = Key::starting(&head_of(kind, tenant));
    key.extend_from_slice(rest);
    key
}

fn of_id(kind: u8, tenant: Tenant, id: Id) -> Key {
    let mut bytes = [0; 1 + TENANT_LEN + 16];
    bytes[..=TENANT_LEN].copy_from_slice(&head_of(kind, tenant));
    bytes[1 + TENANT_LEN..].copy_from_slice(&id.0.to_be_bytes());
    Key::starting(&bytes)
}

/// The index key of a row that is at hand: [`row_key`] of its key.
pub(crate) fn key_of(row: &Row) -> Key {
    match row {
        Row::Payment(row) => of_id(PAYMENT, row.payment.tenant, row.payment.id.0),
        Row::Claim(row) => of_tenant(CLAIM, row.key.tenant, row.key.key.as_bytes()),
        Row::Event(row) => of_id(EVENT, row.tenant, row.id.0),
        Row::PaymentMethod(row) => of_id(PAYMENT_METHOD, row.tenant, row.id.0),
        Row::Refund(_)
        | Row::Token(_)
        | Row::Customer(_)
        | Row::SetupIntent(_)
        | Row::Merchant(_)
        | Row::ApiKey(_)
        | Row::Sequence(_)
        | Row::Review(_)
        | Row::ValueList(_)
        | Row::ValueListItem(_)
        | Row::Evaluation(_) => row_key(&row.key()),
    }
}

/// The index key of a row.
pub(crate) fn row_key(key: &RowKey) -> Key {
    let bare = |kind: u8, rest: &[u8]| joined(&[&[kind], rest]);
    match key {
        RowKey::Payment(tenant, id) => of_id(PAYMENT, *tenant, id.0),
        RowKey::Claim(claim) => of_tenant(CLAIM, claim.tenant, claim.key.as_bytes()),
        RowKey::Event(tenant, id) => of_id(EVENT, *tenant, id.0),
        RowKey::Refund(tenant, id) => of_id(REFUND, *tenant, id.0),
        RowKey::PaymentMethod(tenant, id) => of_id(PAYMENT_METHOD, *tenant, id.0),
        RowKey::Token(tenant, id) => of_id(TOKEN, *tenant, id.0),
        RowKey::Customer(tenant, id) => of_id(CUSTOMER, *tenant, id.0),
        RowKey::SetupIntent(tenant, id) => of_id(SETUP_INTENT, *tenant, id.0),
        RowKey::Merchant(id) => bare(MERCHANT, &id.0.0.to_be_bytes()),
        RowKey::ApiKey(hash) => bare(API_KEY, hash),
        RowKey::Sequence(name) => bare(SEQUENCE, name.as_bytes()),
        RowKey::Review(tenant, id) => of_id(REVIEW, *tenant, id.0),
        RowKey::ValueList(tenant, id) => of_id(VALUE_LIST, *tenant, id.0),
        RowKey::ValueListItem(tenant, id) => of_id(VALUE_LIST_ITEM, *tenant, id.0),
        RowKey::Evaluation(tenant, id) => of_id(EVALUATION, *tenant, id.0),
    }
}

/// Whether an index key is that of a claim: claims come in no order, and an index does well to keep them apart.
pub(crate) fn is_unordered(key: &[u8]) -> bool {
    key.first() == Some(&CLAIM)
}

/// Bytes in which keys of one group are alike, at most; shorter ones end with zeros.
pub(crate) type Group = [u8; 2 + TENANT_LEN];

/// The group of a key: no range of keys goes beyond one.
pub(crate) fn group_of(key: &[u8]) -> Group {
    let len = match key.first() {
        Some(&LIST) => 2 + TENANT_LEN,
        Some(&DUE) => 2,
        Some(&(AWAITING | MERCHANT | API_KEY | SEQUENCE)) => 1,
        _row => 1 + TENANT_LEN,
    };
    let len = len.min(key.len());
    let mut group = Group::default();
    group[..len].copy_from_slice(&key[..len]);
    group
}

/// The kind of events among those of [`timed_id`].
pub(crate) const EVENTS: usize = 1;

/// The kind, as a place in a table, and id of a row whose ids are drawn in order of time, by its key.
pub(crate) fn timed_id(key: &[u8]) -> Option<(usize, u128)> {
    let kind = match *key.first()? {
        PAYMENT => 0,
        EVENT => EVENTS,
        REFUND => 2,
        PAYMENT_METHOD => 3,
        TOKEN => 4,
        CUSTOMER => 5,
        SETUP_INTENT => 6,
        MERCHANT => 7,
        _other => return None,
    };
    Some((kind, u128::from_be_bytes(*key.last_chunk()?)))
}

/// The key of a row, given by its own key, in the list of `link`.
fn list_key(row: &[u8], link: u128) -> Key {
    let (head, id) = row.split_at(1 + TENANT_LEN);
    let mut key = list_start(head, link);
    key.extend_from_slice(id);
    key
}

/// What the keys of one list begin with; `head` is the kind and tenant of its rows.
fn list_start(head: &[u8], link: u128) -> Key {
    let mut key = Key::starting(&[LIST]);
    key.extend_from_slice(head);
    key.extend_from_slice(&link.to_be_bytes());
    key
}

fn due_start(kind: DueKind, at: Timestamp) -> Key {
    let kind = match kind {
        DueKind::Open => 0,
        DueKind::Expiry => 1,
        DueKind::Stuck => 2,
    };
    let mut start = [DUE, kind, 0, 0, 0, 0, 0, 0, 0, 0];
    // Flipping the sign makes the order of bytes that of the numbers.
    start[2..].copy_from_slice(&((at.0 as u64) ^ (1 << 63)).to_be_bytes());
    Key::starting(&start)
}

fn awaiting_start(reference: u64) -> Key {
    let mut key = Key::new();
    key.push(AWAITING);
    key.extend_from_slice(&reference.to_be_bytes());
    key
}

/// The keys under which a row, given with its own key, is found by the messages whose answers it awaits.
pub(crate) fn awaiting_keys<'a>(row: &'a Row, key: &'a [u8]) -> impl Iterator<Item = Key> + 'a {
    rows::awaited(row).map(|reference| {
        let mut awaiting = awaiting_start(reference);
        awaiting.extend_from_slice(&key[1..]);
        awaiting
    })
}

/// Keys between two others, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub from: Key,
    pub to: Key,
}

impl Span {
    /// All keys that go on after `start` with an id from `above` to `below`, neither included. `None`: there can be none.
    fn of_ids(start: &[u8], above: Option<Id>, below: Option<Id>) -> Option<Self> {
        let first = above.map_or(Some(0), |id| id.0.checked_add(1))?;
        let last = below.map_or(Some(u128::MAX), |id| id.0.checked_sub(1))?;
        let bound = |id: u128| joined(&[start, &id.to_be_bytes()]);
        (first <= last).then(|| Self { from: bound(first), to: bound(last) })
    }

    /// The rows of the kind and tenant of `sample`, whatever its id.
    pub(crate) fn of_rows(sample: &RowKey, above: Option<Id>, below: Option<Id>) -> Option<Self> {
        let key = row_key(sample);
        Self::of_ids(&key[..key.len() - 16], above, below)
    }

    /// The list of `link` among rows of the kind and tenant of `sample`.
    pub(crate) fn of_list(
        sample: &RowKey,
        link: u128,
        (above, below): (Option<Id>, Option<Id>),
    ) -> Option<Self> {
        let key = row_key(sample);
        Self::of_ids(&list_start(&key[..1 + TENANT_LEN], link), above, below)
    }

    /// Work due until then, behind `after`. `None`: there can be none.
    pub(crate) fn of_due(kind: DueKind, after: Option<DuePlace>, until: Timestamp) -> Option<Self> {
        let mut to = due_start(kind, until);
        to.extend_from_slice(&[0xFF; TENANT_LEN + 16]);
        let from = match after {
            None => due_start(kind, Timestamp(i64::MIN)),
            Some(place) => {
                let mut key = due_start(kind, place.at);
                key.extend_from_slice(&row_key(&RowKey::Payment(place.tenant, place.payment))[1..]);
                // The next key there can be: all of them have this length.
                key.push(0);
                key
            }
        };
        (from <= to).then_some(Self { from, to })
    }

    /// The payments that may await an answer to this message.
    pub(crate) fn of_awaiting(reference: u64) -> Self {
        let from = awaiting_start(reference);
        let to = joined(&[&from, &[0xFF; TENANT_LEN + 16]]);
        Self { from, to }
    }

    /// All API keys.
    pub(crate) fn of_api_keys() -> Self {
        Self { from: row_key(&RowKey::ApiKey([0; 32])), to: row_key(&RowKey::ApiKey([0xFF; 32])) }
    }
}

/// The row that an entry of a list, of the due work, of a message, or of a row itself is about. `None` for bytes that are no such key.
pub(crate) fn row_of(key: &[u8]) -> Option<Key> {
    match *key.first()? {
        LIST => {
            let (head, rest) = key.get(1..)?.split_at_checked(1 + TENANT_LEN)?;
            Some(joined(&[head, rest.get(16..)?]))
        }
        DUE => Some(joined(&[&[PAYMENT], key.get(10..)?])),
        AWAITING => Some(joined(&[&[PAYMENT], key.get(9..)?])),
        _row => Some(Key::from_slice(key)),
    }
}

/// The kind and time of a due key.
pub(crate) fn due_of(key: &[u8]) -> Option<(DueKind, Timestamp)> {
    let (head, rest) = key.split_at_checked(2)?;
    let kind = match head {
        [DUE, 0] => DueKind::Open,
        [DUE, 1] => DueKind::Expiry,
        [DUE, 2] => DueKind::Stuck,
        _other => return None,
    };
    let at = u64::from_be_bytes(*rest.first_chunk()?) ^ (1 << 63);
    Some((kind, Timestamp(at as i64)))
}

/// A key whose only use is to give [`Span::of_rows`] a kind and a tenant.
pub(crate) fn sample_payment(tenant: Tenant) -> RowKey {
    RowKey::Payment(tenant, PaymentId(Id(0)))
}

/// As [`sample_payment`], for merchants.
pub(crate) const fn sample_merchant() -> RowKey {
    RowKey::Merchant(MerchantId(Id(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_kinds_of_events_have_a_list_and_common_ones_are_found_anywhere() {
        let tenant = Tenant { merchant: MerchantId(Id(1)), mode: Mode::Test };
        let row = row_key(&RowKey::Event(tenant, gateway_core::id::EventId(Id(7))));
        let lists = |kind: EventKind| -> Vec<Key> {
            let facets = Facets { link: Link::Tag(kind as u8), due: None };
            facets.lists(&row).into_iter().map(|list| list.key).collect()
        };
        assert!(lists(EventKind::ChargeSucceeded).is_empty());
        let rare = lists(EventKind::ChargeFailed);
        assert_eq!(rare.len(), 1);
        assert_eq!(row_of(&rare[0]).as_deref(), Some(&row[..]), "a list's entry leads to its row");
        let span = Span::of_list(
            &RowKey::Event(tenant, gateway_core::id::EventId(Id(0))),
            kind_list(EventKind::ChargeFailed as u8).expect("a list of its own"),
            (Some(Id(6)), Some(Id(8))),
        );
        assert!(span.is_some_and(|span| (span.from..=span.to).contains(&rare[0])));
    }
}
