//! Random batches and questions: the embedded engine must answer as memory does, through checkpoints, rotations and reopenings.

use super::fixtures::{self as f, block_on, tenant};
use super::{Engine, Factory, embedded, memory, rebuilt};
use gateway_core::event::EventKind;
use gateway_core::id::{CustomerId, Id, PaymentId, ValueListId};
use gateway_core::journal::{
    Batch, CommitError, DueKind, DuePlace, Expect, First, Query, Range, Row, RowKey, Urgency, Version, Write,
};
use gateway_core::time::Timestamp;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Commit(Batch),
    Ask(Query),
    Read(RowKey),
    History(u8, u128),
    Reopen,
}

fn tenants() -> impl Strategy<Value = gateway_core::tenant::Tenant> {
    (0u8..3).prop_map(tenant)
}

fn row() -> impl Strategy<Value = Row> {
    let id = 0u128..12;
    let customer = proptest::option::of(0u128..3);
    let email = proptest::option::of(prop_oneof![Just("a@x.io"), Just("b@x.io")]);
    prop_oneof![
        4 => (tenants(), id.clone(), 1u32..9, customer.clone(), proptest::option::of(-3i64..9))
            .prop_map(|(t, id, version, customer, due)| f::payment(t, id, version, customer, due)),
        2 => (tenants(), id.clone(), 1u32..4, proptest::collection::vec((id.clone(), 0usize..5), 0..3))
            .prop_map(|(t, id, version, told)| {
                let told: Vec<_> = told.into_iter().map(|(id, kind)| (id, EventKind::ALL[kind])).collect();
                f::telling(f::payment(t, id, version, None, None), &told)
            }),
        2 => (tenants(), "[ab]{0,2}", proptest::option::of(proptest::collection::vec(any::<u8>(), 0..3000)))
            .prop_map(|(t, key, body)| f::claim(t, &key, body)),
        2 => (tenants(), id.clone(), 0usize..5).prop_map(|(t, id, kind)| f::event(t, id, EventKind::ALL[kind])),
        1 => (tenants(), id.clone()).prop_map(|(t, id)| f::refund(t, id)),
        1 => (tenants(), id.clone(), customer.clone(), any::<bool>())
            .prop_map(|(t, id, customer, spent)| f::payment_method(t, id, customer, spent)),
        1 => (tenants(), id.clone(), email, any::<bool>()).prop_map(|(t, id, email, gone)| f::customer(t, id, email, gone)),
        1 => (tenants(), id.clone(), customer).prop_map(|(t, id, customer)| f::setup_intent(t, id, customer)),
        1 => (tenants(), id.clone(), any::<bool>()).prop_map(|(t, id, used)| f::token(t, id, used)),
        1 => (tenants(), id.clone(), any::<bool>()).prop_map(|(t, id, open)| f::review(t, id, open)),
        1 => (tenants(), id.clone(), any::<bool>()).prop_map(|(t, id, gone)| f::value_list(t, id, gone)),
        2 => (tenants(), id.clone(), 0u128..3, any::<bool>())
            .prop_map(|(t, id, list, gone)| f::value_list_item(t, id, list, gone)),
        1 => (tenants(), id.clone()).prop_map(|(t, id)| f::evaluation(t, id)),
        1 => id.prop_map(|id| f::merchant(id, "Shop")),
        1 => (0u8..6).prop_map(|id| f::api_key(id, None)),
        1 => ("[xy]", 0u64..9).prop_map(|(name, next)| f::sequence(&name, next)),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    let expect = prop_oneof![
        3 => Just(Expect::Absent),
        2 => (1u64..4).prop_map(|version| Expect::Version(Version(version))),
    ];
    (expect, row()).prop_map(|(expect, row)| Write { expect, row })
}

fn range() -> impl Strategy<Value = Range> {
    let bound = || proptest::option::of((0u128..12).prop_map(Id));
    (bound(), bound(), any::<bool>(), 0usize..8).prop_map(|(above, below, newest, limit)| Range {
        above,
        below,
        first: if newest { First::Newest } else { First::Oldest },
        limit,
    })
}

fn query() -> impl Strategy<Value = Query> {
    let customer = || (0u128..3).prop_map(|id| CustomerId(Id(id)));
    prop_oneof![
        (tenants(), proptest::option::of(customer()), range())
            .prop_map(|(tenant, customer, range)| Query::Payments { tenant, customer, range }),
        (tenants(), range()).prop_map(|(tenant, range)| Query::Refunds { tenant, range }),
        (
            tenants(),
            proptest::collection::vec((0usize..5).prop_map(|kind| EventKind::ALL[kind]), 0..3),
            range()
        )
            .prop_map(|(tenant, kinds, range)| Query::Events { tenant, kinds, range }),
        (tenants(), proptest::option::of(Just("a@x.io".to_owned())), range())
            .prop_map(|(tenant, email, range)| Query::Customers { tenant, email, range }),
        (tenants(), customer(), range()).prop_map(|(tenant, customer, range)| Query::PaymentMethods {
            tenant,
            customer,
            range
        }),
        (tenants(), proptest::option::of(customer()), range())
            .prop_map(|(tenant, customer, range)| Query::SetupIntents { tenant, customer, range }),
        (tenants(), range()).prop_map(|(tenant, range)| Query::Reviews { tenant, range }),
        (tenants(), range()).prop_map(|(tenant, range)| Query::ValueLists { tenant, range }),
        (tenants(), (0u128..3).prop_map(|id| ValueListId(Id(id))), range())
            .prop_map(|(tenant, list, range)| Query::ValueListItems { tenant, list, range }),
        (-4i64..10, 0usize..9, proptest::option::of((-4i64..10, tenants(), 0u128..12))).prop_map(
            |(until, limit, after)| Query::Due {
                kind: DueKind::Open,
                after: after.map(|(at, tenant, id)| DuePlace {
                    at: Timestamp(at),
                    tenant,
                    payment: PaymentId(Id(id))
                }),
                until: Timestamp(until),
                limit
            }
        ),
        (0u64..10).prop_map(|reference| Query::Awaiting { reference }),
        Just(Query::Merchants),
        Just(Query::ApiKeys),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => proptest::collection::vec(write(), 0..5)
            .prop_map(|writes| Step::Commit(Batch { writes, urgency: Urgency::Outcome })),
        8 => query().prop_map(Step::Ask),
        3 => row().prop_map(|row| Step::Read(row.key())),
        2 => (0u8..3, 0u128..12).prop_map(|(of, id)| Step::History(of, id)),
        1 => Just(Step::Reopen),
    ]
}

/// Positions differ between engines; all else may not.
fn told(result: Result<gateway_core::journal::Receipt, CommitError>) -> Result<(), CommitError> {
    result.map(|_| ())
}

async fn compare(steps: Vec<Step>, make: Factory) {
    let mut oracle: Box<dyn Engine> = memory(None);
    let mut engine = make(None);
    for (number, step) in steps.into_iter().enumerate() {
        let (a, b) = (oracle.journal(), engine.journal());
        match step {
            Step::Commit(batch) => {
                let (a, b) = (a.commit(batch.clone()).await, b.commit(batch.clone()).await);
                assert_eq!(told(a), told(b), "step {number}: {batch:?}");
            }
            Step::Ask(query) => {
                let (a, b) = (a.query(&query).await, b.query(&query).await);
                assert_eq!(a, b, "step {number}: {query:?}");
            }
            Step::Read(key) => assert_eq!(a.read(&key).await, b.read(&key).await, "step {number}"),
            Step::History(of, id) => {
                let id = PaymentId(Id(id));
                let (a, b) = (a.history(tenant(of), id).await, b.history(tenant(of), id).await);
                assert_eq!(a, b, "step {number}");
            }
            Step::Reopen => {
                oracle = oracle.reopen();
                engine = engine.reopen();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn embedded_answers_as_memory_does(steps in proptest::collection::vec(step(), 1..250)) {
        block_on(compare(steps, embedded));
    }

    #[test]
    fn a_rebuilt_index_answers_as_memory_does(steps in proptest::collection::vec(step(), 1..150)) {
        block_on(compare(steps, rebuilt));
    }
}
