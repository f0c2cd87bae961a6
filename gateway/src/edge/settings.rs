//! What the edge grants a connection: sizes, counts and waits, all far below what the libraries would allow.

use std::num::NonZeroU32;
use std::time::Duration;

/// All settings of the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    pub limits: Limits,
    pub deadlines: Deadlines,
}

/// Sizes and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest request body, in bytes; a longer one is answered 413.
    pub body_bytes: usize,
    /// Bytes of all bodies that are in memory at a time; what comes over it is answered 503. One address gets a quarter of it.
    pub bodies_bytes: usize,
    /// Longest request head (request line and header fields), in bytes; a longer one is answered 431. At least 8,192.
    pub head_bytes: usize,
    /// Open connections of all addresses together.
    pub connections: usize,
    /// Open connections of one address (of one /64 network in IPv6).
    pub connections_per_address: u32,
    /// TLS handshakes a second that one address may begin.
    pub handshakes_per_s: NonZeroU32,
    /// Requests at a time in one HTTP/2 connection.
    pub http2_streams: u32,
}

/// How long each phase of a connection may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// From the accepted socket to the end of the TLS handshake.
    pub handshake: Duration,
    /// From the first byte of an HTTP/1.1 head to its last.
    pub head: Duration,
    /// From the end of the head to the end of the body.
    pub body: Duration,
    /// Between two requests, and before the first.
    pub idle: Duration,
    /// For the client to take an answer: in HTTP/1.1 the whole of it, in HTTP/2 one answer of those that wait.
    pub write: Duration,
    /// After an answer that ends the connection, for what the client still sends (it is discarded).
    pub linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 256 * 1024,
            bodies_bytes: 64 << 20,
            head_bytes: 16 * 1024,
            connections: 16_384,
            connections_per_address: 4_096,
            handshakes_per_s: NonZeroU32::new(5_000).expect("5,000 is not zero"),
            http2_streams: 128,
        }
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(2),
        }
    }
}
