//! What the crashes have shown.

use crate::audit::Findings;
use crate::ceiling::report::median;
use serde::Serialize;
use std::fmt::Write;
use std::time::Duration;

/// All cycles.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    pub cycles: u32,
    /// Deaths by kill -9 at a random moment.
    pub killed: u32,
    /// Deaths within a system call.
    pub killed_in_call: u32,
    /// Times when strace was to kill, and its call did not come before the load's end; it was killed then.
    pub killed_late: u32,
    pub requests: u64,
    /// Requests that were sent again after a crash or an unknown outcome.
    pub lost_answers: u64,
    /// Requests of which no final answer came in time.
    pub unanswered: u64,
    /// Final answers that were asked for again.
    pub replays: u64,
    /// Those of them that were not marked as replays.
    pub not_replayed: u64,
    /// From the start of the process to its ready file, milliseconds.
    pub restart_ms_median: f64,
    pub restart_ms_max: f64,
    pub audits: u32,
    pub breaches: u64,
    /// Of the last audit.
    pub findings: Findings,
    /// Whether strace was there.
    pub strace: bool,
    #[serde(skip)]
    pub restarts: Vec<Duration>,
}

impl Report {
    /// Fills in what is derived.
    pub fn finish(&mut self) {
        let ms = |time: &Duration| time.as_secs_f64() * 1e3;
        self.restart_ms_median = median(self.restarts.iter().map(ms));
        self.restart_ms_max = self.restarts.iter().map(ms).fold(0.0, f64::max);
    }

    /// Whether the money is right: no breach, every request answered in the end, and every answer given again.
    pub fn clean(&self) -> bool {
        self.breaches == 0 && self.unanswered == 0 && self.not_replayed == 0
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        writeln!(
            text,
            "{} cycles: {} killed at a random moment, {} within a system call, {} at the end of their load\n{} requests, {} \
             answers lost and asked for again, {} without a final answer\n{} final answers asked for again, {} of them not \
             given as replays\nkill -9 to serving: median {:.0} ms, longest {:.0} ms\n{} audits, {} breaches",
            self.cycles,
            self.killed,
            self.killed_in_call,
            self.killed_late,
            self.requests,
            self.lost_answers,
            self.unanswered,
            self.replays,
            self.not_replayed,
            self.restart_ms_median,
            self.restart_ms_max,
            self.audits,
            self.breaches
        )
        .expect("text takes any text");
        if !self.strace {
            text.push_str("strace was not there or may not trace: no death within a system call was tried\n");
        }
        for (invariant, count) in &self.findings.checks {
            writeln!(text, "invariant {invariant}: {count} checks in the last audit")
                .expect("text takes any text");
        }
        text
    }
}
