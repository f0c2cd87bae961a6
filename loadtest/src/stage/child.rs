//! A process that this one has started, and ends.

use crate::failure::{Failure, Result};
use crate::stage::interrupt::{self, Undone};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How many of a log's last lines are shown when its process fails.
const LAST_LINES: usize = 15;

/// A child process. Dropping it kills it.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    /// For messages: `the gateway`.
    name: String,
    log: PathBuf,
    /// Until it has been waited for: its number may be another's afterwards.
    interrupted: Option<Undone>,
}

impl Child {
    /// Starts a program. What it prints goes to `log`; its standard input is a pipe that ends with this process.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(name: &str, program: &Path, arguments: &[&OsStr], log: &Path) -> Result<Self> {
        Self::start_with(&[], name, (program, arguments), log)
    }

    /// The same with some variables set in its environment.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start_with(
        environment: &[(&str, &str)],
        name: &str,
        (program, arguments): (&Path, &[&OsStr]),
        log: &Path,
    ) -> Result<Self> {
        let open = || File::options().create(true).append(true).open(log);
        let failed = |error| Failure::file("writing the log", log, &error);
        let (out, err) = (open().map_err(failed)?, open().map_err(failed)?);
        let mut command = Command::new(program);
        // The run's own configuration counts, not what is set around it.
        let foreign = std::env::vars_os()
            .map(|(name, _)| name)
            .filter(|name| name.to_string_lossy().starts_with("TOLLGATE_"));
        foreign.for_each(|name| {
            command.env_remove(name);
        });
        command.args(arguments).envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(out).stderr(err);
        let mut register = interrupt::register();
        let process =
            command.spawn().map_err(|error| Failure::file(&format!("starting {name}"), program, &error))?;
        let id = process.id();
        let interrupted = Some(register.undo(move || send(id, Signal::KILL)));
        drop(register);
        Ok(Self { process, name: name.to_owned(), log: log.to_owned(), interrupted })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its exit status, if it has ended.
    ///
    /// # Errors
    /// The system can't tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.process.try_wait();
        if matches!(status, Ok(Some(_))) {
            self.interrupted = None;
        }
        status.map_err(|error| Failure::failed(format!("waiting for {}: {error}", self.name)))
    }

    /// Waits until `ready` finds what it looks for.
    ///
    /// # Errors
    /// The process ended before, or the time is up; the last lines of its log are shown.
    pub fn wait_until<T>(&mut self, within: Duration, mut ready: impl FnMut() -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(found) = ready() {
                return Ok(found);
            }
            if let Some(status) = self.ended()? {
                return Err(Failure::failed(format!(
                    "{} ended with {status}:\n{}",
                    self.name,
                    self.last_lines()
                )));
            }
            if Instant::now() >= deadline {
                let text = format!(
                    "{} was not ready within {} s:\n{}",
                    self.name,
                    within.as_secs(),
                    self.last_lines()
                );
                return Err(Failure::failed(text));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The end of what it has printed.
    pub fn last_lines(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].iter().map(|line| format!("    {line}\n")).collect()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        send(self.process.id(), signal);
    }

    /// Ends it at once, as a loss of power would.
    pub fn kill(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
        self.interrupted = None;
    }

    /// Asks it to end, and waits.
    ///
    /// # Errors
    /// It did not end in time (it was killed then), or ended with an error.
    pub fn stop(&mut self, within: Duration) -> Result<()> {
        self.signal(Signal::TERM);
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            if let Some(status) = self.ended()? {
                let fine = status.success();
                let text = || format!("{} ended with {status}:\n{}", self.name, self.last_lines());
                return if fine { Ok(()) } else { Err(Failure::failed(text())) };
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill();
        Err(Failure::failed(format!(
            "{} did not end within {} s of SIGTERM; it was killed",
            self.name,
            within.as_secs()
        )))
    }
}

/// Sends a signal to a process that this one has started.
pub fn send(id: u32, signal: Signal) {
    if let Ok(id) = i32::try_from(id)
        && let Some(pid) = Pid::from_raw(id)
    {
        let _gone = kill_process(pid, signal);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
