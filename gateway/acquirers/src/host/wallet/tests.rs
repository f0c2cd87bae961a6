//! The operator by example: each call, its repeat, its limits, and what a restart leaves.

use super::*;
use crate::host::summary;
use crate::tasks::TokioTasks;
use gateway_core::ports::{Clock, Random};
use gateway_core::time::Timestamp;
use serde_json::{Value, json};
use std::io::BufReader;
use std::sync::atomic::{AtomicI64, Ordering};

#[derive(Default)]
struct World(AtomicI64);

impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    fn monotonic_ns(&self) -> u64 {
        0
    }
}

impl Random for World {
    fn fill(&self, out: &mut [u8]) {
        out.fill(7);
    }
}

fn operator(path: Option<&Path>) -> (Arc<World>, Arc<Operator>) {
    let world = Arc::new(World::default());
    let ports = HostPorts { clock: world.clone(), random: world.clone(), tasks: Arc::new(TokioTasks) };
    let customers = Customers { by_hand: true, ..Customers::default() };
    let made = Operator::new((Settings::default(), customers), ports, path, None).expect("a book");
    (world, made)
}

fn call(operator: &Arc<Operator>, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let call = Call { method, path, key: None, body: body.as_bytes() };
    match operator.answer(&call).expect("the book can be written") {
        Reaction::Answer { status, body, .. } => (status, serde_json::from_str(&body).expect("JSON")),
        other => panic!("{other:?}"),
    }
}

fn payment(reference: &str, amount: i64) -> Value {
    json!({ "reference": reference, "amount_minor": amount, "currency": "cny", "wallet": "alipay", "merchant": "Shop",
        "expires_in_s": 900 })
}

fn refund(reference: &str, payment: &str, amount: i64) -> Value {
    json!({ "reference": reference, "payment": payment, "amount_minor": amount, "currency": "cny" })
}

const ONE: &str = "000000000001";

#[test]
fn a_payment_waits_for_its_customer_and_is_paid_once() {
    let (_world, operator) = operator(None);
    let (status, made) = call(&operator, "POST", "/v1/payments", &payment(ONE, 1_000));
    assert_eq!((status, &made["status"]), (200, &json!("pending")));
    assert!(made["redirect_url"].as_str().is_some_and(|url| url.ends_with(ONE)) && made["qr_code"].is_null());
    assert_eq!(call(&operator, "POST", "/v1/payments", &payment(ONE, 1_000)).1, made, "a repeat");
    assert_eq!(call(&operator, "POST", "/v1/payments", &payment(ONE, 2_000)).0, 409);
    assert_eq!(call(&operator, "POST", "/v1/refunds", &refund("000000000002", ONE, 1)).0, 409, "unpaid");
    assert!(operator.decide(ONE, Does::Approve) && !operator.decide(ONE, Does::Decline));
    assert_eq!(call(&operator, "GET", &format!("/v1/payments/{ONE}"), &json!({})).1["status"], "paid");
}

#[test]
fn refunds_stay_within_the_payment_and_repeats_change_nothing() {
    let (_world, operator) = operator(None);
    call(&operator, "POST", "/v1/payments", &payment(ONE, 1_000));
    operator.decide(ONE, Does::Approve);
    for _again in 0..2 {
        let (status, made) = call(&operator, "POST", "/v1/refunds", &refund("000000000002", ONE, 600));
        assert_eq!((status, &made["status"]), (200, &json!("succeeded")));
    }
    assert_eq!(
        call(&operator, "POST", "/v1/refunds", &refund("000000000003", ONE, 401)).1["error"],
        "amount_too_large"
    );
    let path = "/v1/refunds/000000000002/reverse";
    assert_eq!(call(&operator, "POST", path, &json!({})).1["status"], "reversed");
    assert_eq!(call(&operator, "POST", "/v1/refunds", &refund("000000000003", ONE, 1_000)).0, 200);
}

#[test]
fn a_reversal_leaves_nothing_whenever_it_comes() {
    let (world, operator) = operator(None);
    let reverse = |reference: &str| {
        call(&operator, "POST", &format!("/v1/payments/{reference}/reverse"), &json!({})).1["status"].clone()
    };
    call(&operator, "POST", "/v1/payments", &payment(ONE, 1_000));
    assert_eq!(reverse(ONE), "reversed", "before the customer came");
    assert!(!operator.decide(ONE, Does::Approve));
    assert_eq!(reverse("000000000009"), "reversed", "before the payment came");
    let late = call(&operator, "POST", "/v1/payments", &payment("000000000009", 500)).1;
    assert_eq!(late["status"], "reversed");
    call(&operator, "POST", "/v1/payments", &payment("000000000010", 500));
    operator.decide("000000000010", Does::Approve);
    assert_eq!(reverse("000000000010"), "reversed", "after it was paid");
    call(&operator, "POST", "/v1/payments", &payment("000000000011", 500));
    world.0.store(900_000, Ordering::Relaxed);
    assert!(!operator.decide("000000000011", Does::Approve), "the customer is too late");
    assert_eq!(reverse("000000000011"), "expired");
}

#[test]
fn the_book_tells_it_all_and_is_read_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("book.jsonl");
    let (_world, first) = operator(Some(&path));
    for reference in [ONE, "000000000002", "000000000003"] {
        call(&first, "POST", "/v1/payments", &payment(reference, 1_000));
    }
    first.decide(ONE, Does::Approve);
    first.decide("000000000002", Does::Decline);
    call(&first, "POST", "/v1/payments/000000000003/reverse", &json!({}));
    call(&first, "POST", "/v1/refunds", &refund("000000000004", ONE, 300));
    drop(first);
    let (_world, again) = operator(Some(&path));
    let status = |path: &str| call(&again, "GET", path, &json!({})).1["status"].clone();
    assert_eq!(status("/v1/payments/000000000001"), "paid");
    assert_eq!(status("/v1/payments/000000000002"), "declined");
    assert_eq!(status("/v1/payments/000000000003"), "reversed");
    assert_eq!(status("/v1/refunds/000000000004"), "succeeded");
    assert_eq!(call(&again, "POST", "/v1/refunds", &refund("000000000005", ONE, 701)).0, 409);
    let summary =
        summary(BufReader::new(std::fs::File::open(&path).expect("the book"))).expect("whole lines");
    let lines = |key: &str| summary.totals.get(key).map_or(0, |total| total.lines);
    assert_eq!((lines("authorize approved cny"), lines("capture approved cny")), (1, 1));
    assert_eq!((lines("authorize declined cny"), lines("reverse not_found cny")), (1, 1));
    assert_eq!((lines("refund approved cny"), summary.double_approvals), (1, 0));
}
