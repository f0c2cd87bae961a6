//! What the trial has shown.

use super::outages::Outage;
use super::trial::authorizations;
use crate::audit::{Findings, book, client};
use crate::ceiling::report::median;
use crate::measure::{Outcome, Summary};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Traffic must be back at a healed host within this time.
const BACK_WITHIN_MS: i64 = 5_000;

/// Everything.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    pub requests: u64,
    /// Answers by HTTP status.
    pub statuses: BTreeMap<u16, u64>,
    /// Answers that are neither a success nor a decline, but 409 to a repeat of what still runs.
    pub errors: BTreeMap<String, u64>,
    /// Requests without an answer, by why. Clients that hang up on purpose are not among them.
    pub lost: BTreeMap<String, u64>,
    /// Keys of which no final answer came in time.
    pub unanswered: u64,
    /// First answers that were `processing`: the outcome was not known at once.
    pub processing: u64,
    pub outages: u64,
    /// Approved authorizations in the book of the host that was killed, and of the other.
    pub authorized_victim: u64,
    pub authorized_steady: u64,
    /// From the host's return to the first authorization in its book, milliseconds.
    pub back_ms_median: f64,
    pub back_ms_max: f64,
    /// Returns after which no traffic came in time.
    pub not_back: u64,
    pub breaches: u64,
    pub findings: Findings,
    /// When the last first answer came, milliseconds since the epoch.
    #[serde(skip)]
    last_ms: i64,
}

impl Report {
    /// Of what the client saw, and of the audit.
    pub fn new(summary: &Summary, client: &[client::Line], findings: Findings) -> Self {
        let mut report = Self {
            requests: summary.requests(),
            statuses: summary.statuses.clone(),
            breaches: findings.breaches.len() as u64,
            unanswered: unanswered(client),
            last_ms: client.iter().filter(|line| line.attempt <= 1).map(|line| line.at).max().unwrap_or(0),
            findings,
            ..Self::default()
        };
        for line in client {
            let declined = line.status == Some(402);
            let running = line.status == Some(409) && line.attempt > 1;
            let fine = line.status.is_some_and(|status| status < 300) || declined || running;
            if let Some(status) = line.status.filter(|_| !fine) {
                let code = line.code.as_deref().unwrap_or("-");
                *report.errors.entry(format!("{} {status} {code}", line.op)).or_insert(0) += 1;
            }
            let state = line.state.as_deref();
            report.processing += u64::from(line.attempt <= 1 && state == Some("processing"));
        }
        for cell in &summary.cells {
            if let Outcome::Lost(loss) = cell.outcome
                && loss.as_str() != "hung_up"
            {
                *report.lost.entry(loss.as_str().to_owned()).or_insert(0) += cell.latency.len();
            }
        }
        report
    }

    /// Where the traffic went: by the victim's book and its absences.
    pub fn traffic(&mut self, lines: &[book::Line], outages: &[Outage], steady: u64) {
        self.outages = outages.len() as u64;
        (self.authorized_victim, self.authorized_steady) = (authorizations(lines), steady);
        // A return just before the end of the load has no time to show anything.
        let told = outages.iter().filter(|outage| outage.until_ms + BACK_WITHIN_MS < self.last_ms);
        let back: Vec<Option<i64>> = told.map(|outage| back(lines, outage)).collect();
        let late = |time: &Option<i64>| time.is_none_or(|ms| ms > BACK_WITHIN_MS);
        self.not_back = back.iter().filter(|time| late(time)).count() as u64;
        let times: Vec<f64> = back.iter().flatten().map(|ms| *ms as f64).collect();
        self.back_ms_median = median(times.iter().copied());
        self.back_ms_max = times.iter().copied().fold(0.0, f64::max);
    }

    /// Whether merchants saw nothing but answers and declines, the money is right, and traffic came back.
    pub fn clean(&self) -> bool {
        let answered = self.errors.is_empty() && self.lost.is_empty() && self.unanswered == 0;
        let both = self.authorized_victim > 0 && self.authorized_steady > 0 && self.outages > 0;
        answered && both && self.breaches == 0 && self.not_back == 0
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let list = |counts: &BTreeMap<String, u64>| {
            let words: Vec<_> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
            if words.is_empty() { "none".to_owned() } else { words.join(", ") }
        };
        writeln!(
            text,
            "{} requests, statuses {:?}; {} of them processing at first\nerrors: {}; lost: {}; without a final answer: {}\n\
             {} outages of bank-a; authorized: {} by bank-a, {} by bank-b\n\
             back at bank-a after its return: median {:.0} ms, longest {:.0} ms, {} not in time\n{} breaches",
            self.requests,
            self.statuses,
            self.processing,
            list(&self.errors),
            list(&self.lost),
            self.unanswered,
            self.outages,
            self.authorized_victim,
            self.authorized_steady,
            self.back_ms_median,
            self.back_ms_max,
            self.not_back,
            self.breaches
        )
        .expect("text takes any text");
        for (invariant, count) in &self.findings.checks {
            writeln!(text, "invariant {invariant}: {count} checks").expect("text takes any text");
        }
        text
    }
}

/// From a return to the first authorization after it.
fn back(lines: &[book::Line], outage: &Outage) -> Option<i64> {
    let authorizes = |line: &&book::Line| line.op == "authorize" && line.at >= outage.until_ms;
    lines.iter().find(authorizes).map(|line| line.at - outage.until_ms)
}

/// Keys that never got a final answer, nor a refusal. A refund that is `pending` has its answer: its outcome is told by an event.
fn unanswered(client: &[client::Line]) -> u64 {
    let mut keys: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for line in client.iter().filter(|line| !line.key.is_empty()) {
        let refused =
            line.status.is_some_and(|status| (400..500).contains(&status) && !matches!(status, 409 | 429));
        let refund = line.op == "refund" && line.status == Some(200);
        *keys.entry((&line.merchant, &line.key)).or_insert(false) |= line.is_final || refused || refund;
    }
    keys.values().filter(|answered| !**answered).count() as u64
}
