//! What `ceiling --json` prints.

use serde::{Deserialize, Serialize};

/// One side of the contest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Requests of all rounds' measured times.
    pub requests: u64,
    /// Those of them that were not answered 200.
    pub errors: u64,
    /// The measured time of all rounds.
    pub seconds: f64,
    /// Median of the rounds.
    pub requests_per_s: f64,
    /// The server's user and system time a request, in microseconds; median of the rounds.
    pub cpu_us_per_request: f64,
}

/// The gateway's side, with what its store did in all rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GatewaySide {
    #[serde(flatten)]
    pub side: Side,
    /// Batches that were made durable.
    pub commits: u64,
    /// Calls of fsync or fdatasync.
    pub fsyncs: u64,
}

/// The contest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub bare: Side,
    pub gateway: GatewaySide,
    /// The gateway's requests a second, divided by the bare server's.
    pub ratio_throughput: f64,
    /// The gateway's CPU time a request, divided by the bare server's.
    pub ratio_cpu: f64,
}

/// What one round showed of one side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Round {
    pub requests: u64,
    pub errors: u64,
    pub seconds: f64,
    pub cpu_us: f64,
}

impl Side {
    /// Medians and sums of rounds; there is at least one.
    pub fn of(rounds: &[Round]) -> Self {
        let requests = rounds.iter().map(|round| round.requests).sum();
        Self {
            requests,
            errors: rounds.iter().map(|round| round.errors).sum(),
            seconds: rounds.iter().map(|round| round.seconds).sum(),
            requests_per_s: median(rounds.iter().map(|round| round.requests as f64 / round.seconds)),
            cpu_us_per_request: median(
                rounds.iter().map(|round| round.cpu_us / (round.requests as f64).max(1.0)),
            ),
        }
    }
}

/// The median; of an even number of values, the mean of the two in the middle. 0 of none.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
        assert_eq!(median([].into_iter()), 0.0);
    }

    #[test]
    fn the_json_has_the_keys_that_scripts_read() {
        let round = Round { requests: 1_000, errors: 1, seconds: 2.0, cpu_us: 8_000.0 };
        let side = Side::of(&[round, round, round]);
        let gateway = GatewaySide { side, commits: 6_000, fsyncs: 100 };
        let report = Report { bare: side, gateway, ratio_throughput: 1.0, ratio_cpu: 1.0 };
        let json = serde_json::to_value(report).expect("plain numbers");
        assert_eq!(json["bare"]["requests"], 3_000);
        assert_eq!(json["bare"]["errors"], 3);
        assert_eq!(json["bare"]["seconds"], 6.0);
        assert_eq!(json["bare"]["requests_per_s"], 500.0);
        assert_eq!(json["bare"]["cpu_us_per_request"], 8.0);
        assert_eq!(json["gateway"]["fsyncs"], 100);
        assert_eq!(json["gateway"]["commits"], 6_000);
        assert_eq!(json["gateway"].as_object().expect("an object").len(), 7);
        assert_eq!(json["bare"].as_object().expect("an object").len(), 5);
        assert_eq!(json.as_object().expect("an object").len(), 4);
    }
}
