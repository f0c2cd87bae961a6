//! An acquirer host on a loopback port, and adapters that talk to it.

use crate::request::World;
use gateway_acquirers::host::{Host, Settings as HostSettings};
use gateway_acquirers::iso8583::{Iso8583, Settings};
use gateway_core::acquirer::{Acquirer, Link};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub struct Peer {
    pub world: Arc<World>,
    pub host: Arc<Host>,
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Peer {
    pub async fn listening() -> Peer {
        Peer::at(&free_port().await.to_string(), HostSettings::default(), None).await
    }

    pub async fn at(address: &str, settings: HostSettings, book: Option<&Path>) -> Peer {
        let world = Arc::new(World::default());
        let host = Host::new(settings, (&world.ports()).into(), book).expect("a book can be opened");
        let listener = TcpListener::bind(address).await.expect("the port is free");
        let address = listener.local_addr().expect("it is bound");
        let serving = tokio::spawn({
            let host = Arc::clone(&host);
            async move { host.serve(listener).await.expect("accepts") }
        });
        Peer { world, host, address, serving }
    }

    /// Settings with short times, for tests.
    pub fn settings(&self) -> Settings {
        Settings {
            reconnect_min_ms: 10,
            reconnect_max_ms: 50,
            connect_timeout_ms: 1_000,
            ..Settings::at(&self.address.to_string())
        }
    }

    pub async fn signed_on(&self, settings: Settings) -> Arc<Iso8583> {
        let acquirer = Iso8583::connect("bank-a", settings, &self.world.ports()).expect("valid settings");
        until("it is signed on", || acquirer.link() == Link::Up).await;
        acquirer
    }

    pub fn acquirer(&self) -> Arc<Iso8583> {
        Iso8583::connect("bank-a", self.settings(), &self.world.ports()).expect("valid settings")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// An address where nobody listens.
pub async fn free_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("it is bound")
}

/// Waits until a condition holds, five seconds at most.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("waited five seconds for: {what}");
}
