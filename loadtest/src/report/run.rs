//! The report of a run as JSON; the other forms are made from it.

use crate::measure::summary::{Quantiles, Summary};
use crate::measure::threshold::Verdict;
use crate::wire::Http;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A run. Times in the unit of the name; latencies in microseconds, from the intended start in the open model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// `open` or `closed`.
    pub model: String,
    /// `1` or `2`.
    pub http: u8,
    pub connections: usize,
    pub seed: u64,
    /// The measured time.
    pub seconds: f64,
    pub intended_per_s: f64,
    /// Requests of the measured time that were answered or given up, a second.
    pub achieved_per_s: f64,
    /// Those that ended as expected, a second.
    pub goodput_per_s: f64,
    pub requests: u64,
    pub errors: u64,
    pub late: Late,
    /// All requests of the measured time.
    pub latency_us: Quantiles,
    pub rows: Vec<Row>,
    /// Refusals by status and code, warm-up included.
    pub causes: BTreeMap<String, u64>,
    pub replays: u64,
    pub slice_seconds: f64,
    pub slices: Vec<SliceRow>,
    /// Share of the time that the busiest thread of the client was computing.
    pub client_busy: f64,
    /// What makes the figures doubtful.
    pub warnings: Vec<String>,
    pub thresholds: Vec<Verdict>,
    /// Breaches that the audit found; absent if there was none.
    pub audit_breaches: Option<u64>,
    /// Notifications that reached the gateway, forged ones too; absent without an operator of wallets.
    #[serde(default)]
    pub notifications: Option<u64>,
}

/// Requests that were sent more than a millisecond late.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Late {
    /// The client was late itself.
    pub client: u64,
    /// No connection was free.
    pub connection: u64,
    pub longest_us: u64,
}

/// One action and how it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub action: String,
    /// A status, or why there is none.
    pub outcome: String,
    pub error: bool,
    pub per_s: f64,
    pub latency_us: Quantiles,
}

/// One slice of the run, warm-up included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SliceRow {
    pub at_s: f64,
    pub due: u64,
    pub done: u64,
    pub errors: u64,
    pub p50_us: u64,
    pub p99_us: u64,
    pub max_us: u64,
}

impl RunReport {
    /// Of a summary, with the thresholds' verdicts.
    pub fn of(summary: &Summary, thresholds: Vec<Verdict>) -> Self {
        let seconds = summary.duration.as_secs_f64();
        let busiest = summary.client_cpu.iter().max().copied().unwrap_or_default();
        let rows = summary.cells.iter().map(|cell| Row {
            action: cell.action.to_string(),
            outcome: cell.outcome.to_string(),
            error: cell.outcome.is_error(cell.action),
            per_s: cell.latency.len() as f64 / seconds,
            latency_us: Quantiles::of(&cell.latency),
        });
        Self {
            model: if summary.open { "open" } else { "closed" }.to_owned(),
            http: if summary.http == Http::Two { 2 } else { 1 },
            connections: summary.connections,
            seed: summary.seed,
            seconds,
            intended_per_s: summary.intended / seconds,
            achieved_per_s: summary.requests() as f64 / seconds,
            goodput_per_s: summary.goodput(),
            requests: summary.requests(),
            errors: summary.errors(),
            late: Late {
                client: summary.lateness.client,
                connection: summary.lateness.connection,
                longest_us: summary.lateness.longest_us,
            },
            latency_us: Quantiles::of(&summary.latency(None)),
            rows: rows.collect(),
            causes: summary.causes.clone(),
            replays: summary.replays,
            slice_seconds: summary.series.slice().as_secs_f64(),
            slices: slices(summary),
            client_busy: busiest.as_secs_f64() / summary.length.as_secs_f64().max(1e-9),
            warnings: summary.saturation().into_iter().collect(),
            thresholds,
            audit_breaches: None,
            notifications: None,
        }
    }

    /// Share of errors.
    pub fn error_share(&self) -> f64 {
        self.errors as f64 / (self.requests as f64).max(1.0)
    }
}

fn slices(summary: &Summary) -> Vec<SliceRow> {
    let length = summary.series.slice().as_secs_f64();
    let row = |(index, slice): (usize, &crate::measure::series::Slice)| SliceRow {
        at_s: index as f64 * length,
        due: slice.due,
        done: slice.done,
        errors: slice.errors,
        p50_us: slice.latency.value_at_quantile(0.5),
        p99_us: slice.latency.value_at_quantile(0.99),
        max_us: slice.latency.max(),
    };
    summary.series.slices().iter().enumerate().map(row).collect()
}
