//! Reviews over the API: held, listed, approved, closed by what else happens.

use super::support::{Answer, Gateway, gateway};
use gateway::scoring::rules::Does;
use serde_json::json;

async fn reviewing() -> Gateway {
    let g = gateway().await;
    g.rules(&[("large", Does::Review, "amount >= 5000")]);
    g
}

async fn events(g: &Gateway, kind: &str) -> Answer {
    g.get(&format!("/v1/events?type={kind}")).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automatic_payment_waits_for_its_approval() {
    let g = reviewing().await;
    g.pay(4999, "pm_card_visa", "").await.ok();
    let held = g.pay(5000, "pm_card_visa", "&expand[]=review&expand[]=latest_charge").await.ok();
    assert_eq!((held.text("/status"), held.text("/capture_method")), ("requires_capture", "automatic"));
    assert_eq!(held.number("/amount_capturable"), 5000);
    assert_eq!(held.body["review"]["open"], json!(true));
    assert_eq!(held.text("/latest_charge/outcome/type"), "manual_review");
    assert_eq!(held.text("/latest_charge/outcome/reason"), "rule");
    let id = held.text("/review/id");
    assert_eq!(held.text("/latest_charge/review"), id);
    let waiting = g.get("/v1/reviews?expand[]=data.payment_intent").await.ok();
    assert_eq!(waiting.text("/data/0/id"), id);
    assert_eq!(waiting.text("/data/0/payment_intent/id"), held.text("/id"));
    assert_eq!(events(&g, "review.opened").await.text("/data/0/data/object/id"), id);

    let approved = g.post_keyed(&format!("/v1/reviews/{id}/approve"), "", "approve-1").await.ok();
    let word = (approved.text("/closed_reason"), approved.text("/reason"));
    assert_eq!(word, ("approved", "approved"));
    assert_eq!(approved.body["open"], json!(false));
    let again = g.post_keyed(&format!("/v1/reviews/{id}/approve"), "", "approve-1").await.ok();
    assert_eq!(again.bytes, approved.bytes);
    let paid = g.get(&format!("/v1/payment_intents/{}", held.text("/id"))).await.ok();
    assert_eq!((paid.text("/status"), paid.number("/amount_received")), ("succeeded", 5000));
    assert_eq!(g.get("/v1/reviews").await.ok().body["data"], json!([]));
    assert_eq!(g.get(&format!("/v1/reviews/{id}")).await.ok().text("/closed_reason"), "approved");
    assert_eq!(events(&g, "review.closed").await.text("/data/0/data/object/closed_reason"), "approved");
    let late = g.post(&format!("/v1/reviews/{id}/approve"), "").await;
    assert_eq!((late.status, late.text("/error/type")), (400, "invalid_request_error"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_the_money_closes_the_review() {
    let g = reviewing().await;
    let cases = [
        ("&capture_method=manual", "capture", "", "approved"),
        ("", "capture", "", "approved"),
        ("", "cancel", "cancellation_reason=fraudulent", "refunded_as_fraud"),
        ("", "cancel", "", "canceled"),
    ];
    for (more, operation, body, reason) in cases {
        let held = g.pay(6000, "pm_card_visa", more).await.ok();
        let (payment, review) = (held.text("/id"), held.text("/review"));
        assert_eq!(g.get("/v1/reviews").await.ok().text("/data/0/id"), review);
        g.post(&format!("/v1/payment_intents/{payment}/{operation}"), body).await.ok();
        let closed = g.get(&format!("/v1/reviews/{review}")).await.ok();
        assert_eq!(closed.text("/closed_reason"), reason, "{operation} {body}");
        assert_eq!(g.get("/v1/reviews").await.ok().body["data"], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn approving_a_manual_payment_captures_nothing() {
    let g = reviewing().await;
    let held = g.pay(6000, "pm_card_visa", "&capture_method=manual").await.ok();
    g.post(&format!("/v1/reviews/{}/approve", held.text("/review")), "").await.ok();
    let path = format!("/v1/payment_intents/{}", held.text("/id"));
    assert_eq!(g.get(&path).await.ok().text("/status"), "requires_capture");
    g.post(&format!("{path}/capture"), "").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn reviews_of_others_and_of_nothing_are_not_found() {
    let g = reviewing().await;
    let held = g.pay(6000, "pm_card_visa", "").await.ok();
    let other = Gateway {
        key: super::support::another_key(&g.app, "Other", gateway_core::tenant::Mode::Test).await,
        ..g
    };
    for id in [held.text("/review"), "prv_nothing"] {
        other.get(&format!("/v1/reviews/{id}")).await.refused(404, "resource_missing");
        other.post(&format!("/v1/reviews/{id}/approve"), "").await.refused(404, "resource_missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_payment_opens_none() {
    let g = reviewing().await;
    let declined = g.pay(6000, "pm_card_chargeDeclined", "").await;
    assert_eq!(declined.status, 402);
    assert_eq!(g.get("/v1/reviews").await.ok().body["data"], json!([]));
}
