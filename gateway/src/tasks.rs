//! The one place that spawns: every task is counted, and can be waited for.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

#[derive(Default)]
struct Shared {
    running: AtomicUsize,
    ended: Notify,
}

/// Tracks the tasks of the flows.
#[derive(Default, Clone)]
pub struct Tasks {
    shared: Arc<Shared>,
}

struct Counted(Arc<Shared>);

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.ended.notify_waiters();
        }
    }
}

impl Tasks {
    /// Runs `work` in a task of its own: it ends when it ends, whoever waits for it.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.shared.running.fetch_add(1, Ordering::AcqRel);
        let counted = Counted(Arc::clone(&self.shared));
        tokio::spawn(async move {
            let _counted = counted;
            work.await
        })
    }

    /// How many run.
    pub fn running(&self) -> usize {
        self.shared.running.load(Ordering::Acquire)
    }

    /// Waits until none runs, at most `limit`; whether none runs then.
    pub async fn wait(&self, limit: Duration) -> bool {
        let idle = async {
            loop {
                let ended = self.shared.ended.notified();
                if self.running() == 0 {
                    return;
                }
                ended.await;
            }
        };
        tokio::time::timeout(limit, idle).await.is_ok()
    }
}
