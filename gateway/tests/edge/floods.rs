//! Floods of HTTP/2 frames that cost their sender next to nothing: a head that never ends, a body in single bytes or in none.

use crate::rig::{PATIENCE, Rig};
use gateway::edge::{Deadlines, Settings};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
const END_STREAM: u8 = 1;
/// No flood here is as large.
const MOST_BYTES: usize = 64 << 20;
/// `:method POST`, `:scheme https`, `:path /`, of the static table; and `:authority l`, which is not there.
const POST: &[u8] = &[0x83, 0x87, 0x84, 0x01, 1, b'l'];
/// A header of one letter with a value of one letter, to be kept in no table.
const SMALL_HEADER: &[u8] = &[0x00, 1, b'a', 1, b'b'];

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A client that has said that it speaks HTTP/2, and begun a request.
async fn begun(rig: &Rig, flags: u8) -> TlsStream<TcpStream> {
    let mut stream = rig.connect(&[b"h2"]).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    stream.write_all(&frame(HEADERS, flags, 1, POST)).await.unwrap();
    stream
}

/// Sends the same frames until nobody takes them any more; how many bytes were taken.
async fn flood(stream: TlsStream<TcpStream>, frames: &[u8], most_bytes: usize) -> usize {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let reading = async move {
        let mut buffer = [0u8; 4096];
        while let Ok(1..) = reader.read(&mut buffer).await {}
    };
    let writing = async move {
        let mut sent = 0;
        while sent < most_bytes && writer.write_all(frames).await.is_ok() {
            sent += frames.len();
        }
        sent
    };
    // Whoever is hung up on learns it by reading or by writing.
    tokio::time::timeout(PATIENCE, async {
        let reading = tokio::spawn(reading);
        let sent = writing.await;
        reading.abort();
        sent
    })
    .await
    .expect("a flood is not taken for ever")
}

async fn assert_serves(rig: &Rig) {
    let (head, _) = rig.http2().await.post("/v1/x", b"a=b".to_vec()).await;
    assert_eq!(head.status, 200);
    assert_eq!(rig.count(|book| &book.called), 1, "and nothing of the flood came through");
}

#[tokio::test]
async fn these_frames_are_a_request_if_they_end() {
    let rig = Rig::start(Settings::default()).await;
    let mut stream = begun(&rig, END_HEADERS).await;
    stream.write_all(&frame(DATA, 0, 1, b"a").repeat(20)).await.unwrap();
    stream.write_all(&frame(DATA, END_STREAM, 1, b"")).await.unwrap();
    let mut buffer = [0u8; 4096];
    let called = async {
        while rig.count(|book| &book.finished) == 0 {
            assert_ne!(stream.read(&mut buffer).await.unwrap(), 0);
        }
    };
    tokio::time::timeout(PATIENCE, called).await.unwrap();
    assert_eq!(rig.count(|book| &book.body_bytes), 20);
}

#[tokio::test]
async fn a_head_that_never_ends_ends_the_connection() {
    for payload in [SMALL_HEADER.repeat(3_000), SMALL_HEADER.to_vec(), Vec::new()] {
        let rig = Rig::start(Settings::default()).await;
        let stream = begun(&rig, 0).await;
        let frames = frame(CONTINUATION, 0, 1, &payload).repeat(100);
        let taken = flood(stream, &frames, MOST_BYTES).await;
        assert!(taken < MOST_BYTES / 4, "{taken} bytes of frames of {}", payload.len());
        rig.until_connections(0).await;
        assert_serves(&rig).await;
    }
}

#[tokio::test]
async fn a_body_of_tiny_frames_ends_at_its_deadline_or_before() {
    const BODY: Duration = Duration::from_millis(500);
    for payload in [&b"a"[..], b""] {
        let deadlines = Deadlines { body: BODY, idle: BODY, ..Deadlines::default() };
        let rig = Rig::start(Settings { deadlines, ..Settings::default() }).await;
        let stream = begun(&rig, END_HEADERS).await;
        let began = Instant::now();
        let frames = frame(DATA, 0, 1, payload).repeat(100);
        let taken = flood(stream, &frames, MOST_BYTES).await;
        assert!(taken < MOST_BYTES / 4, "{taken} bytes of frames of {}", payload.len());
        rig.until_connections(0).await;
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        assert_serves(&rig).await;
    }
}
