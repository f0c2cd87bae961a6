//! The challenge page, as a browser without scripts meets it.

use super::support::{Answer, Gateway, Request, gateway};
use http::Method;
use serde_json::Value;

const CHALLENGED: &str = "pm_card_authenticationRequired";
const BACK: &str = "&return_url=https://shop.example/back?order=17";

/// The path of the page that an intent sends its customer to.
fn page_of(intent: &Answer) -> String {
    assert_eq!(intent.text("/status"), "requires_action");
    let url = intent.text("/next_action/redirect_to_url/url");
    url.strip_prefix("https://localhost:8443").unwrap().to_owned()
}

/// A browser: it has no key.
async fn browse(g: &Gateway, method: Method, path: &str) -> Answer {
    g.send(Request { method, key: None, ..g.form(path, "") }).await
}

fn html(page: &Answer) -> &str {
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    std::str::from_utf8(&page.bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passed_challenge_pays_and_leads_back() {
    let g = gateway().await;
    let waiting = g.pay(2000, CHALLENGED, BACK).await.ok();
    let page = page_of(&waiting);
    let shown = browse(&g, Method::GET, &page).await;
    assert_eq!(shown.status, 200);
    assert!(html(&shown).contains("20.00 USD") && html(&shown).contains("First shop"));
    assert!(html(&shown).contains(&format!("action=\"{page}/pass\"")));
    assert!(
        shown.header("content-security-policy").unwrap().contains("form-action 'self' https://shop.example;")
    );
    let done = browse(&g, Method::POST, &format!("{page}/pass")).await;
    assert_eq!(done.status, 303);
    let (id, secret) = (waiting.text("/id"), waiting.text("/client_secret"));
    let expected = format!(
        "https://shop.example/back?order=17&payment_intent={id}&payment_intent_client_secret={secret}\
         &redirect_status=succeeded"
    );
    assert_eq!(done.header("location"), Some(expected.as_str()));
    let paid = g.get(&format!("/v1/payment_intents/{id}")).await.ok();
    assert_eq!((paid.text("/status"), paid.number("/amount_received")), ("succeeded", 2000));
    let again = browse(&g, Method::POST, &format!("{page}/fail")).await;
    assert_eq!(again.header("location"), Some(expected.as_str()), "a second click changes nothing");
    assert_eq!(browse(&g, Method::GET, &page).await.status, 404);
    let story = g.get("/v1/events?type=payment_intent.*").await.ok();
    let kinds: Vec<_> =
        story.body["data"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    let expected = ["payment_intent.succeeded", "payment_intent.requires_action", "payment_intent.created"];
    assert_eq!(kinds, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_challenge_takes_another_card() {
    let g = gateway().await;
    let waiting = g.pay(2000, CHALLENGED, "&capture_method=manual").await.ok();
    let page = page_of(&waiting);
    let told = browse(&g, Method::POST, &format!("{page}/fail")).await;
    assert_eq!(told.status, 200, "there is no way back");
    assert!(html(&told).contains("Authentication failed"));
    let path = format!("/v1/payment_intents/{}", waiting.text("/id"));
    let failed = g.get(&path).await.ok();
    assert_eq!(failed.text("/status"), "requires_payment_method");
    assert_eq!(failed.text("/last_payment_error/code"), "payment_intent_authentication_failure");
    let held = g.post(&format!("{path}/confirm"), "payment_method=pm_card_visa").await.ok();
    assert_eq!(held.text("/status"), "requires_capture");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_whole_secret_opens_the_page() {
    let g = gateway().await;
    let page = page_of(&g.pay(2000, CHALLENGED, "").await.ok());
    let flipped = format!("{}{}", &page[..page.len() - 1], if page.ends_with('0') { '1' } else { '0' });
    let id_only = page.split("_secret_").next().unwrap().to_owned();
    let secret = page.rsplit('/').next().unwrap();
    let elsewhere = page.replace("/test/", "/live/");
    let paths = [
        &flipped,
        &format!("/challenge/{secret}"),
        &elsewhere,
        &id_only,
        &page[..page.len() - 2],
        "/challenge/",
        "/challenge/x",
        "/challenge/seti_x_secret_y",
    ];
    for path in paths {
        let shown = browse(&g, Method::GET, path).await;
        assert_eq!(shown.status, 404, "{path}");
        assert!(!html(&shown).contains("<form"), "{path}");
        assert_eq!(browse(&g, Method::POST, &format!("{path}/pass")).await.status, 404, "{path}");
    }
    let link = browse(&g, Method::GET, &format!("{page}/pass")).await;
    assert_eq!((link.status, link.header("allow")), (405, Some("POST")));
    assert_eq!(browse(&g, Method::DELETE, &page).await.status, 405);
    assert_eq!(browse(&g, Method::GET, &page).await.status, 200, "nothing of it answered the challenge");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_saves_a_card_or_does_not() {
    let g = gateway().await;
    let owner = g.post("/v1/customers", "").await.ok().text("/id").to_owned();
    for (answer, status, kind) in [
        ("pass", "succeeded", "setup_intent.succeeded"),
        ("fail", "requires_payment_method", "setup_intent.setup_failed"),
    ] {
        let body = format!("confirm=true&customer={owner}&payment_method={CHALLENGED}{BACK}");
        let waiting = g.post("/v1/setup_intents", &body).await.ok();
        let page = page_of(&waiting);
        assert!(html(&browse(&g, Method::GET, &page).await).contains("save it for later"));
        let done = browse(&g, Method::POST, &format!("{page}/{answer}")).await;
        let location = done.header("location").unwrap();
        assert!(location.starts_with("https://shop.example/back?order=17&setup_intent=seti_"), "{location}");
        let word = if answer == "pass" { "succeeded" } else { "failed" };
        assert!(location.ends_with(&format!("&redirect_status={word}")), "{location}");
        let after = g.get(&format!("/v1/setup_intents/{}", waiting.text("/id"))).await.ok();
        assert_eq!((after.text("/status"), &after.body["next_action"]), (status, &Value::Null));
        assert_eq!(g.get("/v1/events?limit=1").await.ok().text("/data/0/type"), kind);
    }
    let saved = g.get(&format!("/v1/customers/{owner}/payment_methods")).await.ok();
    assert_eq!(saved.body["data"].as_array().unwrap().len(), 1);
}
