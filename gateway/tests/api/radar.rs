//! Value lists, rules over them, the windows against card testing, and payments judged for others.

use super::support::{Gateway, gateway};
use gateway::scoring::rules::Does;
use serde_json::json;

async fn list(g: &Gateway, alias: &str, kind: &str) -> String {
    let body = format!("alias={alias}&name=A+list&item_type={kind}&metadata[a]=b");
    g.post("/v1/radar/value_lists", &body).await.ok().text("/id").to_owned()
}

async fn put(g: &Gateway, list: &str, value: &str) -> String {
    let body = format!("value_list={list}&value={value}");
    g.post("/v1/radar/value_list_items", &body).await.ok().text("/id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_made_changed_read_and_deleted() {
    let g = gateway().await;
    let id = list(&g, "mails", "email").await;
    let item = put(&g, &id, "A@B.example").await;
    put(&g, &id, "c@d.example").await;
    let shown = g.get(&format!("/v1/radar/value_lists/{id}")).await.ok();
    assert_eq!((shown.text("/object"), shown.text("/item_type")), ("radar.value_list", "email"));
    assert_eq!(shown.text("/list_items/data/1/value"), "A@B.example");
    assert_eq!(shown.body["metadata"], json!({ "a": "b" }));
    let twice = g.post("/v1/radar/value_list_items", &format!("value_list={id}&value=a@b.example")).await;
    assert_eq!((twice.status, twice.text("/error/param")), (400, "value"));
    let taken = g.post("/v1/radar/value_lists", "alias=mails&name=x").await;
    assert_eq!((taken.status, taken.text("/error/param")), (400, "alias"));
    let changed = g.post(&format!("/v1/radar/value_lists/{id}"), "alias=letters&name=Letters").await.ok();
    assert_eq!((changed.text("/alias"), changed.text("/name")), ("letters", "Letters"));
    let found = g.get(&format!("/v1/radar/value_list_items?value_list={id}&value=a@b.example")).await.ok();
    assert_eq!(found.text("/data/0/id"), item);
    assert_eq!(g.get("/v1/radar/value_lists?contains=c@d.example").await.ok().text("/data/0/id"), id);
    assert_eq!(g.get("/v1/radar/value_lists?contains=e@f.example").await.ok().body["data"], json!([]));
    let gone = g.delete(&format!("/v1/radar/value_list_items/{item}")).await.ok();
    assert_eq!(gone.body["deleted"], json!(true));
    g.get(&format!("/v1/radar/value_list_items/{item}")).await.refused(404, "resource_missing");
    g.delete(&format!("/v1/radar/value_lists/{id}")).await.ok();
    g.get(&format!("/v1/radar/value_lists/{id}")).await.refused(404, "resource_missing");
    assert_eq!(g.get("/v1/radar/value_lists").await.ok().body["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn values_must_be_of_their_kind() {
    let g = gateway().await;
    for (kind, good, bad) in
        [("card_bin", "424242", "42"), ("country", "fr", "France"), ("ip_address", "10.0.0.1", "10.0.0")]
    {
        let id = list(&g, kind, kind).await;
        put(&g, &id, good).await;
        let refused = g.post("/v1/radar/value_list_items", &format!("value_list={id}&value={bad}")).await;
        assert_eq!((refused.status, refused.text("/error/param")), (400, "value"), "{kind} {bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_value_blocks_until_it_is_taken_out_and_an_allowed_one_overrules() {
    let g = gateway().await;
    let paid = g.pay(1000, "pm_card_visa", "&expand[]=latest_charge").await.ok();
    let fingerprint = paid.text("/latest_charge/payment_method_details/card/fingerprint").to_owned();
    let blocked = list(&g, "cards_blocklist", "card_fingerprint").await;
    let item = put(&g, &blocked, &fingerprint).await;
    let refused = g.pay(1000, "pm_card_visa", "").await.refused(402, "card_declined");
    assert_eq!(refused.text("/error/decline_code"), "fraudulent");
    let charge = g.get(&format!("/v1/charges/{}", refused.text("/error/charge"))).await.ok();
    assert_eq!((charge.text("/outcome/type"), charge.text("/outcome/reason")), ("blocked", "rule"));
    assert_eq!(charge.text("/outcome/network_status"), "not_sent_to_network");
    g.pay(1000, "pm_card_mastercard", "").await.ok();
    let allowed = list(&g, "bins_allowlist", "card_bin").await;
    let bin = put(&g, &allowed, "424242").await;
    g.pay(1000, "pm_card_visa", "").await.ok();
    g.delete(&format!("/v1/radar/value_list_items/{bin}")).await.ok();
    g.pay(1000, "pm_card_visa", "").await.refused(402, "card_declined");
    g.delete(&format!("/v1/radar/value_list_items/{item}")).await.ok();
    g.pay(1000, "pm_card_visa", "").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_ask_lists_by_their_alias_and_see_where_the_payer_is() {
    let g = gateway().await;
    g.rules(&[
        ("bad-address", Does::Block, "lists.bad_addresses && amount > 100"),
        ("bad-mail", Does::Block, "email == 'thief@x.example'"),
    ]);
    let id = list(&g, "bad_addresses", "ip_address").await;
    put(&g, &id, "203.0.113.7").await;
    let from = |address: &str| {
        format!(
            "&mandate_data[customer_acceptance][type]=online&mandate_data[customer_acceptance][online][ip_address]={address}"
        )
    };
    g.pay(1000, "pm_card_visa", &from("203.0.113.8")).await.ok();
    g.pay(1000, "pm_card_visa", &from("203.0.113.7")).await.refused(402, "card_declined");
    g.pay(1000, "pm_card_visa", "&receipt_email=Thief@x.example").await.refused(402, "card_declined");
    g.pay(1000, "pm_card_visa", "&receipt_email=good@x.example").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_read_again_at_a_start() {
    let g = gateway().await;
    let id = list(&g, "bins_blocklist", "card_bin").await;
    put(&g, &id, "424242").await;
    let engine = &g.app.engine;
    let lists = gateway::scoring::lists::Lists::default();
    let tenant = gateway_core::Tenant {
        merchant: engine.merchants.all().first().unwrap().id,
        mode: gateway_core::Mode::Test,
    };
    lists.load(&*engine.journal, std::iter::once(tenant)).await.unwrap();
    assert_eq!(lists.named(tenant, "bins_blocklist").1, 1);
    let list = lists.named(tenant, "bins_blocklist").0.unwrap();
    assert_eq!(lists.held(tenant, list, "424242"), (true, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_made_elsewhere_is_judged_and_kept() {
    let g = gateway().await;
    g.rules(&[("large", Does::Block, "amount > 9000")]);
    let ask = |amount: u32| {
        format!(
            "payment_details[amount]={amount}&payment_details[currency]=eur\
             &payment_details[payment_method_details][payment_method]=pm_card_visa\
             &customer_details[email]=a@b.example&metadata[order]=7"
        )
    };
    let fine = g.post("/v1/radar/payment_evaluations", &ask(1000)).await.ok();
    assert_eq!(fine.text("/object"), "radar.payment_evaluation");
    assert_eq!(fine.text("/recommended_action"), "continue");
    assert_eq!(fine.text("/signals/fraudulent_payment/risk_level"), "normal");
    assert_eq!(fine.text("/metadata/order"), "7");
    let bad = g.post("/v1/radar/payment_evaluations", &ask(9001)).await.ok();
    assert_eq!(bad.text("/recommended_action"), "block");
    let missing = g.post("/v1/radar/payment_evaluations", "metadata[a]=b").await;
    assert_eq!((missing.status, missing.text("/error/param")), (400, "payment_details"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_new_cards_of_one_range_trip_nothing_while_they_are_approved() {
    let g = gateway().await;
    let mut sent = 0;
    for number in 0..60u32 {
        let card = format!(
            "&payment_method_data[type]=card&payment_method_data[card][number]={}\
             &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2040\
             &payment_method_data[card][cvc]=123",
            luhn(&format!("45717360{number:07}"))
        );
        let answer =
            g.post("/v1/payment_intents", &format!("amount=1001&currency=usd&confirm=true{card}")).await;
        sent += u32::from(answer.status == 200);
    }
    assert_eq!(sent, 60, "approved cards trip nothing");
    assert_eq!(g.app.engine.scoring.tripped(), [0; 4]);
}

/// The number with its check digit.
fn luhn(digits: &str) -> String {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, byte)| {
            let digit = u32::from(byte - b'0');
            if at % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}
