//! TLS settings: two ends of one connection in memory, and every way in which a certificate and a key are refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crypto::devcerts::{DevCerts, NAMES, ensure_dev_certs};
use crypto::tls::{Identity, IdentityPem, TlsError, Trust, client_config, not_after, server_config};
use rustls::pki_types::ServerName;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, Error, HandshakeKind, ProtocolVersion, ServerConfig,
    ServerConnection,
};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

/// rustls's client reads the clock itself, so these certificates must be valid now.
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

fn made(dir: &Path) -> (DevCerts, Vec<u8>) {
    let certs = ensure_dev_certs(dir, now()).unwrap();
    let ca = fs::read(&certs.ca_pem_path).unwrap();
    (certs, ca)
}

/// Both ends, after as many flights as they want to send, or the first error.
fn shake_hands(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
    name: &'static str,
) -> Result<(ClientConnection, ServerConnection), Error> {
    let name = ServerName::try_from(name).unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), name)?;
    let mut server = ServerConnection::new(Arc::clone(server))?;
    for _ in 0..10 {
        carry(|wire| client.write_tls(wire), |mut wire| server.read_tls(&mut wire));
        server.process_new_packets()?;
        carry(|wire| server.write_tls(wire), |mut wire| client.read_tls(&mut wire));
        client.process_new_packets()?;
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok((client, server))
}

fn carry(
    mut write: impl FnMut(&mut Vec<u8>) -> std::io::Result<usize>,
    mut read: impl FnMut(&[u8]) -> std::io::Result<usize>,
) {
    let mut wire = Vec::new();
    while write(&mut wire).unwrap() > 0 {}
    let mut rest = wire.as_slice();
    while !rest.is_empty() {
        let taken = read(rest).unwrap();
        rest = &rest[taken..];
    }
}

#[test]
fn a_client_that_trusts_the_authority_reaches_the_server_by_every_name() {
    let dir = tempfile::tempdir().unwrap();
    let (certs, ca) = made(dir.path());
    let server = server_config(&certs.identity().unwrap(), &[b"h2", b"http/1.1"]).unwrap();
    for name in NAMES {
        let client = client_config(Trust::Authority(&ca), &[b"http/1.1"]).unwrap();
        let (mut client, mut server) = shake_hands(&client, &server, name).unwrap();
        assert_eq!(client.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(server.alpn_protocol(), Some(b"http/1.1".as_slice()));
        client.writer().write_all(b"hello").unwrap();
        carry(|wire| client.write_tls(wire), |mut wire| server.read_tls(&mut wire));
        server.process_new_packets().unwrap();
        let mut heard = [0; 5];
        server.reader().read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");
    }
}

#[test]
fn the_servers_order_of_protocols_wins_and_strangers_get_none() {
    let dir = tempfile::tempdir().unwrap();
    let (certs, ca) = made(dir.path());
    let server = server_config(&certs.identity().unwrap(), &[b"h2", b"http/1.1"]).unwrap();
    let both = client_config(Trust::Authority(&ca), &[b"http/1.1", b"h2"]).unwrap();
    let (client, _) = shake_hands(&both, &server, "localhost").unwrap();
    assert_eq!(client.alpn_protocol(), Some(b"h2".as_slice()));
    let none = client_config(Trust::Authority(&ca), &[]).unwrap();
    assert_eq!(shake_hands(&none, &server, "localhost").unwrap().0.alpn_protocol(), None);
    let other = client_config(Trust::Authority(&ca), &[b"smtp"]).unwrap();
    assert!(shake_hands(&other, &server, "localhost").is_err());
}

#[test]
fn sessions_resume_and_never_send_early_data() {
    let dir = tempfile::tempdir().unwrap();
    let (certs, ca) = made(dir.path());
    let server = server_config(&certs.identity().unwrap(), &[]).unwrap();
    let client = client_config(Trust::Authority(&ca), &[]).unwrap();
    assert_eq!((server.max_early_data_size, client.enable_early_data), (0, false));
    let (first, _) = shake_hands(&client, &server, "localhost").unwrap();
    assert_eq!(first.handshake_kind(), Some(HandshakeKind::Full));
    let (second, _) = shake_hands(&client, &server, "localhost").unwrap();
    assert_eq!(second.handshake_kind(), Some(HandshakeKind::Resumed));
    let mut third = ClientConnection::new(client, ServerName::try_from("localhost").unwrap()).unwrap();
    assert!(third.early_data().is_none(), "the server's ticket allows none");
}

#[test]
fn tls_1_2_is_served_too() {
    let dir = tempfile::tempdir().unwrap();
    let (certs, ca) = made(dir.path());
    let server = server_config(&certs.identity().unwrap(), &[]).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    roots.add(CertificateDer::from_pem_slice(&ca).unwrap()).unwrap();
    let client = ClientConfig::builder_with_provider(crypto::tls::provider())
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (client, _) = shake_hands(&Arc::new(client), &server, "127.0.0.1").unwrap();
    assert_eq!(client.protocol_version(), Some(ProtocolVersion::TLSv1_2));
}

#[test]
fn other_names_and_other_authorities_are_refused() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (certs, ca) = made(here.path());
    let (_, other_ca) = made(there.path());
    let server = server_config(&certs.identity().unwrap(), &[]).unwrap();
    let trusting = client_config(Trust::Authority(&ca), &[]).unwrap();
    for name in ["example.com", "127.0.0.2", "sub.localhost"] {
        let error = shake_hands(&trusting, &server, name).unwrap_err();
        let expected = matches!(
            error,
            Error::InvalidCertificate(
                CertificateError::NotValidForNameContext { .. } | CertificateError::NotValidForName
            )
        );
        assert!(expected, "{name}: {error:?}");
    }
    for trust in [Trust::Authority(&other_ca), Trust::Web] {
        let client = client_config(trust, &[]).unwrap();
        let error = shake_hands(&client, &server, "localhost").unwrap_err();
        assert!(matches!(error, Error::InvalidCertificate(_)), "{error:?}");
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ((ours, _), (theirs, _)) = (made(here.path()), made(there.path()));
    let (chain, key) = (fs::read(&ours.cert_path).unwrap(), fs::read(&theirs.key_path).unwrap());
    let error = Identity::from_pem(&IdentityPem { chain: &chain, key: &key }).unwrap_err();
    assert!(matches!(error, TlsError::KeyMismatch), "{error:?}");
    assert!(error.to_string().contains("does not belong to the certificate"), "{error}");
}

#[test]
fn texts_that_hold_no_identity_are_refused_for_their_reason() {
    let dir = tempfile::tempdir().unwrap();
    let (certs, ca) = made(dir.path());
    let (chain, key) = (fs::read(&certs.cert_path).unwrap(), fs::read(&certs.key_path).unwrap());
    let cut = &chain[..chain.len() / 2];
    let hollow = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    // Put together here, so that nothing in this file looks like a key.
    let label = ["PRIVATE", "KEY"].join(" ");
    let hollow_key = format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    let cases: [(&[u8], &[u8], &str); 7] = [
        (b"", &key, "there is no certificate"),
        (&key, &key, "there is no certificate"),
        (cut, &key, "the certificate can't be read"),
        (hollow, &key, "the certificate can't be read"),
        (&chain, b"", "there is no private key"),
        (&chain, &chain, "there is no private key"),
        (&chain, hollow_key.as_bytes(), "the private key can't be used"),
    ];
    for (chain, key, expected) in cases {
        let message = Identity::from_pem(&IdentityPem { chain, key }).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    }
    assert!(matches!(client_config(Trust::Authority(b""), &[]), Err(TlsError::NoCertificate)));
    assert!(matches!(client_config(Trust::Authority(hollow), &[]), Err(TlsError::BadCertificate)));
    assert!(not_after(&ca).is_ok() && not_after(&key).is_err());
    fs::remove_file(&certs.key_path).unwrap();
    let message = certs.identity().unwrap_err().to_string();
    assert!(message.contains("localhost.key"), "{message}");
}

#[test]
fn an_identity_shows_its_validity_and_nothing_of_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let (certs, _) = made(dir.path());
    let identity = certs.identity().unwrap();
    let chain = fs::read(&certs.cert_path).unwrap();
    assert_eq!(identity.not_after(), not_after(&chain).unwrap());
    let shown = format!("{identity:?}");
    let expected =
        format!("Identity {{ not_before: {}, not_after: {} }}", identity.not_before(), identity.not_after());
    assert_eq!(shown, expected);
}
