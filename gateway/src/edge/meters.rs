//! The edge's own figures, registered once so that counting costs an addition.

use super::gate::Refused;
use super::pulse::{Activity, Protocol};
use super::watchdog::End;
use metrics::{Counter, Gauge, counter, gauge};

/// Handles of every figure that the edge keeps.
pub(super) struct Meters {
    http1: Gauge,
    http2: Gauge,
    full: Counter,
    address_full: Counter,
    too_fast: Counter,
    pub(super) handshakes_done: Counter,
    pub(super) handshakes_failed: Counter,
    pub(super) handshakes_late: Counter,
    idle: Counter,
    head: Counter,
    body: Counter,
    write: Counter,
    panics: Counter,
    refused: [Counter; 2],
}

impl Meters {
    pub(super) fn register() -> Self {
        let refused = |reason| counter!("tollgate_connections_refused_total", "reason" => reason);
        let handshakes = |result| counter!("tollgate_tls_handshakes_total", "result" => result);
        let expired = |phase| counter!("tollgate_connections_expired_total", "phase" => phase);
        Self {
            http1: gauge!("tollgate_connections", "protocol" => "http1"),
            http2: gauge!("tollgate_connections", "protocol" => "http2"),
            full: refused("full"),
            address_full: refused("address_full"),
            too_fast: refused("handshake_rate"),
            handshakes_done: handshakes("done"),
            handshakes_failed: handshakes("failed"),
            handshakes_late: handshakes("late"),
            idle: expired("idle"),
            head: expired("head"),
            body: expired("body"),
            write: expired("write"),
            panics: counter!("tollgate_request_panics_total"),
            refused: ["4xx", "5xx"].map(
                |status| counter!("tollgate_http_requests_total", "operation" => "edge", "status" => status),
            ),
        }
    }

    /// Counts a connection until the guard is dropped.
    pub(super) fn connected(&self, protocol: Protocol) -> Connected<'_> {
        let gauge = match protocol {
            Protocol::Http1 => &self.http1,
            Protocol::Http2 => &self.http2,
        };
        gauge.increment(1);
        Connected(gauge)
    }

    pub(super) fn turned_away(&self, refused: Refused) {
        match refused {
            Refused::Full => self.full.increment(1),
            Refused::AddressFull => self.address_full.increment(1),
            Refused::TooFast => self.too_fast.increment(1),
        }
    }

    pub(super) fn ended(&self, end: &End) {
        let End::Expired(activity) = end else { return };
        match activity {
            Activity::Idle | Activity::Lingering | Activity::Busy => self.idle.increment(1),
            Activity::Head => self.head.increment(1),
            Activity::Body => self.body.increment(1),
            Activity::Writing => self.write.increment(1),
        }
    }

    /// A request that the edge answered by itself.
    pub(super) fn refused(&self, status: u16) {
        self.refused[usize::from(status >= 500)].increment(1);
    }

    pub(super) fn panicked(&self) {
        self.panics.increment(1);
    }
}

/// A connection that is counted.
pub(super) struct Connected<'a>(&'a Gauge);

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
