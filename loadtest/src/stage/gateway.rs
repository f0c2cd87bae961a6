//! A gateway of one's own: the binary, its directories, its life.

use crate::failure::{Failure, Result};
use crate::mix::Merchants;
use crate::mix::merchants::Merchant;
use crate::stage::child::{Child, send};
use crate::stage::interrupt::{self, Undone};
use crate::stage::{Admin, Config};
use rustix::process::Signal;
use serde::Deserialize;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a start may take.
const STARTING: Duration = Duration::from_secs(60);
/// How long a drain may take.
const STOPPING: Duration = Duration::from_secs(60);
/// Merchants of a load.
pub const MERCHANTS: usize = 128;

/// What the gateway writes when it accepts.
#[derive(Debug, Clone, Deserialize)]
pub struct Ready {
    /// `https://localhost:PORT`
    pub api: String,
    /// `http://127.0.0.1:PORT`
    pub admin: String,
    pub ca: PathBuf,
    pub secret_key: String,
    pub pid: u32,
}

/// Where a gateway is installed for a run: the binary and what it reads and writes.
#[derive(Debug, Clone)]
pub struct Install {
    pub binary: PathBuf,
    pub dir: PathBuf,
}

impl Install {
    /// The binary that was given, or the one beside this program; files go below `dir`.
    ///
    /// # Errors
    /// There is no such binary.
    pub fn find(given: Option<&Path>, dir: &Path) -> Result<Self> {
        let binary = match given {
            Some(path) => path.to_owned(),
            None => std::env::current_exe()
                .map_err(|error| Failure::failed(format!("finding myself: {error}")))?
                .with_file_name("gateway"),
        };
        if !binary.is_file() {
            return Err(Failure::usage(format!(
                "there is no gateway at {}: build it with `cargo build --release -p gateway`, or give --gateway PATH",
                binary.display()
            )));
        }
        Ok(Self { binary, dir: dir.to_owned() })
    }

    /// State of the store.
    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// The certificates that the gateway makes at its first start.
    pub fn certs(&self) -> PathBuf {
        self.dir.join("certs")
    }

    /// Writes the configuration; the next start reads it.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn configure(&self, config: &Config) -> Result<()> {
        let path = self.dir.join("gateway.toml");
        std::fs::write(&path, config.text()).map_err(|error| Failure::file("writing", &path, &error))
    }

    /// Starts the gateway and waits until it accepts. `listen` is `127.0.0.1:0`, or where it was before.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start(&self, start: &Start<'_>) -> Result<Gateway> {
        let began = Instant::now();
        let ready_file = self.dir.join("ready.json");
        let _absent = std::fs::remove_file(&ready_file);
        let mut line: Vec<OsString> = start.wrapper.iter().map(OsString::from).collect();
        line.push(self.binary.clone().into());
        line.extend(["serve".into(), "--config".into(), self.dir.join("gateway.toml").into()]);
        line.extend(["--listen".into(), start.listen.into(), "--admin".into(), "127.0.0.1:0".into()]);
        line.extend(["--data-dir".into(), self.data().into(), "--certs".into(), self.certs().into()]);
        line.extend(["--ready-file".into(), ready_file.clone().into()]);
        let program = PathBuf::from(line.remove(0));
        let arguments: Vec<&OsStr> = line.iter().map(OsString::as_os_str).collect();
        let mut child = Child::start("the gateway", &program, &arguments, &self.dir.join("gateway.log"))?;
        let ready: Ready = child.wait_until(STARTING, || {
            let text = std::fs::read(&ready_file).ok()?;
            serde_json::from_slice(&text).ok()
        })?;
        let starting = began.elapsed();
        // Under a wrapper the gateway is another process.
        let wrapped =
            (child.id() != ready.pid).then(|| interrupt::undo(move || send(ready.pid, Signal::KILL)));
        Ok(Gateway { install: self.clone(), child, ready, starting, wrapped })
    }

    /// Runs `gateway verify` on the stopped store and returns what it counted.
    ///
    /// # Errors
    /// It finds a breach, or this gateway has no `verify`.
    pub fn verify(&self, history: Option<&Path>) -> Result<serde_json::Value> {
        let mut command = Command::new(&self.binary);
        command.arg("verify").arg("--data-dir").arg(self.data()).arg("--json");
        if let Some(path) = history {
            command.arg("--history").arg(path);
        }
        let output = command
            .output()
            .map_err(|error| Failure::file("running gateway verify of", &self.binary, &error))?;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            return Err(Failure::failed(format!("gateway verify ended with {}:\n{out}{err}", output.status)));
        }
        serde_json::from_str(&out).map_err(|error| {
            Failure::failed(format!("gateway verify --json printed no JSON ({error}):\n{out}{err}"))
        })
    }
}

/// How a gateway is started.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// An address with a port; port 0 picks a free one.
    pub listen: &'a str,
    /// A program and its arguments to run the gateway under, such as strace.
    pub wrapper: &'a [String],
}

impl Default for Start<'_> {
    fn default() -> Self {
        Self { listen: "127.0.0.1:0", wrapper: &[] }
    }
}

/// A gateway that serves.
#[derive(Debug)]
pub struct Gateway {
    pub install: Install,
    pub child: Child,
    pub ready: Ready,
    /// From the start of the process to its ready file.
    pub starting: Duration,
    /// Of a gateway that is not the child itself, until it is killed or has ended with its wrapper.
    wrapped: Option<Undone>,
}

impl Gateway {
    /// The admin listener.
    ///
    /// # Errors
    /// The ready file names none.
    pub fn admin(&self) -> Result<Admin> {
        Admin::new(&self.ready.admin)
    }

    /// Makes the merchants of a load.
    ///
    /// # Errors
    /// The admin listener refuses.
    pub fn merchants(&self, skew: f64) -> Result<Merchants> {
        let admin = self.admin()?;
        let all: Vec<Merchant> =
            (0..MERCHANTS).map(|n| admin.merchant(&format!("Load {n}"))).collect::<Result<_>>()?;
        Merchants::new(all, skew)
    }

    /// Drains and ends it.
    ///
    /// # Errors
    /// It did not end well.
    pub fn stop(mut self) -> Result<Install> {
        self.child.stop(STOPPING)?;
        Ok(self.install)
    }

    /// Ends it as a loss of power would.
    pub fn kill(mut self) -> Install {
        if self.wrapped.take().is_some() {
            send(self.ready.pid, Signal::KILL);
        }
        self.child.kill();
        self.install
    }
}
