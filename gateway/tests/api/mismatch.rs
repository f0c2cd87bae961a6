//! An acquirer that approves another amount than was asked, and knows messages by their references.

use super::process::ABLE;
use super::support::{Gateway, gateway_over, quick};
use gateway::routing::Target;
use gateway_core::acquirer::{
    Abilities, Able, Acquirer, AcquirerRequest, Answer, Approval, Link, Permit, Verb,
};
use gateway_core::money::Money;
use gateway_core::ports::BoxFuture;
use gateway_core::tenant::Mode;
use gateway_store::Memory;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Pays back, and raises holds, by one too much. Whoever sends a reference again gets the answer that it had.
#[derive(Default)]
struct Generous {
    answers: Mutex<HashMap<u64, Answer>>,
    reversed: Mutex<Vec<u64>>,
}

impl Generous {
    fn judge(&self, request: &AcquirerRequest) -> Answer {
        let mut answers = self.answers.lock().unwrap();
        if let Some(known) = answers.get(&request.trace.reference) {
            return known.clone();
        }
        let minor = match &request.verb {
            Verb::Refund(_) | Verb::Increment(_) => request.amount.minor + 1,
            Verb::Reverse(original) => {
                self.reversed.lock().unwrap().push(original.trace.reference);
                request.amount.minor
            }
            Verb::Inquire(_)
            | Verb::Authorize
            | Verb::Sale
            | Verb::Capture { .. }
            | Verb::Void(_)
            | Verb::Verify => request.amount.minor,
        };
        let answer = Answer::Approved(Approval {
            amount: Money::new(minor, request.amount.currency),
            reference: format!("ref{}", request.trace.reference).into(),
            authorization_code: "123456".into(),
            network_transaction_id: None,
            cvc_check: None,
        });
        answers.insert(request.trace.reference, answer.clone());
        answer
    }
}

impl Acquirer for Generous {
    fn name(&self) -> &str {
        "generous"
    }

    fn abilities(&self) -> Abilities {
        Abilities { inquiry: Able::No, repeat_window_ms: 1_000, ..ABLE }
    }

    fn link(&self) -> Link {
        Link::Up
    }

    fn send<'a>(&'a self, permit: Permit, request: AcquirerRequest) -> BoxFuture<'a, Answer> {
        assert!(permit.covers(&request));
        Box::pin(async move { self.judge(&request) })
    }
}

async fn generous() -> (Gateway, Arc<Generous>) {
    let bank = Arc::new(Generous::default());
    let acquirer = Arc::clone(&bank) as Arc<dyn Acquirer>;
    let target = Target { acquirer, modes: vec![Mode::Test], timeout_ms: 100 };
    let g = gateway_over(Arc::new(Memory::new()), Box::new(move |_ports| Ok(vec![target])), quick()).await;
    (g, bank)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_of_another_amount_is_reversed_under_numbers_of_its_own() {
    let (g, bank) = generous().await;
    let paid = g.pay(1000, "pm_card_visa", "").await.ok();
    let body = format!("payment_intent={}&amount=400", paid.text("/id"));
    let refund = g.post("/v1/refunds", &body).await.ok();
    g.until(&format!("/v1/refunds/{}", refund.text("/id")), "/status", "failed").await;
    assert_eq!(bank.reversed.lock().unwrap().len(), 1, "the bank was asked to take it back");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_increment_to_another_total_is_reversed_under_numbers_of_its_own() {
    let (g, bank) = generous().await;
    let held = g.pay(1000, "pm_card_visa", "&capture_method=manual").await.ok();
    let path = format!("/v1/payment_intents/{}", held.text("/id"));
    g.post(&format!("{path}/increment_authorization"), "amount=1500").await.ok();
    let after = g.until(&path, "/status", "requires_capture").await;
    assert_eq!(after.number("/amount_capturable"), 1000, "the hold stays at its old total");
    assert_eq!(bank.reversed.lock().unwrap().len(), 1, "the bank was asked to take it back");
}
