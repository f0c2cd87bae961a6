//! Where the client connects to, how, and how long it waits.

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::TlsConnector;

/// The version of HTTP that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// One request at a time on a connection.
    Http1,
    /// Many requests at a time on a connection.
    Http2,
}

/// How long each phase may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// Waiting for a free place in the pool, then resolving and connecting, then the TLS and HTTP handshakes: each of
    /// the three has this long.
    pub connect: Duration,
    /// From the first byte of the request to the last byte of the answer.
    pub answer: Duration,
}

impl Default for Deadlines {
    /// Five seconds to connect, thirty to answer.
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), answer: Duration::from_secs(30) }
    }
}

/// A server to connect to.
#[derive(Clone)]
pub struct Target {
    pub(super) host: Box<str>,
    pub(super) port: u16,
    pub(super) address: Option<SocketAddr>,
    pub(super) tls: Option<(TlsConnector, ServerName<'static>)>,
    pub(super) protocol: Protocol,
}

impl Target {
    /// A server behind TLS. The configuration's ALPN list is replaced by the protocol's own.
    ///
    /// # Errors
    /// The reason why `host` is no valid server name.
    pub fn tls(
        host: &str,
        port: u16,
        config: &Arc<ClientConfig>,
        protocol: Protocol,
    ) -> Result<Self, rustls::pki_types::InvalidDnsNameError> {
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())?;
        let mut config = ClientConfig::clone(config);
        config.alpn_protocols = vec![match protocol {
            Protocol::Http1 => b"http/1.1".to_vec(),
            Protocol::Http2 => b"h2".to_vec(),
        }];
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Self { host: host.into(), port, address: None, tls: Some((connector, name)), protocol })
    }

    /// A server without TLS: for tests, and for comparisons on loopback.
    pub fn plain(host: &str, port: u16, protocol: Protocol) -> Self {
        Self { host: host.into(), port, address: None, tls: None, protocol }
    }

    /// Connects to this address without resolving the host, which is still the name that TLS checks.
    pub fn at(mut self, address: SocketAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// `host:port`, as in the `Host` header.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}:{} ({:?})", self.scheme(), self.host, self.port, self.protocol)
    }
}
