//! Sizes, counts and rates.

use crate::rig::{Rig, assert_refused};
use gateway::edge::{Limits, Settings};
use std::num::NonZeroU32;
use std::time::Instant;
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn a_body_over_the_limit_is_answered_413_and_the_client_reads_it() {
    let rig = Rig::start(Settings::default()).await;
    let ten_megabytes = vec![b'a'; 10 << 20];
    let announced =
        format!("POST /v1/x HTTP/1.1\r\nHost: l\r\nContent-Length: {}\r\n\r\n", ten_megabytes.len());
    let unannounced =
        format!("POST /v1/x HTTP/1.1\r\nHost: l\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n", 10 << 20);
    for head in [announced, unannounced] {
        let mut client = rig.http1().await;
        client.send(head.as_bytes()).await;
        // As SDKs do: all of the body first, then the answer.
        client.send(&ten_megabytes).await;
        let began = Instant::now();
        assert_refused(&client.read_all().await, 413, "262144 bytes");
        assert!(began.elapsed().as_secs() < 3);
    }
    assert_eq!(rig.count(|book| &book.called), 0);
    rig.until_connections(0).await;
}

#[tokio::test]
async fn an_announced_giant_is_refused_before_it_is_sent() {
    let rig = Rig::start(Settings::default()).await;
    let head = b"POST /v1/x HTTP/1.1\r\nHost: l\r\nContent-Length: 999999999\r\nExpect: 100-continue\r\n\r\n";
    assert_refused(&rig.ask(head).await, 413, "bytes");
}

#[tokio::test]
async fn the_largest_body_passes_in_both_protocols() {
    let rig = Rig::start(Settings::default()).await;
    let mut client = rig.http2().await;
    let limit = Limits::default().body_bytes;
    let (head, body) = client.post("/v1/x", vec![b'a'; limit]).await;
    assert_eq!((head.status.as_u16(), &body[..]), (200, format!("{{\"length\":{limit}}}").as_bytes()));
    let (head, body) = client.post("/v1/x", vec![b'a'; limit + 1]).await;
    assert_eq!(head.status, 413);
    assert!(body.starts_with(b"{\"error\":"), "{body:?}");
    let (head, _) = client.post("/v1/x", vec![b'a'; 10 << 20]).await;
    assert_eq!(head.status, 413);
    let (head, _) = client.post("/v1/x", b"a=b".to_vec()).await;
    assert_eq!(head.status, 200, "one stream's fault is not the connection's");
    let mut request =
        format!("POST / HTTP/1.1\r\nHost: l\r\nConnection: close\r\nContent-Length: {limit}\r\n\r\n")
            .into_bytes();
    request.resize(request.len() + limit, b'a');
    assert!(rig.ask(&request).await.ends_with(&format!("{{\"length\":{limit}}}")));
}

/// Bodies that never end take no more than their budget, whoever sends them, and leave room again when they go.
#[tokio::test]
async fn all_bodies_together_are_bounded() {
    let limits = Limits { bodies_bytes: 800_000, body_bytes: 150_000, ..Limits::default() };
    let rig = Rig::start(Settings { limits, ..Settings::default() }).await;
    let unfinished = b"POST /v1/x HTTP/1.1\r\nHost: l\r\nContent-Length: 150000\r\n\r\n";
    let piece = vec![b'a'; 90_000];
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = rig.http1().await;
        client.send(unfinished).await;
        client.send(&piece).await;
        held.push(client);
    }
    // The address has 200,000 bytes, in both protocols.
    let refused = async |rig: &Rig| {
        let mut client = rig.http1().await;
        client.send(unfinished).await;
        client.send(&piece).await;
        client.read_all().await
    };
    let within = tokio::time::timeout(crate::rig::PATIENCE, refused(&rig)).await.unwrap();
    assert_refused(&within, 503, "try again");
    let mut client = rig.http2().await;
    let (head, body) = client.post("/v1/x", piece.clone()).await;
    assert_eq!(head.status, 503, "{body:?}");
    let (head, _) = client.post("/v1/x", b"small".to_vec()).await;
    assert_eq!(head.status, 200, "what fits is served, in the same connection");
    drop(held);
    rig.until_connections(1).await;
    let (head, _) = client.post("/v1/x", piece).await;
    assert_eq!(head.status, 200, "all was given back");
}

/// What is refused whatever its body says is answered before the body, and what is left unread harms no other stream.
#[tokio::test]
async fn a_request_without_a_key_is_refused_before_its_body() {
    let rig = Rig::start(Settings::default()).await;
    let head = b"POST /keyed HTTP/1.1\r\nHost: l\r\nContent-Length: 100000\r\n\r\n";
    assert_refused(&rig.ask(head).await, 401, "API key");
    let mut client = rig.http2().await;
    let flood = (0..300).map(|_| {
        let body = http_body_util::Full::new(bytes::Bytes::from(vec![b'a'; 200_000]));
        client.sender.send_request(http::Request::post("https://localhost/keyed").body(body).unwrap())
    });
    let flood: Vec<_> = flood.collect();
    for answer in flood {
        let answer = tokio::time::timeout(crate::rig::PATIENCE, answer).await.unwrap().unwrap();
        assert_eq!(answer.status(), 401);
    }
    let (head, _) = client.post("/v1/x", vec![b'a'; 200_000]).await;
    assert_eq!(head.status, 200, "the connection goes on");
    assert_eq!(rig.count(|book| &book.called), 1);
}

/// There may be too much to do for a moment; a new connection would make it more.
#[tokio::test]
async fn what_is_shed_keeps_its_connection() {
    let rig = Rig::start(Settings::default()).await;
    let mut client = rig.http1().await;
    for path in ["/shed", "/v1/x", "/shed", "/v1/x"] {
        let request = format!("POST {path} HTTP/1.1\r\nHost: l\r\nContent-Length: 4\r\n\r\na=bc");
        client.send(request.as_bytes()).await;
        let answer = client.read_one().await;
        let expected = if path == "/shed" { "HTTP/1.1 503" } else { "HTTP/1.1 200" };
        assert!(answer.starts_with(expected) && !answer.contains("connection: close"), "{answer}");
        assert_eq!(crate::rig::header(&answer, "retry-after"), (path == "/shed").then_some("1"));
    }
    let mut client = rig.http2().await;
    let body = || vec![b'a'; 100_000];
    assert_eq!(client.post("/shed", body()).await.0.status, 503);
    assert_eq!(client.post("/v1/x", body()).await.0.status, 200);
    assert_eq!(rig.count(|book| &book.called), 3, "what was shed was not served");
}

#[tokio::test]
async fn an_address_holds_no_more_connections_than_its_share() {
    let limits = Limits { connections_per_address: 3, ..Limits::default() };
    let rig = Rig::start(Settings { limits, ..Settings::default() }).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(rig.http1().await);
    }
    assert!(rig.connect(&[b"http/1.1"]).await.is_err(), "the fourth is closed");
    for client in &mut held {
        client.send(b"GET / HTTP/1.1\r\nHost: l\r\n\r\n").await;
        assert!(client.read_one().await.contains("200 OK"), "the others are served");
    }
    held.pop();
    rig.until_connections(2).await;
    assert!(rig.connect(&[b"http/1.1"]).await.is_ok());
}

#[tokio::test]
async fn handshakes_of_an_address_are_limited_by_rate() {
    let limits = Limits { handshakes_per_s: NonZeroU32::new(2).unwrap(), ..Limits::default() };
    let rig = Rig::start(Settings { limits, ..Settings::default() }).await;
    let mut refused = 0;
    for _ in 0..6 {
        let mut socket = rig.tcp().await;
        let mut byte = [0u8; 1];
        let read = tokio::time::timeout(std::time::Duration::from_millis(100), socket.read(&mut byte)).await;
        refused += usize::from(read.is_ok());
    }
    assert!((3..=4).contains(&refused), "{refused}");
}

#[tokio::test]
async fn a_flood_of_resets_ends_the_connection_and_others_are_served() {
    let rig = Rig::start(Settings::default()).await;
    let mut client = rig.http2().await;
    for _ in 0..2_000 {
        let request = http::Request::get("https://localhost/slow?60000")
            .body(http_body_util::Full::new(bytes::Bytes::new()))
            .unwrap();
        if client.sender.ready().await.is_err() {
            break;
        }
        let answer = client.sender.send_request(request);
        // Sent, and dropped, which is a reset.
        let _ = tokio::time::timeout(std::time::Duration::from_micros(200), answer).await;
    }
    let ended = tokio::time::timeout(crate::rig::PATIENCE, client.closed).await;
    assert!(ended.is_ok(), "the flooding connection is ended");
    assert!(rig.count(|book| &book.called) < 1_000, "{}", rig.count(|book| &book.called));
    let (head, _) = rig.http2().await.post("/v1/x", Vec::new()).await;
    assert_eq!(head.status, 200);
}
