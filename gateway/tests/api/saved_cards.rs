//! Customers, their cards, tokens, and cards that are saved without a payment.

use super::support::{Answer, Gateway, Request, another_key, gateway};
use gateway_core::tenant::Mode;
use http::Method;
use serde_json::Value;

const CARD: &str =
    "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2044&card[cvc]=123";

fn card(number: &str) -> String {
    CARD.replace("4242424242424242", number)
}

async fn customer(g: &Gateway, body: &str) -> String {
    g.post("/v1/customers", body).await.ok().text("/id").to_owned()
}

async fn delete(g: &Gateway, path: &str) -> Answer {
    g.send(Request { method: Method::DELETE, content_type: None, ..g.form(path, "") }).await
}

fn ids(list: &Answer) -> Vec<String> {
    let data = list.body.pointer("/data").and_then(Value::as_array).unwrap();
    data.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

/// The types told so far, oldest first.
async fn told(g: &Gateway) -> Vec<String> {
    let list = g.get("/v1/events?limit=100").await.ok();
    let data = list.body.pointer("/data").and_then(Value::as_array).unwrap();
    data.iter().rev().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_made_changed_and_deleted() {
    let g = gateway().await;
    let made = g
        .post(
            "/v1/customers",
            "email=ada@shop.example&name=Ada&metadata[a]=1&metadata[b]=2&address[city]=Bonn&business_name=Ada Ltd\
             &shipping[name]=Ada&shipping[address][line1]=Street 1",
        )
        .await
        .ok();
    assert_eq!((made.text("/address/city"), made.text("/business_name")), ("Bonn", "Ada Ltd"));
    let path = format!("/v1/customers/{}", made.text("/id"));
    let changed = g.post(&path, "name=&metadata[b]=&metadata[c]=3&address[line1]=Ring 2").await.ok();
    assert_eq!(changed.body["name"], Value::Null);
    assert_eq!(changed.body["metadata"], serde_json::json!({"a": "1", "c": "3"}));
    assert_eq!((changed.text("/address/city"), changed.text("/address/line1")), ("Bonn", "Ring 2"));
    assert_eq!(changed.text("/shipping/address/line1"), "Street 1");
    assert_eq!(g.get(&path).await.ok().body, changed.body);
    g.post(&path, "name=").await.ok();
    assert_eq!(
        told(&g).await,
        ["customer.created", "customer.updated"],
        "what changes nothing tells nothing"
    );
    for _again in 0..2 {
        assert_eq!(delete(&g, &path).await.ok().body["deleted"], Value::Bool(true));
    }
    assert_eq!(g.get(&path).await.ok().body["deleted"], Value::Bool(true));
    g.post(&path, "name=Eve").await.refused(404, "resource_missing");
    delete(&g, "/v1/customers/cus_0000000000000000000000").await.refused(404, "resource_missing");
    assert_eq!(told(&g).await, ["customer.created", "customer.updated", "customer.deleted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_are_listed_in_pages_and_by_email() {
    let g = gateway().await;
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(customer(&g, &format!("email={}@shop.example", number % 2)).await);
    }
    made.reverse();
    let first = g.get("/v1/customers?limit=2").await.ok();
    assert_eq!((ids(&first), first.body["has_more"].clone()), (made[..2].to_vec(), Value::Bool(true)));
    let next = g.get(&format!("/v1/customers?limit=3&starting_after={}", made[1])).await.ok();
    assert_eq!((ids(&next), next.body["has_more"].clone()), (made[2..].to_vec(), Value::Bool(false)));
    let back = g.get(&format!("/v1/customers?limit=2&ending_before={}", made[3])).await.ok();
    assert_eq!(ids(&back), made[1..3].to_vec());
    let ones = g.get("/v1/customers?email=1@shop.example").await.ok();
    assert_eq!(ids(&ones), [made[1].clone(), made[3].clone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_is_not_attached_and_the_answer_is_kept() {
    let g = gateway().await;
    let owner = customer(&g, "").await;
    let bad = g.post("/v1/payment_methods", &card("4000000000000002")).await.ok().text("/id").to_owned();
    let path = format!("/v1/payment_methods/{bad}/attach");
    let body = format!("customer={owner}");
    let first = g.post_keyed(&path, &body, "k1").await.refused(402, "card_declined");
    let again = g.post_keyed(&path, &body, "k1").await.refused(402, "card_declined");
    assert_eq!(again.bytes, first.bytes);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    g.post("/v1/customers", "payment_method=pm_card_chargeDeclined").await.refused(402, "card_declined");
    assert_eq!(ids(&g.get("/v1/customers").await.ok()), std::slice::from_ref(&owner), "no card, no customer");
    let later = g.post("/v1/payment_methods", &card("4000000000000341")).await.ok().text("/id").to_owned();
    g.post(&format!("/v1/payment_methods/{later}/attach"), &body).await.ok();
    let declined = g.pay(500, &later, &format!("&customer={owner}")).await;
    declined.refused(402, "card_declined");
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_belong_to_one_customer_until_they_are_spent() {
    let g = gateway().await;
    let (ada, eve) = (customer(&g, "").await, customer(&g, "").await);
    let card = g.post("/v1/payment_methods/pm_card_visa/attach", &format!("customer={ada}")).await.ok();
    let id = card.text("/id").to_owned();
    assert_eq!(card.text("/customer"), ada);
    let attach = format!("/v1/payment_methods/{id}/attach");
    g.post(&attach, &format!("customer={ada}")).await.ok();
    g.post(&attach, &format!("customer={eve}")).await.refused(400, "payment_method_unexpected_state");
    let setting = format!("invoice_settings[default_payment_method]={id}");
    assert_eq!(g.post(&format!("/v1/customers/{eve}"), &setting).await.status, 400);
    let path = format!("/v1/customers/{ada}?expand[]=invoice_settings.default_payment_method");
    g.post(&format!("/v1/customers/{ada}"), &setting).await.ok();
    assert_eq!(g.get(&path).await.ok().text("/invoice_settings/default_payment_method/card/last4"), "4242");
    let detach = format!("/v1/payment_methods/{id}/detach");
    assert_eq!(g.post(&detach, "").await.ok().body["customer"], Value::Null);
    assert_eq!(g.get(&path).await.ok().body["invoice_settings"]["default_payment_method"], Value::Null);
    g.post(&detach, "").await.refused(400, "payment_method_unexpected_state");
    g.post(&attach, &format!("customer={ada}")).await.refused(400, "payment_method_unexpected_state");
    g.pay(500, &id, "").await.refused(400, "payment_method_unexpected_state");
    assert!(ids(&g.get(&format!("/v1/customers/{ada}/payment_methods")).await.ok()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_customer_leaves_no_usable_card() {
    let g = gateway().await;
    let body = "payment_method=pm_card_visa&invoice_settings[default_payment_method]=pm_card_visa";
    let owner = customer(&g, body).await;
    let listed = g.get(&format!("/v1/payment_methods?customer={owner}&type=card")).await.ok();
    let cards = ids(&listed);
    let shown = g.get(&format!("/v1/customers/{owner}")).await.ok();
    assert_eq!(shown.text("/invoice_settings/default_payment_method"), cards[0]);
    assert!(
        ids(&g.get(&format!("/v1/payment_methods?customer={owner}&type=sepa_debit")).await.ok()).is_empty()
    );
    delete(&g, &format!("/v1/customers/{owner}")).await.ok();
    let card = g.get(&format!("/v1/payment_methods/{}", cards[0])).await.ok();
    assert_eq!(card.body["customer"], Value::Null);
    g.pay(500, &cards[0], "").await.refused(400, "payment_method_unexpected_state");
    let expected =
        ["customer.created", "payment_method.attached", "payment_method.detached", "customer.deleted"];
    assert_eq!(told(&g).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attached_card_can_be_updated() {
    let g = gateway().await;
    let made = g.post("/v1/payment_methods", CARD).await.ok();
    let path = format!("/v1/payment_methods/{}", made.text("/id"));
    g.post(&path, "metadata[a]=1").await.refused(400, "payment_method_unexpected_state");
    let owner = customer(&g, "").await;
    g.post(&format!("{path}/attach"), &format!("customer={owner}")).await.ok();
    let body = "card[exp_year]=2045&billing_details[name]=Eve&metadata[a]=1&expand[]=customer";
    let changed = g.post(&path, body).await.ok();
    assert_eq!((changed.number("/card/exp_month"), changed.number("/card/exp_year")), (12, 2045));
    assert_eq!(
        (changed.text("/billing_details/name"), changed.text("/customer/id")),
        ("Eve", owner.as_str())
    );
    g.post(&path, "card[exp_year]=2001").await.refused(402, "invalid_expiry_year");
    let paid = g.pay(700, made.text("/id"), &format!("&customer={owner}")).await.ok();
    assert_eq!(paid.text("/status"), "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_redeems_once() {
    let g = gateway().await;
    let body = "card[number]=5555555555554444&card[exp_month]=1&card[exp_year]=44&card[cvc]=123&card[name]=Ada\
                &card[address_zip]=53111";
    let token = g.post("/v1/tokens", body).await.ok();
    assert_eq!((token.text("/card/last4"), token.text("/card/address_zip")), ("4444", "53111"));
    assert_eq!(token.number("/card/exp_year"), 2044);
    let use_it = format!("type=card&card[token]={}", token.text("/id"));
    let made = g.post("/v1/payment_methods", &use_it).await.ok();
    assert_eq!((made.text("/billing_details/name"), made.text("/card/brand")), ("Ada", "mastercard"));
    let kept = g.get(&format!("/v1/tokens/{}", token.text("/id"))).await.ok();
    assert_eq!(kept.body["used"], Value::Bool(true));
    g.post("/v1/payment_methods", &use_it).await.refused(400, "token_already_used");
    g.get("/v1/tokens/tok_visa").await.refused(404, "resource_missing");
    g.post("/v1/tokens", &body.replace("4444&", "4445&")).await.refused(402, "incorrect_number");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setup_saves_a_card() {
    let g = gateway().await;
    let owner = customer(&g, "").await;
    let made = g.post("/v1/setup_intents", &format!("customer={owner}&description=x")).await.ok();
    assert_eq!((made.text("/status"), made.text("/usage")), ("requires_payment_method", "off_session"));
    let path = format!("/v1/setup_intents/{}", made.text("/id"));
    g.post(&format!("{path}/confirm"), "").await.refused(400, "parameter_missing");
    let confirm = format!("{path}/confirm");
    let refused =
        g.post(&confirm, "payment_method=pm_card_chargeDeclined").await.refused(402, "card_declined");
    assert_eq!(refused.text("/error/setup_intent/last_setup_error/code"), "card_declined");
    assert_eq!(refused.text("/error/setup_intent/status"), "requires_payment_method");
    let known = g.get(&path).await.ok();
    assert_eq!(known.text("/last_setup_error/payment_method/card/last4"), "0002");
    let body = format!("{}&expand[]=payment_method", CARD.replace("type", "payment_method_data[type]"))
        .replace("card[", "payment_method_data[card][");
    let done = g.post(&confirm, &body).await.ok();
    assert_eq!((done.text("/status"), done.text("/payment_method/customer")), ("succeeded", owner.as_str()));
    assert_eq!(done.body["last_setup_error"], Value::Null);
    let listed = g.get(&format!("/v1/customers/{owner}/payment_methods")).await.ok();
    assert_eq!(ids(&listed), [done.text("/payment_method/id")]);
    g.post(&format!("{path}/cancel"), "").await.refused(400, "setup_intent_unexpected_state");
    let expected = [
        "customer.created",
        "setup_intent.created",
        "setup_intent.setup_failed",
        "payment_method.attached",
        "setup_intent.succeeded",
    ];
    assert_eq!(told(&g).await, expected);
    let by_card = format!("/v1/setup_intents?payment_method={}", done.text("/payment_method/id"));
    assert_eq!(ids(&g.get(&by_card).await.ok()), [made.text("/id")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setup_is_changed_and_canceled() {
    let g = gateway().await;
    let made = g.post("/v1/setup_intents", "payment_method=pm_card_visa&metadata[a]=1").await.ok();
    assert_eq!(made.text("/status"), "requires_confirmation");
    let path = format!("/v1/setup_intents/{}", made.text("/id"));
    let owner = customer(&g, "").await;
    let changed = g.post(&path, &format!("customer={owner}&description=later&metadata[a]=")).await.ok();
    assert_eq!((changed.text("/customer"), changed.text("/description")), (owner.as_str(), "later"));
    assert_eq!(changed.body["metadata"], serde_json::json!({}));
    let canceled = g.post(&format!("{path}/cancel"), "cancellation_reason=abandoned").await.ok();
    assert_eq!((canceled.text("/status"), canceled.text("/cancellation_reason")), ("canceled", "abandoned"));
    g.post(&path, "payment_method=pm_card_visa").await.refused(400, "setup_intent_unexpected_state");
    g.post(&path, "description=still").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_it_is_another_merchants() {
    let mut g = gateway().await;
    let owner = customer(&g, "payment_method=pm_card_visa").await;
    let card = ids(&g.get(&format!("/v1/payment_methods?customer={owner}")).await.ok())[0].clone();
    let setup = g.post("/v1/setup_intents", "").await.ok().text("/id").to_owned();
    let event = ids(&g.get("/v1/events").await.ok())[0].clone();
    g.key = another_key(&g.app, "Other shop", Mode::Test).await;
    let paths = [
        format!("/v1/customers/{owner}"),
        format!("/v1/customers/{owner}/payment_methods"),
        format!("/v1/payment_methods/{card}"),
        format!("/v1/payment_methods?customer={owner}"),
        format!("/v1/setup_intents/{setup}"),
        format!("/v1/events/{event}"),
    ];
    for path in paths {
        g.get(&path).await.refused(404, "resource_missing");
    }
    let own = customer(&g, "").await;
    let attach = format!("/v1/payment_methods/{card}/attach");
    g.post(&attach, &format!("customer={own}")).await.refused(404, "resource_missing");
    g.post(&format!("/v1/payment_methods/{card}/detach"), "").await.refused(404, "resource_missing");
    delete(&g, &format!("/v1/customers/{owner}")).await.refused(404, "resource_missing");
    assert_eq!(ids(&g.get("/v1/events").await.ok()).len(), 1, "only its own customer.created");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_attach_a_card_one_has_it() {
    let g = gateway().await;
    let (ada, eve) = (customer(&g, "").await, customer(&g, "").await);
    for _round in 0..10 {
        let id = g.post("/v1/payment_methods", CARD).await.ok().text("/id").to_owned();
        let path = format!("/v1/payment_methods/{id}/attach");
        let (to_ada, to_eve) = (format!("customer={ada}"), format!("customer={eve}"));
        let (first, second) = tokio::join!(g.post(&path, &to_ada), g.post(&path, &to_eve));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400], "{} {}", first.body, second.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_and_an_attachment_leave_no_card_behind() {
    let g = gateway().await;
    for _round in 0..10 {
        let owner = customer(&g, "").await;
        let id = g.post("/v1/payment_methods", CARD).await.ok().text("/id").to_owned();
        let (attach, body) = (format!("/v1/payment_methods/{id}/attach"), format!("customer={owner}"));
        let path = format!("/v1/customers/{owner}");
        let (attached, deleted) = tokio::join!(g.post(&attach, &body), delete(&g, &path));
        deleted.ok();
        assert!(matches!(attached.status, 200 | 404), "{}", attached.body);
        let card = g.get(&format!("/v1/payment_methods/{id}")).await.ok();
        assert_eq!(card.body["customer"], Value::Null, "attach said {}", attached.status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_saves_its_card_for_later() {
    let g = gateway().await;
    const SAVE: &str = "setup_future_usage=off_session";
    const OPTION: &str = "payment_method_options[card][setup_future_usage]";
    let option = format!("{OPTION}=off_session");
    let but_none = format!("{SAVE}&{OPTION}=none");
    let held = format!("{SAVE}&capture_method=manual");
    // What is said, the card, and how many cards the customer has then.
    let cases = [
        (SAVE, "pm_card_visa", 1),
        (option.as_str(), "pm_card_visa", 1),
        (held.as_str(), "pm_card_visa", 1),
        (but_none.as_str(), "pm_card_visa", 0),
        ("", "pm_card_visa", 0),
        (SAVE, "pm_card_chargeDeclined", 0),
    ];
    for (said, card, saved) in cases {
        let owner = customer(&g, "").await;
        let paid = g.pay(1000, card, &format!("&customer={owner}&{said}")).await;
        let cards = ids(&g.get(&format!("/v1/payment_methods?customer={owner}")).await.ok());
        assert_eq!(cards.len(), saved, "{said} with {card}: {}", paid.body);
        if saved == 0 {
            continue;
        }
        assert_eq!(cards, [paid.text("/payment_method")]);
        assert!(told(&g).await.contains(&"payment_method.attached".to_owned()));
        let body = format!(
            "amount=900&currency=usd&confirm=true&off_session=true&customer={owner}&payment_method={}",
            cards[0]
        );
        assert_eq!(g.post("/v1/payment_intents", &body).await.ok().text("/status"), "succeeded");
    }
}

/// It has no row of its own until something is done with it, which nobody can tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_given_with_a_payment_is_a_payment_method_like_any() {
    let g = gateway().await;
    let data =
        CARD.replace("card[", "payment_method_data[card][").replacen("type", "payment_method_data[type]", 1);
    let body = |more: &str| {
        format!(
            "amount=500&currency=usd&confirm=true&{data}&payment_method_data[billing_details][name]=Ada{more}"
        )
    };
    let paid = g.post("/v1/payment_intents", &body("&expand[]=payment_method")).await.ok();
    let id = paid.text("/payment_method/id").to_owned();
    let path = format!("/v1/payment_methods/{id}");
    let shown = g.get(&path).await.ok();
    assert_eq!(shown.body, paid.body["payment_method"]);
    assert_eq!((shown.text("/billing_details/name"), &shown.body["customer"]), ("Ada", &Value::Null));
    g.pay(700, &id, "").await.ok();
    let (ada, eve) = (customer(&g, "").await, customer(&g, "").await);
    let attached = g.post(&format!("{path}/attach"), &format!("customer={ada}")).await.ok();
    assert_eq!(attached.body["created"], shown.body["created"]);
    g.post(&format!("{path}/attach"), &format!("customer={eve}"))
        .await
        .refused(400, "payment_method_unexpected_state");
    assert_eq!(
        ids(&g.get(&format!("/v1/customers/{ada}/payment_methods")).await.ok()),
        std::slice::from_ref(&id)
    );
    g.post(&format!("{path}/detach"), "").await.ok();
    g.pay(500, &id, "").await.refused(400, "payment_method_unexpected_state");
    // What was said of it beside, and one that is not charged at once, is kept in a row.
    let noted = g.post("/v1/payment_intents", &body("&payment_method_data[metadata][a]=1")).await.ok();
    let kept = g.get(&format!("/v1/payment_methods/{}", noted.text("/payment_method"))).await.ok();
    assert_eq!(kept.text("/metadata/a"), "1");
    let waiting =
        g.post("/v1/payment_intents", &body("").replace("confirm=true", "confirm=false")).await.ok();
    g.get(&format!("/v1/payment_methods/{}", waiting.text("/payment_method"))).await.ok();
    // A declined payment's card is there, too; another payment's number names none.
    let declined = body("").replace("4242424242424242", "4000000000000002");
    let declined = g.post("/v1/payment_intents", &declined).await.refused(402, "card_declined");
    let method = declined.text("/error/payment_intent/last_payment_error/payment_method/id").to_owned();
    g.get(&format!("/v1/payment_methods/{method}")).await.ok();
    for payment in [&waiting, &paid] {
        let number = payment.text("/id").replace("pi_", "pm_");
        g.get(&format!("/v1/payment_methods/{number}")).await.refused(404, "resource_missing");
        g.pay(500, &number, "").await.refused(404, "resource_missing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenged_payment_saves_its_card_when_it_is_through() {
    let g = gateway().await;
    let owner = customer(&g, "").await;
    let more = format!("&customer={owner}&setup_future_usage=off_session");
    let waiting = g.pay(1000, "pm_card_authenticationRequired", &more).await.ok();
    let cards = format!("/v1/payment_methods?customer={owner}");
    assert!(ids(&g.get(&cards).await.ok()).is_empty(), "nothing has been paid yet");
    let url = waiting.text("/next_action/redirect_to_url/url");
    let page = url.strip_prefix("https://localhost:8443").unwrap();
    g.send(Request { key: None, ..g.form(&format!("{page}/pass"), "") }).await;
    g.until(&format!("/v1/payment_intents/{}", waiting.text("/id")), "/status", "succeeded").await;
    assert_eq!(ids(&g.get(&cards).await.ok()).len(), 1);
}
