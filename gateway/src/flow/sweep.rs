//! Looks for due work, as long as the process lives: messages whose outcome is not known, holds that run out, and what the last process
//! left behind. Recovery is nothing else: it delays no start, and can be broken off at any point.
//!
//! A pass walks on through what is due from where the last one stopped, so many rows at most. Each acquirer has so many places of its own,
//! so that a silent one keeps no other waiting; what finds no place, or failed a moment ago, is passed over.

use super::resolve;
use super::send::{GRACE_MS, LONGEST_WAIT_MS};
use crate::engine::Engine;
use futures_util::FutureExt;
use gateway_core::id::{Id, MerchantId, PaymentId};
use gateway_core::journal::{DueKind, DuePlace, Query, Row};
use gateway_core::payment::{Open, Payment, Stage};
use gateway_core::tenant::{Mode, Tenant};
use gateway_core::time::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tracing::{error, info, warn};

/// How many due payments are asked for at once.
const PAGE: usize = 256;
/// So many pages at most are walked of one kind in one pass.
const PAGES: usize = 8;
/// The pause between two passes while there is work that found no place.
const SHORT_PAUSE: Duration = Duration::from_millis(50);
/// A payment whose work failed rests this long, in nanoseconds: the store, or its message, is not right now.
const REST_NS: u64 = 1_000_000_000;
/// One whose work panicked, this long.
const LONG_REST_NS: u64 = 10_000_000_000;
/// A clock that falls back by less is being set right, and makes no difference.
const JUMP_MS: i64 = 1_000;
/// Between two looks there is no longer pause, in milliseconds.
const LONGEST_PAUSE_MS: i64 = LONGEST_WAIT_MS as i64;

/// It is looked for what is due too late after so many pauses.
const TOO_LATE_EVERY: u32 = 10;

/// Runs until the process ends.
pub async fn run(engine: Arc<Engine>) {
    let mut walks = [
        Walk::new(DueKind::Open, Part::All),
        Walk::new(DueKind::Expiry, Part::All),
        Walk::new(DueKind::Stuck, Part::All),
        Walk::new(DueKind::Open, Part::TooLate),
    ];
    let mut sweeper = Sweeper::default();
    loop {
        sweeper.crowded = false;
        for walk in &mut walks {
            sweeper.pass(&engine, walk).await;
        }
        sweeper.forget_rested(engine.clock.monotonic_ns());
        let pause = engine.settings.resolve_every;
        tokio::time::sleep(if sweeper.crowded { pause.min(SHORT_PAUSE) } else { pause }).await;
    }
}

/// Which part of one kind of due work is walked through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// What is due.
    Due,
    /// All of it: at the start, since what the last process sent waits for nobody; and always of what is stuck, whether it is due or not,
    /// since that is counted, and there are few.
    All,
    /// What is due later than most of it can be: the clock may have been ahead when that was written, for however short a time. What
    /// is due in its right time is among it, too: challenges, above all.
    TooLate,
}

/// How far the walk through one kind of due work is.
struct Walk {
    kind: DueKind,
    part: Part,
    place: Option<DuePlace>,
    /// Not before, on the monotonic clock.
    next_ns: u64,
    seen: u32,
}

impl Walk {
    const fn new(kind: DueKind, part: Part) -> Self {
        Self { kind, part, place: None, next_ns: 0, seen: 0 }
    }

    const fn name(&self) -> &'static str {
        match self.kind {
            DueKind::Open => "open",
            DueKind::Expiry => "expiry",
            DueKind::Stuck => "stuck",
        }
    }

    /// After which place it goes on, and how far.
    fn bounds(&self, now: Timestamp) -> (Option<DuePlace>, Timestamp) {
        match self.part {
            Part::Due => (self.place, now),
            Part::All => (self.place, Timestamp(i64::MAX)),
            Part::TooLate => (
                self.place.or_else(|| Some(first_place_at(now.plus_ms(LONGEST_PAUSE_MS)))),
                Timestamp(i64::MAX),
            ),
        }
    }

    /// It has come to the end.
    fn come_round(&mut self, now_ns: u64, pause: Duration) {
        match self.part {
            Part::TooLate => {
                let rest_ns = u64::try_from((pause * TOO_LATE_EVERY).as_nanos()).unwrap_or(u64::MAX);
                self.next_ns = now_ns.saturating_add(rest_ns);
            }
            Part::Due | Part::All => {
                metrics::gauge!("tollgate_resolve_due", "kind" => self.name()).set(self.seen)
            }
        }
        if self.kind == DueKind::Stuck {
            metrics::gauge!("tollgate_resolve_stuck").set(self.seen);
        } else if self.part == Part::All {
            self.part = Part::Due;
        }
        (self.place, self.seen) = (None, 0);
    }
}

fn first_place_at(at: Timestamp) -> DuePlace {
    let merchant = MerchantId(Id(0));
    DuePlace { at, tenant: Tenant { merchant, mode: Mode::Test }, payment: PaymentId(Id(0)) }
}

/// What a payment is passed over for.
enum Pass {
    Working,
    /// Until then, on the monotonic clock.
    Resting(u64),
}

/// Who is being worked on, and how many may be.
#[derive(Default)]
struct Sweeper {
    rooms: HashMap<String, Arc<Semaphore>>,
    passed: Arc<Mutex<BTreeMap<PaymentId, Pass>>>,
    /// Something due found no place in this pass.
    crowded: bool,
}

impl Sweeper {
    async fn pass(&mut self, engine: &Arc<Engine>, walk: &mut Walk) {
        let now_ns = engine.clock.monotonic_ns();
        if now_ns < walk.next_ns {
            return;
        }
        for _page in 0..PAGES {
            let (after, until) = walk.bounds(engine.clock.now());
            let query = Query::Due { kind: walk.kind, after, until, limit: PAGE };
            let due = match engine.journal.query(&query).await {
                Ok(due) => due,
                Err(why) => return warn!(?why, "due work can't be read"),
            };
            let last = due.len() < PAGE;
            for stored in due {
                let Row::Payment(row) = stored.row else { continue };
                walk.seen = walk.seen.saturating_add(1);
                let place = |at| DuePlace { at, tenant: row.payment.tenant, payment: row.payment.id };
                walk.place = row.payment.due().map(|(_, at)| place(at));
                self.take_up(engine, &row.payment);
            }
            if last {
                return walk.come_round(now_ns, engine.settings.resolve_every);
            }
        }
    }

    /// Starts the work of a payment in a task of its own, if it has any now and finds a place.
    fn take_up(&mut self, engine: &Arc<Engine>, payment: &Payment) {
        let Some(acquirer) = wanted_of(engine, payment) else { return };
        if !self.begin(payment.id, engine.clock.monotonic_ns()) {
            return;
        }
        let places = engine.settings.resolve_at_once;
        let room = match self.rooms.get(acquirer) {
            Some(room) => room,
            None => self.rooms.entry(acquirer.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(places))),
        };
        let Ok(permit) = Arc::clone(room).try_acquire_owned() else {
            self.crowded = true;
            self.lock().remove(&payment.id);
            return;
        };
        let (engine, passed) = (Arc::clone(engine), Arc::clone(&self.passed));
        let (tenant, id) = (payment.tenant, payment.id);
        engine.tasks.clone().spawn(async move {
            let work = AssertUnwindSafe(resolve::attend(&engine, tenant, id)).catch_unwind().await;
            let rest_ns = match work {
                Ok(Ok(())) => None,
                Ok(Err(fault)) => {
                    info!(?fault, payment = %id, "a resolution will be tried again");
                    Some(REST_NS)
                }
                Err(_panic) => {
                    error!(payment = %id, "a resolution panicked; it will be tried again");
                    metrics::counter!("tollgate_flow_panics_total").increment(1);
                    Some(LONG_REST_NS)
                }
            };
            let mut passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
            match rest_ns {
                Some(rest_ns) => {
                    passed.insert(id, Pass::Resting(engine.clock.monotonic_ns().saturating_add(rest_ns)))
                }
                None => passed.remove(&id),
            };
            drop(passed);
            drop(permit);
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<PaymentId, Pass>> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves a payment; false if it is being worked on, or rests.
    fn begin(&self, payment: PaymentId, now_ns: u64) -> bool {
        let mut passed = self.lock();
        match passed.get(&payment) {
            Some(Pass::Working) => return false,
            Some(Pass::Resting(until)) if now_ns < *until => return false,
            Some(Pass::Resting(_)) | None => {}
        }
        passed.insert(payment, Pass::Working);
        true
    }

    /// Forgets those that have rested: most of them are settled by then.
    fn forget_rested(&self, now_ns: u64) {
        self.lock().retain(|_, pass| match pass {
            Pass::Working => true,
            Pass::Resting(until) => now_ns < *until,
        });
    }
}

/// The acquirer of the first work that a payment has now; `None` if it has none.
fn wanted_of<'a>(engine: &Engine, payment: &'a Payment) -> Option<&'a str> {
    let now = engine.clock.now();
    if let Some(open) = payment.open.iter().find(|open| is_due(engine, open, now)) {
        return Some(&open.acquirer);
    }
    let (_, at) = payment.expiry()?;
    (at <= now).then(|| payment.attempt().map_or("", |attempt| attempt.acquirer.as_str()))
}

/// Whether a message is to be looked at now.
pub(super) fn is_due(engine: &Engine, open: &Open, now: Timestamp) -> bool {
    let patient = open.is_stuck() || matches!(open.stage, Stage::Accepted { .. });
    if patient && engine.outstanding.rests(open.trace.reference, engine.clock.monotonic_ns()) {
        return false;
    }
    open.due <= now || is_orphan(engine, open) || is_out_of_time(engine, open, now)
}

/// Whether the process that sent it has ended: nobody waits for its answer.
pub(super) fn is_orphan(engine: &Engine, open: &Open) -> bool {
    open.stage == Stage::Sent && engine.outstanding.sent_at_ns(open.trace.reference).is_none()
}

/// Whether it is due later than anything can be: the clock was ahead when that was written.
pub(super) fn is_out_of_time(engine: &Engine, open: &Open, now: Timestamp) -> bool {
    let longest = match &open.stage {
        // The customer has all the time that there was.
        Stage::Accepted { until, action: Some(_) } if open.due == *until => {
            until.0.saturating_sub(open.trace.at.0)
        }
        Stage::Accepted { .. } | Stage::Sent | Stage::Unsent | Stage::Unknown => {
            let timeout = i64::try_from(engine.acquirers.timeout_ms(&open.acquirer)).unwrap_or(i64::MAX / 4);
            timeout + GRACE_MS + LONGEST_PAUSE_MS
        }
    };
    open.due > now.plus_ms(longest.saturating_add(JUMP_MS))
}
