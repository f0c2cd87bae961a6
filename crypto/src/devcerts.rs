//! Certificates for development: an authority and a leaf for `localhost`, made at first start and renewed in time.
//!
//! The authority's key is thrown away as soon as it has signed the one leaf. So whoever trusts `ca.pem` trusts
//! exactly one certificate: there is no key left to steal that could make another. The price is that a renewed leaf
//! comes with a new authority.

use crate::files::{self, Lock};
use crate::tls::{Identity, IdentityPaths, TlsError};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use std::io;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// What the leaf is valid for.
pub const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

const DAY_S: i64 = 24 * 60 * 60;
/// A clock that is behind by less than this accepts a certificate that was made just now.
const BACKDATED_S: i64 = DAY_S;
/// 397 days in all is what clients accept of a leaf at most.
const LIFETIME_S: i64 = 397 * DAY_S - BACKDATED_S - 1;
/// A leaf with less than this left is replaced.
const RENEW_BEFORE_S: u64 = 30 * 24 * 60 * 60;

/// Mode of what clients read: the owner writes, all read.
const PUBLIC: u32 = 0o644;

/// Where the development certificates are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevCerts {
    /// The authority that clients are told to trust (mode 0644).
    pub ca_pem_path: PathBuf,
    /// The leaf (mode 0644).
    pub cert_path: PathBuf,
    /// The leaf's key (mode 0600).
    pub key_path: PathBuf,
}

impl DevCerts {
    fn of(dir: &Path) -> Self {
        Self {
            ca_pem_path: dir.join("ca.pem"),
            cert_path: dir.join("localhost.pem"),
            key_path: dir.join("localhost.key"),
        }
    }

    /// The leaf and its key, ready to serve.
    ///
    /// # Errors
    /// [`TlsError`] if a file can't be read.
    pub fn identity(&self) -> Result<Identity, TlsError> {
        Identity::read(&IdentityPaths { chain: &self.cert_path, key: &self.key_path })
    }

    /// Whether a client that trusts the authority accepts the leaf under each of its names, now and until it would
    /// be renewed.
    fn serve_until(&self, now: u64, later: u64) -> Result<(), TlsError> {
        let identity = self.identity()?;
        let (ca, _) = read(&self.ca_pem_path)?;
        for name in NAMES {
            identity.verify(&ca, name, now)?;
            identity.verify(&ca, name, later)?;
        }
        Ok(())
    }

    /// Whether the key is as private as it was made.
    fn key_is_private(&self) -> bool {
        read(&self.key_path).is_ok_and(|(_, mode)| mode & !files::PRIVATE == 0)
    }
}

/// Finds the certificates of `dir`, or makes all of them anew at `now` (unix seconds) if one is missing, damaged, of
/// another set, readable where it should not be, or within 30 days of its end.
///
/// Safe when several processes start at once: they take turns, and the second finds what the first has made. A
/// process that is killed half way leaves a set that does not fit together, which the next start replaces.
///
/// # Errors
/// [`TlsError`] if the directory can't be written, or its lock is held for 10 s.
pub fn ensure_dev_certs(dir: &Path, now: u64) -> Result<DevCerts, TlsError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| TlsError::Io { path, source }
    };
    let certs = DevCerts::of(dir);
    let good =
        || certs.key_is_private() && certs.serve_until(now, now.saturating_add(RENEW_BEFORE_S)).is_ok();
    // A set that fits together needs no lock, so a directory that can't be written serves too.
    if good() {
        return Ok(certs);
    }
    files::make_directory(dir).map_err(failed(dir))?;
    let lock_path = dir.join(".lock");
    let _lock = Lock::acquire(&lock_path).map_err(failed(&lock_path))?;
    if good() {
        return Ok(certs);
    }
    let made = generate(now)?;
    for (path, text, mode) in [
        (&certs.key_path, made.key.as_str(), files::PRIVATE),
        (&certs.cert_path, made.leaf.as_str(), PUBLIC),
        (&certs.ca_pem_path, made.ca.as_str(), PUBLIC),
    ] {
        files::replace(path, text.as_bytes(), mode).map_err(failed(path))?;
    }
    Ok(certs)
}

fn read(path: &Path) -> Result<(Zeroizing<Vec<u8>>, u32), TlsError> {
    const LONGEST: u64 = 1 << 20;
    files::read_bounded(path, LONGEST).map_err(|source| TlsError::Io { path: path.to_owned(), source })
}

/// PEM texts of one set.
struct Generated {
    ca: String,
    leaf: String,
    key: Zeroizing<String>,
}

fn generate(now: u64) -> Result<Generated, TlsError> {
    let new_key = || KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(TlsError::Generation);
    let (ca_key, leaf_key) = (new_key()?, new_key()?);
    let ca_params = ca_params(now)?;
    let ca = ca_params.self_signed(&ca_key).map_err(TlsError::Generation)?;
    let issuer = Issuer::from_params(&ca_params, &ca_key);
    let leaf = leaf_params(now)?.signed_by(&leaf_key, &issuer).map_err(TlsError::Generation)?;
    Ok(Generated { ca: ca.pem(), leaf: leaf.pem(), key: Zeroizing::new(leaf_key.serialize_pem()) })
}

/// As strict verifiers want an authority: critical basic constraints and key usage, a subject key identifier. It
/// lives as long as its only leaf.
fn ca_params(now: u64) -> Result<CertificateParams, TlsError> {
    // The moment in the name keeps a renewed authority apart from its predecessor in a trust store.
    let mut params = params(now, &format!("Tollgate development CA {now}"))?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// As strict verifiers want a server: an authority key identifier, key usages, its names as alternative names.
fn leaf_params(now: u64) -> Result<CertificateParams, TlsError> {
    let names = CertificateParams::new(NAMES.map(str::to_owned)).map_err(TlsError::Generation)?;
    let mut params = params(now, "localhost")?;
    params.subject_alt_names = names.subject_alt_names;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn params(now: u64, common_name: &str) -> Result<CertificateParams, TlsError> {
    let at = |offset: i64| {
        let seconds = i64::try_from(now).ok()?.checked_add(offset)?;
        OffsetDateTime::from_unix_timestamp(seconds).ok()
    };
    let mut params = CertificateParams::default();
    params.not_before = at(-BACKDATED_S).ok_or(TlsError::ClockOutOfRange { now })?;
    params.not_after = at(LIFETIME_S).ok_or(TlsError::ClockOutOfRange { now })?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    Ok(params)
}
