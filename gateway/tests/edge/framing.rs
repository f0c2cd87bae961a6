//! Requests that are not what they say: nothing is acted on, and the client gets to read why.

use crate::rig::{Rig, assert_refused};
use gateway::edge::Settings;
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn malformed_requests_are_answered_with_an_envelope_and_never_acted_on() {
    let rig = Rig::start(Settings::default()).await;
    let post = "POST /v1/x HTTP/1.1\r\nHost: localhost\r\n";
    let chunked = format!("{post}Transfer-Encoding: chunked\r\n\r\n");
    let long_header = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    let many_headers = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: y\r\n".repeat(101));
    let long_target = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(70_000));
    let cases: Vec<(String, u16, &str)> = vec![
        (format!("{chunked}3\r\nabc\r\nZZ\r\n"), 400, "ended early"),
        (format!("{chunked}ffffffffffffffffff\r\n"), 400, "ended early"),
        (format!("{chunked}-1\r\n"), 400, "ended early"),
        (format!("{post}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), 400, ""),
        (format!("{post}Content-Length: -3\r\n\r\nabc"), 400, ""),
        (format!("{post}Content-Length: 18446744073709551616\r\n\r\nabc"), 400, ""),
        (format!("{post}Content-Length: 3, 3\r\n\r\nabc"), 400, ""),
        (format!("{post}Transfer-Encoding: gzip\r\n\r\nabc"), 400, ""),
        ("nonsense\r\n\r\n".to_owned(), 400, "head"),
        ("GET / HTTP/9.9\r\nHost: localhost\r\n\r\n".to_owned(), 400, "head"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n".to_owned(), 400, "head"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n".to_owned(), 400, "head"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n folded: x\r\n\r\n".to_owned(), 400, "head"),
        (long_header, 431, "header fields"),
        (many_headers, 431, "header fields"),
        (long_target, 431, ""),
    ];
    for (request, status, message) in cases {
        let answer = rig.ask(request.as_bytes()).await;
        assert!(!answer.is_empty(), "no answer to {}", &request[..request.len().min(120)]);
        assert_refused(&answer, status, message);
    }
    assert_eq!(rig.count(|book| &book.called), 0, "nothing reached the service");
}

#[tokio::test]
async fn two_lengths_are_read_as_chunks_and_nothing_is_read_after_them() {
    let rig = Rig::start(Settings::default()).await;
    let smuggled = "POST /v1/x HTTP/1.1\r\nHost: l\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
                    2\r\nab\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: l\r\n\r\n";
    let answer = rig.ask(smuggled.as_bytes()).await;
    assert!(answer.ends_with("{\"length\":2}") && answer.matches("HTTP/1.1").count() == 1, "{answer}");
    assert_eq!(rig.count(|book| &book.called), 1);
}

#[tokio::test]
async fn a_body_cut_short_is_refused_whether_or_not_the_client_says_goodbye() {
    let rig = Rig::start(Settings::default()).await;
    let head = "POST /v1/x HTTP/1.1\r\nHost: localhost\r\n";
    for body in ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nabc"] {
        let mut client = rig.http1().await;
        client.send(format!("{head}{body}").as_bytes()).await;
        // TLS's own goodbye, then TCP's; the reading side stays open.
        client.0.shutdown().await.unwrap();
        assert_refused(&client.read_all().await, 400, "ended early");
        let mut client = rig.http1().await;
        client.send(format!("{head}{body}").as_bytes()).await;
        let (socket, _) = client.0.get_mut();
        socket.shutdown().await.unwrap();
        assert_refused(&client.read_all().await, 400, "ended early");
    }
    assert_eq!(rig.count(|book| &book.called), 0);
    rig.until_connections(0).await;
}

#[tokio::test]
async fn a_client_that_stops_talking_still_gets_its_answer() {
    let rig = Rig::start(Settings::default()).await;
    let mut client = rig.http1().await;
    client.send(b"GET /slow?100 HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    client.0.shutdown().await.unwrap();
    let answer = client.read_all().await;
    assert!(answer.ends_with("{\"slow\":true}"), "{answer}");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_and_a_bad_one_ends_them() {
    let rig = Rig::start(Settings::default()).await;
    let mut client = rig.http1().await;
    client
        .send(
            b"POST /a HTTP/1.1\r\nHost: l\r\nContent-Length: 2\r\n\r\nab\
              POST /b HTTP/1.1\r\nHost: l\r\nContent-Length: 3\r\n\r\nabc\
              bad\r\n\r\n",
        )
        .await;
    let answers = client.read_all().await;
    let first = answers.find("{\"length\":2}").unwrap();
    let second = answers.find("{\"length\":3}").unwrap();
    assert!(first < second, "{answers}");
    assert_refused(&answers[second + "{\"length\":3}".len()..], 400, "head");
}

#[tokio::test]
async fn expectations_are_met_before_the_body_is_sent() {
    let rig = Rig::start(Settings::default()).await;
    let mut client = rig.http1().await;
    client
        .send(b"POST /v1/x HTTP/1.1\r\nHost: l\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        .await;
    let mut buffer = [0u8; 25];
    tokio::io::AsyncReadExt::read_exact(&mut client.0, &mut buffer).await.unwrap();
    assert_eq!(&buffer, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.send(b"abc").await;
    assert!(client.read_all().await.ends_with("{\"length\":3}"));
}
