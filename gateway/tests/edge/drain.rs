//! Winding down, and clients that leave early.

use crate::rig::{Rig, header};
use gateway::edge::Settings;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_drain_finishes_what_has_begun_and_takes_nothing_new() {
    let rig = Rig::start(Settings::default()).await;
    let idle = rig.http1().await;
    let mut working = rig.http1().await;
    working.send(b"GET /slow?400 HTTP/1.1\r\nHost: l\r\n\r\n").await;
    let mut http2 = rig.http2().await;
    let mut other = http2.sender.clone();
    let in_flight = tokio::spawn(async move { http2.post("/slow?400", Vec::new()).await.0.status });
    while rig.count(|book| &book.called) < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let edge = rig.edge.clone();
    let drained = tokio::spawn(async move { edge.drain(Duration::from_secs(5)).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", rig.port)).await.is_err(), "the listener is closed");
    let answer = working.read_all().await;
    assert!(answer.ends_with("{\"slow\":true}"), "{answer}");
    assert_eq!(header(&answer, "connection"), Some("close"), "{answer}");
    assert_eq!(in_flight.await.unwrap(), 200);
    let late = http::Request::get("https://localhost/").body(Default::default()).unwrap();
    assert!(other.send_request(late).await.is_err(), "the HTTP/2 connection takes nothing new");
    assert_eq!(drained.await.unwrap(), 0, "nothing had to be cut");
    assert_eq!(rig.count(|book| &book.finished), 2);
    drop(idle);
}

#[tokio::test]
async fn a_drain_has_an_upper_bound() {
    let rig = Rig::start(Settings::default()).await;
    let mut working = rig.http1().await;
    working.send(b"GET /slow?60000 HTTP/1.1\r\nHost: l\r\n\r\n").await;
    while rig.count(|book| &book.called) < 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let began = Instant::now();
    assert_eq!(rig.edge.drain(Duration::from_millis(200)).await, 1);
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(working.read_all().await, "");
    rig.until_connections(0).await;
}

#[tokio::test]
async fn clients_that_leave_in_the_middle_leave_nothing_behind() {
    let rig = Rig::start(Settings::default()).await;
    for request in [
        &b"GE"[..],
        b"POST /v1/x HTTP/1.1\r\nHost: l\r\nContent-Length: 10\r\n\r\nabc",
        b"GET /slow?100 HTTP/1.1\r\nHost: l\r\n\r\n",
        b"GET /big?5000000 HTTP/1.1\r\nHost: l\r\n\r\n",
    ] {
        let mut client = rig.http1().await;
        client.send(request).await;
        drop(client);
    }
    let http2 = rig.http2().await;
    drop(http2);
    rig.until_connections(0).await;
    assert_eq!(rig.count(|book| &book.body_bytes), 0);
    let answer = rig.ask(b"GET / HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n").await;
    assert!(answer.contains("200 OK"), "{answer}");
}
