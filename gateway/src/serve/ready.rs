//! Saying that the gateway is ready: a file for programs, and lines to paste for people.

use crate::config::{Config, Profile};
use serde::Serialize;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where the gateway is, and how to talk to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ready {
    /// `https://localhost:PORT`.
    pub api: String,
    /// `http://127.0.0.1:PORT`.
    pub admin: String,
    /// A PEM file of the authority to trust, absolute.
    pub ca: PathBuf,
    /// The development merchant's key; null in production.
    pub secret_key: Option<String>,
    pub pid: u32,
}

impl Ready {
    pub(super) fn new(config: &Config, (api, admin): (u16, u16), ca: PathBuf) -> Self {
        let host = match config.admin.listen.rsplit_once(':') {
            Some(("localhost" | "0.0.0.0" | "[::]", _)) | None => "127.0.0.1",
            Some((host, _)) => host,
        };
        let (api, admin) = (format!("https://localhost:{api}"), format!("http://{host}:{admin}"));
        Self { api, admin, ca, secret_key: None, pid: std::process::id() }
    }

    pub(super) fn with_key(mut self, key: Option<String>) -> Self {
        self.secret_key = key;
        self
    }

    /// Tells people in development, and writes the file, if one is wanted.
    pub(super) fn announce(&self, config: &Config) -> Result<(), String> {
        tracing::info!(api = self.api, admin = self.admin, pid = self.pid, "ready");
        if config.profile == Profile::Development {
            // Nobody may be reading; that is no reason to stop.
            let _ = io::stdout().write_all(self.quickstart().as_bytes());
        }
        // Last: whoever waits for the file finds everything else said.
        if let Some(path) = &config.ready_file {
            self.write(path)
                .map_err(|error| format!("cannot write the ready file {}: {error}", path.display()))?;
        }
        Ok(())
    }

    /// Replaces the file as a whole: a reader finds the old one or the new one. Only the owner may read it.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        name.push(format!(".{}", self.pid));
        let beside = path.with_file_name(name);
        // Left by a process that died and had our number.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(&text)?;
        fs::rename(&beside, path)
    }

    /// What a newcomer pastes.
    pub fn quickstart(&self) -> String {
        let (api, admin, ca) = (&self.api, &self.admin, self.ca.display());
        let version = env!("CARGO_PKG_VERSION");
        let key = self.secret_key.as_deref().unwrap_or("YOUR_SECRET_KEY");
        format!(
            "\nTollgate {version} is ready.\n\n\
             \x20 API    {api}   (trust {ca})\n\
             \x20 Admin  {admin}   (/metrics, /readyz)\n\
             \x20 Key    {key}\n\n\
             A first payment, authorized; capture it by POST {api}/v1/payment_intents/ID/capture:\n\n\
             \x20 curl --cacert '{ca}' {api}/v1/payment_intents -u {key}: \\\n\
             \x20   -d amount=1999 -d currency=usd -d payment_method=pm_card_visa \\\n\
             \x20   -d capture_method=manual -d confirm=true\n\n"
        )
    }
}
