//! One thread of the client: its connections, its share of the arrivals, its record.

use crate::load::backlog::Backlog;
use crate::load::engine::Progress;
use crate::load::{After, Job, Pace, Plan, Shape, Workload};
use crate::measure::{Recorder, Timing};
use crate::wire::timer::Timer;
use crate::wire::{Answer, Lane, Loss};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many connections are made at once.
const DIALING: usize = 16;
/// After a connection could not be made, its task waits this long before it takes the next request.
const BREATH: Duration = Duration::from_millis(10);

/// A job, when it was due, and when the client saw that.
struct Due {
    job: Job,
    intended: Instant,
    noticed: Instant,
}

/// What the tasks of a thread share.
pub struct Flight {
    plan: Arc<Plan>,
    /// Which thread this is.
    worker: usize,
    progress: Arc<Progress>,
    lanes: Vec<Rc<Lane>>,
    workload: RefCell<Box<dyn Workload>>,
    recorder: RefCell<Option<Recorder>>,
    backlog: Backlog<Due>,
}

impl Flight {
    /// The share of thread `worker`: every `workers`-th connection and arrival.
    pub fn new(plan: Arc<Plan>, worker: usize, workload: Box<dyn Workload>, progress: Arc<Progress>) -> Self {
        let target = Rc::new(plan.target.clone());
        let lanes = (worker..plan.connections)
            .step_by(plan.workers)
            .map(|number| Rc::new(Lane::new(Rc::clone(&target), plan.sources, number)))
            .collect();
        let backlog = Backlog::new(plan.backlog.div_ceil(plan.workers));
        let workload = RefCell::new(workload);
        Self { plan, worker, progress, lanes, workload, recorder: RefCell::new(None), backlog }
    }

    /// Connects all lanes.
    ///
    /// # Errors
    /// The first lane's trouble, if it lasts longer than the plan insists.
    pub async fn connect(&self) -> Result<(), String> {
        let given_up = Instant::now() + self.plan.insistence;
        for group in self.lanes.chunks(DIALING) {
            while let Err(trouble) = futures_join(group.iter().map(|lane| lane.connect())).await {
                if Instant::now() >= given_up {
                    return Err(trouble);
                }
                tokio::time::sleep(BREATH).await;
            }
        }
        Ok(())
    }

    /// Runs the plan from `start` on, and returns what was seen.
    pub async fn fly(self: Rc<Self>, start: Instant) -> Recorder {
        let measured = self.plan.warmup..self.plan.length();
        *self.recorder.borrow_mut() = Some(Recorder::new(start, measured));
        let tasks: Vec<_> = self
            .lanes
            .iter()
            .flat_map(|lane| std::iter::repeat_n(lane, self.plan.streams))
            .map(|lane| tokio::task::spawn_local(Rc::clone(&self).serve(Rc::clone(lane), start)))
            .collect();
        tokio::time::sleep_until(start.into()).await;
        if let Pace::Open(shape) = &self.plan.pace {
            self.dispatch(shape, start).await;
            self.backlog.close();
        }
        let deadline = start + self.plan.length() + self.plan.timeout + self.plan.patience;
        for task in tasks {
            // A task that does not end by its own deadlines is left behind: its request is counted as not answered.
            let _ended = tokio::time::timeout_at(deadline.into(), task).await;
        }
        self.workload.borrow_mut().close();
        self.lanes.iter().for_each(|lane| lane.close());
        self.recorder.borrow_mut().take().expect("it was put there above and is taken once")
    }

    /// Puts each request into the queue when it is due.
    async fn dispatch(&self, shape: &Shape, start: Instant) {
        let timer = Timer::new().expect("the process has a descriptor left for its timer");
        for at in shape.arrivals(self.plan.seed).skip(self.worker).step_by(self.plan.workers) {
            let intended = start + at;
            timer.until(intended).await.expect("the system's timers work");
            let noticed = Instant::now();
            let job = self.workload.borrow_mut().due();
            self.record(|recorder| recorder.due(intended));
            if let Err(due) = self.backlog.push(Due { job, intended, noticed }) {
                self.unsent(&due);
            }
            // The tasks that answers wake must get their turn even while arrivals are behind.
            if noticed.saturating_duration_since(intended) > Duration::from_micros(200) {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Gives up a request for which there was no connection.
    fn unsent(&self, due: &Due) {
        let now = Instant::now();
        let timing = Timing { intended: due.intended, noticed: due.noticed, sent: now, done: now };
        self.finish(&due.job, &timing, &Err(Loss::Unsent));
    }

    /// A connection's task, or that of one of its streams.
    async fn serve(self: Rc<Self>, lane: Rc<Lane>, start: Instant) {
        tokio::time::sleep_until(start.into()).await;
        let end = start + self.plan.length();
        loop {
            let due = match self.plan.pace {
                Pace::Open(_) => self.backlog.pop().await,
                Pace::Closed => self.own(end),
            };
            let Some(due) = due else { return };
            if self.plan.gives_up.is_some_and(|longest| due.noticed.elapsed() > longest) {
                self.unsent(&due);
                continue;
            }
            if self.complete(&lane, due).await == Err(Loss::Connect) {
                tokio::time::sleep(BREATH).await;
            }
        }
    }

    /// The next request of the closed model.
    fn own(&self, end: Instant) -> Option<Due> {
        let now = Instant::now();
        if now >= end {
            return None;
        }
        self.record(|recorder| recorder.due(now));
        Some(Due { job: self.workload.borrow_mut().due(), intended: now, noticed: now })
    }

    /// Sends a request, and what the workload makes of its answer, until it is done with it.
    async fn complete(&self, lane: &Lane, due: Due) -> Result<(), Loss> {
        let Due { mut job, mut intended, mut noticed } = due;
        loop {
            let sent = Instant::now();
            let result = self.send(lane, &job).await;
            let timing = Timing { intended, noticed, sent, done: Instant::now() };
            let last = result.as_ref().map(|_answer| ()).map_err(|loss| *loss);
            match self.finish(&job, &timing, &result) {
                After::Done => return last,
                After::Again(next, delay) => {
                    tokio::time::sleep(delay).await;
                    job = *next;
                    intended = Instant::now();
                    noticed = intended;
                }
            }
        }
    }

    async fn send(&self, lane: &Lane, job: &Job) -> Result<Answer, Loss> {
        match job.hang_up_after {
            Some(after) => lane.hang_up(&job.request, after).await,
            None => lane.send(&job.request, self.plan.timeout).await,
        }
    }

    fn finish(&self, job: &Job, timing: &Timing, result: &Result<Answer, Loss>) -> After {
        self.record(|recorder| recorder.done(job.action, timing, result));
        self.progress.count(job.action, result);
        self.workload.borrow_mut().done(job, result)
    }

    fn record(&self, write: impl FnOnce(&mut Recorder)) {
        // After the end the recorder is gone; what comes then is not measured.
        if let Some(recorder) = self.recorder.borrow_mut().as_mut() {
            write(recorder);
        }
    }
}

/// Waits for all, and returns the first error.
async fn futures_join<F: Future<Output = Result<(), String>>>(
    futures: impl Iterator<Item = F>,
) -> Result<(), String> {
    let mut waiting: Vec<_> = futures.map(Box::pin).collect();
    std::future::poll_fn(move |context| {
        let mut failed = None;
        waiting.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Pending => true,
            std::task::Poll::Ready(Ok(())) => false,
            std::task::Poll::Ready(Err(error)) => {
                failed.get_or_insert(error);
                false
            }
        });
        match failed {
            Some(error) => std::task::Poll::Ready(Err(error)),
            None if waiting.is_empty() => std::task::Poll::Ready(Ok(())),
            None => std::task::Poll::Pending,
        }
    })
    .await
}
