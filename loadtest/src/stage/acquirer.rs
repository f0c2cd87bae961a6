//! The acquirer host as a process of its own: the witness that no crash of the gateway touches.

use crate::failure::{Failure, Result};
use crate::stage::Child;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A host that accepts.
#[derive(Debug)]
pub struct AcquirerHost {
    pub child: Child,
    pub address: SocketAddr,
    pub book: PathBuf,
}

impl AcquirerHost {
    /// Starts this same program as a host, with a book in `dir` that is continued if it is there. `faults` is TOML, as
    /// `loadtest acquirer --faults` reads it.
    ///
    /// # Errors
    /// It does not come up within ten seconds.
    pub fn start(dir: &Path, faults: Option<&str>, listen: Option<SocketAddr>) -> Result<Self> {
        Self::speaking(&[], (dir, faults), listen)
    }

    /// As [`AcquirerHost::start`], with more arguments: of another protocol.
    ///
    /// # Errors
    /// It does not come up within ten seconds.
    pub fn speaking(
        protocol: &[OsString],
        (dir, faults): (&Path, Option<&str>),
        listen: Option<SocketAddr>,
    ) -> Result<Self> {
        let program =
            std::env::current_exe().map_err(|error| Failure::failed(format!("finding myself: {error}")))?;
        let (book, ready) = (dir.join("book.jsonl"), dir.join("acquirer.ready"));
        let _absent = std::fs::remove_file(&ready);
        let listen = listen.map_or_else(|| "127.0.0.1:0".to_owned(), |address| address.to_string());
        let mut arguments: Vec<OsString> = vec!["acquirer".into(), "--listen".into(), listen.into()];
        arguments.extend(["--book".into(), book.clone().into(), "--ready-file".into(), ready.clone().into()]);
        arguments.push("--until-stdin-ends".into());
        arguments.extend_from_slice(protocol);
        if let Some(text) = faults {
            let path = dir.join("faults.toml");
            std::fs::write(&path, text).map_err(|error| Failure::file("writing", &path, &error))?;
            arguments.extend(["--faults".into(), path.into()]);
        }
        let arguments: Vec<_> = arguments.iter().map(OsString::as_os_str).collect();
        let mut child = Child::start("the acquirer host", &program, &arguments, &dir.join("acquirer.log"))?;
        let address = child.wait_until(Duration::from_secs(10), || {
            std::fs::read_to_string(&ready).ok()?.strip_suffix('\n')?.parse().ok()
        })?;
        Ok(Self { child, address, book })
    }
}
