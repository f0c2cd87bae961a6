//! TLS towards peers: which authorities are believed.

use crypto::tls::{Trust, client_config};
use std::sync::Arc;

/// Settings of a client; `ca` is `file:PATH` of authorities in PEM, or nothing for the web's.
///
/// # Errors
/// Another form of reference, a file that can't be read, or no certificate in it.
pub fn client(ca: Option<&str>, alpn: &[&[u8]]) -> Result<Arc<rustls::ClientConfig>, String> {
    let Some(reference) = ca else {
        return client_config(Trust::Web, alpn).map_err(|error| error.to_string());
    };
    let path = reference.strip_prefix("file:").ok_or_else(|| format!("ca: {reference:?}: use file:PATH"))?;
    let pem = std::fs::read(path).map_err(|error| format!("ca: {path}: {error}"))?;
    client_config(Trust::Authority(&pem), alpn).map_err(|error| format!("ca: {path}: {error}"))
}
