//! ALPN, headers on every answer, and answers that the service did not mean.

use crate::rig::{Rig, assert_refused, header};
use gateway::edge::Settings;

#[tokio::test]
async fn alpn_decides_between_the_protocols() {
    let rig = Rig::start(Settings::default()).await;
    type Offer<'a> = &'a [&'a [u8]];
    let cases: [(Offer<'_>, Option<&[u8]>); 4] = [
        (&[b"h2", b"http/1.1"], Some(b"h2")),
        (&[b"http/1.1", b"h2"], Some(b"h2")),
        (&[b"http/1.1"], Some(b"http/1.1")),
        (&[], None),
    ];
    for (offered, chosen) in cases {
        let stream = rig.connect(offered).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
    }
    assert!(rig.connect(&[b"spdy/3"]).await.is_err(), "no common protocol is no connection");
    let mut client = rig.http1().await;
    client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(!client.read_all().await.contains("200"), "HTTP/2 by sniffing is not offered");
}

#[tokio::test]
async fn every_answer_has_its_headers_in_http1_and_keeps_the_connection() {
    let rig = Rig::start(Settings::default()).await;
    let mut client = rig.http1().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        client
            .send(
                b"POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nIdempotency-Key: k-1\r\n\
                  Stripe-Version: 2026-10-28.endive\r\n\r\na=b",
            )
            .await;
        let answer = client.read_one().await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("{\"length\":3}"), "{answer}");
        for (name, value) in [
            ("content-type", "application/json"),
            ("idempotency-key", "k-1"),
            ("stripe-version", "2026-10-28.endive"),
            ("idempotent-replayed", "true"),
        ] {
            assert_eq!(header(&answer, name), Some(value), "{answer}");
        }
        assert!(header(&answer, "date").is_some() && header(&answer, "connection").is_none(), "{answer}");
        ids.push(header(&answer, "request-id").unwrap().to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "each request has its own id");
}

#[tokio::test]
async fn every_answer_has_its_headers_in_http2() {
    let rig = Rig::start(Settings::default()).await;
    let mut client = rig.http2().await;
    let (head, body) = client.post("/v1/x", vec![b'a'; 100_000]).await;
    assert_eq!((head.status.as_u16(), &body[..]), (200, &b"{\"length\":100000}"[..]));
    assert!(head.headers["request-id"].to_str().unwrap().starts_with("req_"));
    assert_eq!(head.headers["content-type"], "application/json");
    assert!(!head.headers.contains_key("idempotency-key"));
}

#[tokio::test]
async fn a_panic_and_an_impossible_status_are_answered_500() {
    let rig = Rig::start(Settings::default()).await;
    let mut client = rig.http1().await;
    client.send(b"GET /panic HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let answer = client.read_one().await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(answer.contains("\"error\":{\"type\":\"api_error\""), "{answer}");
    assert_eq!(header(&answer, "stripe-should-retry"), Some("true"));
    client.send(b"GET /odd HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let answer = client.read_one().await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "the connection goes on: {answer}");
    let (head, _) = rig.http2().await.post("/panic", Vec::new()).await;
    assert_eq!(head.status, 500);
}

#[tokio::test]
async fn a_page_keeps_its_type_and_a_head_request_has_no_body() {
    let rig = Rig::start(Settings::default()).await;
    let page = rig.ask(b"GET /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert_eq!(header(&page, "content-type"), Some("text/html"), "{page}");
    let head = rig.ask(b"HEAD /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(head.ends_with("\r\n\r\n") && header(&head, "request-id").is_some(), "{head}");
}

#[tokio::test]
async fn a_replaced_certificate_serves_new_connections() {
    let rig = Rig::start(Settings::default()).await;
    let before = rig.connect(&[b"h2"]).await.unwrap();
    let other = tempfile::tempdir().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let certs = crypto::devcerts::ensure_dev_certs(other.path(), now).unwrap();
    rig.tls.replace(&certs.identity().unwrap()).unwrap();
    assert!(rig.connect(&[b"h2"]).await.is_err(), "signed by another authority now");
    assert!(before.get_ref().1.peer_certificates().is_some());
}

#[tokio::test]
async fn plain_text_gets_no_answer_in_plain_text() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let rig = Rig::start(Settings::default()).await;
    let mut socket = rig.tcp().await;
    socket.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert_eq!(rig.count(|book| &book.called), 0);
    assert_refused(&rig.ask(b"GET / HTTP/1.1\r\n\r\n").await, 400, "Host");
}
