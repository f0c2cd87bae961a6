//! Where the server's certificate comes from: made for development, read from files in production.

use crate::config::{Config, Profile};
use crypto::tls::{Identity, IdentityPaths, TlsError};
use std::path::{Path, PathBuf};

/// What is served, and what clients are told to trust.
#[derive(Debug)]
pub struct Certificates {
    pub identity: Identity,
    /// A PEM file for clients, as an absolute path.
    pub ca: PathBuf,
}

impl Certificates {
    /// Finds the certificates of the configuration's directory at `now` (unix seconds). Development makes them where they
    /// are missing or about to end; production wants `tls.crt` and `tls.key`, and gives clients `ca.crt`, or `tls.crt`
    /// where there is none.
    ///
    /// # Errors
    /// [`TlsError`], which names the file.
    pub fn find(config: &Config, now: u64) -> Result<Self, TlsError> {
        let directory = &config.certs;
        match config.profile {
            Profile::Development => {
                let made = crypto::devcerts::ensure_dev_certs(directory, now)?;
                Ok(Self { identity: made.identity()?, ca: absolute(&made.ca_pem_path) })
            }
            Profile::Production => {
                let chain = directory.join("tls.crt");
                let identity =
                    Identity::read(&IdentityPaths { chain: &chain, key: &directory.join("tls.key") })?;
                let ca = directory.join("ca.crt");
                Ok(Self { identity, ca: absolute(if ca.exists() { &ca } else { &chain }) })
            }
        }
    }

    /// Whole days from `now` (unix seconds) to the end of the certificate; negative if it has ended.
    pub fn days_left(&self, now: u64) -> i64 {
        const DAY_S: i64 = 24 * 60 * 60;
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        self.identity.not_after().saturating_sub(now).div_euclid(DAY_S)
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
