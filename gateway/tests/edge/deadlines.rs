//! Each phase has its deadline, and one client's slowness is nobody else's.

use crate::rig::{Rig, assert_refused};
use gateway::edge::{Deadlines, Settings};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(60);

fn deadlines(change: impl Fn(&mut Deadlines)) -> Settings {
    let mut deadlines =
        Deadlines { handshake: LONG, head: LONG, body: LONG, idle: LONG, write: LONG, linger: SHORT };
    change(&mut deadlines);
    Settings { deadlines, ..Settings::default() }
}

/// It took about the deadline, not an instant and not for ever.
fn assert_took(began: Instant, deadline: Duration) {
    let took = began.elapsed();
    assert!(
        took >= deadline - Duration::from_millis(20) && took < deadline + Duration::from_secs(4),
        "{took:?}"
    );
}

#[tokio::test]
async fn a_handshake_that_never_comes() {
    let rig = Rig::start(deadlines(|deadlines| deadlines.handshake = SHORT)).await;
    let began = Instant::now();
    let mut socket = rig.tcp().await;
    socket.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    assert!(matches!(socket.read(&mut [0u8; 64]).await, Ok(0) | Err(_)));
    assert_took(began, SHORT);
}

#[tokio::test]
async fn an_idle_connection_before_and_between_requests() {
    let rig = Rig::start(deadlines(|deadlines| deadlines.idle = SHORT)).await;
    let began = Instant::now();
    assert_eq!(rig.http1().await.read_all().await, "");
    assert_took(began, SHORT);
    let mut client = rig.http1().await;
    for _ in 0..4 {
        tokio::time::sleep(SHORT / 2).await;
        client.send(b"GET / HTTP/1.1\r\nHost: l\r\n\r\n").await;
        client.read_one().await;
    }
    let began = Instant::now();
    assert_eq!(client.read_all().await, "");
    assert_took(began, SHORT);
}

#[tokio::test]
async fn an_idle_http2_connection_is_sent_away() {
    let rig = Rig::start(deadlines(|deadlines| deadlines.idle = SHORT)).await;
    let mut client = rig.http2().await;
    for _ in 0..4 {
        tokio::time::sleep(SHORT / 2).await;
        let (head, _) = client.post("/v1/x", b"a=b".to_vec()).await;
        assert_eq!(head.status, 200);
    }
    let (head, _) = client.post("/slow?500", Vec::new()).await;
    assert_eq!(head.status, 200, "a request in flight is not idleness");
    let began = Instant::now();
    client.closed.await.unwrap().unwrap();
    assert_took(began, SHORT);
}

#[tokio::test]
async fn a_head_that_trickles() {
    let rig = Rig::start(deadlines(|deadlines| deadlines.head = SHORT)).await;
    let began = Instant::now();
    let mut client = rig.http1().await;
    let mut honest = rig.http1().await;
    for byte in b"GET / HTTP/1.1\r\nHost: l\r\nX: aaaaaaaaaaaaaaa" {
        if client.0.write_all(&[*byte]).await.is_err() || client.0.flush().await.is_err() {
            break;
        }
        tokio::time::sleep(SHORT / 20).await;
    }
    assert_eq!(client.read_all().await, "");
    assert_took(began, SHORT);
    honest.send(b"GET / HTTP/1.1\r\nHost: l\r\n\r\n").await;
    assert!(honest.read_one().await.contains("200 OK"), "waiting is not trickling");
    assert_eq!(rig.count(|book| &book.called), 1);
}

#[tokio::test]
async fn a_body_that_trickles_is_answered_408() {
    let rig = Rig::start(deadlines(|deadlines| deadlines.body = SHORT)).await;
    for body in ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nabc"] {
        let began = Instant::now();
        let request = format!("POST /v1/x HTTP/1.1\r\nHost: l\r\n{body}");
        assert_refused(&rig.ask(request.as_bytes()).await, 408, "in time");
        assert_took(began, SHORT);
    }
    assert_eq!(rig.count(|book| &book.called), 0);
    rig.until_connections(0).await;
}

#[tokio::test]
async fn a_body_that_trickles_over_http2_is_answered_408() {
    let rig = Rig::start(deadlines(|deadlines| deadlines.body = SHORT)).await;
    let stream = rig.connect(&[b"h2"]).await.unwrap();
    let began = Instant::now();
    let answer = crate::rig::post_without_end(stream).await;
    assert_eq!(answer, 408);
    assert_took(began, SHORT);
    assert_eq!(rig.count(|book| &book.called), 0);
}

#[tokio::test]
async fn a_client_that_does_not_read() {
    let rig = Rig::start(deadlines(|deadlines| deadlines.write = SHORT)).await;
    let mut client = rig.http1().await;
    client.send(b"GET /big?30000000 HTTP/1.1\r\nHost: l\r\n\r\n").await;
    let began = Instant::now();
    rig.until_connections(1).await;
    rig.until_connections(0).await;
    assert_took(began, SHORT);
    assert_eq!(rig.count(|book| &book.finished), 1);
    // The same over HTTP/2, where the client holds back its windows.
    let stream = rig.connect(&[b"h2"]).await.unwrap();
    let began = Instant::now();
    let held = crate::rig::get_without_reading(stream, "/big?1000000").await;
    rig.until_connections(0).await;
    assert_took(began, SHORT);
    drop(held);
}

#[tokio::test]
async fn a_service_may_take_longer_than_any_deadline_of_the_edge() {
    let rig = Rig::start(deadlines(|deadlines| {
        (deadlines.head, deadlines.body, deadlines.idle, deadlines.write) = (SHORT, SHORT, SHORT, SHORT);
    }))
    .await;
    let answer = rig.ask(b"GET /slow?900 HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with("{\"slow\":true}"), "{answer}");
    let (head, _) = rig.http2().await.post("/slow?900", b"a=b".to_vec()).await;
    assert_eq!(head.status, 200);
}
