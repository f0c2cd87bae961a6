//! Figures for Prometheus: one recorder for the process, and a sentence for every figure.
//!
//! Names begin with `tollgate_`, units are base units, counters end in `_total`, and no label holds an id.

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

/// What a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Figures of the edge and of the process. Other rooms describe theirs by [`describe`].
const DESCRIPTIONS: &[(Kind, &str, &str)] = &[
    (Kind::Counter, "tollgate_http_requests_total", "Requests answered, by operation and class of status."),
    (
        Kind::Histogram,
        "tollgate_http_request_duration_seconds",
        "Time from a request's arrival at the service to its answer, by operation.",
    ),
    (Kind::Gauge, "tollgate_connections", "Open connections after their TLS handshake, by protocol."),
    (
        Kind::Counter,
        "tollgate_connections_refused_total",
        "Connections closed on arrival, by the limit they met.",
    ),
    (Kind::Counter, "tollgate_connections_expired_total", "Connections closed at a deadline, by its phase."),
    (Kind::Counter, "tollgate_tls_handshakes_total", "TLS handshakes, by how they ended."),
    (Kind::Counter, "tollgate_request_panics_total", "Requests that panicked and were answered 500."),
    (Kind::Gauge, "tollgate_certificate_expiry_seconds", "Unix time at which the served certificate ends."),
    (Kind::Counter, "tollgate_reloads_total", "Reloads on SIGHUP, by how they ended."),
    (Kind::Gauge, "tollgate_build_info", "Always 1; the label is the version."),
];

/// Bounds of the buckets of durations, in seconds: fine where the targets are.
const DURATIONS: [f64; 14] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Says what figures mean. Call it before they are first counted, or after; it costs nothing.
pub fn describe(rows: &[(Kind, &'static str, &'static str)]) {
    for (kind, name, text) in rows {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *text),
            Kind::Gauge => metrics::describe_gauge!(*name, *text),
            Kind::Histogram => metrics::describe_histogram!(*name, *text),
        }
    }
}

/// The process's figures, to be rendered.
#[derive(Clone)]
pub struct Figures(PrometheusHandle);

impl Figures {
    /// Installs the recorder, once for the process; later calls give the same one.
    ///
    /// # Errors
    /// Another recorder was installed by somebody else.
    pub fn install() -> Result<Self, String> {
        static HANDLE: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
        HANDLE.get_or_init(|| build().map_err(|error| error.to_string())).clone().map(Self)
    }

    /// The text that Prometheus reads.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Moves samples into their buckets; due every second or so, because they queue up until then.
    pub fn tidy(&self) {
        self.0.run_upkeep();
    }
}

fn build() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().set_buckets(&DURATIONS)?.install_recorder()?;
    describe(DESCRIPTIONS);
    metrics::gauge!("tollgate_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Operation;

    #[test]
    fn what_is_counted_is_rendered_with_its_sentence() {
        let figures = Figures::install().expect("the first, or the same again");
        let operation = Operation::register("tested");
        for status in [200, 201, 402, 503] {
            operation.answered(status, std::time::Duration::from_micros(300));
        }
        figures.tidy();
        let text = figures.render();
        for expected in [
            "# HELP tollgate_http_requests_total Requests answered",
            "tollgate_http_requests_total{operation=\"tested\",status=\"2xx\"} 2\n",
            "tollgate_http_requests_total{operation=\"tested\",status=\"4xx\"} 1\n",
            "tollgate_http_request_duration_seconds_bucket{operation=\"tested\",le=\"0.0005\"} 4\n",
            "# HELP tollgate_build_info",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
        for (_, name, sentence) in DESCRIPTIONS {
            assert!(name.starts_with("tollgate_") && sentence.ends_with('.'), "{name}");
        }
    }
}
