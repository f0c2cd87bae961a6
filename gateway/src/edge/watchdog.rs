//! Drives one connection and holds it to its deadlines, by a single timer that is hardly ever touched.
//!
//! A timer set and cleared for every phase of every request would cost more than the phase. So the timer is left
//! where it is when a deadline moves away (which is what happens in the life of an honest connection), and looked at
//! again when it fires.

use super::drain::{Drain, Stage};
use super::pulse::{Activity, Pulse};
use super::settings::Deadlines;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// After we have said that a connection ends, the time for its client to agree.
const FAREWELL: Duration = Duration::from_secs(2);

/// A connection of hyper's that can be asked to finish.
pub(super) trait Finish: Future<Output = Result<(), hyper::Error>> {
    /// Take nothing new, finish what has begun.
    fn finish(self: Pin<&mut Self>);
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// By itself: an error is the client's, or the network's.
    Closed(Result<(), hyper::Error>),
    /// It did not keep a deadline.
    Expired(Activity),
    /// It was in the way of the end of the process.
    Aborted,
}

/// What a connection must keep to.
pub(super) struct Rules<'a> {
    pub(super) pulse: &'a Pulse,
    pub(super) deadlines: &'a Deadlines,
    pub(super) drain: &'a Drain,
}

/// Runs the connection to its end.
pub(super) async fn drive<C: Finish>(connection: C, rules: Rules<'_>) -> End {
    let mut connection = pin!(connection);
    let mut changed = pin!(rules.drain.changed());
    let mut watch = Watch::new();
    let mut stage = Stage::Serving;
    let mut registered = false;
    std::future::poll_fn(move |cx| {
        // Registered once; from then on a load tells whether anything has changed.
        while !registered || rules.drain.stage() != stage {
            if registered {
                changed.set(rules.drain.changed());
            }
            registered = changed.as_mut().poll(cx).is_pending();
            stage = rules.drain.stage();
            match stage {
                Stage::Serving => {}
                Stage::Draining => connection.as_mut().finish(),
                Stage::Aborting => return Poll::Ready(End::Aborted),
            }
        }
        loop {
            if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                return Poll::Ready(End::Closed(result));
            }
            match watch.poll(cx, &rules) {
                Verdict::Wait => return Poll::Pending,
                Verdict::Finish => connection.as_mut().finish(),
                Verdict::Again => {}
                Verdict::Drop(activity) => return Poll::Ready(End::Expired(activity)),
            }
        }
    })
    .await
}

/// What to do with the connection now.
enum Verdict {
    Wait,
    /// Ask it to finish, and turn it once more.
    Finish,
    /// Turn it once more: somebody in it has been told.
    Again,
    Drop(Activity),
}

/// The deadline in force and the timer.
struct Watch {
    doing: Option<(Activity, u32)>,
    deadline: Option<Instant>,
    /// Made when first needed.
    timer: Option<Pin<Box<Sleep>>>,
    registered: bool,
    /// Asked to finish: the deadline is the last.
    leaving: bool,
}

impl Watch {
    fn new() -> Self {
        Self { doing: None, deadline: None, timer: None, registered: false, leaving: false }
    }

    fn poll(&mut self, cx: &mut Context<'_>, rules: &Rules<'_>) -> Verdict {
        let doing = rules.pulse.activity();
        if !self.leaving && rules.pulse.is_abused() {
            return self.leave();
        }
        if self.doing != Some(doing) && !(self.leaving && doing.0 == Activity::Idle) {
            self.doing = Some(doing);
            self.deadline = limit(doing.0, rules.deadlines).map(|limit| Instant::now() + limit);
        }
        if !self.has_fired(cx) {
            return Verdict::Wait;
        }
        self.deadline = None;
        match doing.0 {
            Activity::Idle if !self.leaving => self.leave(),
            Activity::Body if !rules.pulse.is_body_late() => {
                rules.pulse.give_up_body();
                self.deadline = Some(Instant::now() + FAREWELL);
                Verdict::Again
            }
            other => Verdict::Drop(other),
        }
    }

    fn leave(&mut self) -> Verdict {
        self.leaving = true;
        self.doing = None;
        self.deadline = Some(Instant::now() + FAREWELL);
        Verdict::Finish
    }

    /// Whether the deadline has passed; if not, the task is woken then, or earlier.
    fn has_fired(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = self.deadline else { return false };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if deadline < timer.deadline() {
            timer.as_mut().reset(deadline);
            self.registered = false;
        }
        if self.registered && !timer.is_elapsed() {
            return false;
        }
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                self.registered = false;
                return true;
            }
            timer.as_mut().reset(deadline);
        }
        self.registered = true;
        false
    }
}

fn limit(activity: Activity, deadlines: &Deadlines) -> Option<Duration> {
    match activity {
        Activity::Idle => Some(deadlines.idle),
        Activity::Head => Some(deadlines.head),
        Activity::Body => Some(deadlines.body),
        Activity::Busy => None,
        Activity::Writing => Some(deadlines.write),
        Activity::Lingering => Some(deadlines.linger),
    }
}
