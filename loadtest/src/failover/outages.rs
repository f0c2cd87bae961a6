//! Killing a host, and starting it again on the same address and book, until told to stop.

use crate::failure::Result;
use crate::stage::AcquirerHost;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One absence of the host, milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    pub from_ms: i64,
    pub until_ms: i64,
}

/// A host that dies again and again.
#[derive(Debug)]
pub struct Victim {
    host: AcquirerHost,
    address: SocketAddr,
    dir: PathBuf,
    faults: String,
}

/// Now, in milliseconds since the epoch, as books have it.
#[allow(
    clippy::disallowed_methods,
    reason = "compared with the books, which another process writes by its clock"
)]
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Victim {
    /// Starts it, with a book in `dir`.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start(dir: &Path, faults: &str) -> Result<Self> {
        let host = AcquirerHost::start(dir, Some(faults), None)?;
        let address = host.address;
        Ok(Self { host, address, dir: dir.to_owned(), faults: faults.to_owned() })
    }

    /// Where it listens, always.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its book.
    pub fn book(&self) -> &Path {
        &self.host.book
    }

    /// Kills it after `up`, starts it again after `down`, and so on until `stop` is hung up; it is up then.
    ///
    /// # Errors
    /// It does not come back.
    pub fn suffer(&mut self, (up, down): (Duration, Duration), stop: &Receiver<()>) -> Result<Vec<Outage>> {
        let mut outages = Vec::new();
        while stop.recv_timeout(up) == Err(RecvTimeoutError::Timeout) {
            let from_ms = now_ms();
            self.host.child.kill();
            std::thread::sleep(down);
            self.host = AcquirerHost::start(&self.dir, Some(&self.faults), Some(self.address))?;
            outages.push(Outage { from_ms, until_ms: now_ms() });
        }
        Ok(outages)
    }
}
