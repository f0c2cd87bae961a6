//! Thresholds: `p99<50ms`, `errors<0.1%`, `rate>1900`, and whether a run kept them.

use crate::failure::{Failure, Result};
use crate::load::Action;
use crate::measure::Summary;
use crate::measure::summary::Quantiles;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// What is compared.
#[derive(Debug, Clone, Copy)]
enum Metric {
    /// A quantile of latency, in microseconds.
    Quantile(fn(&Quantiles) -> f64),
    /// Share of requests that were errors.
    Errors,
    /// Requests a second that ended as expected.
    Goodput,
    /// Share of requests that were sent late by the client itself.
    Late,
}

/// One threshold.
#[derive(Debug, Clone)]
pub struct Threshold {
    text: String,
    metric: Metric,
    /// Of one action, or of all.
    action: Option<Action>,
    below: bool,
    limit: f64,
}

/// Whether a threshold was kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub threshold: String,
    pub kept: bool,
    /// In the unit of the threshold's own metric: microseconds, a share, or requests a second.
    pub value: f64,
}

const HELP: &str = "expected METRIC<VALUE or METRIC>VALUE, with METRIC one of p50 p90 p95 p99 p99.9 max mean (VALUE like \
                    50ms, 800us, 2s), errors or late (VALUE like 0.1%), rate (requests a second); p99(capture) is that of \
                    one action";

impl FromStr for Threshold {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Failure::usage(format!("the threshold {text:?} makes no sense: {HELP}"));
        let at = text.find(['<', '>']).ok_or_else(wrong)?;
        let (left, right) = (text[..at].trim(), text[at + 1..].trim());
        let (name, action) = match left.split_once('(') {
            Some((name, rest)) => {
                let word = rest.strip_suffix(')').ok_or_else(wrong)?;
                let action =
                    Action::ALL.into_iter().find(|action| action.as_str() == word).ok_or_else(wrong)?;
                (name, Some(action))
            }
            None => (left, None),
        };
        let (metric, limit) = match name {
            "p50" => (Metric::Quantile(|q| q.p50 as f64), duration_us(right)),
            "p90" => (Metric::Quantile(|q| q.p90 as f64), duration_us(right)),
            "p95" => (Metric::Quantile(|q| q.p95 as f64), duration_us(right)),
            "p99" => (Metric::Quantile(|q| q.p99 as f64), duration_us(right)),
            "p99.9" | "p999" => (Metric::Quantile(|q| q.p999 as f64), duration_us(right)),
            "max" => (Metric::Quantile(|q| q.max as f64), duration_us(right)),
            "mean" => (Metric::Quantile(|q| q.mean), duration_us(right)),
            "errors" => (Metric::Errors, share(right)),
            "late" => (Metric::Late, share(right)),
            "rate" => (Metric::Goodput, number(right)),
            _unknown => return Err(wrong()),
        };
        let limit = limit.ok_or_else(wrong)?;
        Ok(Self { text: text.to_owned(), metric, action, below: text.as_bytes()[at] == b'<', limit })
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0)
}

fn share(text: &str) -> Option<f64> {
    match text.strip_suffix('%') {
        Some(percent) => number(percent.trim()).map(|value| value / 100.0),
        None => number(text),
    }
}

fn duration_us(text: &str) -> Option<f64> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    units
        .iter()
        .find_map(|(unit, factor)| number(text.strip_suffix(unit)?.trim()).map(|value| value * factor))
}

impl Threshold {
    /// Compares a run.
    pub fn judge(&self, summary: &Summary) -> Verdict {
        let count = |errors: bool| -> f64 {
            let cells =
                summary.cells.iter().filter(|cell| self.action.is_none_or(|action| action == cell.action));
            let counted = cells.filter(|cell| !errors || cell.outcome.is_error(cell.action));
            counted.map(|cell| cell.latency.len()).sum::<u64>() as f64
        };
        let value = match self.metric {
            Metric::Quantile(of) => of(&Quantiles::of(&summary.latency(self.action))),
            Metric::Errors => count(true) / count(false).max(1.0),
            Metric::Goodput => (count(false) - count(true)) / summary.duration.as_secs_f64(),
            Metric::Late => summary.lateness.client as f64 / count(false).max(1.0),
        };
        // A run without a request keeps no promise.
        let kept = count(false) > 0.0 && if self.below { value < self.limit } else { value > self.limit };
        Verdict { threshold: self.text.clone(), kept, value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Pace, Plan};
    use crate::measure::{Recorder, Timing};
    use crate::wire::{Answer, Http, Loss, Target};
    use std::time::{Duration, Instant};

    /// 1,000 requests within a second: latencies of 1..=1,000 ms, ten of them lost.
    fn summary() -> Summary {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut recorder = Recorder::new(start, Duration::ZERO..second);
        for index in 1..=1_000_u64 {
            let done = start + Duration::from_millis(index);
            let timing = Timing { intended: start, noticed: start, sent: start, done };
            let answer = Answer { status: 200, replayed: false, body: "{}".into(), head_bytes: 0 };
            let result = if index % 100 == 0 { Err(Loss::Reset) } else { Ok(answer) };
            let action = if index % 2 == 0 { Action::Capture } else { Action::Authorize };
            recorder.done(action, &timing, &result);
        }
        let tls =
            rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .expect("suites")
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
        let target = Target {
            address: "127.0.0.1:1".parse().expect("an address"),
            authority: "localhost:1".to_owned(),
            name: "localhost".try_into().expect("a name"),
            tls: tls.into(),
            http: Http::One,
        };
        let mut plan = Plan::new(target, Pace::Closed, second);
        plan.warmup = Duration::ZERO;
        Summary::of(&plan, std::iter::once((recorder, Duration::ZERO)))
    }

    #[test]
    fn thresholds_are_judged() {
        let summary = summary();
        let table = [
            ("p50<510ms", true),
            ("p50<400ms", false),
            ("p99 < 1s", true),
            ("p99.9<900ms", false),
            ("max>0.9s", true),
            ("mean<600000us", true),
            ("errors<1.1%", true),
            ("errors<0.9%", false),
            ("errors(capture)<0.021", true),
            ("errors(authorize)<0.001%", true),
            ("rate>980", true),
            ("rate>999", false),
            ("p99(refund)<1s", false),
            ("late<1%", true),
        ];
        for (text, kept) in table {
            let threshold: Threshold = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            let verdict = threshold.judge(&summary);
            assert_eq!(verdict.kept, kept, "{text}: {}", verdict.value);
        }
    }

    #[test]
    fn nonsense_is_refused_with_help() {
        for text in
            ["", "p99", "p99<", "p99<50", "p98<1ms", "errors<x%", "p99(nothing)<1ms", "p99<-1ms", "rate>NaN"]
        {
            let refused = text.parse::<Threshold>().expect_err(text);
            assert_eq!(refused.code(), 2, "{text}");
            assert!(refused.to_string().contains("expected METRIC"), "{text}");
        }
    }
}
