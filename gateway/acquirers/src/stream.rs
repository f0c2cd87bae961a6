//! Byte streams to peers: how a connection comes about is a port, so that a simulation gives one made of memory.

use gateway_core::ports::BoxFuture;
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A connection's two directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection of any kind.
pub type BoxedStream = Box<dyn Stream>;

/// Makes connections to one peer.
pub trait Dial: Send + Sync {
    /// One attempt. The caller sets the deadline.
    ///
    /// # Errors
    /// The peer can't be reached, refuses, or fails the TLS handshake. Nothing of a payment has been sent.
    fn dial(&self) -> BoxFuture<'_, io::Result<BoxedStream>>;

    /// Whether a failed write may have sent some of what it was given. Where it can't, `NotSent` is exact.
    fn buffering(&self) -> Buffering {
        Buffering::Inside
    }
}

/// Whether a stream keeps bytes of its own, so that a failed write may have sent some (TLS does).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buffering {
    None,
    Inside,
}

/// Connections over TCP, without delay of small segments, in TLS if set.
pub struct TcpDial {
    address: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl TcpDial {
    /// To `address`, a host name or address with its port, in the clear.
    #[must_use]
    pub fn new(address: &str) -> TcpDial {
        TcpDial { address: address.to_owned(), tls: None }
    }

    /// To `address` in TLS; the peer must prove that it is `server_name`.
    #[must_use]
    pub fn with_tls(
        address: &str,
        config: Arc<rustls::ClientConfig>,
        server_name: ServerName<'static>,
    ) -> TcpDial {
        TcpDial { address: address.to_owned(), tls: Some((TlsConnector::from(config), server_name)) }
    }
}

impl Dial for TcpDial {
    fn dial(&self) -> BoxFuture<'_, io::Result<BoxedStream>> {
        Box::pin(async move {
            let plain = TcpStream::connect(&self.address).await?;
            plain.set_nodelay(true)?;
            match &self.tls {
                None => Ok(Box::new(plain) as BoxedStream),
                Some((connector, name)) => {
                    Ok(Box::new(connector.connect(name.clone(), plain).await?) as BoxedStream)
                }
            }
        })
    }

    fn buffering(&self) -> Buffering {
        if self.tls.is_some() { Buffering::Inside } else { Buffering::None }
    }
}
