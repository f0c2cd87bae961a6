//! PEM in, TLS settings out. The one room that names the provider of TLS's cryptography (ring, through rustls).
//!
//! TLS 1.2 and 1.3, no renegotiation, session tickets on, and no 0-RTT: early data can be replayed by anyone on the
//! path, and a replayed POST is a second payment.

use crate::certificate;
use crate::files;
use crate::secret::Secret;
use rustls::client::{WebPkiServerVerifier, danger::ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, InconsistentKeys, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// The provider, for libraries that want to be told. One for the process, so that its tables are made once.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));
    Arc::clone(&PROVIDER)
}

/// A certificate chain and its private key, checked to belong together.
pub struct Identity {
    certified: Arc<CertifiedKey>,
    not_before: i64,
    not_after: i64,
}

impl Identity {
    /// Takes a chain (leaf first) and a key (PKCS #8, PKCS #1 or SEC 1), both in PEM.
    ///
    /// # Errors
    /// [`TlsError`] if either can't be read, or if the key is not the leaf's.
    pub fn from_pem(pem: &IdentityPem<'_>) -> Result<Self, TlsError> {
        let chain = certificates(pem.chain)?;
        let leaf = chain.first().ok_or(TlsError::NoCertificate)?;
        let (not_before, not_after) = certificate::validity(leaf).ok_or(TlsError::BadCertificate)?;
        let key = PrivateKeyDer::from_pem_slice(pem.key).map_err(|_| TlsError::NoKey)?;
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::KeyMismatch,
            rustls::Error::InvalidCertificate(_) => TlsError::BadCertificate,
            other => TlsError::BadKey(other),
        })?;
        Ok(Self { certified: Arc::new(certified), not_before, not_after })
    }

    /// Reads both files; the key's bytes are wiped once they are parsed.
    ///
    /// # Errors
    /// [`TlsError`], as [`Identity::from_pem`] or because a file can't be read.
    pub fn read(paths: &IdentityPaths<'_>) -> Result<Self, TlsError> {
        let chain = read(paths.chain)?;
        let key = read(paths.key)?;
        Self::from_pem(&IdentityPem { chain: chain.expose(), key: key.expose() })
    }

    /// The first second at which the leaf is valid, unix time.
    pub fn not_before(&self) -> i64 {
        self.not_before
    }

    /// The last second at which the leaf is valid, unix time.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Checks the leaf as a client does that trusts `authority_pem` and calls the server `name` at `now` (unix
    /// seconds).
    ///
    /// # Errors
    /// [`TlsError::Untrusted`] with rustls's reason; [`TlsError`] if the authority can't be read.
    pub fn verify(&self, authority_pem: &[u8], name: &str, now: u64) -> Result<(), TlsError> {
        let roots = Arc::new(roots_of(authority_pem)?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider())
            .build()
            .map_err(|error| TlsError::Untrusted(rustls::Error::General(error.to_string())))?;
        let (leaf, rest) = self.certified.cert.split_first().ok_or(TlsError::NoCertificate)?;
        let name = ServerName::try_from(name).map_err(|_| TlsError::BadName)?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        verifier.verify_server_cert(leaf, rest, &name, &[], now).map(|_| ()).map_err(TlsError::Untrusted)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish()
    }
}

/// The two PEM texts of an identity, named so that they can't be given the wrong way round.
#[derive(Clone, Copy)]
pub struct IdentityPem<'a> {
    /// Certificates, leaf first.
    pub chain: &'a [u8],
    /// The leaf's private key.
    pub key: &'a [u8],
}

/// The two PEM files of an identity.
#[derive(Clone, Copy, Debug)]
pub struct IdentityPaths<'a> {
    /// Certificates, leaf first.
    pub chain: &'a Path,
    /// The leaf's private key.
    pub key: &'a Path,
}

/// Settings of a server that offers `alpn` in this order (`b"h2"`, `b"http/1.1"`).
///
/// Tickets are encrypted by a key of this process that changes every six hours: a resumed session costs no signature, and
/// after a restart clients shake hands in full.
///
/// # Errors
/// [`TlsError::Provider`] if the provider can't make the ticket key.
pub fn server_config(identity: &Identity, alpn: &[&[u8]]) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsError::Provider)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(Arc::clone(&identity.certified))));
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(TlsError::Provider)?;
    config.max_early_data_size = 0;
    config.send_half_rtt_data = false;
    Ok(Arc::new(config))
}

/// Whom a client believes.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
    /// The web's authorities, as Mozilla lists them (compiled in).
    Web,
    /// These authorities alone, in PEM.
    Authority(&'a [u8]),
}

/// Settings of a client that offers `alpn` in this order; none for libraries that set it themselves.
///
/// # Errors
/// [`TlsError`] if the authority's PEM holds no usable certificate.
pub fn client_config(trust: Trust<'_>, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match trust {
        Trust::Web => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        Trust::Authority(pem) => roots_of(pem)?,
    };
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsError::Provider)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    config.enable_early_data = false;
    Ok(Arc::new(config))
}

/// The last second at which the first certificate of a PEM text is valid, unix time.
///
/// # Errors
/// [`TlsError::NoCertificate`] or [`TlsError::BadCertificate`].
pub fn not_after(chain_pem: &[u8]) -> Result<i64, TlsError> {
    let chain = certificates(chain_pem)?;
    let leaf = chain.first().ok_or(TlsError::NoCertificate)?;
    certificate::validity(leaf).map(|(_, last)| last).ok_or(TlsError::BadCertificate)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| TlsError::BadCertificate)
}

fn roots_of(pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in certificates(pem)? {
        roots.add(authority).map_err(|_| TlsError::BadCertificate)?;
    }
    if roots.is_empty() { Err(TlsError::NoCertificate) } else { Ok(roots) }
}

fn read(path: &Path) -> Result<Secret<Vec<u8>>, TlsError> {
    const LONGEST: u64 = 1 << 20;
    let (mut bytes, _) = files::read_bounded(path, LONGEST)
        .map_err(|source| TlsError::Io { path: path.to_owned(), source })?;
    Ok(Secret::new(std::mem::take(&mut *bytes)))
}

/// Why TLS can't be set up.
#[derive(Debug)]
pub enum TlsError {
    /// A file could not be read, written or locked.
    Io { path: PathBuf, source: std::io::Error },
    /// The PEM holds no certificate.
    NoCertificate,
    /// The PEM or a certificate in it is damaged.
    BadCertificate,
    /// The PEM holds no private key.
    NoKey,
    /// The private key is damaged or of a kind that is not supported.
    BadKey(rustls::Error),
    /// The private key belongs to another certificate.
    KeyMismatch,
    /// Not a host name or address.
    BadName,
    /// The chain does not lead to the authority, or not for this name or time.
    Untrusted(rustls::Error),
    /// The provider refused its settings.
    Provider(rustls::Error),
    /// A development certificate could not be made.
    Generation(rcgen::Error),
    /// The clock is outside the years that a certificate can hold.
    ClockOutOfRange { now: u64 },
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, source } => write!(f, "{}: {source}", path.display()),
            Self::NoCertificate => f.write_str("there is no certificate: expected PEM with BEGIN CERTIFICATE"),
            Self::BadCertificate => f.write_str("the certificate can't be read: expected X.509 in PEM, leaf first"),
            Self::NoKey => f.write_str("there is no private key: expected one in PEM, not encrypted"),
            Self::BadKey(source) => write!(f, "the private key can't be used ({source}): take ECDSA, Ed25519 or RSA"),
            Self::KeyMismatch => f.write_str(
                "the private key does not belong to the certificate: the two files must come from the same request",
            ),
            Self::BadName => f.write_str("the name is neither a host name nor an address"),
            Self::Untrusted(source) => write!(f, "the certificate is not trusted: {source}"),
            Self::Provider(source) => write!(f, "TLS can't be set up: {source}"),
            Self::Generation(source) => write!(f, "no development certificate could be made: {source}"),
            Self::ClockOutOfRange { now } => {
                write!(f, "the clock says {now} s since 1970, which no certificate can hold: set the clock")
            }
        }
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::BadKey(source) | Self::Untrusted(source) | Self::Provider(source) => Some(source),
            Self::Generation(source) => Some(source),
            Self::NoCertificate
            | Self::BadCertificate
            | Self::NoKey
            | Self::KeyMismatch
            | Self::BadName
            | Self::ClockOutOfRange { .. } => None,
        }
    }
}
