//! Between the writer and the observer: batches go straight through, but for the time in which the observer writes down its state for a
//! checkpoint. That can take long, and must be of exactly the checkpoint's position; so what commits meanwhile is kept back, and told
//! when it is done. The writer does not wait.

use gateway_core::journal::{Batch, Observer};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Batches that are kept back, at most. Then the writer does wait.
const KEPT_BACK: usize = 32_768;

/// Batches with their positions.
type Batches = VecDeque<(u64, Batch)>;

/// The way to an observer.
pub(crate) struct Relay {
    observer: Arc<dyn Observer>,
    /// What is kept back, while anything is.
    kept_back: Mutex<Option<Batches>>,
    changed: Condvar,
}

const HELD: &str = "nothing panics while it holds this lock";

impl Relay {
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Self {
        Self { observer, kept_back: Mutex::new(None), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Batches>> {
        self.kept_back.lock().expect(HELD)
    }

    /// A batch became durable.
    pub(crate) fn committed(&self, position: u64, batch: &Batch) {
        let full =
            |kept_back: &mut Option<Batches>| kept_back.as_ref().is_some_and(|it| it.len() >= KEPT_BACK);
        let mut kept_back = self.changed.wait_while(self.lock(), full).expect(HELD);
        match &mut *kept_back {
            Some(batches) => batches.push_back((position, batch.clone())),
            None => {
                drop(kept_back);
                self.observer.committed(position, batch);
            }
        }
    }

    /// Draws the line for a snapshot: what commits from now on is kept back until [`Relay::snapshot`] was taken.
    pub(crate) fn hold(&self) {
        let mut kept_back = self.changed.wait_while(self.lock(), |it| it.is_some()).expect(HELD);
        *kept_back = Some(VecDeque::new());
    }

    /// The observer's state at the line; then tells it what was kept back.
    pub(crate) fn snapshot(&self) -> Vec<u8> {
        let _however_it_ends = Release(self);
        let snapshot = self.observer.snapshot();
        while let Some(batches) = self.next() {
            for (position, batch) in batches {
                self.observer.committed(position, &batch);
            }
        }
        snapshot
    }

    /// What was kept back so far; if nothing was, nothing is from now on.
    fn next(&self) -> Option<Batches> {
        let mut kept_back = self.lock();
        let batches = kept_back.as_mut().map(std::mem::take).filter(|batches| !batches.is_empty());
        if batches.is_none() {
            *kept_back = None;
        }
        self.changed.notify_all();
        batches
    }
}

/// Lets the writer go on, also when the observer panicked: the store stops then, and must be able to.
struct Release<'a>(&'a Relay);

impl Drop for Release<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            *self.0.lock() = None;
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_core::journal::Urgency;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    /// Takes its snapshot when it is told to, and notes everything in order.
    struct Slow {
        noted: Mutex<Vec<u64>>,
        begun: Sender<()>,
        go_on: Mutex<Receiver<()>>,
    }

    impl Observer for Slow {
        fn restore(&self, _snapshot: Option<&[u8]>) -> bool {
            true
        }

        fn committed(&self, position: u64, _batch: &Batch) {
            self.noted.lock().expect(HELD).push(position);
        }

        fn snapshot(&self) -> Vec<u8> {
            let noted = self.noted.lock().expect(HELD).len();
            self.begun.send(()).expect("the test listens");
            self.go_on.lock().expect(HELD).recv().expect("the test lets it go on");
            vec![u8::try_from(noted).expect("few")]
        }
    }

    #[test]
    fn commits_do_not_wait_for_a_snapshot_and_it_holds_none_of_them() {
        let ((begun, has_begun), (tell, go_on)) = (channel(), channel());
        let slow = Arc::new(Slow { noted: Mutex::default(), begun, go_on: Mutex::new(go_on) });
        let relay = Relay::new(Arc::clone(&slow) as Arc<dyn Observer>);
        let batch = Batch::new(Urgency::Outcome);
        (1..=3).for_each(|position| relay.committed(position, &batch));
        relay.hold();
        relay.committed(4, &batch);
        std::thread::scope(|scope| {
            let snapshot = scope.spawn(|| relay.snapshot());
            has_begun.recv_timeout(Duration::from_secs(5)).expect("it begins");
            (5..=9).for_each(|position| relay.committed(position, &batch));
            assert_eq!(slow.noted.lock().expect(HELD).len(), 3, "kept back, and not waited for");
            tell.send(()).expect("it waits");
            assert_eq!(snapshot.join().expect("it ends"), [3], "of the line");
        });
        relay.committed(10, &batch);
        assert_eq!(*slow.noted.lock().expect(HELD), (1..=10).collect::<Vec<_>>());
        // The next line waits for nobody.
        relay.hold();
        tell.send(()).expect("it will wait");
        assert_eq!(relay.snapshot(), [10]);
    }
}
