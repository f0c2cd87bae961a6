//! A store that is short of room: what money that is held or was taken may still be asked of it; and commits that stay small.

use super::support::{Gateway, Request, gateway_over, quick};
use gateway_core::id::PaymentId;
use gateway_core::journal::{
    Batch, CommitError, Journal, Query, Receipt, RowKey, StoreError, Urgency, Versioned,
};
use gateway_core::payment::Recorded;
use gateway_core::ports::BoxFuture;
use gateway_core::tenant::Tenant;
use gateway_store::Memory;
use http::Method;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A store that can be told that its disk is nearly full, and notes the rows of its largest commit.
#[derive(Default)]
struct Narrow {
    inner: Memory,
    tight: AtomicBool,
    widest: AtomicUsize,
}

impl Journal for Narrow {
    fn commit<'a>(&'a self, batch: Batch) -> BoxFuture<'a, Result<Receipt, CommitError>> {
        self.widest.fetch_max(batch.writes.len(), Ordering::Relaxed);
        if self.tight.load(Ordering::Relaxed) && batch.urgency == Urgency::New {
            return Box::pin(async { Err(CommitError::Full) });
        }
        self.inner.commit(batch)
    }

    fn read<'a>(&'a self, key: &'a RowKey) -> BoxFuture<'a, Result<Option<Versioned>, StoreError>> {
        self.inner.read(key)
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

async fn narrow() -> (Gateway, Arc<Narrow>) {
    let store = Arc::new(Narrow::default());
    let simulated = gateway::app::simulated("simulated", gateway_acquirers::simulated::Settings::default());
    (gateway_over(Arc::clone(&store) as Arc<dyn Journal>, simulated, quick()).await, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_little_room_left_holds_are_captured_and_given_back_and_money_is_refunded() {
    let (g, store) = narrow().await;
    let held = "&capture_method=manual";
    let first = g.pay(1000, "pm_card_visa", held).await.ok();
    let second = g.pay(1000, "pm_card_visa", held).await.ok();
    let third = g.pay(1000, "pm_card_visa", held).await.ok();
    store.tight.store(true, Ordering::Relaxed);
    let refused = g.pay(1000, "pm_card_visa", "").await;
    assert_eq!(refused.status, 503, "{}", refused.body);
    let path = |answer: &super::support::Answer, what: &str| {
        format!("/v1/payment_intents/{}/{what}", answer.text("/id"))
    };
    let captured = g.post(&path(&first, "capture"), "").await.ok();
    assert_eq!(captured.text("/status"), "succeeded");
    let canceled = g.post(&path(&second, "cancel"), "").await.ok();
    assert_eq!(canceled.text("/status"), "canceled");
    let charge = third.text("/latest_charge").to_owned();
    assert_eq!(g.post(&format!("/v1/charges/{charge}/capture"), "").await.ok().body["captured"], true);
    let body = format!("payment_intent={}&amount=400", first.text("/id"));
    let refund = g.post("/v1/refunds", &body).await.ok();
    assert_eq!(refund.text("/status"), "succeeded");
    // Also to be told that it can't be done.
    let again = g.post_keyed(&path(&first, "capture"), "", "again").await;
    assert_eq!(again.status, 400, "{}", again.body);
    let again = g.post_keyed(&path(&first, "capture"), "", "again").await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_with_very_many_cards_is_deleted_in_small_commits() {
    const CARDS: usize = 450;
    let (g, store) = narrow().await;
    let owner = g.post("/v1/customers", "").await.ok().text("/id").to_owned();
    for _ in 0..CARDS {
        g.post("/v1/payment_methods/pm_card_visa/attach", &format!("customer={owner}")).await.ok();
    }
    store.widest.store(0, Ordering::Relaxed);
    let path = format!("/v1/customers/{owner}");
    let gone = g.send(Request { method: Method::DELETE, ..g.form(&path, "") }).await.ok();
    assert_eq!(gone.body["deleted"], Value::Bool(true));
    let widest = store.widest.load(Ordering::Relaxed);
    assert!(widest < 450, "{widest} rows in one commit");
    let detached = g.get("/v1/events?type=payment_method.detached&limit=100").await.ok();
    assert_eq!(detached.body["has_more"], Value::Bool(true));
    let last = g.get("/v1/events?limit=1").await.ok();
    assert_eq!(last.text("/data/0/type"), "customer.deleted");
}
