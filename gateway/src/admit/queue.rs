//! The queue in front of the flows: what there is no processor for waits here, where it is seen, or is refused at once.
//!
//! A runtime serves its tasks in turn, so every request that has begun lengthens the way of all others: of answers that are
//! ready, of acquirers' words, of refusals. Therefore only a few requests begin at a time, each of them after whatever can run
//! has run once, and a slot is given back as soon as its request waits for something. What has begun is not held back again.
//!
//! Newcomers are refused when the queue would keep them longer than `limits.queue_ms`. By then somebody has to be refused, and
//! it helps everybody if it is soon: a client that is told at once asks again later, one that waits in vain asks anyway. Captures,
//! voids and refunds go first, and stay in the queue for four times as long: their money is held or was taken already. Nobody waits for
//! longer than that, also who was let in and then overtaken by them without end.

use gateway_core::journal::Urgency;
use gateway_core::ports::Clock;
use metrics::{Counter, Gauge};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;

/// Requests that may begin at a time, for each processor: enough that none of them runs dry between two looks at the queue.
const AT_ONCE: usize = 4;
/// Requests that wait, at most, however fast they are taken.
const MOST: usize = 16_384;
/// What follows up earlier work stays so many times as long.
const PATIENCE: u64 = 4;
/// What a request is thought to take before any has been seen, in nanoseconds.
const FIRST_GUESS_NS: u64 = 100_000;
/// A request is never thought to take less, in nanoseconds.
const LEAST_NS: u64 = 1_000;
/// A pause of the whole process is not how fast requests are taken: no interval counts for more than so many usual ones.
const OUTLIER: u64 = 8;
/// The newest interval counts for one part in so many.
const MEMORY: u64 = 64;
/// Nobody is refused before somebody has waited for this part of the longest wait: what only halted for a moment is not overloaded.
const STANDING: u64 = 4;

/// The queue of one process.
pub struct Admission {
    clock: Arc<dyn Clock>,
    at_once: usize,
    longest_ns: u64,
    queue: Mutex<Queue>,
    /// What [`Queue`] knows, to be read without its lock: whether any slot is out,
    busy: AtomicBool,
    /// and whether new work would wait for too long.
    overlong: AtomicBool,
    waiting: Gauge,
    refused: Counter,
}

#[derive(Default)]
struct Queue {
    out: usize,
    /// Captures, voids, refunds.
    first: VecDeque<oneshot::Sender<Slot>>,
    /// The rest, each with when it came.
    then: VecDeque<(u64, oneshot::Sender<Slot>)>,
    pace: Pace,
}

impl Queue {
    /// How long the next of them has waited.
    fn age_ns(&self, now_ns: u64) -> u64 {
        self.then.front().map_or(0, |(came_ns, _)| now_ns.saturating_sub(*came_ns))
    }
}

/// The time from one request that is taken out of the queue to the next, smoothed, in nanoseconds.
struct Pace {
    usual_ns: u64,
    /// When the last one was taken, if the queue has not been empty since.
    last_ns: Option<u64>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { usual_ns: FIRST_GUESS_NS, last_ns: None }
    }
}

impl Pace {
    fn taken(&mut self, now_ns: u64) {
        if let Some(last_ns) = self.last_ns {
            let interval = now_ns.saturating_sub(last_ns).min(self.usual_ns.saturating_mul(OUTLIER));
            self.usual_ns = (self.usual_ns - self.usual_ns / MEMORY + interval / MEMORY).max(LEAST_NS);
        }
        self.last_ns = Some(now_ns);
    }
}

/// What a newcomer finds.
enum Found {
    Free(Slot),
    /// A slot is free, but others have begun and still run.
    Company(Slot),
    Queued(oneshot::Receiver<Slot>),
    TooLong,
}

impl Admission {
    /// For so many processors, with this as the longest wait.
    pub fn new(clock: Arc<dyn Clock>, processors: usize, longest: Duration) -> Arc<Self> {
        Arc::new(Self {
            clock,
            at_once: processors.max(1) * AT_ONCE,
            longest_ns: u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX),
            queue: Mutex::default(),
            busy: AtomicBool::new(false),
            overlong: AtomicBool::new(false),
            waiting: metrics::gauge!("tollgate_requests_waiting"),
            refused: metrics::counter!("tollgate_requests_shed_total", "reason" => "queue"),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no code panics while it holds this lock")
    }

    /// Whether others begin just now.
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    /// Whether new work is refused; if so, this was one more.
    pub fn sheds(&self) -> bool {
        let sheds = self.overlong.load(Ordering::Relaxed);
        if sheds {
            self.refused.increment(1);
        }
        sheds
    }

    /// Whether so many before it would keep a newcomer for too long.
    fn is_overlong(&self, before: usize, pace: &Pace, patience: u64) -> bool {
        let wait_ns = (before as u64).saturating_mul(pace.usual_ns);
        wait_ns > self.longest_ns.saturating_mul(patience)
    }

    /// Whether new work is refused now.
    fn refuses_new(&self, queue: &Queue, now_ns: u64) -> bool {
        let before = queue.first.len() + queue.then.len();
        let stands = queue.age_ns(now_ns) >= self.longest_ns / STANDING;
        before >= MOST || (stands && self.is_overlong(before, &queue.pace, 1))
    }

    /// Shows what the queue has become.
    fn show(&self, queue: &Queue, now_ns: u64) {
        self.busy.store(queue.out > 0, Ordering::Relaxed);
        self.overlong.store(self.refuses_new(queue, now_ns), Ordering::Relaxed);
    }

    /// Waits for a slot; `None` if that would take too long.
    pub async fn enter(self: &Arc<Self>, urgency: Urgency) -> Option<Slot> {
        let slot = match self.look(urgency) {
            Found::Free(slot) => return Some(slot),
            Found::Company(slot) => slot,
            Found::Queued(told) => self.turn(told).await?,
            Found::TooLong => return self.refuse(),
        };
        // After all that can run now, and a look at the network.
        tokio::task::yield_now().await;
        Some(slot)
    }

    /// Waits for what the queue will hand over, as long as anybody may wait.
    async fn turn(&self, told: oneshot::Receiver<Slot>) -> Option<Slot> {
        let deadline = Duration::from_nanos(self.longest_ns.saturating_mul(PATIENCE));
        match tokio::time::timeout(deadline, told).await {
            // Nobody drops the other end without sending: slots are passed on until the queue is empty.
            Ok(handed) => handed.ok(),
            Err(_too_long) => self.refuse(),
        }
    }

    fn refuse(&self) -> Option<Slot> {
        self.refused.increment(1);
        None
    }

    fn look(self: &Arc<Self>, urgency: Urgency) -> Found {
        let mut queue = self.lock();
        if queue.out < self.at_once {
            queue.out += 1;
            self.show(&queue, 0);
            let slot = Slot(Some(Arc::clone(self)));
            return if queue.out == 1 { Found::Free(slot) } else { Found::Company(slot) };
        }
        let now_ns = self.clock.monotonic_ns();
        let is_new = urgency == Urgency::New;
        let followers = queue.first.len();
        let refused = match is_new {
            true => self.refuses_new(&queue, now_ns),
            false => followers >= MOST || self.is_overlong(followers, &queue.pace, PATIENCE),
        };
        if refused {
            return Found::TooLong;
        }
        let (tell, told) = oneshot::channel();
        match is_new {
            true => queue.then.push_back((now_ns, tell)),
            false => queue.first.push_back(tell),
        }
        self.show(&queue, now_ns);
        self.waiting.increment(1);
        Found::Queued(told)
    }

    /// Takes out the next; where there is none, a slot comes home. Whoever is taken for the same slot as the one before says nothing of
    /// how fast slots come.
    fn next(&self, same_slot: bool) -> Option<oneshot::Sender<Slot>> {
        let now_ns = self.clock.monotonic_ns();
        let mut queue = self.lock();
        let first = queue.first.pop_front();
        let next = first.or_else(|| queue.then.pop_front().map(|(_, tell)| tell));
        match next {
            Some(_) if same_slot => {}
            Some(_) => queue.pace.taken(now_ns),
            None => {
                queue.out -= 1;
                queue.pace.last_ns = None;
            }
        }
        self.show(&queue, now_ns);
        next
    }

    /// Hands a slot to the next who still waits for one.
    fn pass_on(self: Arc<Self>) {
        let mut same_slot = false;
        while let Some(next) = self.next(same_slot) {
            same_slot = true;
            self.waiting.decrement(1);
            match next.send(Slot(Some(Arc::clone(&self)))) {
                Ok(()) => return,
                // Whoever waited has left. Dropped as it is, the slot would come back here, one call deeper.
                Err(mut unwanted) => drop(unwanted.0.take()),
            }
        }
    }
}

/// The right to begin. Dropped, it goes to the next.
pub struct Slot(Option<Arc<Admission>>);

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(admission) = self.0.take() {
            admission.pass_on();
        }
    }
}

/// Work that holds a slot until it first waits, or ends.
pub struct Beginning<F> {
    work: F,
    slot: Option<Slot>,
}

impl<F> Beginning<F> {
    /// Work that begins in this slot.
    pub const fn new(work: F, slot: Slot) -> Self {
        Self { work, slot: Some(slot) }
    }
}

impl<F: Future + Unpin> Future for Beginning<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let polled = Pin::new(&mut self.work).poll(cx);
        self.slot = None;
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use gateway_core::time::Timestamp;
    use std::sync::atomic::AtomicU64;

    /// A clock that goes on by a millisecond with each look.
    #[derive(Default)]
    struct Steps(AtomicU64);

    impl Clock for Steps {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }

        fn monotonic_ns(&self) -> u64 {
            self.0.fetch_add(1_000_000, Ordering::Relaxed)
        }
    }

    /// For one processor, with all slots out.
    async fn crowded(longest_ms: u64) -> (Arc<Admission>, Vec<Slot>) {
        let admission = Admission::new(Arc::new(Steps::default()), 1, Duration::from_millis(longest_ms));
        assert!(!admission.is_busy());
        let mut slots = Vec::new();
        for _ in 0..AT_ONCE {
            slots.push(admission.enter(Urgency::New).await.expect("a slot is free"));
        }
        assert!(admission.is_busy());
        (admission, slots)
    }

    #[tokio::test]
    async fn what_follows_up_goes_first_and_everything_comes_home() {
        let (admission, mut slots) = crowded(1_000).await;
        let mut new = Box::pin(admission.enter(Urgency::New));
        let mut refund = Box::pin(admission.enter(Urgency::FollowUp));
        assert!(new.as_mut().now_or_never().is_none() && refund.as_mut().now_or_never().is_none());
        slots.pop();
        slots.push(refund.await.expect("its turn came"));
        assert!(new.as_mut().now_or_never().is_none());
        slots.pop();
        slots.push(new.await.expect("its turn came"));
        drop(slots);
        assert!(!admission.is_busy() && admission.lock().out == 0);
    }

    #[tokio::test]
    async fn newcomers_are_refused_when_the_queue_would_keep_them_too_long() {
        let (admission, slots) = crowded(2).await;
        let mut waiting: Vec<_> = Vec::new();
        // By the first guess, a tenth of a millisecond each, twenty-one make more than two; and by now the first has waited long.
        for _ in 0..=20 {
            assert!(!admission.sheds());
            let mut one = Box::pin(admission.enter(Urgency::New));
            assert!(one.as_mut().now_or_never().is_none(), "it waits");
            waiting.push(one);
        }
        assert!(admission.sheds() && admission.enter(Urgency::New).await.is_none());
        let mut refund = Box::pin(admission.enter(Urgency::FollowUp));
        assert!(refund.as_mut().now_or_never().is_none(), "it waits longer, if it must");
        drop((slots, refund));
        for one in waiting {
            drop(one.await.expect("what was let in is served"));
        }
        assert!(!admission.sheds() && !admission.is_busy());
        let slower = admission.lock().pace.usual_ns;
        assert!(slower > FIRST_GUESS_NS * 5 / 4, "a millisecond each was learned: {slower}");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let (admission, mut slots) = crowded(100).await;
        let began = tokio::time::Instant::now();
        assert!(admission.enter(Urgency::New).await.is_none(), "no slot comes home");
        assert_eq!(began.elapsed(), Duration::from_millis(100 * PATIENCE));
        slots.pop();
        assert!(admission.enter(Urgency::New).await.is_some(), "whoever gave up is passed over");
    }

    #[tokio::test]
    async fn whoever_left_is_passed_over() {
        let (admission, slots) = crowded(60_000).await;
        let mut left: Vec<_> = (0..MOST / 2).map(|_| Box::pin(admission.enter(Urgency::New))).collect();
        left.iter_mut().for_each(|one| assert!(one.as_mut().now_or_never().is_none()));
        let mut last = Box::pin(admission.enter(Urgency::New));
        assert!(last.as_mut().now_or_never().is_none());
        // One leaves with the slot already handed to it.
        let handed = left.remove(0);
        drop(left);
        drop(slots);
        drop(handed);
        drop(last.await.expect("its turn came"));
        assert!(admission.lock().out == 0 && admission.lock().then.is_empty());
    }

    /// A clock that stands.
    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp(0)
        }

        fn monotonic_ns(&self) -> u64 {
            0
        }
    }

    #[tokio::test]
    async fn those_who_left_are_not_taken_for_speed() {
        let admission = Admission::new(Arc::new(Still), 1, Duration::from_secs(60));
        let mut slots = Vec::new();
        for _ in 0..AT_ONCE {
            slots.push(admission.enter(Urgency::New).await.expect("a slot is free"));
        }
        let mut left: Vec<_> = (0..1_000).map(|_| Box::pin(admission.enter(Urgency::New))).collect();
        left.iter_mut().for_each(|one| assert!(one.as_mut().now_or_never().is_none()));
        drop(left);
        drop(slots.pop());
        assert_eq!(admission.lock().pace.usual_ns, FIRST_GUESS_NS);
    }

    #[tokio::test]
    async fn a_pause_of_the_process_is_not_taken_for_its_speed() {
        let mut pace = Pace::default();
        (0..100).for_each(|at| pace.taken(at * 50_000));
        let before = pace.usual_ns;
        pace.taken(10_000_000_000);
        assert!(pace.usual_ns < 2 * before, "{} after {before}", pace.usual_ns);
    }

    #[tokio::test]
    async fn a_slot_is_given_back_at_the_first_wait() {
        let (admission, mut slots) = crowded(1_000).await;
        let slot = slots.pop().expect("all are out");
        let (tell, told) = oneshot::channel::<u8>();
        let mut work = Box::pin(Beginning::new(told, slot));
        assert!(work.as_mut().now_or_never().is_none());
        assert_eq!(admission.lock().out, AT_ONCE - 1, "it waits for something else now");
        tell.send(7).expect("it waits");
        assert_eq!(work.await, Ok(7));
    }
}
