//! What one thread of the client writes down of each request.

use crate::load::Action;
use crate::measure::Outcome;
use crate::measure::series::Series;
use crate::wire::{Answer, Loss};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Longest latency that is told apart, in microseconds: ten minutes.
const HIGHEST_US: u64 = 600_000_000;
/// A send this much after its time is late.
pub const LATE: Duration = Duration::from_millis(1);
/// The most causes that are told apart.
const MOST_CAUSES: usize = 64;

/// The moments of one request.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// When it was to be sent.
    pub intended: Instant,
    /// When the client noticed that it was due.
    pub noticed: Instant,
    /// When it had a connection.
    pub sent: Instant,
    pub done: Instant,
}

/// Requests of one action that ended in one way.
#[derive(Debug, Clone)]
pub struct Cell {
    pub action: Action,
    pub outcome: Outcome,
    /// From the intended start to the last byte of the answer, in microseconds.
    pub latency: Histogram<u64>,
}

/// How late requests were sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lateness {
    /// Noticed more than a millisecond after they were due: the client's own fault.
    pub client: u64,
    /// Waited more than a millisecond for a free connection.
    pub connection: u64,
    /// The longest time from due to sent, in microseconds.
    pub longest_us: u64,
}

/// One thread's record.
#[derive(Debug, Clone)]
pub struct Recorder {
    start: Instant,
    measured: Range<Duration>,
    pub cells: Vec<Cell>,
    pub series: Series,
    pub lateness: Lateness,
    /// Why requests were refused, by status and code.
    pub causes: BTreeMap<String, u64>,
    /// The last refusal's status and body, and what they say: under overload they are all the same, and the client must keep up.
    last: Option<(u16, bytes::Bytes, String)>,
    /// Answers of every status, also to what was due outside of the measured time.
    pub statuses: BTreeMap<u16, u64>,
    /// Answers that said that they were replays.
    pub replays: u64,
    /// From the sending to the refusal, of 429 and 503, in microseconds: what saying no costs the server.
    pub refusals: Histogram<u64>,
}

impl Recorder {
    /// For requests that are due within `measured`, a range of distances from `start`.
    pub fn new(start: Instant, measured: Range<Duration>) -> Self {
        let series = Series::new(measured.end);
        Self {
            start,
            measured,
            cells: Vec::new(),
            series,
            lateness: Lateness::default(),
            causes: BTreeMap::new(),
            last: None,
            statuses: BTreeMap::new(),
            replays: 0,
            refusals: Histogram::new_with_bounds(1, HIGHEST_US, 3).expect("three digits are legal"),
        }
    }

    /// A request came due.
    pub fn due(&mut self, intended: Instant) {
        self.series.due(intended.saturating_duration_since(self.start));
    }

    /// A request ended.
    pub fn done(&mut self, action: Action, timing: &Timing, result: &Result<Answer, Loss>) {
        let outcome = Outcome::of(result);
        if let Ok(answer) = result {
            *self.statuses.entry(answer.status).or_insert(0) += 1;
            self.replays += u64::from(answer.replayed);
            if answer.status >= 400 {
                self.cause(answer);
            }
        }
        let latency = timing.done.saturating_duration_since(timing.intended);
        let latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let at = timing.done.saturating_duration_since(self.start);
        if outcome.is_refusal() {
            let service = timing.done.saturating_duration_since(timing.sent);
            let service_us = u64::try_from(service.as_micros()).unwrap_or(u64::MAX).max(1);
            self.series.refused(at, service_us);
            self.refusals.saturating_record(service_us);
        } else if outcome == Outcome::Lost(Loss::Unsent) {
            self.series.unsent(at);
        } else if outcome.is_error(action) && outcome != Outcome::Lost(Loss::Timeout) {
            self.series.failed(at);
        } else {
            self.series.done(at, latency_us);
            if outcome.is_error(action) {
                self.series.error(at);
            }
        }
        if !self.measured.contains(&timing.intended.saturating_duration_since(self.start)) {
            return;
        }
        self.late(timing);
        if timing.noticed.saturating_duration_since(timing.intended) > LATE {
            self.series.late(timing.intended.saturating_duration_since(self.start));
        }
        self.cell(action, outcome).saturating_record(latency_us.max(1));
    }

    fn late(&mut self, timing: &Timing) {
        let waited = timing.sent.saturating_duration_since(timing.intended);
        self.lateness.client += u64::from(timing.noticed.saturating_duration_since(timing.intended) > LATE);
        self.lateness.connection += u64::from(timing.sent.saturating_duration_since(timing.noticed) > LATE);
        let waited_us = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.lateness.longest_us = self.lateness.longest_us.max(waited_us);
    }

    fn cell(&mut self, action: Action, outcome: Outcome) -> &mut Histogram<u64> {
        let found = self.cells.iter().position(|cell| cell.action == action && cell.outcome == outcome);
        let index = found.unwrap_or_else(|| {
            let latency = Histogram::new_with_bounds(1, HIGHEST_US, 3).expect("three digits are legal");
            self.cells.push(Cell { action, outcome, latency });
            self.cells.len() - 1
        });
        &mut self.cells[index].latency
    }

    fn cause(&mut self, answer: &Answer) {
        let (_, _, cause) = match self.last.take() {
            Some(last) if last.0 == answer.status && last.1 == answer.body => self.last.insert(last),
            Some(_) | None => self.last.insert((answer.status, answer.body.clone(), cause(answer))),
        };
        let is_crowded = self.causes.len() >= MOST_CAUSES;
        match self.causes.get_mut(cause) {
            Some(count) => *count += 1,
            None if is_crowded => *self.causes.entry("others".to_owned()).or_insert(0) += 1,
            None => {
                self.causes.insert(cause.clone(), 1);
            }
        }
    }
}

/// Status and code of a refusal: `402 card_declined (insufficient_funds)`.
pub fn cause(answer: &Answer) -> String {
    #[derive(serde::Deserialize)]
    struct Envelope {
        error: Error,
    }
    #[derive(serde::Deserialize)]
    struct Error {
        #[serde(rename = "type")]
        kind: Option<String>,
        code: Option<String>,
        decline_code: Option<String>,
        param: Option<String>,
    }
    let Ok(Envelope { error }) = serde_json::from_slice(&answer.body) else {
        return format!("{} without the error envelope", answer.status);
    };
    let word = error.code.or(error.kind).unwrap_or_else(|| "without a code".to_owned());
    match error.decline_code.or(error.param) {
        Some(detail) => format!("{} {word} ({detail})", answer.status),
        None => format!("{} {word}", answer.status),
    }
}
