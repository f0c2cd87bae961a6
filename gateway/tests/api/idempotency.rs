//! One key, one payment, one answer.

use super::support::{Request, gateway};
use std::collections::HashSet;
use std::sync::Arc;

const BODY: &str = "amount=1000&currency=usd&confirm=true&payment_method=pm_card_visa";

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_the_same_bytes() {
    let g = gateway().await;
    for body in [BODY, "amount=1000&currency=usd&confirm=true&payment_method=pm_card_chargeDeclined"] {
        let key = format!("key-{}", body.len());
        let first = g.post_keyed("/v1/payment_intents", body, &key).await;
        let second = g.post_keyed("/v1/payment_intents", body, &key).await;
        assert_eq!((first.status, &first.bytes), (second.status, &second.bytes));
        assert_eq!(first.header("idempotent-replayed"), None);
        assert_eq!(second.header("idempotent-replayed"), Some("true"));
    }
    assert_eq!(g.get("/v1/payment_intents").await.ok().body["data"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_and_the_encoding_of_parameters_do_not_matter() {
    let g = gateway().await;
    let first = g.post_keyed("/v1/payment_intents", BODY, "k").await.ok();
    let turned = "payment_method=pm_card_visa&confirm=true&currency=usd&amount=1000";
    let second = g.post_keyed("/v1/payment_intents", turned, "k").await.ok();
    assert_eq!(first.bytes, second.bytes);
    let json = r#"{"amount":1000,"currency":"usd","confirm":true,"payment_method":"pm_card_visa"}"#;
    let request = Request {
        content_type: Some("application/json"),
        idempotency_key: Some("\"k\"".to_owned()),
        ..g.form("/v1/payment_intents", json)
    };
    assert_eq!(g.send(request).await.ok().bytes, first.bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_its_request() {
    let g = gateway().await;
    g.post_keyed("/v1/payment_intents", BODY, "k").await.ok();
    let other = g.post_keyed("/v1/payment_intents", &BODY.replace("1000", "1001"), "k").await;
    assert_eq!((other.status, other.text("/error/type")), (400, "idempotency_error"));
    let elsewhere = g.post_keyed("/v1/customers", "", "k").await;
    assert_eq!((elsewhere.status, elsewhere.text("/error/type")), (400, "idempotency_error"));
    assert_eq!(g.get("/v1/payment_intents").await.ok().body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_counts_by_its_number_and_not_by_its_code() {
    let g = gateway().await;
    let body = |number: &str, code: &str| {
        format!(
            "amount=1000&currency=usd&confirm=true&payment_method_data[type]=card&payment_method_data[card][number]={number}\
             &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2034\
             &payment_method_data[card][cvc]={code}&expand[0]=payment_method"
        )
    };
    let fingerprint = "/payment_method/card/fingerprint";
    let first = g.post_keyed("/v1/payment_intents", &body("4242424242424242", "314"), "k").await.ok();
    for (number, code) in [("4242+4242-4242+4242", "314"), ("4242424242424242", "271")] {
        let again = g.post_keyed("/v1/payment_intents", &body(number, code), "k").await.ok();
        assert_eq!(again.bytes, first.bytes, "{number} {code}");
        let anew = g.post("/v1/payment_intents", &body(number, code)).await.ok();
        assert_eq!(anew.text(fingerprint), first.text(fingerprint), "{number} {code}");
    }
    let other = g.post_keyed("/v1/payment_intents", &body("5555555555554444", "314"), "k").await;
    assert_eq!((other.status, other.text("/error/type")), (400, "idempotency_error"));
    let other = g.post("/v1/payment_intents", &body("5555555555554444", "314")).await.ok();
    assert_ne!(other.text(fingerprint), first.text(fingerprint));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_make_one_payment() {
    let g = Arc::new(gateway().await);
    let tries: Vec<_> = (0..50)
        .map(|_| {
            let g = Arc::clone(&g);
            tokio::spawn(async move { g.post_keyed("/v1/payment_intents", BODY, "storm").await.ok().bytes })
        })
        .collect();
    let mut answers = HashSet::new();
    for one in tries {
        answers.insert(one.await.unwrap());
    }
    assert_eq!(answers.len(), 1);
    assert_eq!(g.get("/v1/payment_intents").await.ok().body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_before_it_began_leaves_the_key_free() {
    let g = gateway().await;
    g.post_keyed("/v1/payment_intents", "amount=1000", "k").await.refused(400, "parameter_missing");
    g.post_keyed("/v1/payment_intents", BODY, "k").await.ok();
    for key in ["", " ", &"x".repeat(256)] {
        let refused = g.post_keyed("/v1/payment_intents", BODY, key).await;
        assert_eq!((refused.status, refused.text("/error/type")), (400, "idempotency_error"), "{key:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_state_is_final_for_its_key() {
    let g = gateway().await;
    let id = g.pay(1000, "pm_card_visa", "").await.ok().text("/id").to_owned();
    let path = format!("/v1/payment_intents/{id}/cancel");
    let first = g.post_keyed(&path, "", "k").await.refused(400, "payment_intent_unexpected_state");
    let second = g.post_keyed(&path, "", "k").await;
    assert_eq!(first.bytes, second.bytes);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
}
