//! What must be undone when a run is interrupted: processes that were started are ended, temporary directories removed.
//!
//! A signal ends a process without running destructors, so whatever must not stay behind is also written down here.

use std::io::Write;
use std::process::exit;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use tokio::signal::unix::{SignalKind, signal};

type Undo = Box<dyn FnOnce() + Send>;

struct Done {
    /// How many have been written down so far.
    count: u64,
    /// What is to be undone, each under its number, in the order in which it was done.
    undos: Vec<(u64, Undo)>,
}

static DONE: Mutex<Done> = Mutex::new(Done { count: 0, undos: Vec::new() });
static WATCHED: Once = Once::new();

/// Whoever panicked while holding it left it whole: nothing is half written down.
fn done() -> MutexGuard<'static, Done> {
    DONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// While it lives, an interruption undoes what it stands for; its owner undoes it otherwise.
#[derive(Debug)]
pub struct Undone(u64);

impl Drop for Undone {
    fn drop(&mut self) {
        let number = self.0;
        // What it holds is dropped when the lock is free again: it may be of this kind itself.
        let _undo = {
            let mut done = done();
            let at = done.undos.iter().position(|(of, _)| *of == number);
            at.map(|at| done.undos.remove(at))
        };
    }
}

/// Where it is written down. An interruption waits until it is dropped: what is begun meanwhile is not forgotten.
pub struct Register(MutexGuard<'static, Done>);

/// The register; also begins to watch for interruptions.
pub fn register() -> Register {
    WATCHED.call_once(|| {
        // Without a thread for it, an interruption ends the process as it would have anyway.
        let _no_thread = std::thread::Builder::new().name("interrupt".to_owned()).spawn(watch);
    });
    Register(done())
}

impl Register {
    /// Has `undo` called if SIGINT, SIGTERM or SIGHUP comes, which then end this process with 128 and their number.
    pub fn undo(&mut self, undo: impl FnOnce() + Send + 'static) -> Undone {
        self.0.count += 1;
        let number = self.0.count;
        self.0.undos.push((number, Box::new(undo)));
        Undone(number)
    }
}

/// The same where nothing has to be begun under the lock.
pub fn undo(undo: impl FnOnce() + Send + 'static) -> Undone {
    register().undo(undo)
}

fn watch() {
    if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
        runtime.block_on(act_on_signals());
    }
}

/// Returns only if there is nothing to listen to.
async fn act_on_signals() {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(signal) else { return };
    let mut first = true;
    loop {
        let kind = tokio::select! {
            _ = interrupt.recv() => kinds[0],
            _ = terminate.recv() => kinds[1],
            _ = hangup.recv() => kinds[2],
        };
        let code = 128 + kind.as_raw_value();
        if !std::mem::take(&mut first) {
            // Whoever says it twice does not want to wait.
            exit(code);
        }
        let undoing = std::thread::Builder::new().name("undo".to_owned()).spawn(move || undo_all(code));
        if undoing.is_err() {
            exit(code);
        }
    }
}

/// The lock stays taken: nobody begins anything, or reports a process that ended by this.
fn undo_all(code: i32) {
    let mut done = done();
    for (_, undo) in done.undos.drain(..).rev() {
        undo();
    }
    // Whoever read this may be gone.
    let _unread = writeln!(std::io::stderr(), "loadtest: interrupted");
    exit(code)
}
