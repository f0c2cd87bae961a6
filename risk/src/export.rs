//! The export that joins serving and training: one CSV row a record, decisions beside the payments they judged.
//!
//! Rows stand in the order of their position. `risk train`, `risk replay` and `risk convert` take the file as it is.

use std::fmt::Write;

use crate::event::{Entity, Event, Label, Outcome, Record};
use crate::features::{FeatureVector, is_missing, streaming_names};

/// Columns before the features.
pub const COLUMNS: [&str; 25] = [
    "record",
    "position",
    "payment",
    "id",
    "time_s",
    "amount_minor",
    "exponent",
    "currency",
    "card",
    "customer",
    "merchant",
    "address",
    "device",
    "email",
    "outcome",
    "fraud",
    "known_at_s",
    "features_as_of",
    "model_version",
    "log_odds",
    "probability",
    "risk_score",
    "verdict",
    "reasons",
    "shadows",
];

/// A decision as it is exported.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Number of records that the features rest on.
    pub features_as_of: u64,
    /// The model that decided.
    pub model_version: &'a str,
    /// Its log odds.
    pub log_odds: f64,
    /// Its probability.
    pub probability: f64,
    /// Its risk score.
    pub risk_score: u8,
    /// What was done: `accept`, `review` or `block`.
    pub verdict: &'a str,
    /// Codes of the reasons for it, the decisive one first, with `;` between them.
    pub reasons: &'a str,
    /// What other models said of it: `VERSION=SCORE/LOG_ODDS`, with `;` between them.
    pub shadows: &'a str,
    /// What it saw.
    pub features: &'a FeatureVector,
}

impl<'a> Judged<'a> {
    /// A decision whose log odds are given by their bits.
    pub fn new(
        (features, features_as_of): (&'a FeatureVector, u64),
        (model_version, log_odds_bits, risk_score): (&'a str, u64, u8),
        (verdict, reasons, shadows): (&'a str, &'a str, &'a str),
    ) -> Self {
        let log_odds = f64::from_bits(log_odds_bits);
        let probability = crate::model::logistic(log_odds);
        Judged {
            features_as_of,
            model_version,
            log_odds,
            probability,
            risk_score,
            verdict,
            reasons,
            shadows,
            features,
        }
    }
}

/// One cell of `shadows`.
pub fn shadow(version: &str, score: u8, log_odds_bits: u64) -> String {
    format!("{version}={score}/{}", f64::from_bits(log_odds_bits))
}

/// What a row is about.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Number of records applied once this one was, from 1 on; 0 for an event that was judged but never
    /// recorded, such as a payment processed elsewhere.
    pub position: u64,
    /// The caller's identifier of the payment.
    pub payment: &'a str,
    /// The record; of an event that was never recorded, its authorization.
    pub record: &'a Record,
    /// Of an authorization: what became of it, as known at the time of the export.
    pub outcome: Option<Outcome>,
    /// Of an authorization: its label, as known at the time of the export.
    pub label: Option<Label>,
    /// Of an authorization: the decision.
    pub judged: Option<Judged<'a>>,
}

/// Column of a feature: its name behind `f_`, which keeps `currency` the feature apart from `currency` the cell.
pub fn feature_column(name: &str) -> String {
    format!("f_{name}")
}

/// The header line, without its end.
pub fn header() -> String {
    let features = streaming_names().iter().map(|name| feature_column(name));
    COLUMNS.into_iter().map(str::to_owned).chain(features).collect::<Vec<_>>().join(",")
}

/// One row, without its end of line.
pub fn render(row: &Row<'_>) -> String {
    let mut line = String::with_capacity(512);
    let (kind, event, outcome, label, known_at_s) = match row.record {
        Record::Authorization(event) => ("authorization", event, row.outcome, row.label, None),
        Record::Outcome { event, outcome, time_s } => ("outcome", event, Some(*outcome), None, Some(*time_s)),
        Record::Label { event, verdict, known_at_s } => {
            ("label", event, None, Some(*verdict), Some(*known_at_s))
        }
    };
    let kind = if row.position == 0 { "evaluation" } else { kind };
    push(&mut line, kind);
    push(&mut line, row.position);
    push(&mut line, quoted(row.payment));
    event_cells(&mut line, event);
    push(&mut line, outcome.map_or("", outcome_name));
    push(&mut line, label.map_or("", |label| if label == Label::Fraud { "1" } else { "0" }));
    push(&mut line, known_at_s.map_or_else(String::new, |time_s| time_s.to_string()));
    match &row.judged {
        Some(judged) => judged_cells(&mut line, judged),
        None => line.extend(std::iter::repeat_n(',', 8 + streaming_names().len())),
    }
    line.pop();
    line
}

fn push(line: &mut String, cell: impl std::fmt::Display) {
    write!(line, "{cell},").expect("writing to memory does not fail");
}

fn event_cells(line: &mut String, event: &Event) {
    push(line, format_args!("{:016x}", event.id));
    push(line, event.time_s);
    push(line, event.amount_minor);
    push(line, event.exponent);
    push(line, String::from_utf8_lossy(&event.currency));
    for entity in Entity::ALL {
        match event.key(entity) {
            Some(key) => push(line, format_args!("{key:016x}")),
            None => line.push(','),
        }
    }
}

fn judged_cells(line: &mut String, judged: &Judged<'_>) {
    push(line, judged.features_as_of);
    push(line, quoted(judged.model_version));
    push(line, judged.log_odds);
    push(line, judged.probability);
    push(line, judged.risk_score);
    push(line, judged.verdict);
    push(line, quoted(judged.reasons));
    push(line, quoted(judged.shadows));
    for value in judged.features {
        match is_missing(*value) {
            true => line.push(','),
            false => push(line, value),
        }
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Name of an outcome in the file.
pub const fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Approved => "approved",
        Outcome::Declined => "declined",
        Outcome::Blocked => "blocked",
    }
}

/// The outcome of a name in the file.
pub fn outcome_named(name: &str) -> Option<Outcome> {
    [Outcome::Approved, Outcome::Declined, Outcome::Blocked]
        .into_iter()
        .find(|known| outcome_name(*known) == name)
}
