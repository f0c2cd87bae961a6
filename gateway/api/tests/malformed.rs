//! Every route of the table with every kind of malformed body: always a 4xx in the dialect, never a panic. A route that is
//! added to the table is tried by itself.

use gateway_api::endpoints::ENDPOINTS;
use gateway_api::form::{Encoding, MAX_BODY_BYTES};
use gateway_api::{ApiError, Params};

/// (what is wrong, encoding, body)
fn malformed() -> Vec<(&'static str, Encoding, Vec<u8>)> {
    use Encoding::{Form, Json};
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("truncated escape", Form, text("amount=100&currency=us%")),
        ("truncated brackets", Form, text("amount=100&metadata[a")),
        ("truncated JSON", Json, text(r#"{"amount": 100, "curr"#)),
        ("JSON of the wrong type", Json, text(r#"[{"amount": 100}]"#)),
        ("value where an object belongs", Form, text("metadata=abc&card=abc&expand=abc")),
        ("object where a value belongs", Form, text("amount[a]=1&limit[a]=1&customer[a]=1&expand[0][a]=1")),
        (
            "overflowing amount",
            Form,
            text("amount=9223372036854775808&amount_to_capture=9223372036854775808"),
        ),
        ("overflowing amount in JSON", Json, text(r#"{"amount":1e400,"amount_to_capture":1e400}"#)),
        ("negative amount", Form, text("amount=-1&amount_to_capture=-1")),
        ("fraction", Json, text(r#"{"amount":1.5,"limit":1.5}"#)),
        ("10 MB", Form, [text("description="), vec![b'x'; 10 << 20]].concat()),
        ("a value over the limit", Form, [text("description="), vec![b'x'; MAX_BODY_BYTES - 100]].concat()),
        ("deep brackets", Form, text(&format!("metadata{}=1", "[a]".repeat(5_000)))),
        ("deep JSON", Json, text(&"{\"a\":".repeat(20_000))),
        ("invalid UTF-8", Form, b"description=\xc3\x28".to_vec()),
        ("invalid escaped UTF-8", Form, text("description=%C3%28")),
        ("invalid UTF-8 in JSON", Json, b"{\"description\":\"\xff\"}".to_vec()),
        ("duplicate field", Form, text("expand[0]=a&expand[0]=b")),
        ("duplicate field in JSON", Json, text(r#"{"expand":["a"],"expand":["b"]}"#)),
        ("unknown field", Form, text("unheard_of=1")),
        ("NUL", Form, text("description=a%00b")),
    ]
}

#[test]
fn every_route_refuses_every_malformed_body() {
    for endpoint in ENDPOINTS {
        for (what, encoding, body) in malformed() {
            let place = format!("{} {}: {what}", endpoint.method.as_str(), endpoint.path);
            let outcome =
                Params::from_body(encoding, &body).and_then(|p| endpoint.operation.check_params(&p));
            let error: ApiError = outcome.expect_err(&place);
            assert!((400..500).contains(&error.status), "{place}: {error}");
            let envelope: serde_json::Value = serde_json::from_slice(&error.to_json()).expect(&place);
            assert!(envelope["error"]["type"].is_string(), "{place}");
            assert!(error.to_json().len() < 4_000, "{place}: an error does not echo a body");
        }
    }
}
