//! The TLS settings in force, exchangeable while connections come in.

use arc_swap::ArcSwap;
use crypto::tls::{Identity, TlsError};
use rustls::ServerConfig;
use std::sync::Arc;

/// What is offered by ALPN, in our order of preference.
pub const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Holds the settings that new handshakes use. Connections keep those that they began with.
#[derive(Debug)]
pub struct TlsSlot(ArcSwap<ServerConfig>);

impl TlsSlot {
    /// Serves this identity.
    ///
    /// # Errors
    /// [`TlsError`] if the settings can't be made.
    pub fn new(identity: &Identity) -> Result<Self, TlsError> {
        Ok(Self(ArcSwap::new(crypto::tls::server_config(identity, &ALPN)?)))
    }

    /// Serves this identity from now on.
    ///
    /// # Errors
    /// [`TlsError`] if the settings can't be made; the last good ones stay.
    pub fn replace(&self, identity: &Identity) -> Result<(), TlsError> {
        self.0.store(crypto::tls::server_config(identity, &ALPN)?);
        Ok(())
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.0.load_full()
    }
}
