//! Where adapters' own tasks run: a port, so that a simulation tracks and aborts them.

use gateway_core::ports::BoxFuture;

/// Starts tasks that live beside the requests.
pub trait Tasks: Send + Sync {
    /// Runs `task` until it ends; `what` is for logs.
    fn spawn(&self, what: &'static str, task: BoxFuture<'static, ()>);
}

/// Tasks of the tokio runtime that is current when they are started.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioTasks;

impl Tasks for TokioTasks {
    #[allow(clippy::disallowed_methods, reason = "this is the one spawner that the rule sends everyone to")]
    fn spawn(&self, _what: &'static str, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }
}
