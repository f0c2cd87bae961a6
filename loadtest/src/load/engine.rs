//! The client's threads: they connect, start together, and their records become one.
//!
//! Each thread has a runtime of its own and shares nothing with the others while the run lasts but two counters.

use crate::failure::{Failure, Result};
use crate::load::flight::Flight;
use crate::load::workload::Make;
use crate::load::{Action, Pace, Plan, Workload};
use crate::measure::process::thread_cpu;
use crate::measure::{Outcome, Recorder, Summary};
use crate::wire::{Answer, Loss};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// From the last connection to the first request.
const LEAD: Duration = Duration::from_millis(30);
/// All connections must stand within this time.
const CONNECTING: Duration = Duration::from_secs(60);

/// What the main thread sees of a run while it lasts.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    errors: AtomicU64,
}

impl Progress {
    /// Counts a request that ended.
    pub fn count(&self, action: Action, result: &std::result::Result<Answer, Loss>) {
        self.done.fetch_add(1, Ordering::Relaxed);
        if Outcome::of(result).is_error(action) {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Requests that ended, and how many of them in error.
    pub fn counts(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.errors.load(Ordering::Relaxed))
    }
}

/// Whoever wants to know how far a run is. Called on the caller's thread.
pub trait Observer {
    /// The measured time begins.
    fn opened(&mut self) {}
    /// Ten times a second: time since the start, requests done, errors.
    fn tick(&mut self, _at: Duration, _counts: (u64, u64)) {}
    /// The measured time ends.
    fn closed(&mut self) {}
}

/// Nobody.
pub struct Unobserved;

impl Observer for Unobserved {}

/// A thread's record and the CPU time that it took.
type Flown = (Recorder, Duration);

/// Runs a plan to its end. It takes at most the plan's length, its timeout and a minute.
///
/// # Errors
/// The target can't be reached, or a thread broke.
pub fn run(plan: &Plan, make: &Make<'_>, observer: &mut dyn Observer) -> Result<Summary> {
    check(plan)?;
    let progress: Arc<Progress> = Arc::default();
    let shared = Arc::new(plan.clone());
    let (go, gone) = watch::channel(None);
    let (ready, readies) = mpsc::channel();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..plan.workers)
            .map(|worker| {
                let side = Side { plan: Arc::clone(&shared), worker, progress: Arc::clone(&progress) };
                let (ready, gone) = (ready.clone(), gone.clone());
                scope.spawn(move || side.work(make(worker), &ready, gone))
            })
            .collect();
        drop(ready);
        let connected = (0..plan.workers).try_for_each(|_worker| match readies.recv_timeout(CONNECTING) {
            Ok(outcome) => {
                outcome.map_err(|text: String| Failure::failed(format!("can't start the load: {text}")))
            }
            Err(_gone) => Err(Failure::failed("the connections did not stand within a minute")),
        });
        let start = Instant::now() + LEAD;
        let word = if connected.is_ok() { Go::At(start) } else { Go::Home };
        let _nobody_left = go.send(Some(word));
        if connected.is_ok() {
            watch_over(plan, start, &progress, observer);
        }
        let flown: Vec<Option<Flown>> = threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_panic| Failure::failed("a thread of the client broke")))
            .collect::<Result<_>>()?;
        connected?;
        Ok(Summary::of(plan, flown.into_iter().flatten()))
    })
}

fn check(plan: &Plan) -> Result<()> {
    if plan.connections == 0 || plan.streams == 0 || plan.workers == 0 {
        return Err(Failure::usage("a load needs at least one connection, one stream and one thread"));
    }
    if plan.connections > 16_384 || plan.streams > 256 {
        return Err(Failure::usage("at most 16,384 connections and 256 streams on each"));
    }
    if let Pace::Open(shape) = &plan.pace
        && shape.expected() > 1e9
    {
        return Err(Failure::usage("more than a billion requests: lower --rate or --duration"));
    }
    Ok(())
}

/// Waits for the run's end and tells the observer.
fn watch_over(plan: &Plan, start: Instant, progress: &Progress, observer: &mut dyn Observer) {
    let (open, end) = (start + plan.warmup, start + plan.length());
    sleep_until(open);
    observer.opened();
    while Instant::now() < end {
        observer.tick(start.elapsed(), progress.counts());
        sleep_until(end.min(Instant::now() + Duration::from_millis(100)));
    }
    observer.closed();
}

fn sleep_until(moment: Instant) {
    std::thread::sleep(moment.saturating_duration_since(Instant::now()));
}

/// What the threads are told once all have connected, or one could not.
#[derive(Clone, Copy)]
enum Go {
    At(Instant),
    Home,
}

/// One thread.
struct Side {
    plan: Arc<Plan>,
    worker: usize,
    progress: Arc<Progress>,
}

impl Side {
    fn work(
        self,
        workload: Box<dyn Workload>,
        ready: &mpsc::Sender<Result<(), String>>,
        gone: watch::Receiver<Option<Go>>,
    ) -> Option<Flown> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .event_interval(61)
            .build()
            .expect("the system has room for a runtime");
        let tasks = tokio::task::LocalSet::new();
        tasks.block_on(&runtime, self.fly(workload, ready, gone))
    }

    async fn fly(
        self,
        workload: Box<dyn Workload>,
        ready: &mpsc::Sender<Result<(), String>>,
        mut gone: watch::Receiver<Option<Go>>,
    ) -> Option<Flown> {
        let flight = Rc::new(Flight::new(self.plan, self.worker, workload, self.progress));
        let connected = flight.connect().await;
        ready.send(connected).ok()?;
        let word = *gone.wait_for(Option::is_some).await.ok()?;
        let Some(Go::At(start)) = word else { return None };
        let before = thread_cpu();
        let recorder = flight.fly(start).await;
        Some((recorder, thread_cpu().saturating_sub(before)))
    }
}
