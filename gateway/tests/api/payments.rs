//! Authorize, capture, void, increment: what a merchant sees.

use super::support::{another_key, gateway};
use gateway_core::tenant::Mode;

const MANUAL: &str = "&capture_method=manual";

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_is_captured_in_part_and_the_rest_released() {
    let g = gateway().await;
    let intent = g.pay(2000, "pm_card_visa", MANUAL).await.ok();
    assert_eq!(intent.text("/status"), "requires_capture");
    assert_eq!(intent.number("/amount_capturable"), 2000);
    assert_eq!(intent.number("/amount_received"), 0);
    let id = intent.text("/id");
    let captured = g.post(&format!("/v1/payment_intents/{id}/capture"), "amount_to_capture=1500").await.ok();
    assert_eq!(captured.text("/status"), "succeeded");
    assert_eq!(captured.number("/amount_received"), 1500);
    assert_eq!(captured.number("/amount_capturable"), 0);
    let charge = g.get(&format!("/v1/charges/{}", captured.text("/latest_charge"))).await.ok();
    assert_eq!(charge.number("/amount_captured"), 1500);
    assert_eq!(charge.text("/payment_method_details/card/last4"), "4242");
    g.post(&format!("/v1/payment_intents/{id}/capture"), "")
        .await
        .refused(400, "payment_intent_unexpected_state");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_captures_take_a_hold_in_parts() {
    let g = gateway().await;
    let id = g.pay(3000, "pm_card_visa", MANUAL).await.ok().text("/id").to_owned();
    let path = format!("/v1/payment_intents/{id}/capture");
    let first = g.post(&path, "amount_to_capture=1000&final_capture=false").await.ok();
    assert_eq!(first.text("/status"), "requires_capture");
    assert_eq!((first.number("/amount_capturable"), first.number("/amount_received")), (2000, 1000));
    g.post(&path, "amount_to_capture=2001").await.refused(400, "amount_too_large");
    g.post(&format!("/v1/payment_intents/{id}/cancel"), "")
        .await
        .refused(400, "payment_intent_unexpected_state");
    let last = g.post(&path, "").await.ok();
    assert_eq!((last.text("/status"), last.number("/amount_received")), ("succeeded", 3000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_void_gives_the_hold_back() {
    let g = gateway().await;
    let id = g.pay(2000, "pm_card_visa", MANUAL).await.ok().text("/id").to_owned();
    let path = format!("/v1/payment_intents/{id}/cancel");
    let canceled = g.post(&path, "cancellation_reason=duplicate").await.ok();
    assert_eq!(canceled.text("/status"), "canceled");
    assert_eq!(canceled.text("/cancellation_reason"), "duplicate");
    let again = g.post(&path, "").await.refused(400, "payment_intent_unexpected_state");
    assert_eq!(again.text("/error/payment_intent/id"), id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_increment_raises_the_hold() {
    let g = gateway().await;
    let id = g.pay(2000, "pm_card_visa", MANUAL).await.ok().text("/id").to_owned();
    let path = format!("/v1/payment_intents/{id}/increment_authorization");
    let raised = g.post(&path, "amount=2500").await.ok();
    assert_eq!((raised.number("/amount"), raised.number("/amount_capturable")), (2500, 2500));
    assert_eq!(g.post(&path, "amount=2500").await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_cards_answer_as_published() {
    let g = gateway().await;
    let cases = [
        ("pm_card_visa_chargeDeclined", "card_declined", Some("generic_decline")),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", Some("insufficient_funds")),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", Some("lost_card")),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
        ("pm_card_radarBlock", "card_declined", Some("fraudulent")),
    ];
    for (card, code, decline_code) in cases {
        let declined = g.pay(1000, card, "").await.refused(402, code);
        assert_eq!(declined.text("/error/type"), "card_error", "{card}");
        assert_eq!(
            declined.body.pointer("/error/decline_code").and_then(|v| v.as_str()),
            decline_code,
            "{card}"
        );
        let intent = declined.body.pointer("/error/payment_intent").unwrap();
        assert_eq!(intent["status"], "requires_payment_method", "{card}");
        assert_eq!(intent["last_payment_error"]["code"], code, "{card}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_card_is_never_sent() {
    let g = gateway().await;
    let declined = g.pay(1000, "pm_card_radarBlock", "").await.refused(402, "card_declined");
    let charge = g.get(&format!("/v1/charges/{}", declined.text("/error/charge"))).await.ok();
    assert_eq!(charge.text("/outcome/type"), "blocked");
    assert_eq!(charge.text("/outcome/network_status"), "not_sent_to_network");
    assert_eq!(charge.text("/outcome/risk_level"), "highest");
    assert!(charge.number("/outcome/risk_score") >= 75);
    let elevated = g.pay(1000, "pm_card_riskLevelElevated", "&expand[]=latest_charge").await.ok();
    assert_eq!(elevated.text("/latest_charge/outcome/risk_level"), "elevated");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_merchants_payment_does_not_exist() {
    let g = gateway().await;
    let id = g.pay(1000, "pm_card_visa", "").await.ok().text("/id").to_owned();
    for mode in [Mode::Test, Mode::Live] {
        let key = Some(another_key(&g.app, "Second shop", mode).await);
        for (method, path) in [("GET", ""), ("POST", "/capture"), ("POST", "/cancel"), ("POST", "")] {
            let path = format!("/v1/payment_intents/{id}{path}");
            let request = super::support::Request {
                method: method.parse().unwrap(),
                key: key.clone(),
                ..g.form(&path, "")
            };
            g.send(request).await.refused(404, "resource_missing");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn details_of_a_card_are_sealed_and_shown_masked() {
    let g = gateway().await;
    let card = "payment_method_data[type]=card&payment_method_data[card][number]=5555555555554444\
                &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2044\
                &payment_method_data[card][cvc]=987&payment_method_data[billing_details][name]=Ada";
    let body = format!(
        "amount=1000&currency=eur&confirm=true&expand[]=payment_method&expand[]=latest_charge&{card}"
    );
    let paid = g.post("/v1/payment_intents", &body).await.ok();
    assert_eq!(paid.text("/payment_method/card/brand"), "mastercard");
    assert_eq!(paid.text("/payment_method/card/last4"), "4444");
    assert_eq!(paid.text("/latest_charge/billing_details/name"), "Ada");
    assert_eq!(paid.text("/latest_charge/payment_method_details/card/checks/cvc_check"), "pass");
    assert!(!String::from_utf8_lossy(&paid.bytes).contains("5555555555554444"));
    let wrong = body.replace("5555555555554444", "5555555555554445");
    g.post("/v1/payment_intents", &wrong).await.refused(402, "incorrect_number");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_page_over_everything_once() {
    let g = gateway().await;
    for amount in 0..25 {
        g.pay(1000 + amount, "pm_card_visa", "").await.ok();
    }
    for resource in ["payment_intents", "charges"] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = g.get(&format!("/v1/{resource}?limit=7{cursor}")).await.ok();
            let ids: Vec<String> = page.body["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|o| o["id"].as_str().unwrap().to_owned())
                .collect();
            cursor = format!("&starting_after={}", ids.last().unwrap());
            seen.extend(ids);
            if page.body["has_more"] == false {
                break;
            }
        }
        let mut sorted = seen.clone();
        sorted.sort();
        sorted.dedup();
        sorted.reverse();
        assert_eq!(seen, sorted, "{resource}: newest first, each once");
        assert_eq!(seen.len(), 25, "{resource}");
        let back = g.get(&format!("/v1/{resource}?limit=3&ending_before={}", seen[10])).await.ok();
        let ids: Vec<&str> =
            back.body["data"].as_array().unwrap().iter().map(|o| o["id"].as_str().unwrap()).collect();
        assert_eq!(ids, seen[7..10].iter().map(String::as_str).collect::<Vec<_>>(), "{resource}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_is_made_updated_and_confirmed_step_by_step() {
    let g = gateway().await;
    let made = g.post("/v1/payment_intents", "amount=1000&currency=usd&metadata[order]=17").await.ok();
    assert_eq!(made.text("/status"), "requires_payment_method");
    let path = format!("/v1/payment_intents/{}", made.text("/id"));
    let confirm = format!("{path}/confirm");
    assert_eq!(g.post(&confirm, "").await.status, 400);
    let updated = g.post(&path, "amount=1200&metadata[order]=&metadata[shop]=x&description=tea").await.ok();
    assert_eq!((updated.number("/amount"), updated.text("/metadata/shop")), (1200, "x"));
    assert!(updated.body["metadata"].get("order").is_none());
    let declined =
        g.post(&confirm, "payment_method=pm_card_chargeDeclined").await.refused(402, "card_declined");
    assert_eq!(declined.text("/error/payment_intent/status"), "requires_payment_method");
    let paid = g.post(&confirm, "payment_method=pm_card_visa").await.ok();
    assert_eq!((paid.text("/status"), paid.number("/amount_received")), ("succeeded", 1200));
    g.post(&confirm, "payment_method=pm_card_visa").await.refused(400, "payment_intent_unexpected_state");
    let charges = g.get(&format!("/v1/charges?payment_intent={}", made.text("/id"))).await.ok();
    assert_eq!(charges.body["data"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cards_capture_method_counts_wherever_it_is_said() {
    let g = gateway().await;
    const OPTION: &str = "payment_method_options[card][capture_method]";
    let plain = "amount=1000&currency=usd&payment_method=pm_card_visa";
    let manual = format!("{OPTION}=manual");
    let unset = format!("{OPTION}=");
    // On creation, on update, on confirmation, and unset again; what is said at each, and how it ends.
    let cases = [
        (manual.as_str(), "", "", "requires_capture"),
        ("", manual.as_str(), "", "requires_capture"),
        ("", "", manual.as_str(), "requires_capture"),
        (manual.as_str(), "capture_method=automatic", "", "requires_capture"),
        (manual.as_str(), unset.as_str(), "", "succeeded"),
        (manual.as_str(), "", unset.as_str(), "succeeded"),
        ("capture_method=manual", manual.as_str(), unset.as_str(), "requires_capture"),
        ("capture_method=manual", "", "", "requires_capture"),
        ("", "", "capture_method=manual", "requires_capture"),
    ];
    for (created, updated, confirmed, status) in cases {
        let case = format!("{created} | {updated} | {confirmed}");
        let made = g.post("/v1/payment_intents", &format!("{plain}&{created}")).await.ok();
        let path = format!("/v1/payment_intents/{}", made.text("/id"));
        if !updated.is_empty() {
            g.post(&path, updated).await.ok();
        }
        let ended = g.post(&format!("{path}/confirm"), confirmed).await.ok();
        assert_eq!(ended.text("/status"), status, "{case}");
        let shown = ended.text("/capture_method");
        assert_eq!(shown == "manual", status == "requires_capture", "{case}: {shown}");
    }
}

/// A payment whose first attempt failed and whose second holds its money: both charges.
async fn tried_twice(g: &super::support::Gateway, more: &str) -> (String, String) {
    let made = g.post("/v1/payment_intents", &format!("amount=1000&currency=usd{more}")).await.ok();
    let confirm = format!("/v1/payment_intents/{}/confirm", made.text("/id"));
    let failed =
        g.post(&confirm, "payment_method=pm_card_chargeDeclined").await.refused(402, "card_declined");
    let held = g.post(&confirm, "payment_method=pm_card_visa").await.ok();
    (failed.text("/error/charge").to_owned(), held.text("/latest_charge").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_charge_never_stands_for_another() {
    let g = gateway().await;
    let (failed, held) = tried_twice(&g, MANUAL).await;
    let refused = g.post(&format!("/v1/charges/{failed}/capture"), "").await;
    assert_eq!((refused.status, refused.text("/error/charge")), (400, failed.as_str()));
    assert_eq!(g.get(&format!("/v1/charges/{held}")).await.ok().number("/amount_captured"), 0);
    let large =
        g.post(&format!("/v1/charges/{held}/capture"), "amount=5000").await.refused(400, "amount_too_large");
    assert_eq!(large.text("/error/param"), "amount");
    assert_eq!(
        g.post(&format!("/v1/charges/{held}/capture"), "").await.ok().number("/amount_captured"),
        1000
    );
    let (failed, taken) = tried_twice(&g, "").await;
    let refused = g.post("/v1/refunds", &format!("charge={failed}")).await;
    assert_eq!((refused.status, refused.text("/error/param")), (400, "charge"));
    assert_eq!(g.get(&format!("/v1/charges/{taken}")).await.ok().number("/amount_refunded"), 0);
    g.post("/v1/refunds", &format!("charge={taken}")).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_out_of_range_are_refused() {
    let g = gateway().await;
    let cases = [
        ("amount=10&currency=usd", "amount_too_small"),
        ("amount=100000000&currency=usd", "amount_too_large"),
        ("amount=-5&currency=usd", "parameter_invalid_integer"),
        ("amount=12.5&currency=usd", "parameter_invalid_integer"),
        ("amount=99999999999999999999&currency=usd", "parameter_invalid_integer"),
        ("currency=usd", "parameter_missing"),
        ("amount=1000", "parameter_missing"),
        ("amount=1000&currency=usd&nonsense=1", "parameter_unknown"),
    ];
    for (body, code) in cases {
        g.post("/v1/payment_intents", body).await.refused(400, code);
    }
    assert_eq!(g.post("/v1/payment_intents", "amount=1000&currency=zzz").await.status, 400);
    assert_eq!(g.get("/v1/payment_intents").await.ok().body["data"].as_array().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_was_taken_back_is_not_charged() {
    let g = gateway().await;
    let made =
        g.post("/v1/payment_intents", "amount=1000&currency=usd&payment_method=pm_card_visa").await.ok();
    let path = format!("/v1/payment_intents/{}", made.text("/id"));
    assert_eq!(made.text("/status"), "requires_confirmation");
    let without = g.post(&path, "payment_method=").await.ok();
    assert_eq!(
        (without.text("/status"), &without.body["payment_method"]),
        ("requires_payment_method", &().into())
    );
    assert_eq!(g.post(&format!("{path}/confirm"), "").await.status, 400);
    let shown = g.get(&path).await.ok();
    assert_eq!((shown.number("/amount_received"), shown.text("/status")), (0, "requires_payment_method"));
    g.post(&format!("{path}/confirm"), "payment_method=pm_card_visa").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_are_found_behind_many_intents_without_one() {
    let g = gateway().await;
    let paid = g.pay(1000, "pm_card_visa", "").await.ok();
    for _ in 0..230 {
        g.post("/v1/payment_intents", "amount=1000&currency=usd").await.ok();
    }
    for limit in [1, 10, 100] {
        let listed = g.get(&format!("/v1/charges?limit={limit}")).await.ok();
        assert_eq!(listed.text("/data/0/id"), paid.text("/latest_charge"), "limit {limit}");
        assert_eq!(listed.body["has_more"], false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_beyond_all_time_find_nothing() {
    let g = gateway().await;
    g.pay(1000, "pm_card_visa", "").await.ok();
    let now_ms = g.app.engine.clock.now().0;
    for list in ["payment_intents", "charges", "events"] {
        // Milliseconds where seconds are meant, and the end of all numbers.
        for time in [now_ms, i64::MAX] {
            let count = |answer: super::support::Answer| answer.body["data"].as_array().unwrap().len();
            let after = g.get(&format!("/v1/{list}?created[gte]={time}")).await.ok();
            assert_eq!(count(after), 0, "{list} from {time}");
            let before = g.get(&format!("/v1/{list}?created[lte]={time}")).await.ok();
            assert!(count(before) > 0, "{list} until {time}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_refuse_what_can_not_be_expanded() {
    let g = gateway().await;
    g.pay(1000, "pm_card_visa", "").await.ok();
    for list in ["payment_intents", "charges", "refunds", "setup_intents", "customers", "events"] {
        for wrong in ["data.custmer", "custmer", "data"] {
            let refused = g.get(&format!("/v1/{list}?expand[]={wrong}")).await;
            assert_eq!((refused.status, refused.text("/error/param")), (400, "expand"), "{list}: {wrong}");
        }
    }
    let refused = g.get("/v1/payment_intents?expand[]=latest_charge").await;
    assert!(refused.text("/error/message").contains("'data.latest_charge'"), "{}", refused.body);
    let listed = g.get("/v1/payment_intents?expand[]=data.latest_charge").await.ok();
    assert_eq!(listed.text("/data/0/latest_charge/object"), "charge");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_number_in_the_wrong_place_is_not_echoed() {
    let g = gateway().await;
    const CARD: &str = "4242424242424242";
    let made = g.post("/v1/payment_intents", "amount=1000&currency=usd").await.ok();
    let update = format!("/v1/payment_intents/{}", made.text("/id"));
    let answers = [
        g.post("/v1/payment_intents", &format!("amount=1000&currency=usd&payment_method={CARD}")).await,
        g.post(&update, &format!("payment_method={CARD}")).await,
        g.post(&update, &format!("{CARD}=1")).await,
        g.post(&update, &format!("customer={CARD}")).await,
        g.post("/v1/payment_intents", &format!("amount={CARD}000000&currency=usd")).await,
        g.post(
            "/v1/payment_intents",
            &format!(
                "amount=1&currency=usd&payment_method_data[type]=card&payment_method_data[card][token]={CARD}"
            ),
        )
        .await,
        g.get(&format!("/v1/customers/{CARD}")).await,
        g.get(&format!("/v1/{CARD}")).await,
    ];
    for answer in answers {
        assert!((400..500).contains(&answer.status), "{}", answer.body);
        assert!(!String::from_utf8_lossy(&answer.bytes).contains(&CARD[..12]), "{}", answer.body);
    }
}
