//! Whom the load goes to: an address, a name to verify, a version of HTTP.

use crate::failure::{Failure, Result};
use crate::wire::tls;
use http::Uri;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;

/// The version of HTTP that is spoken, agreed on by ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Http {
    /// HTTP/1.1: one request at a time on a connection.
    #[value(name = "1")]
    One,
    /// HTTP/2: many streams on a connection.
    #[value(name = "2")]
    Two,
}

impl Http {
    /// The protocol's name in ALPN.
    pub fn alpn(self) -> &'static [u8] {
        match self {
            Self::One => b"http/1.1",
            Self::Two => b"h2",
        }
    }
}

/// A server under load.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    /// Host and port, as requests name it.
    pub authority: String,
    pub name: ServerName<'static>,
    pub tls: Arc<ClientConfig>,
    pub http: Http,
}

impl Target {
    /// Resolves an `https://HOST:PORT` URL. Load is only sent to this machine.
    ///
    /// # Errors
    /// The URL is not of that form, has no address, or leads elsewhere; the CA file can't be read.
    pub fn new(url: &str, ca: &Path, http: Http) -> Result<Self> {
        let uri: Uri = url.parse().map_err(|error| Failure::usage(format!("{url} is no URL: {error}")))?;
        if uri.scheme_str() != Some("https") {
            return Err(Failure::usage(format!(
                "{url}: the target must be an https:// URL; keys never go in clear"
            )));
        }
        let host = uri.host().ok_or_else(|| Failure::usage(format!("{url} names no host")))?.to_owned();
        let port = uri.port_u16().unwrap_or(443);
        let address = resolve(&host, port)?;
        let bare_host = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(bare_host)
            .map_err(|_| Failure::usage(format!("{host} can't be the name in a certificate")))?;
        Ok(Self { address, authority: format!("{host}:{port}"), name, tls: tls::client(ca, http)?, http })
    }

    /// The URI of a path: with HTTP/2 it names the authority, with HTTP/1.1 the `Host` header does.
    pub fn uri(&self, path: &str) -> Uri {
        let text = match self.http {
            Http::One => path.to_owned(),
            Http::Two => format!("https://{}{path}", self.authority),
        };
        text.parse().expect("paths are made of ids and literals")
    }
}

/// The host's first loopback address, IPv4 before IPv6.
fn resolve(host: &str, port: u16) -> Result<SocketAddr> {
    let found = (host.trim_matches(['[', ']']), port)
        .to_socket_addrs()
        .map_err(|error| Failure::failed(format!("{host} has no address: {error}")))?;
    let mut addresses: Vec<_> = found.collect();
    if let Some(outside) = addresses.iter().find(|address| !address.ip().is_loopback()) {
        return Err(Failure::usage(format!(
            "{host} is {}, which is not this machine: loads go to loopback only; run loadtest where the gateway runs",
            outside.ip()
        )));
    }
    addresses.sort_by_key(|address| address.is_ipv6());
    addresses.into_iter().next().ok_or_else(|| Failure::failed(format!("{host} has no address")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_loaded() {
        assert_eq!(resolve("127.0.0.1", 8443).expect("loopback").to_string(), "127.0.0.1:8443");
        assert_eq!(resolve("[::1]", 8443).expect("loopback").to_string(), "[::1]:8443");
        let refused = resolve("192.0.2.7", 443).expect_err("not this machine");
        assert!(refused.to_string().contains("loopback only"), "{refused}");
    }

    #[test]
    fn plain_text_is_refused() {
        let refused =
            Target::new("http://127.0.0.1:80", Path::new("/nowhere"), Http::One).expect_err("not https");
        assert_eq!(refused.code(), 2);
    }
}
