//! Every route of the table against every malformed body: a 4xx in the envelope, and nothing left behind.

use super::support::{Gateway, Request, gateway};
use bytes::Bytes;
use gateway_api::endpoints::{ENDPOINTS, Method};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn bodies() -> Vec<(&'static str, Option<&'static str>, Vec<u8>)> {
    vec![
        ("truncated json", Some(JSON), br#"{"amount":10"#.to_vec()),
        ("json of the wrong kind", Some(JSON), b"[1,2,3]".to_vec()),
        ("wrong type", Some(FORM), b"amount=ten&limit=ten&metadata=text&expand=".to_vec()),
        ("overflow", Some(FORM), b"amount=99999999999999999999999&amount_to_capture=9e99&limit=1e9".to_vec()),
        ("negative", Some(FORM), b"amount=-1&amount_to_capture=-1&limit=-1".to_vec()),
        ("deep brackets", Some(FORM), format!("a{}=1", "[b]".repeat(500)).into_bytes()),
        ("invalid utf-8", Some(FORM), b"description=%ff%fe&\xff\xfe=1".to_vec()),
        (
            "duplicate field",
            Some(FORM),
            b"amount=1000&amount=2000&currency=usd&currency=eur&limit=1&limit=2".to_vec(),
        ),
        ("unknown field", Some(FORM), b"no_such_parameter=1".to_vec()),
        ("nul", Some(FORM), b"description=%00&customer=%00".to_vec()),
        ("media type", Some("text/xml"), b"<amount>1</amount>".to_vec()),
    ]
}

async fn count(g: &Gateway) -> Vec<usize> {
    let mut counts = Vec::new();
    for list in ["payment_intents", "charges", "refunds", "customers", "events", "setup_intents"] {
        counts
            .push(g.get(&format!("/v1/{list}?limit=100")).await.ok().body["data"].as_array().unwrap().len());
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_malformed_gets_through_or_leaves_a_trace() {
    let g = gateway().await;
    let before = count(&g).await;
    for endpoint in ENDPOINTS.iter().filter(|e| e.method == Method::Post) {
        let path = endpoint.path.replace("{id}", "pi_0000000000000000000000");
        for (what, content_type, body) in bodies() {
            let request = Request { content_type, body: Bytes::from(body), ..g.form(&path, "") };
            let answer = g.send(request).await;
            assert!(
                (400..500).contains(&answer.status),
                "{path} with {what}: {} {}",
                answer.status,
                answer.body
            );
            assert!(answer.body["error"]["message"].is_string(), "{path} with {what}: {}", answer.body);
            assert!(answer.body["error"]["type"].is_string(), "{path} with {what}: {}", answer.body);
        }
    }
    assert_eq!(count(&g).await, before);
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
