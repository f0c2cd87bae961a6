//! The one place that spawns: every task is counted, and can be waited for.

use gateway_core::ports::BoxFuture;
use std::future::Future;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinHandle};

#[derive(Default)]
struct Shared {
    running: AtomicUsize,
    ended: Notify,
}

/// Tracks the tasks of the flows.
#[derive(Default, Clone)]
pub struct Tasks {
    shared: Arc<Shared>,
    /// Every task that was ever started, where somebody may want to end them all at once.
    handles: Option<Arc<Mutex<Vec<AbortHandle>>>>,
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
    /// Tasks that can be ended all at once, as a process that is killed ends its own: for simulations. It remembers every
    /// task until then, which a process that lives long must not.
    pub fn mortal() -> Self {
        Self { shared: Arc::default(), handles: Some(Arc::default()) }
    }

    /// Counts tasks of its own, which nobody waits for when flows are waited for; they end with these.
    pub fn aside(&self) -> Self {
        Self { shared: Arc::default(), handles: self.handles.clone() }
    }

    /// How many tasks were started, if they can be ended.
    pub fn started(&self) -> usize {
        self.handles.as_ref().map_or(0, |handles| lock(handles).len())
    }

    /// Ends tasks by their places in the order of their start, each at the await where it stands.
    pub fn end(&self, places: Range<usize>) {
        let Some(handles) = &self.handles else { return };
        let ended: Vec<AbortHandle> =
            lock(handles).iter().skip(places.start).take(places.len()).cloned().collect();
        ended.iter().for_each(AbortHandle::abort);
    }

    /// Runs `work` in a task of its own: it ends when it ends, whoever waits for it.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.shared.running.fetch_add(1, Ordering::AcqRel);
        let counted = Counted(Arc::clone(&self.shared));
        let task = tokio::spawn(async move {
            let _counted = counted;
            work.await
        });
        if let Some(handles) = &self.handles {
            lock(handles).push(task.abort_handle());
        }
        task
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

fn lock(handles: &Mutex<Vec<AbortHandle>>) -> std::sync::MutexGuard<'_, Vec<AbortHandle>> {
    handles.lock().expect("no code panics while it holds this lock")
}

/// The tasks of adapters run where the flows' do.
impl gateway_acquirers::tasks::Tasks for Tasks {
    fn spawn(&self, _what: &'static str, task: BoxFuture<'static, ()>) {
        let _detached = Tasks::spawn(self, task);
    }
}
