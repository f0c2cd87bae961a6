//! The edge itself: what all connections share, the accept loop, and the end.

use super::budget::Budget;
use super::connection::{self, Servers};
use super::drain::{Drain, Stage};
use super::gate::{Gate, Refused};
use super::meters::Meters;
use super::settings::Settings;
use super::tls::TlsSlot;
use crate::exchange::Service;
use gateway_core::id::RequestId;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Gives each request its id.
pub type RequestIds = Arc<dyn Fn() -> RequestId + Send + Sync>;

/// How often quiet addresses are forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(10);
/// After the system refused a new descriptor: it has none left, and asking again at once would only burn time.
const PAUSE: Duration = Duration::from_millis(50);

/// What the connections of one edge share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) tls: Arc<TlsSlot>,
    pub(super) service: Arc<dyn Service>,
    pub(super) request_ids: RequestIds,
    pub(super) servers: Servers,
    pub(super) drain: Drain,
    pub(super) meters: Meters,
    /// What all bodies may take.
    pub(super) bodies: Arc<Budget>,
}

/// The merchant API's listener side. Cheap to clone; every clone is the same edge.
#[derive(Clone)]
pub struct Edge {
    shared: Arc<Shared>,
    gate: Arc<Gate>,
}

/// What an edge is made of.
pub struct Parts {
    pub settings: Settings,
    pub tls: Arc<TlsSlot>,
    pub service: Arc<dyn Service>,
    pub request_ids: RequestIds,
}

impl Edge {
    /// Makes an edge that serves nothing yet. Install the metrics recorder before, or its figures go nowhere.
    pub fn new(parts: Parts) -> Self {
        let Parts { settings, tls, service, request_ids } = parts;
        let servers = Servers::new(&settings);
        let (drain, meters) = (Drain::default(), Meters::register());
        let gate = Gate::new(&settings.limits);
        let bodies = Budget::new(settings.limits.bodies_bytes);
        let shared = Shared { settings, tls, service, request_ids, servers, drain, meters, bodies };
        Self { shared: Arc::new(shared), gate }
    }

    /// Accepts from one listener until the drain begins, then closes it. May run several times at once, also in
    /// several runtimes; a connection stays in the runtime that accepted it.
    pub async fn serve(&self, listener: TcpListener) {
        let mut tidy = tokio::time::interval(TIDY_EVERY);
        loop {
            tokio::select! {
                biased;
                () = self.shared.drain.begun() => return,
                accepted = listener.accept() => match accepted {
                    Ok((socket, peer)) => self.admit(socket, peer.ip()),
                    Err(error) => self.survive(&error).await,
                },
                _ = tidy.tick() => self.gate.tidy(),
            }
        }
    }

    fn admit(&self, socket: TcpStream, peer: std::net::IpAddr) {
        match self.gate.admit(peer) {
            Ok(seat) => {
                let _detached = tokio::spawn(connection::run(Arc::clone(&self.shared), socket, seat));
            }
            Err(refused) => {
                self.shared.meters.turned_away(refused);
                if refused != Refused::TooFast {
                    tracing::debug!(%peer, ?refused, "connection refused");
                }
            }
        }
    }

    async fn survive(&self, error: &io::Error) {
        let of_the_peer = matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
        );
        if !of_the_peer {
            tracing::warn!(%error, "cannot accept connections");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Open connections.
    pub fn connections(&self) -> usize {
        self.gate.taken(&self.shared.settings.limits)
    }

    /// Winds down: accepts no more, tells HTTP/2 clients to go away and HTTP/1.1 clients that this answer is the last,
    /// and waits for requests in flight, at most `within`. Returns how many connections had to be cut.
    pub async fn drain(&self, within: Duration) -> usize {
        self.shared.drain.enter(Stage::Draining);
        let limits = &self.shared.settings.limits;
        if tokio::time::timeout(within, self.gate.emptied(limits)).await.is_ok() {
            return 0;
        }
        let cut = self.connections();
        self.shared.drain.enter(Stage::Aborting);
        cut
    }
}
