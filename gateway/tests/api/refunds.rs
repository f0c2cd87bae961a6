//! Refunds in parts, never over what was captured.

use super::support::gateway;

#[tokio::test(flavor = "multi_thread")]
async fn refunds_come_in_parts_and_end_where_the_money_ends() {
    let g = gateway().await;
    let paid = g.pay(1000, "pm_card_visa", "").await.ok();
    let (id, charge) = (paid.text("/id"), paid.text("/latest_charge"));
    let first = g.post("/v1/refunds", &format!("payment_intent={id}&amount=300&reason=duplicate")).await.ok();
    assert_eq!((first.text("/status"), first.number("/amount")), ("succeeded", 300));
    let over = g.post("/v1/refunds", &format!("charge={charge}&amount=701")).await;
    assert_eq!((over.status, over.text("/error/param")), (400, "amount"));
    let rest = g.post("/v1/refunds", &format!("charge={charge}")).await.ok();
    assert_eq!(rest.number("/amount"), 700);
    g.post("/v1/refunds", &format!("charge={charge}")).await.refused(400, "charge_already_refunded");
    let shown = g.get(&format!("/v1/charges/{charge}?expand[]=refunds")).await.ok();
    assert_eq!((shown.number("/amount_refunded"), &shown.body["refunded"]), (1000, &true.into()));
    assert_eq!(shown.body["refunds"]["data"].as_array().unwrap().len(), 2);
    for list in [format!("/v1/refunds?payment_intent={id}"), "/v1/refunds".to_owned()] {
        let listed = g.get(&list).await.ok();
        let ids: Vec<_> =
            listed.body["data"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [rest.text("/id"), first.text("/id")]);
    }
    let updated = g.post(&format!("/v1/refunds/{}", first.text("/id")), "metadata[why]=late").await.ok();
    assert_eq!(updated.text("/metadata/why"), "late");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_captured_is_not_refunded() {
    let g = gateway().await;
    let held = g.pay(1000, "pm_card_visa", "&capture_method=manual").await.ok();
    let refused = g.post("/v1/refunds", &format!("payment_intent={}", held.text("/id"))).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    g.post("/v1/refunds", "payment_intent=pi_nothing").await.refused(404, "resource_missing");
    g.post("/v1/refunds", "").await.refused(400, "parameter_missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_refunds_never_pay_back_more_than_was_taken() {
    let g = std::sync::Arc::new(gateway().await);
    let paid = g.pay(1000, "pm_card_visa", "").await.ok();
    let body = format!("payment_intent={}&amount=300", paid.text("/id"));
    let tries: Vec<_> = (0..10)
        .map(|_| {
            let (g, body) = (std::sync::Arc::clone(&g), body.clone());
            tokio::spawn(async move { g.post("/v1/refunds", &body).await.status })
        })
        .collect();
    let mut made = 0;
    for one in tries {
        made += usize::from(one.await.unwrap() == 200);
    }
    assert_eq!(made, 3);
}
