//! Events: the merchant's feed, with each object as it was then.

use super::support::{Answer, gateway};
use serde_json::{Value, json};

fn all<'a>(list: &'a Answer, key: &str) -> Vec<&'a str> {
    let data = list.body.pointer("/data").and_then(Value::as_array).unwrap();
    data.iter().map(|one| one[key].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_shows_what_was_then_and_what_changed() {
    let g = gateway().await;
    let held = g.pay(2000, "pm_card_visa", "&capture_method=manual").await.ok();
    let path = format!("/v1/payment_intents/{}/capture", held.text("/id"));
    g.post_keyed(&path, "amount_to_capture=1500", "capture-1").await.ok();
    g.post("/v1/refunds", &format!("payment_intent={}&amount=300", held.text("/id"))).await.ok();
    let first = g.get("/v1/events?type=payment_intent.amount_capturable_updated").await.ok();
    let then = first.body.pointer("/data/0").unwrap();
    assert_eq!(then["data"]["object"], held.body, "as it was answered then");
    assert_eq!(g.get(&format!("/v1/events/{}", then["id"].as_str().unwrap())).await.ok().body, *then);
    let captured = g.get("/v1/events?type=charge.captured").await.ok();
    let event = captured.body.pointer("/data/0").unwrap();
    assert_eq!(event["data"]["object"]["amount_captured"], json!(1500));
    assert_eq!(event["data"]["object"]["amount_refunded"], json!(0), "the refund came later");
    assert_eq!(event["data"]["previous_attributes"]["amount_captured"], json!(0));
    assert_eq!(event["data"]["previous_attributes"].get("id"), None);
    assert_eq!(event["request"]["idempotency_key"], json!("capture-1"));
    assert!(event["request"]["id"].as_str().unwrap().starts_with("req_"));
    assert_eq!((&event["livemode"], &event["object"]), (&json!(false), &json!("event")));
    let refunded = g.get("/v1/events?type=charge.refunded").await.ok();
    let refunded = refunded.body.pointer("/data/0/data").unwrap();
    assert_eq!(refunded["object"]["amount_refunded"], json!(300));
    assert_eq!(refunded["previous_attributes"]["amount_refunded"], json!(0));
    let refund = g.get("/v1/events?type=refund.created").await.ok();
    assert_eq!(refund.text("/data/0/data/object/status"), "pending");
}

fn types_of_three(kind: &str) -> bool {
    matches!(kind, "charge.succeeded" | "payment_intent.created") || kind.starts_with("customer.")
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_selected_and_paged() {
    let g = gateway().await;
    for _each in 0..3 {
        g.pay(500, "pm_card_visa", "").await.ok();
    }
    g.post("/v1/customers", "").await.ok();
    let everything = g.get("/v1/events?limit=100").await.ok();
    let (types, ids) = (all(&everything, "type"), all(&everything, "id"));
    assert_eq!(types[0], "customer.created");
    assert_eq!(types.len(), 10, "{types:?}");
    let page = g.get(&format!("/v1/events?limit=4&starting_after={}", ids[2])).await.ok();
    assert_eq!(all(&page, "id"), ids[3..7]);
    assert_eq!(page.body["has_more"], json!(true));
    let intents = g.get("/v1/events?type=payment_intent.*").await.ok();
    assert_eq!(all(&intents, "type").len(), 6);
    let two = g.get("/v1/events?types[]=customer.created&types[]=charge.succeeded&limit=2").await.ok();
    assert_eq!(all(&two, "type"), ["customer.created", "charge.succeeded"]);
    for first in ["limit=3", "limit=3&starting_after=CURSOR", "limit=3&ending_before=CURSOR"] {
        let page = first.replace("CURSOR", ids[5]);
        let types = "types[]=charge.succeeded&types[]=payment_intent.created&types[]=customer.*";
        let some = g.get(&format!("/v1/events?{types}&{page}")).await.ok();
        let wanted: Vec<&str> = (0..ids.len())
            .filter(|at| types_of_three(all(&everything, "type")[*at]))
            .map(|at| ids[at])
            .collect();
        let place = wanted.iter().position(|id| *id <= ids[5]).unwrap();
        let behind = usize::from(wanted[place] == ids[5]);
        let expected = match first {
            "limit=3" => &wanted[..3],
            _ if first.contains("after") => &wanted[place + behind..place + behind + 3],
            _before => &wanted[place.saturating_sub(3)..place],
        };
        assert_eq!(all(&some, "id"), expected, "{first}");
    }
    let none = g.get("/v1/events?type=invoice.paid").await.ok();
    assert_eq!((all(&none, "id").len(), &none.body["has_more"]), (0, &json!(false)));
    let created = everything.number("/data/9/created");
    let before = g.get(&format!("/v1/events?created[lt]={created}")).await.ok();
    assert!(all(&before, "id").is_empty());
    g.get("/v1/events/evt_0000000000000000000000").await.refused(404, "resource_missing");
    assert_eq!(g.get("/v1/events?type=a&types[]=b").await.status, 400);
}
