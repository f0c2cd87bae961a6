//! The operators' listener: health, figures, version, and the endpoints that make merchants and keys. Plain HTTP/1.1,
//! on loopback unless told otherwise; whoever reaches it may do everything it offers.
//!
//! A web page that an operator has open can reach loopback too. So a request must name this machine in `Host` (no name
//! that an attacker's DNS points here), and one that changes something must say that its body is JSON, which a page of
//! another origin can't send without our consent.

mod reply;
mod server;

pub use reply::AdminReply;
pub use server::{AdminServer, Hosts, Parts};

use bytes::Bytes;
use gateway_core::ports::BoxFuture;
use http::Method;

/// A request for the application behind the listener.
#[derive(Debug)]
pub struct AdminRequest {
    pub method: Method,
    /// Begins with a slash.
    pub path: String,
    pub query: Option<String>,
    /// Whole, and at most 64 KiB; under `/risk/` at most 16 MiB.
    pub body: Bytes,
}

/// An answer that is made while it is sent.
pub struct AdminStream {
    pub content_type: &'static str,
    /// An error ends the connection, so that nobody takes a part for the whole.
    pub pieces: tokio::sync::mpsc::Receiver<Result<Bytes, String>>,
}

/// The endpoints that only the application knows: merchants, keys, lists.
pub trait AdminService: Send + Sync + 'static {
    /// Answers one request; [`AdminReply::not_found`] for paths that it does not have.
    fn call(&self, request: AdminRequest) -> BoxFuture<'_, AdminReply>;

    /// Answers a request that reads something long; `None`, and [`AdminService::call`] answers it.
    fn stream(&self, _request: &AdminRequest) -> Option<AdminStream> {
        None
    }
}

/// Whether new payments can be taken.
pub trait Readiness: Send + Sync + 'static {
    /// Why not, each in a few words (`"no acquirer is signed on"`); empty when ready.
    fn reasons(&self) -> Vec<String>;
}
