//! The named queries: ranges, directions, filters, due work.

use super::cases::{ABSENT, at, batch, put};
use super::fixtures::{self as f, tenant};
use super::{Engine, Factory};
use gateway_core::event::EventKind;
use gateway_core::id::{CustomerId, Id, PaymentId, ValueListId};
use gateway_core::journal::{DueKind, DuePlace, First, Journal, Query, Range, Row, RowKey};
use gateway_core::time::Timestamp;

/// The ids of a query's answer, in its order.
async fn ids(journal: &dyn Journal, query: &Query) -> Vec<u128> {
    let rows = journal.query(query).await.unwrap();
    for row in &rows {
        assert_eq!(
            journal.read(&row.row.key()).await.unwrap().as_ref(),
            Some(row),
            "a list shows what a read shows"
        );
    }
    rows.iter().map(|row| id(&row.row)).collect()
}

fn id(row: &Row) -> u128 {
    match row.key() {
        RowKey::Payment(_, id) => id.0.0,
        RowKey::Event(_, id) => id.0.0,
        RowKey::Refund(_, id) => id.0.0,
        RowKey::PaymentMethod(_, id) => id.0.0,
        RowKey::Customer(_, id) => id.0.0,
        RowKey::SetupIntent(_, id) => id.0.0,
        RowKey::Review(_, id) => id.0.0,
        RowKey::ValueList(_, id) => id.0.0,
        RowKey::ValueListItem(_, id) => id.0.0,
        RowKey::Merchant(id) => id.0.0,
        RowKey::ApiKey(hash) => u128::from(255 - hash[0]),
        other => panic!("not listed: {other:?}"),
    }
}

const fn range(above: Option<u128>, below: Option<u128>, first: First, limit: usize) -> Range {
    Range {
        above: match above {
            Some(id) => Some(Id(id)),
            None => None,
        },
        below: match below {
            Some(id) => Some(Id(id)),
            None => None,
        },
        first,
        limit,
    }
}

const ALL: Range = range(None, None, First::Newest, 1000);

pub async fn ranges(make: Factory) {
    use First::{Newest, Oldest};
    let mut engine = make(None);
    // Out of order, so that ids below the largest are looked for, and over several layers and segments.
    for id in [50u128, 10, 30, 20, 40, u128::MAX, 0] {
        put(engine.journal(), ABSENT, f::payment(tenant(0), id, 1, None, None)).await.unwrap();
        put(engine.journal(), ABSENT, f::payment(tenant(1), id, 1, None, None)).await.unwrap();
    }
    let max = u128::MAX;
    let table: &[(Range, &[u128])] = &[
        (range(None, None, Newest, 100), &[max, 50, 40, 30, 20, 10, 0]),
        (range(None, None, Oldest, 100), &[0, 10, 20, 30, 40, 50, max]),
        (range(None, None, Oldest, 0), &[]),
        (range(None, None, Newest, 2), &[max, 50]),
        (range(None, None, Oldest, 2), &[0, 10]),
        (range(Some(10), Some(50), Oldest, 9), &[20, 30, 40]),
        (range(Some(10), Some(50), Newest, 2), &[40, 30]),
        (range(Some(15), Some(35), Oldest, 9), &[20, 30]),
        (range(Some(50), Some(10), Oldest, 9), &[]),
        (range(Some(10), Some(11), Oldest, 9), &[]),
        (range(None, Some(0), Oldest, 9), &[]),
        (range(Some(max), None, Oldest, 9), &[]),
        (range(Some(50), None, Newest, 9), &[max]),
        (range(None, Some(10), Newest, 9), &[0]),
    ];
    for round in 0..2 {
        for (range, expected) in table {
            let query = Query::Payments { tenant: tenant(0), customer: None, range: *range };
            assert_eq!(ids(engine.journal(), &query).await, *expected, "{range:?} {round}");
        }
        engine = engine.reopen();
    }
    long_list(engine.as_ref()).await;
}

/// Longer than any page.
async fn long_list(engine: &dyn Engine) {
    let journal = engine.journal();
    for chunk in 0..20u128 {
        let ids = chunk * 50 + 1..=chunk * 50 + 50;
        journal.commit(batch(ids.map(|id| (ABSENT, f::refund(tenant(3), id))).collect())).await.unwrap();
    }
    let query = |first, limit| Query::Refunds { tenant: tenant(3), range: range(None, None, first, limit) };
    let up: Vec<u128> = (1..=1000).collect();
    let down: Vec<u128> = up.iter().rev().copied().collect();
    assert_eq!(ids(journal, &query(First::Oldest, usize::MAX)).await, up);
    assert_eq!(ids(journal, &query(First::Newest, usize::MAX)).await, down);
    assert_eq!(ids(journal, &query(First::Newest, 777)).await, down[..777]);
}

pub async fn filters(make: Factory) {
    use EventKind::{ChargeFailed, ChargeSucceeded, PaymentIntentCreated};
    let (t, other) = (tenant(0), tenant(1));
    let mut engine = make(None);
    let journal = engine.journal();
    let rows = vec![
        f::payment(t, 1, 1, Some(100), None),
        f::payment(t, 2, 1, Some(200), None),
        f::payment(t, 3, 1, None, None),
        f::payment(t, 4, 1, Some(100), None),
        f::payment(other, 5, 1, Some(100), None),
        f::event(t, 11, PaymentIntentCreated),
        f::event(t, 12, ChargeFailed),
        f::event(t, 13, ChargeSucceeded),
        f::event(other, 14, ChargeFailed),
        f::customer(t, 21, Some("a@x.io"), false),
        f::customer(t, 22, Some("b@x.io"), false),
        f::customer(t, 23, Some("a@x.io"), false),
        f::customer(t, 24, None, false),
        f::payment_method(t, 31, Some(100), false),
        f::payment_method(t, 32, Some(100), false),
        f::payment_method(t, 33, None, false),
        f::setup_intent(t, 41, Some(100)),
        f::setup_intent(t, 42, None),
    ];
    journal.commit(batch(rows.into_iter().map(|row| (ABSENT, row)).collect())).await.unwrap();
    check(
        journal,
        &[&[4, 1], &[2], &[4, 3, 2, 1]],
        &[&[13, 12, 11], &[12], &[13, 11]],
        &[&[24, 23, 22, 21], &[23, 21], &[]],
        &[32, 31],
    )
    .await;
    // Rows move from list to list as they change.
    let changes = vec![
        (at(1), f::payment(t, 1, 2, Some(200), None)),
        (at(1), f::payment(t, 4, 2, None, None)),
        (at(1), f::payment(t, 3, 2, Some(100), None)),
        (at(1), f::customer(t, 21, Some("a@x.io"), true)),
        (at(1), f::customer(t, 22, Some("a@x.io"), false)),
        (at(1), f::customer(t, 23, Some("c@x.io"), false)),
        (at(1), f::payment_method(t, 31, Some(100), true)),
        (at(1), f::payment_method(t, 33, Some(100), false)),
    ];
    journal.commit(batch(changes)).await.unwrap();
    for _round in 0..2 {
        check(
            engine.journal(),
            &[&[3], &[2, 1], &[4, 3, 2, 1]],
            &[&[13, 12, 11], &[12], &[13, 11]],
            &[&[24, 23, 22], &[22], &[23]],
            &[33, 32],
        )
        .await;
        engine = engine.reopen();
    }
}

type Ids<'a> = &'a [u128];

async fn check(
    journal: &dyn Journal,
    payments: &[Ids<'_>; 3],
    events: &[Ids<'_>; 3],
    customers: &[Ids<'_>; 3],
    methods: Ids<'_>,
) {
    let t = tenant(0);
    for (customer, expected) in [Some(100), Some(200), None].into_iter().zip(payments) {
        let customer = customer.map(|id| CustomerId(Id(id)));
        assert_eq!(ids(journal, &Query::Payments { tenant: t, customer, range: ALL }).await, *expected);
    }
    let kinds = [
        vec![],
        vec![EventKind::ChargeFailed],
        vec![EventKind::ChargeSucceeded, EventKind::PaymentIntentCreated],
    ];
    for (kinds, expected) in kinds.into_iter().zip(events) {
        assert_eq!(ids(journal, &Query::Events { tenant: t, kinds, range: ALL }).await, *expected);
    }
    for (email, expected) in [None, Some("a@x.io"), Some("c@x.io")].into_iter().zip(customers) {
        let email = email.map(str::to_owned);
        assert_eq!(ids(journal, &Query::Customers { tenant: t, email, range: ALL }).await, *expected);
    }
    let customer = CustomerId(Id(100));
    assert_eq!(ids(journal, &Query::PaymentMethods { tenant: t, customer, range: ALL }).await, methods);
    let setup = |customer| Query::SetupIntents { tenant: t, customer, range: ALL };
    assert_eq!(ids(journal, &setup(Some(customer))).await, [41]);
    assert_eq!(ids(journal, &setup(None)).await, [42, 41]);
}

pub async fn due(make: Factory) {
    let mut engine = make(None);
    let dues =
        [(1u128, 0u8, Some(500)), (2, 1, Some(-7)), (3, 2, Some(500)), (4, 0, None), (5, 0, Some(900))];
    for (id, of, at) in dues {
        put(engine.journal(), ABSENT, f::payment(tenant(of), id, 1, None, at)).await.unwrap();
    }
    let query =
        |until, limit| Query::Due { kind: DueKind::Open, after: None, until: Timestamp(until), limit };
    let table: &[(i64, usize, Ids<'_>)] = &[
        (i64::MAX, 9, &[2, 1, 3, 5]),
        (899, 9, &[2, 1, 3]),
        (500, 2, &[2, 1]),
        (499, 9, &[2]),
        (-8, 9, &[]),
        (i64::MAX, 0, &[]),
    ];
    for _round in 0..2 {
        for (until, limit, expected) in table {
            assert_eq!(ids(engine.journal(), &query(*until, *limit)).await, *expected, "{until} {limit}");
        }
        let expiry = Query::Due { kind: DueKind::Expiry, after: None, until: Timestamp(i64::MAX), limit: 9 };
        assert_eq!(ids(engine.journal(), &expiry).await, [0u128; 0]);
        engine = engine.reopen();
    }
    // Put off, done, and due again.
    let steps: &[(u32, Option<i64>, Ids<'_>)] = &[
        (2, Some(950), &[2, 3, 5, 1]),
        (3, None, &[2, 3, 5]),
        (4, Some(500), &[2, 1, 3, 5]),
        (5, Some(500), &[2, 1, 3, 5]),
        (6, None, &[2, 3, 5]),
    ];
    for (version, when, expected) in steps {
        let row = f::payment(tenant(0), 1, *version, None, *when);
        put(engine.journal(), at(u64::from(*version) - 1), row).await.unwrap();
        assert_eq!(ids(engine.journal(), &query(i64::MAX, 9)).await, *expected, "{version}");
        engine = engine.reopen();
        assert_eq!(ids(engine.journal(), &query(i64::MAX, 9)).await, *expected, "{version}, reopened");
    }
}

/// Page by page: a place need not be that of a payment any more.
pub async fn due_places(make: Factory) {
    let mut engine = make(None);
    let dues = [(1u128, 0u8, 500), (2, 0, 500), (3, 1, 500), (4, 0, 600), (5, 1, -4)];
    for (id, of, at) in dues {
        put(engine.journal(), ABSENT, f::payment(tenant(of), id, 1, None, Some(at))).await.unwrap();
    }
    let place =
        |at, of, id| Some(DuePlace { at: Timestamp(at), tenant: tenant(of), payment: PaymentId(Id(id)) });
    let table: &[(Option<DuePlace>, i64, usize, Ids<'_>)] = &[
        (None, 600, 2, &[5, 1]),
        (place(-4, 1, 5), 600, 2, &[1, 2]),
        (place(500, 0, 1), 600, 2, &[2, 3]),
        (place(500, 0, 2), 500, 9, &[3]),
        (place(500, 1, 3), 600, 9, &[4]),
        (place(500, 1, 3), 599, 9, &[]),
        (place(600, 0, 4), 600, 9, &[]),
        (place(700, 0, 4), 600, 9, &[]),
        (place(500, 1, 0), 600, 9, &[3, 4]),
        (place(500, 0, u128::MAX), 600, 9, &[3, 4]),
    ];
    for _round in 0..2 {
        for (after, until, limit, expected) in table {
            let (after, until, limit) = (*after, Timestamp(*until), *limit);
            let query = Query::Due { kind: DueKind::Open, after, until, limit };
            assert_eq!(ids(engine.journal(), &query).await, *expected, "{query:?}");
        }
        engine = engine.reopen();
    }
}

/// Payments are found by the messages whose answers they await, for as long as they do, and over restarts.
pub async fn awaiting(make: Factory) {
    let mut engine = make(None);
    // The fixture's message has the payment's version as its reference, and was tried as often.
    put(engine.journal(), ABSENT, f::payment(tenant(0), 7, 1, None, Some(5))).await.unwrap();
    put(engine.journal(), ABSENT, f::payment(tenant(1), 8, 2, None, Some(5))).await.unwrap();
    put(engine.journal(), ABSENT, f::payment(tenant(1), 9, 2, None, Some(5))).await.unwrap();
    put(engine.journal(), ABSENT, f::payment(tenant(1), 10, 2, None, None)).await.unwrap();
    let check = async |engine: &dyn Engine, expected: [Ids<'_>; 4]| {
        for (reference, expected) in (0u64..).zip(expected) {
            let found = ids(engine.journal(), &Query::Awaiting { reference }).await;
            assert_eq!(found, *expected, "{reference}");
        }
    };
    check(&*engine, [&[], &[7], &[8, 9], &[]]).await;
    engine = engine.reopen();
    check(&*engine, [&[], &[7], &[8, 9], &[]]).await;
    // One is answered, one awaits the answer to another message now.
    put(engine.journal(), at(1), f::payment(tenant(1), 8, 2, None, None)).await.unwrap();
    put(engine.journal(), at(1), f::payment(tenant(0), 7, 3, None, Some(6))).await.unwrap();
    for _round in 0..2 {
        check(&*engine, [&[], &[], &[9], &[7]]).await;
        engine = engine.reopen();
    }
}

pub async fn operators(make: Factory) {
    let mut engine = make(None);
    for id in [3u8, 1, 2] {
        put(engine.journal(), ABSENT, f::merchant(u128::from(id), "Shop")).await.unwrap();
        put(engine.journal(), ABSENT, f::api_key(id, None)).await.unwrap();
    }
    put(engine.journal(), at(1), f::api_key(2, Some(5))).await.unwrap();
    for _round in 0..2 {
        assert_eq!(ids(engine.journal(), &Query::Merchants).await, [1, 2, 3]);
        assert_eq!(ids(engine.journal(), &Query::ApiKeys).await, [1, 2, 3]);
        engine = engine.reopen();
    }
}

pub async fn standing(make: Factory) {
    let (t, other) = (tenant(0), tenant(1));
    let mut engine = make(None);
    let rows = vec![
        f::review(t, 1, true),
        f::review(t, 2, true),
        f::review(other, 3, true),
        f::value_list(t, 11, false),
        f::value_list(t, 12, false),
        f::value_list_item(t, 21, 11, false),
        f::value_list_item(t, 22, 11, false),
        f::value_list_item(t, 23, 12, false),
    ];
    let journal = engine.journal();
    journal.commit(batch(rows.into_iter().map(|row| (ABSENT, row)).collect())).await.unwrap();
    let reviews = Query::Reviews { tenant: t, range: ALL };
    let lists = Query::ValueLists { tenant: t, range: ALL };
    let items = Query::ValueListItems { tenant: t, list: ValueListId(Id(11)), range: ALL };
    assert_eq!(ids(journal, &reviews).await, [2, 1]);
    assert_eq!(ids(journal, &lists).await, [12, 11]);
    assert_eq!(ids(journal, &items).await, [22, 21]);
    let gone = vec![
        (at(1), f::review(t, 2, false)),
        (at(1), f::value_list(t, 12, true)),
        (at(1), f::value_list_item(t, 21, 11, true)),
    ];
    journal.commit(batch(gone)).await.unwrap();
    for _round in 0..2 {
        let journal = engine.journal();
        assert_eq!(ids(journal, &reviews).await, [1]);
        assert_eq!(ids(journal, &lists).await, [11]);
        assert_eq!(ids(journal, &items).await, [22]);
        engine = engine.reopen();
    }
}
