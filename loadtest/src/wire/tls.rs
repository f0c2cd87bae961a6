//! TLS settings of both sides: the client that measures, and the bare server that it measures against.

use crate::failure::{Failure, Result};
use crate::wire::Http;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::path::Path;
use std::sync::Arc;

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unreadable =
        |error| Failure::failed(format!("reading the certificates of {}: {error}", path.display()));
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    if found.is_empty() {
        return Err(Failure::failed(format!("{} holds no certificate in PEM", path.display())));
    }
    Ok(found)
}

/// A client that believes the authorities of a PEM file and speaks one version of HTTP.
///
/// # Errors
/// The file can't be read or holds no authority.
pub fn client(ca: &Path, http: Http) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(ca)? {
        roots.add(authority).map_err(|error| Failure::failed(format!("{}: {error}", ca.display())))?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .expect("the provider has suites for both versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![http.alpn().to_vec()];
    Ok(Arc::new(config))
}

/// A server with the gateway's settings: TLS 1.3 and 1.2, tickets, no early data, both versions of HTTP.
///
/// # Errors
/// The files can't be read, or do not belong together.
pub fn server(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>> {
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| Failure::failed(format!("reading the key {}: {error}", key.display())))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .expect("the provider has suites for both versions")
        .with_no_client_auth()
        .with_single_cert(certificates(chain)?, private)
        .map_err(|error| Failure::failed(format!("{} and {}: {error}", chain.display(), key.display())))?;
    config.alpn_protocols = vec![Http::Two.alpn().to_vec(), Http::One.alpn().to_vec()];
    config.ticketer = rustls::crypto::ring::Ticketer::new()
        .map_err(|error| Failure::failed(format!("making the ticket key: {error}")))?;
    config.max_early_data_size = 0;
    config.send_half_rtt_data = false;
    Ok(Arc::new(config))
}
