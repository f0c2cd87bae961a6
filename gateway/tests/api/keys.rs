//! What a key may do and see: keys for the browser, restricted keys, accounts of others.

use super::support::{Answer, Gateway, Request, gateway};
use gateway::admit::merchants::KeyRequest;
use gateway_core::record::KeyKind;
use gateway_core::tenant::Mode;
use http::Method;

/// Another key of the gateway's own merchant.
async fn key(g: &Gateway, kind: KeyKind, scopes: &[&str]) -> String {
    let engine = &g.app.engine;
    let merchant = engine.merchants.caller(&g.key).await.unwrap().unwrap().merchant.id;
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let request = KeyRequest { merchant, mode: Mode::Test, kind, scopes };
    engine
        .merchants
        .create_key(request, (&*engine.clock, &*engine.ids, &*engine.random))
        .await
        .unwrap()
        .secret
}

async fn get(g: &Gateway, key: &str, path: &str) -> Answer {
    let request = Request { method: Method::GET, content_type: None, ..g.form(path, "") };
    g.send(Request { key: Some(key.to_owned()), ..request }).await
}

async fn post(g: &Gateway, key: &str, (path, body): (&str, &str)) -> Answer {
    g.send(Request { key: Some(key.to_owned()), ..g.form(path, body) }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_sees_what_its_customer_may_know() {
    let g = gateway().await;
    let browser = key(&g, KeyKind::Publishable, &[]).await;
    let owner = g.post("/v1/customers", "email=ada@shop.example&metadata[vip]=canary").await.ok();
    let body = format!("amount=1000&currency=usd&customer={}&metadata[margin]=canary", owner.text("/id"));
    let made = g.post("/v1/payment_intents", &body).await.ok();
    let (path, secret) = (format!("/v1/payment_intents/{}", made.text("/id")), made.text("/client_secret"));
    let confirm = format!("{path}/confirm");
    let declined = format!("client_secret={secret}&payment_method=pm_card_chargeDeclined");
    let paid = format!("client_secret={secret}&payment_method=pm_card_visa");
    let seen = [
        get(&g, &browser, &format!("{path}?client_secret={secret}")).await.ok(),
        post(&g, &browser, (&confirm, &declined)).await.refused(402, "card_declined"),
        post(&g, &browser, (&confirm, &paid)).await.ok(),
        get(&g, &browser, &format!("{path}?client_secret={secret}")).await.ok(),
    ];
    for answer in &seen {
        let text = String::from_utf8_lossy(&answer.bytes);
        for private in
            ["canary", "\"metadata\"", "\"customer\"", "fingerprint", "risk_score", "latest_charge"]
        {
            assert!(!text.contains(private), "{private} in {text}");
        }
        assert!(text.contains("\"client_secret\"") && text.contains("\"status\""), "{text}");
    }
    for expand in ["customer", "latest_charge", "payment_method"] {
        let refused = get(&g, &browser, &format!("{path}?client_secret={secret}&expand[]={expand}")).await;
        assert_eq!((refused.status, refused.text("/error/param")), (400, "expand"), "{expand}");
        let refused = post(&g, &browser, (&confirm, &format!("{paid}&expand[]={expand}"))).await;
        assert_eq!((refused.status, refused.text("/error/param")), (400, "expand"), "{expand}");
    }
    let whole = g.get(&format!("{path}?expand[]=customer")).await.ok();
    assert_eq!(whole.text("/customer/metadata/vip"), "canary", "the secret key sees all of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expansion_takes_the_right_to_read() {
    let g = gateway().await;
    let owner = g.post("/v1/customers", "email=ada@shop.example").await.ok().text("/id").to_owned();
    let paid = g.pay(1000, "pm_card_visa", &format!("&customer={owner}")).await.ok();
    let refund = g.post("/v1/refunds", &format!("payment_intent={}&amount=1", paid.text("/id"))).await.ok();
    let path = format!("/v1/refunds/{}", refund.text("/id"));
    let clerk = key(&g, KeyKind::Restricted, &["refunds:write"]).await;
    get(&g, &clerk, &path).await.ok();
    let paths = [
        "payment_intent",
        "payment_intent.customer",
        "charge",
        "charge.payment_intent",
        "balance_transaction",
    ];
    for expand in paths {
        let refused = get(&g, &clerk, &format!("{path}?expand[]={expand}")).await;
        assert_eq!(refused.status, 403, "{expand}: {}", refused.body);
        let refused = get(&g, &clerk, &format!("/v1/refunds?expand[]=data.{expand}")).await;
        assert_eq!(refused.status, 403, "{expand}: {}", refused.body);
        let body = format!("charge={}&amount=1&expand[]={expand}", paid.text("/latest_charge"));
        assert_eq!(post(&g, &clerk, ("/v1/refunds", &body)).await.status, 403, "{expand}");
    }
    let reader = key(&g, KeyKind::Restricted, &["refunds:read", "payment_intents:read"]).await;
    let shown = get(&g, &reader, &format!("{path}?expand[]=payment_intent")).await.ok();
    assert_eq!(shown.text("/payment_intent/id"), paid.text("/id"));
    assert_eq!(get(&g, &reader, &format!("{path}?expand[]=payment_intent.customer")).await.status, 403);
    let all = g.get("/v1/refunds").await.ok();
    assert_eq!(all.body["data"].as_array().unwrap().len(), 1, "nothing that was refused was done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_tells_a_restricted_key_no_more_than_its_scopes() {
    let g = gateway().await;
    let paid = g.pay(1000, "pm_card_visa", "").await.ok();
    let path = format!("/v1/payment_intents/{}/capture", paid.text("/id"));
    let refused = post(&g, &g.key, (&path, "")).await.refused(400, "payment_intent_unexpected_state");
    assert!(refused.body["error"]["payment_intent"]["client_secret"].is_string());
    let held = g.pay(1000, "pm_card_visa", "&capture_method=manual").await.ok();
    g.post(&format!("/v1/payment_intents/{}/cancel", held.text("/id")), "").await.ok();
    let clerk = key(&g, KeyKind::Restricted, &["charges:write"]).await;
    let path = format!("/v1/charges/{}/capture", held.text("/latest_charge"));
    let refused = post(&g, &clerk, (&path, "")).await.refused(400, "payment_intent_unexpected_state");
    assert!(refused.body["error"].get("payment_intent").is_none(), "{}", refused.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browsers_keys_are_not_the_shops() {
    let g = gateway().await;
    let browser = key(&g, KeyKind::Publishable, &[]).await;
    let card = "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2044";
    let keyed = |key: &str, path: &str, body: &str| Request {
        key: Some(key.to_owned()),
        idempotency_key: Some("order-77".to_owned()),
        ..g.form(path, body)
    };
    let token = g.send(keyed(&browser, "/v1/tokens", card)).await.ok();
    let body = "amount=1000&currency=usd&confirm=true&payment_method=pm_card_visa";
    let paid = g.send(keyed(&g.key, "/v1/payment_intents", body)).await.ok();
    assert_eq!(paid.text("/status"), "succeeded");
    let again = g.send(keyed(&browser, "/v1/tokens", card)).await.ok();
    assert_eq!((again.bytes.clone(), again.header("idempotent-replayed")), (token.bytes, Some("true")));
    let other = g.send(keyed(&browser, "/v1/tokens", &card.replace("12", "11"))).await;
    assert_eq!((other.status, other.text("/error/type")), (400, "idempotency_error"));
    assert!(other.text("/error/message").contains("'order-77'"), "{}", other.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_acts_for_its_own_account_only() {
    let g = gateway().await;
    let own = g.app.engine.merchants.caller(&g.key).await.unwrap().unwrap().merchant.id.to_string();
    let body = "amount=1000&currency=usd";
    for header in ["stripe-account", "stripe-context"] {
        let named = |account: &str| Request {
            extra: Some((header, account.to_owned())),
            ..g.form("/v1/payment_intents", body)
        };
        let refused = g.send(named("acct_0000000000000000000001")).await.refused(403, "account_invalid");
        assert_eq!(refused.text("/error/type"), "invalid_request_error");
        g.send(named(&own)).await.ok();
    }
    let made = g.get("/v1/payment_intents").await.ok();
    assert_eq!(made.body["data"].as_array().unwrap().len(), 2, "only for its own account");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_no_key_is_refused_before_the_body_but_where_none_is_needed() {
    use gateway::exchange::{Arriving, Service};
    let g = super::support::gateway().await;
    let status = |path: &str, authorization: Option<&'static str>| {
        let mut headers = http::HeaderMap::new();
        headers.extend(authorization.map(|it| (http::header::AUTHORIZATION, it.parse().unwrap())));
        let peer = std::net::IpAddr::from([127, 0, 0, 1]);
        let refused = g.app.api.refuses(&Arriving { path, headers: &headers, peer });
        refused.map(|reply| reply.status)
    };
    let table = [
        ("/v1/payment_intents", None, Some(401)),
        ("/v1/payment_intents", Some("Bearer"), Some(401)),
        ("/v1/payment_intents", Some("Bearer "), Some(401)),
        ("/v1/payment_intents", Some("Digest abc"), Some(401)),
        ("/anything", None, Some(401)),
        ("/v1/payment_intents", Some("Bearer sk_test_1"), None),
        ("/v1/payment_intents", Some("basic c2tfdGVzdF8xOg=="), None),
        ("/challenge/abc/pass", None, None),
        ("/notifications/bank", None, None),
    ];
    for (path, authorization, expected) in table {
        assert_eq!(status(path, authorization), expected, "{path} {authorization:?}");
    }
}
