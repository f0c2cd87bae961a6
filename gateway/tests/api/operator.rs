//! The operator's way out: messages that no acquirer answers are listed, and settled with a reason, once.

use super::process::{ABLE, Bank, House, verb, yes};
use super::support::Gateway;
use gateway::admin::{AdminRequest, AdminService};
use gateway::launch::operators::Operators;
use gateway_core::acquirer::AcquirerRequest;
use gateway_core::payment::{Event, STUCK_AFTER};
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;

const HOLD: &str = "amount=1000&currency=usd&confirm=true&capture_method=manual&payment_method=pm_card_visa";

async fn ask(g: &Gateway, method: Method, path: &str, body: Value) -> (u16, Value) {
    let operators = Operators::new(Arc::clone(&g.app.engine));
    let body = body.to_string().into();
    let reply = operators.call(AdminRequest { method, path: path.to_owned(), query: None, body }).await;
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

/// Never answers what would settle anything.
fn silent(request: &AcquirerRequest) -> Option<gateway_core::acquirer::Answer> {
    match verb(request) {
        "authorize" => None,
        "inquire" => Some(gateway_core::acquirer::Answer::Unknown("no idea".to_owned())),
        _other => yes(request),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_an_answer_is_listed_and_settled() {
    let (house, bank) = (House::new(), Bank::new("bank", ABLE, silent));
    let g = house.start(&[&bank]).await;
    let first = g.post_keyed("/v1/payment_intents", HOLD, "k").await.ok();
    let id = first.text("/id").to_owned();
    assert_eq!(ask(&g, Method::GET, "/messages/stuck", Value::Null).await, (200, json!({ "data": [] })));
    // Time passes until it counts as stuck; in between it stays `processing`.
    let mut row = Value::Null;
    for _try in 0..400 {
        house.clock.shift(10_000);
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        let (status, listed) = ask(&g, Method::GET, "/messages/stuck", Value::Null).await;
        assert_eq!(status, 200);
        if let Some(found) = listed["data"].as_array().and_then(|rows| rows.first()) {
            row = found.clone();
            break;
        }
    }
    assert_eq!((row["payment"].as_str(), row["message"].as_str()), (Some(id.as_str()), Some("authorize")));
    assert!(row["tries"].as_u64() >= Some(u64::from(STUCK_AFTER)), "{row}");
    assert_eq!((&row["amount_minor"], &row["currency"]), (&json!(1000), &json!("usd")));
    let path = format!("/messages/{}/settle", row["reference"].as_str().unwrap());
    let say = |outcome: &str, reason: &str| json!({ "payment": id, "outcome": outcome, "reason": reason });
    let table = [
        (path.as_str(), say("approved", " "), 400),
        (path.as_str(), say("perhaps", "so"), 400),
        (path.as_str(), say("approved", "a\nb"), 400),
        ("/messages/12x/settle", say("approved", "so"), 400),
        ("/messages/999999999999/settle", say("approved", "so"), 404),
        (path.as_str(), json!({ "payment": "pi_other", "outcome": "approved", "reason": "so" }), 404),
        ("/messages/stuckless", say("approved", "so"), 404),
    ];
    for (path, body, expected) in table {
        let (status, answer) = ask(&g, Method::POST, path, body.clone()).await;
        assert_eq!(status, expected, "{path} {body}: {answer}");
    }
    let (status, done) = ask(&g, Method::POST, &path, say("approved", "the bank's ledger shows it")).await;
    assert_eq!((status, done["status"].as_str()), (200, Some("requires_capture")), "{done}");
    assert_eq!(ask(&g, Method::POST, &path, say("approved", "again")).await.0, 404);
    assert_eq!(ask(&g, Method::GET, "/messages/stuck", Value::Null).await, (200, json!({ "data": [] })));
    let replay = g.post_keyed("/v1/payment_intents", HOLD, "k").await.ok();
    assert_eq!(replay.text("/status"), "requires_capture");
    assert_eq!(replay.header("idempotent-replayed"), Some("true"), "the key has its final answer");
    let engine = &g.app.engine;
    let stuck = gateway::flow::settlement::find(engine, row["reference"].as_str().unwrap().parse().unwrap());
    assert!(stuck.await.unwrap().is_none());
    let noted = g.history(&id).await.into_iter().any(|recorded| {
        matches!(recorded.event, Event::OperatorNote { reason, .. } if reason == "the bank's ledger shows it")
    });
    assert!(noted, "the reason is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_be_undone_can_only_be_settled_as_done() {
    let deaf = |r: &AcquirerRequest| match verb(r) {
        "reverse" | "authorize" => None,
        _other => yes(r),
    };
    let mute = gateway_core::acquirer::Abilities { inquiry: gateway_core::acquirer::Able::No, ..ABLE };
    let (house, bank) = (House::new(), Bank::new("bank", mute, deaf));
    let g = house.start(&[&bank]).await;
    let id = g.post("/v1/payment_intents", HOLD).await.ok().text("/id").to_owned();
    let sent = bank.wait_for("reverse", 2).await;
    let path = format!("/messages/{}/settle", sent[0].trace.reference_text());
    let say = |outcome: &str| json!({ "payment": id, "outcome": outcome, "reason": "they said so" });
    assert_eq!(ask(&g, Method::POST, &path, say("declined")).await.0, 409);
    let (status, done) = ask(&g, Method::POST, &path, say("approved")).await;
    assert_eq!((status, done["status"].as_str()), (200, Some("requires_payment_method")), "{done}");
}
