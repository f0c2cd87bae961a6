//! A payment that is settled just while its key is asked for again.

use super::process::{ABLE, Bank, verb, yes};
use super::support::{gateway_over, quick};
use gateway_core::acquirer::{AcquirerRequest, Answer};
use gateway_core::claim::ClaimState;
use gateway_core::id::PaymentId;
use gateway_core::journal::{CommitError, Journal, Query, Receipt, Row, RowKey, StoreError, Versioned};
use gateway_core::payment::Recorded;
use gateway_core::{Batch, BoxFuture, Mode, Tenant};
use gateway_store::Memory;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const HOLD: &str = "amount=1000&currency=usd&confirm=true&capture_method=manual&payment_method=pm_card_visa";

/// A store that is slow once: whoever reads an unfinished claim gets it when it is finished.
#[derive(Default)]
struct Slow {
    inner: Memory,
    armed: AtomicBool,
}

impl Slow {
    async fn is_unfinished(&self, key: &RowKey) -> bool {
        let found = self.inner.read(key).await.unwrap();
        matches!(found.map(|found| found.row),
            Some(Row::Claim(claim)) if matches!(claim.state, ClaimState::Provisional { .. }))
    }
}

impl Journal for Slow {
    fn commit<'a>(&'a self, batch: Batch) -> BoxFuture<'a, Result<Receipt, CommitError>> {
        self.inner.commit(batch)
    }

    fn read<'a>(&'a self, key: &'a RowKey) -> BoxFuture<'a, Result<Option<Versioned>, StoreError>> {
        Box::pin(async move {
            let found = self.inner.read(key).await?;
            if matches!(key, RowKey::Claim(_)) && self.armed.swap(false, Ordering::SeqCst) {
                while self.is_unfinished(key).await {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
            Ok(found)
        })
    }

    fn query<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Versioned>, StoreError>> {
        self.inner.query(query)
    }

    fn history<'a>(
        &'a self,
        tenant: Tenant,
        payment: PaymentId,
    ) -> BoxFuture<'a, Result<Vec<Recorded>, StoreError>> {
        self.inner.history(tenant, payment)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_settled_between_two_reads_is_answered_for_good() {
    let bank = Bank::new("bank", ABLE, |_: &AcquirerRequest| None);
    let store = Arc::new(Slow::default());
    let target = gateway::routing::Target {
        acquirer: Arc::clone(&bank) as Arc<dyn gateway_core::Acquirer>,
        modes: vec![Mode::Test],
        timeout_ms: 200,
    };
    let journal = Arc::clone(&store) as Arc<dyn Journal>;
    let g = Arc::new(gateway_over(journal, Box::new(move |_ports| Ok(vec![target])), quick()).await);
    let first = g.post_keyed("/v1/payment_intents", HOLD, "k").await.ok();
    assert_eq!(first.text("/status"), "processing");
    store.armed.store(true, Ordering::SeqCst);
    let own = Arc::clone(&g);
    let asking = tokio::spawn(async move { own.post_keyed("/v1/payment_intents", HOLD, "k").await });
    while store.armed.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    bank.become_one_that(|r: &AcquirerRequest| match verb(r) {
        "inquire" => Some(Answer::NotFound),
        _other => yes(r),
    });
    let again = tokio::time::timeout(Duration::from_secs(30), asking).await.unwrap().unwrap();
    assert_eq!((again.status, again.header("idempotent-replayed")), (402, Some("true")));
    let last = g.post_keyed("/v1/payment_intents", HOLD, "k").await;
    assert_eq!((last.status, &last.bytes), (402, &again.bytes));
}
