//! Counting requests by operation, with handles made once: a request costs two additions and no allocation.

use metrics::{Counter, Histogram, SharedString, counter, histogram};
use std::time::Duration;

/// The classes of status that are told apart.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The figures of one operation.
#[derive(Clone)]
pub struct Operation {
    answers: [Counter; CLASSES.len()],
    duration: Histogram,
}

impl Operation {
    /// Registers an operation under its name (`create_payment_intent`); do it once, at start, after
    /// [`super::Figures::install`].
    pub fn register(name: impl Into<SharedString>) -> Self {
        let name: SharedString = name.into();
        Self {
            answers: CLASSES.map(
                |status| counter!("tollgate_http_requests_total", "operation" => name.clone(), "status" => status),
            ),
            duration: histogram!("tollgate_http_request_duration_seconds", "operation" => name),
        }
    }

    /// Counts one answer. A status that is none counts as 5xx.
    pub fn answered(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).wrapping_sub(1);
        self.answers[class.min(CLASSES.len() - 1)].increment(1);
        self.duration.record(took);
    }
}
