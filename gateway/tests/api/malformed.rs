//! Every route of the table against every malformed body: a 4xx in the envelope, and nothing left behind.

use super::support::{Answer, Gateway, Request, gateway};
use bytes::Bytes;
use gateway_api::endpoints::{ENDPOINTS, Endpoint, Method};
use gateway_core::journal::{Batch, Row, Urgency};
use gateway_core::record::Sequence;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

type Body = (&'static str, Option<&'static str>, Bytes);

/// None of them is one that an operation could take.
fn bodies() -> Vec<Body> {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(500), close.repeat(500));
    let all: Vec<(&'static str, Option<&'static str>, Vec<u8>)> = vec![
        ("truncated form", Some(FORM), b"metadata[a".to_vec()),
        ("truncated escape", Some(FORM), b"description=%4".to_vec()),
        ("truncated json", Some(JSON), br#"{"amount":10"#.to_vec()),
        ("json of the wrong kind", Some(JSON), b"[1,2,3]".to_vec()),
        ("wrong type", Some(FORM), b"amount=ten&limit=ten&metadata=text&expand=x".to_vec()),
        ("wrong type in json", Some(JSON), br#"{"amount":{"a":[true]},"expand":7,"metadata":[1]}"#.to_vec()),
        ("overflow", Some(FORM), b"amount=99999999999999999999999&amount_to_capture=9e99&limit=1e9".to_vec()),
        (
            "overflow in json",
            Some(JSON),
            br#"{"amount":1e400,"amount_to_capture":99999999999999999999}"#.to_vec(),
        ),
        ("negative", Some(FORM), b"amount=-1&amount_to_capture=-1&limit=-1".to_vec()),
        ("negative in json", Some(JSON), br#"{"amount":-1,"amount_to_capture":-1}"#.to_vec()),
        ("10 MB", Some(FORM), [b"description=".to_vec(), vec![b'a'; 10 << 20]].concat()),
        (
            "10 MB of json",
            Some(JSON),
            [b"{\"description\":\"".to_vec(), vec![b'a'; 10 << 20], b"\"}".to_vec()].concat(),
        ),
        ("deep brackets", Some(FORM), format!("a{}=1", "[b]".repeat(500)).into_bytes()),
        ("deep objects", Some(JSON), deep("{\"a\":", "}").into_bytes()),
        ("deep lists", Some(JSON), deep("[", "]").into_bytes()),
        ("invalid utf-8", Some(FORM), b"description=%ff%fe&\xff\xfe=1".to_vec()),
        ("invalid utf-8 escaped", Some(FORM), b"description=%ff%fe".to_vec()),
        ("invalid utf-8 in json", Some(JSON), b"{\"description\":\"\xff\xfe\"}".to_vec()),
        (
            "duplicate field",
            Some(FORM),
            b"amount=1000&amount=2000&currency=usd&currency=eur&limit=1&limit=2".to_vec(),
        ),
        ("duplicate field in json", Some(JSON), br#"{"description":"a","description":"b"}"#.to_vec()),
        ("duplicate expand", Some(FORM), b"expand[0]=a&expand[0]=b".to_vec()),
        ("unknown field", Some(FORM), b"no_such_parameter=1".to_vec()),
        ("nul", Some(FORM), b"description=%00&customer=%00".to_vec()),
        ("media type", Some("text/xml"), b"<amount>1</amount>".to_vec()),
    ];
    all.into_iter().map(|(what, kind, body)| (what, kind, Bytes::from(body))).collect()
}

/// One object of every kind, so that nothing but the body can be what is refused.
async fn objects(g: &Gateway) -> Vec<(&'static str, String)> {
    let held = g.pay(2000, "pm_card_visa", "&capture_method=manual").await.ok();
    let paid = g.pay(2000, "pm_card_visa", "").await.ok();
    let refund = g.post("/v1/refunds", &format!("payment_intent={}&amount=1", paid.text("/id"))).await.ok();
    let owner = g.post("/v1/customers", "email=ada@shop.example").await.ok().text("/id").to_owned();
    let card = g.post("/v1/payment_methods/pm_card_visa/attach", &format!("customer={owner}")).await.ok();
    let details = "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2044";
    let token = g.post("/v1/tokens", details).await.ok();
    let setup = g.post("/v1/setup_intents", "payment_method=pm_card_visa").await.ok();
    let event = g.get("/v1/events?limit=1").await.ok().text("/data/0/id").to_owned();
    let id = |answer: &Answer| answer.text("/id").to_owned();
    vec![
        ("/v1/payment_intents/{id}", id(&held)),
        ("/v1/charges/{id}", held.text("/latest_charge").to_owned()),
        ("/v1/refunds/{id}", id(&refund)),
        ("/v1/payment_methods/{id}", id(&card)),
        ("/v1/tokens/{id}", id(&token)),
        ("/v1/setup_intents/{id}", id(&setup)),
        ("/v1/customers/{id}", owner),
        ("/v1/events/{id}", event),
    ]
}

/// The path of a route, about an object that is there.
fn path(endpoint: &Endpoint, objects: &[(&'static str, String)]) -> String {
    let known = objects.iter().find(|(path, _)| endpoint.path.starts_with(path));
    endpoint.path.replace("{id}", known.map_or("pi_0000000000000000000000", |(_, id)| id))
}

/// The journal's position after one more commit, of the test's own: whatever was written meanwhile, into whatever kind of row,
/// has moved it.
async fn position(g: &Gateway, name: &str) -> u64 {
    let mut batch = Batch::new(Urgency::New);
    batch.insert(Row::Sequence(Sequence { name: name.to_owned(), next: 1 }));
    g.app.engine.journal.commit(batch).await.unwrap().position
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_malformed_gets_through_or_leaves_a_trace() {
    let g = gateway().await;
    let objects = objects(&g).await;
    let before = position(&g, "before").await;
    for endpoint in ENDPOINTS {
        let path = path(endpoint, &objects);
        for (number, (what, content_type, body)) in bodies().into_iter().enumerate() {
            let method = endpoint.method.as_str().parse().unwrap();
            let idempotency_key = Some(format!("{}-{path}-{number}", endpoint.method.as_str()));
            let request = Request { method, content_type, body, idempotency_key, ..g.form(&path, "") };
            let answer = g.send(request).await;
            let case =
                format!("{} {path} with {what}: {} {}", endpoint.method.as_str(), answer.status, answer.body);
            assert!((400..500).contains(&answer.status), "{case}");
            assert!(answer.status != 404, "the object is there: {case}");
            assert!(answer.body["error"]["message"].is_string(), "{case}");
            assert!(answer.body["error"]["type"].is_string(), "{case}");
        }
    }
    assert_eq!(position(&g, "after").await, before + 1, "something was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_queries_are_refused() {
    let g = gateway().await;
    for endpoint in ENDPOINTS.iter().filter(|e| e.method == Method::Get) {
        let path = endpoint.path.replace("{id}", "pi_0000000000000000000000");
        for query in ["nonsense=1", "expand[]=a.b.c.d.e", "limit=1&limit=2", "%ff=1"] {
            let answer = g.get(&format!("{path}?{query}")).await;
            assert!((400..500).contains(&answer.status), "{path}?{query}: {} {}", answer.status, answer.body);
            assert!(answer.body["error"]["message"].is_string(), "{path}?{query}: {}", answer.body);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_needs_a_key_of_its_own_tenant() {
    let g = gateway().await;
    for endpoint in ENDPOINTS {
        let path = endpoint.path.replace("{id}", "pi_0000000000000000000000");
        for key in [None, Some("sk_test_wrong".to_owned()), Some(String::new())] {
            let method = endpoint.method.as_str().parse().unwrap();
            let answer = g.send(Request { method, key, ..g.form(&path, "") }).await;
            assert_eq!((answer.status, answer.text("/error/type")), (401, "authentication_error"), "{path}");
        }
    }
    assert_eq!(g.get("/v1/nothing").await.status, 404);
    let wrong = Request { method: http::Method::DELETE, ..g.form("/v1/payment_intents", "") };
    assert_eq!(g.send(wrong).await.status, 405);
}
