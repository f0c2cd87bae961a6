//! What must be undone when a run is interrupted: processes that were started are ended, temporary directories removed.
//!
//! A signal ends a process without running destructors, so whatever must not stay behind is also written down here.

use std::process::exit;
use std::sync::{Mutex, MutexGuard, Once};
use tokio::signal::unix::{SignalKind, signal};

type Undo = Box<dyn FnOnce() + Send>;

/// What is to be undone, each under its number, in the order in which it was done.
static DONE: Mutex<(u64, Vec<(u64, Undo)>)> = Mutex::new((0, Vec::new()));
static WATCHED: Once = Once::new();

fn done() -> MutexGuard<'static, (u64, Vec<(u64, Undo)>)> {
    DONE.lock().expect("nothing panics while it holds this lock")
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
            let at = done.1.iter().position(|(of, _)| *of == number);
            at.map(|at| done.1.remove(at))
        };
    }
}

/// Has `undo` called if SIGINT or SIGTERM comes, which then end this process with 128 and their number.
pub fn undo(undo: impl FnOnce() + Send + 'static) -> Undone {
    WATCHED.call_once(|| {
        // Without a thread for it, an interruption ends the process as it would have anyway.
        let _no_thread = std::thread::Builder::new().name("interrupt".to_owned()).spawn(watch);
    });
    let mut done = done();
    done.0 += 1;
    let number = done.0;
    done.1.push((number, Box::new(undo)));
    Undone(number)
}

fn watch() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let number = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).ok()?;
        let mut terminate = signal(SignalKind::terminate()).ok()?;
        Some(tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
        })
    });
    let Some(number) = number else { return };
    // The lock stays taken: nobody starts anything new, or tells of a process that has ended by now.
    let mut done = done();
    for (_, undo) in done.1.drain(..).rev() {
        undo();
    }
    eprintln!("loadtest: interrupted; nothing was left running");
    exit(128 + number)
}
