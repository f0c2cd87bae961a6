//! Calls as the adapter makes them, their repeats, and the book over a restart.

use super::super::faults::Fault;
use super::*;
use crate::tasks::TokioTasks;
use gateway_core::ports::{Clock, Random};
use gateway_core::time::Timestamp;
use serde_json::Value;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_000)
    }

    fn monotonic_ns(&self) -> u64 {
        0
    }
}

struct Zero;

impl Random for Zero {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

fn upstream(settings: Settings, path: Option<&Path>) -> Arc<Dialect> {
    let ports = HostPorts { clock: Arc::new(Still), random: Arc::new(Zero), tasks: Arc::new(TokioTasks) };
    Dialect::new(settings, ports, path).expect("a new book")
}

fn react(host: &Dialect, path: &str, key: &str, body: &str) -> Reaction {
    let method = if key.is_empty() { "GET" } else { "POST" };
    let call = Call { method, path, key: Some(key), body: body.as_bytes() };
    host.answer(&call).expect("the book takes it")
}

fn call(host: &Dialect, path: &str, key: &str, body: &str) -> (u16, Value) {
    match react(host, path, key, body) {
        Reaction::Answer { status, body, .. } => (status, serde_json::from_str(&body).expect("JSON")),
        other => panic!("{other:?}"),
    }
}

const CREATE: &str =
    "amount=1000&currency=usd&capture_method=manual&metadata%5Btollgate_reference%5D=000000000007";
const CARD: &str = "payment_method_data%5Bcard%5D%5Bnumber%5D=4242424242424242";
const INTENT: &str = "/v1/payment_intents/pi_000000000007";

/// What each step answers; to a repeat, what it came to since.
fn life(host: &Dialect) -> Vec<String> {
    let refund = "payment_intent=pi_000000000007&amount=200&metadata%5Btollgate_reference%5D=000000000009";
    let (confirm, capture) = (format!("{INTENT}/confirm"), format!("{INTENT}/capture"));
    let steps = [
        ("/v1/payment_intents", "a-create", CREATE),
        (&confirm, "a-confirm", CARD),
        (&capture, "a-capture", "amount_to_capture=600"),
        ("/v1/refunds", "a-refund", refund),
    ];
    let status = |(path, key, body): (&str, &str, &str)| {
        let (code, answer) = call(host, path, key, body);
        assert_eq!(code, 200, "{path}: {answer}");
        answer["status"].as_str().unwrap_or_default().to_owned()
    };
    steps.map(status).into()
}

#[tokio::test]
async fn repeats_change_nothing_also_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("book.jsonl");
    let host = upstream(Settings::default(), Some(&path));
    assert_eq!(life(&host), ["requires_payment_method", "requires_capture", "succeeded", "succeeded"]);
    let book = std::fs::read_to_string(&path).expect("a book");
    assert_eq!(life(&host), ["succeeded"; 4]);
    assert_eq!(std::fs::read_to_string(&path).expect("a book"), book, "a repeat writes nothing");
    let again = upstream(Settings::default(), Some(&path));
    assert_eq!(life(&again), ["succeeded"; 4]);
    assert_eq!(std::fs::read_to_string(&path).expect("a book"), book, "nor does one after a restart");
    let shown = call(&again, INTENT, "", "");
    assert_eq!(
        (&shown.1["amount_received"], &shown.1["latest_charge"]["amount_refunded"]),
        (&600.into(), &200.into())
    );
    let ops: Vec<String> = book
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .map(|line| format!("{} {} {}", line["op"], line["amount_minor"], line["reference"]).replace('"', ""))
        .collect();
    let expected = [
        "authorize 1000 000000000007",
        "capture 600 000000000007",
        "reverse 400 000000000007",
        "refund 200 000000000009",
    ];
    assert_eq!(ops, expected);
}

#[tokio::test]
async fn what_was_canceled_before_it_was_confirmed_stays_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("book.jsonl");
    let host = upstream(Settings::default(), Some(&path));
    call(&host, "/v1/payment_intents", "a-create", CREATE);
    assert_eq!(call(&host, &format!("{INTENT}/cancel"), "b-cancel", "").0, 200);
    let late = format!("{INTENT}/confirm");
    assert_eq!(call(&host, &late, "a-confirm", CARD).0, 400);
    assert_eq!(call(&upstream(Settings::default(), Some(&path)), &late, "a-confirm", CARD).0, 400);
}

#[tokio::test]
async fn declines_and_too_much_are_refused() {
    let host = upstream(Settings::default(), None);
    call(&host, "/v1/payment_intents", "a-create", CREATE);
    let poor = "payment_method_data[card][number]=4000000000009995";
    let declined = call(&host, &format!("{INTENT}/confirm"), "a-confirm", poor);
    assert_eq!((declined.0, &declined.1["error"]["decline_code"]), (402, &"insufficient_funds".into()));
    assert_eq!(call(&host, &format!("{INTENT}/confirm"), "a-confirm", poor).0, 402, "the same again");
    assert_eq!(call(&host, &format!("{INTENT}/capture"), "a-capture", "").0, 400);
    assert_eq!(call(&host, "/v1/payment_intents/pi_1/cancel", "x", "").0, 404);
}

#[tokio::test]
async fn faults_are_delivered_and_counted() {
    let fault = |kind| Fault { messages: vec!["confirm".to_owned()], times: 1, ..Fault::always(kind) };
    let cases = [
        (FaultKind::Reset, false, Reaction::Close),
        (FaultKind::ResetAfter, true, Reaction::Close),
        (FaultKind::Lost, false, Reaction::Silence),
        (FaultKind::Silent, true, Reaction::Silence),
    ];
    for (kind, done, expected) in cases {
        let host = upstream(Settings { faults: vec![fault(kind)], ..Settings::default() }, None);
        call(&host, "/v1/payment_intents", "a-create", CREATE);
        assert_eq!(react(&host, &format!("{INTENT}/confirm"), "a-confirm", CARD), expected, "{kind:?}");
        let status = &call(&host, INTENT, "", "").1["status"];
        assert_eq!(status == "requires_capture", done, "{kind:?}: {status}");
        assert_eq!(host.fault_counts().get(&kind), Some(&1));
    }
    let odd = Settings { faults: vec![Fault::always(FaultKind::Doubled)], ..Settings::default() };
    let ports = HostPorts { clock: Arc::new(Still), random: Arc::new(Zero), tasks: Arc::new(TokioTasks) };
    assert!(Dialect::new(odd, ports, None).is_err());
}
