//! Where a run's own processes and files are.

use crate::failure::{Failure, Result};
use crate::stage::interrupt::{self, Undone};
use crate::stage::{AcquirerHost, AcquirerKind, Config, Install};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Options of every command that starts a gateway.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// The gateway's binary; the one beside this program if not given.
    #[arg(long, value_name = "PATH", env = "LOADTEST_GATEWAY")]
    gateway: Option<PathBuf>,
    /// Keep store, configuration, certificates and logs in this directory, which must be empty or absent. They go to a
    /// temporary one otherwise, which is removed. The store lies on this directory's disk: measure where you will run.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// A directory of a run; a temporary one goes with it.
pub struct Room {
    _temporary: Option<(TempDir, Undone)>,
    pub path: PathBuf,
}

impl Place {
    /// Finds the binary and makes the directory.
    ///
    /// # Errors
    /// There is no binary, or the directory is in use.
    pub fn settle(&self) -> Result<(Install, Room)> {
        let room = room(self.dir.as_deref())?;
        let install = Install::find(self.gateway.as_deref(), &room.path)?;
        Ok((install, room))
    }
}

/// A directory that was empty, or a temporary one.
///
/// # Errors
/// It is not empty, or can't be made.
pub fn room(dir: Option<&Path>) -> Result<Room> {
    let Some(path) = dir else {
        let temporary = tempfile::Builder::new()
            .prefix("loadtest-")
            .tempdir()
            .map_err(|error| Failure::file("making a directory in", &std::env::temp_dir(), &error))?;
        let path = temporary.path().to_owned();
        let of_interruption = path.clone();
        // What can't be removed is left to the system, which clears its directory of temporary files.
        let undone = interrupt::undo(move || {
            // A process that is ending may still put something in.
            for again in 0..20 {
                std::thread::sleep(Duration::from_millis(10 * again));
                if std::fs::remove_dir_all(&of_interruption).is_ok() {
                    return;
                }
            }
        });
        return Ok(Room { _temporary: Some((temporary, undone)), path });
    };
    std::fs::create_dir_all(path).map_err(|error| Failure::file("making", path, &error))?;
    let mut entries = std::fs::read_dir(path).map_err(|error| Failure::file("reading", path, &error))?;
    if entries.next().is_some() {
        return Err(Failure::usage(format!("{} is not empty: name a new directory", path.display())));
    }
    let path = path.canonicalize().map_err(|error| Failure::file("finding", path, &error))?;
    Ok(Room { _temporary: None, path })
}

/// Who takes the payments of a gateway that is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Beside {
    /// An ISO 8583 host in another process, which keeps a book.
    Host,
    /// The simulated acquirer in the gateway's own process; no book.
    InProcess,
}

impl Beside {
    /// The configuration of a gateway, and the host that it names if there is one.
    ///
    /// # Errors
    /// The host does not come up.
    pub fn beside(self, dir: &Path) -> Result<(Config, Option<AcquirerHost>)> {
        let mut config = Config::in_process();
        if self == Self::InProcess {
            return Ok((config, None));
        }
        let host = AcquirerHost::start(dir, None, None)?;
        let address = host.address;
        config.acquirer =
            AcquirerKind::Host { address, connections: 2, window: 4_096, response_timeout_ms: 10_000 };
        Ok((config, Some(host)))
    }
}
