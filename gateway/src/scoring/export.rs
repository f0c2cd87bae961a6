//! The export: what the scorer saw, said and learned, in the order of the journal, in the form that `risk train` and `risk replay` read.
//!
//! Two passes: the first learns what became of each payment, the second writes. Both end where the first one ended, so an export of a
//! serving gateway is one of that moment.

use super::decision;
use super::events::{Subject, event, records};
use gateway_core::id::ChargeId;
use gateway_core::journal::{Batch, Cursor, Journal, Row};
use gateway_core::payment::{Event, Payment, RiskVerdict};
use gateway_core::risk::{Decision, Evaluation};
use gateway_core::time::Timestamp;
use risk::event::{Label, Outcome, Record};
use risk::export::{Judged, header, render, shadow};
use std::collections::HashMap;

/// Which records are written, by their time: from this one on, and before that one.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub from: Timestamp,
    pub before: Timestamp,
}

impl Default for Window {
    fn default() -> Self {
        Self { from: Timestamp(i64::MIN), before: Timestamp(i64::MAX) }
    }
}

impl Window {
    /// From the beginning of a day to the end of another one, both UTC and written `YYYY-MM-DD`.
    ///
    /// # Errors
    /// What is no date.
    pub fn of_days(from: Option<&str>, to: Option<&str>) -> Result<Self, String> {
        let midnight = |text: &str, days: i64| -> Result<Timestamp, String> {
            let wrong = |why: jiff::Error| format!("{text:?} is no date, write YYYY-MM-DD: {why}");
            let date: jiff::civil::Date = text.parse().map_err(wrong)?;
            let start = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(wrong)?;
            Ok(Timestamp(start.timestamp().as_millisecond() + days * 86_400_000))
        };
        let all = Self::default();
        Ok(Self {
            from: from.map_or(Ok(all.from), |text| midnight(text, 0))?,
            before: to.map_or(Ok(all.before), |text| midnight(text, 1))?,
        })
    }

    fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.before
    }
}

/// What became of an attempt, as far as the first pass saw.
#[derive(Debug, Clone, Copy, Default)]
struct Fate {
    outcome: Option<Outcome>,
    label: Option<Label>,
}

/// An export under way.
pub struct Exporter {
    window: Window,
    fates: HashMap<u64, Fate>,
    /// Records so far.
    position: u64,
}

impl Exporter {
    /// Before the first batch of the first pass.
    pub fn new(window: Window) -> Self {
        Self { window, fates: HashMap::new(), position: 0 }
    }

    /// The first pass.
    pub fn learn(&mut self, batch: &Batch) {
        for (payment, recorded) in transitions(batch) {
            for record in records(payment, &recorded.event, recorded.at).into_iter().flatten() {
                match record {
                    Record::Authorization(_) => {}
                    Record::Outcome { event, outcome, .. } => {
                        self.fates.entry(event.id).or_default().outcome = Some(outcome);
                    }
                    Record::Label { event, verdict, .. } => {
                        self.fates.entry(event.id).or_default().label = Some(verdict);
                    }
                }
            }
        }
    }

    /// The header, to be written before the second pass.
    pub fn header() -> String {
        header() + "\n"
    }

    /// The second pass: adds the batch's lines to `out`.
    pub fn write(&mut self, batch: &Batch, out: &mut String) {
        for write in &batch.writes {
            match &write.row {
                Row::Payment(row) => {
                    for recorded in &row.events {
                        self.transition(&row.payment, recorded, out);
                    }
                }
                Row::Evaluation(evaluation) => self.evaluation(evaluation, out),
                Row::Claim(_)
                | Row::Event(_)
                | Row::Refund(_)
                | Row::PaymentMethod(_)
                | Row::Token(_)
                | Row::Customer(_)
                | Row::SetupIntent(_)
                | Row::Merchant(_)
                | Row::ApiKey(_)
                | Row::Sequence(_)
                | Row::Review(_)
                | Row::ValueList(_)
                | Row::ValueListItem(_) => {}
            }
        }
    }

    fn transition(
        &mut self,
        payment: &Payment,
        recorded: &gateway_core::payment::Recorded,
        out: &mut String,
    ) {
        for record in records(payment, &recorded.event, recorded.at).into_iter().flatten() {
            self.position += 1;
            if !self.window.holds(recorded.at) {
                continue;
            }
            let id = match record {
                Record::Authorization(event)
                | Record::Outcome { event, .. }
                | Record::Label { event, .. } => event.id,
            };
            let number = number_of(payment, id);
            let charge = ChargeId { payment: payment.id, attempt: number }.to_string();
            let decided = decided(payment, &recorded.event).filter(|_| is_authorization(&record));
            let cells = decided.map(|(verdict, decision)| Cells::of(verdict, decision));
            let fate = self.fates.get(&id).copied().filter(|_| is_authorization(&record)).unwrap_or_default();
            let line = render(&risk::export::Row {
                position: self.position,
                payment: &charge,
                record: &record,
                outcome: fate.outcome,
                label: fate.label,
                judged: cells.as_ref().and_then(Cells::judged),
            });
            out.push_str(&line);
            out.push('\n');
        }
    }

    fn evaluation(&self, evaluation: &Evaluation, out: &mut String) {
        if !self.window.holds(evaluation.created) {
            return;
        }
        let judged = &evaluation.judged;
        let subject = Subject {
            id: evaluation.id.0.0 as u64,
            tenant: evaluation.tenant,
            currency: judged.amount.currency,
            card: Some(judged.card),
            customer: judged.customer.map(gateway_core::id::CustomerId),
            origin: judged.origin,
        };
        let record = Record::Authorization(event(&subject, (0, judged.amount.minor, evaluation.created)));
        let cells = Cells::of(judged.verdict, &judged.decision);
        let line = render(&risk::export::Row {
            position: 0,
            payment: &evaluation.id.to_string(),
            record: &record,
            outcome: None,
            label: None,
            judged: cells.judged(),
        });
        out.push_str(&line);
        out.push('\n');
    }
}

fn transitions(batch: &Batch) -> impl Iterator<Item = (&Payment, &gateway_core::payment::Recorded)> {
    batch.writes.iter().flat_map(|write| {
        let row = if let Row::Payment(row) = &write.row { Some(row) } else { None };
        row.into_iter().flat_map(|row| row.events.iter().map(|recorded| (&*row.payment, recorded)))
    })
}

const fn is_authorization(record: &Record) -> bool {
    matches!(record, Record::Authorization(_))
}

/// The attempt of an event's id.
fn number_of(payment: &Payment, id: u64) -> u16 {
    ((id ^ payment.id.0.0 as u64) >> 48) as u16
}

fn decided<'a>(payment: &Payment, event: &'a Event) -> Option<(RiskVerdict, &'a Decision)> {
    match event {
        Event::AuthorizationIntended { attempt, decision, .. } | Event::Blocked { attempt, decision } => {
            let verdict = payment.attempt_numbered(attempt.number)?.risk.verdict;
            decision.as_deref().map(|decision| (verdict, decision))
        }
        _decides_nothing => None,
    }
}

/// A decision's cells, as texts.
struct Cells<'a> {
    decision: &'a Decision,
    features: Option<risk::features::FeatureVector>,
    verdict: &'static str,
    reasons: String,
    shadows: String,
}

impl<'a> Cells<'a> {
    fn of(verdict: RiskVerdict, decision: &'a Decision) -> Self {
        let shadows = decision.shadows.iter();
        let shadows: Vec<String> =
            shadows.map(|one| shadow(&one.model.version, one.score, one.log_odds_bits)).collect();
        Self {
            decision,
            features: decision::features(decision),
            verdict: match verdict {
                RiskVerdict::Accept => "accept",
                RiskVerdict::Review => "review",
                RiskVerdict::Block => "block",
            },
            reasons: decision.reasons.join(";"),
            shadows: shadows.join(";"),
        }
    }

    /// `None` for a decision over features of another version: it can be shown no more, and its payment still can.
    fn judged(&self) -> Option<Judged<'_>> {
        let decision = self.decision;
        Some(Judged::new(
            (self.features.as_ref()?, decision.features_as_of),
            (&decision.model.version, decision.log_odds_bits, decision.score),
            (self.verdict, &self.reasons, &self.shadows),
        ))
    }
}

/// Exports a serving gateway's journal. `tell` is given the file in pieces, and says whether anybody still listens.
///
/// # Errors
/// The store can't be read in order.
pub async fn export<F, Fut>(journal: &dyn Journal, window: Window, mut tell: F) -> Result<(), String>
where
    F: FnMut(String) -> Fut,
    Fut: Future<Output = bool>,
{
    let failed = |error| format!("the store can't be read: {error:?}");
    let mut exporter = Exporter::new(window);
    let (mut from, mut commits) = (Some(Cursor::default()), 0usize);
    while let Some(cursor) = from {
        let part = journal.part(cursor).await.map_err(failed)?;
        commits += part.commits.len();
        part.commits.iter().for_each(|commit| exporter.learn(&commit.batch));
        from = part.next;
    }
    if !tell(Exporter::header()).await {
        return Ok(());
    }
    let mut from = Some(Cursor::default());
    while let Some(cursor) = from {
        let part = journal.part(cursor).await.map_err(failed)?;
        let mut lines = String::new();
        for commit in part.commits.iter().take(commits) {
            exporter.write(&commit.batch, &mut lines);
        }
        commits = commits.saturating_sub(part.commits.len());
        if commits == 0 || part.next.is_none() {
            tell(lines).await;
            return Ok(());
        }
        if !lines.is_empty() && !tell(lines).await {
            return Ok(());
        }
        from = part.next;
    }
    Ok(())
}

/// Exports a stopped store.
///
/// # Errors
/// The store is in use, damaged or not ours, or the file can't be written.
pub fn export_stopped(
    store: &std::path::Path,
    window: Window,
    out: &mut dyn std::io::Write,
) -> Result<(), String> {
    let mut exporter = Exporter::new(window);
    let scan = gateway_store::embedded::scan;
    scan(store, &mut |_position, batch| {
        exporter.learn(batch);
        Ok(())
    })
    .map_err(|error| error.to_string())?;
    let unwritten = |error: std::io::Error| format!("the export can't be written: {error}");
    out.write_all(Exporter::header().as_bytes()).map_err(unwritten)?;
    let mut lines = String::new();
    scan(store, &mut |_position, batch| {
        lines.clear();
        exporter.write(batch, &mut lines);
        out.write_all(lines.as_bytes()).map_err(unwritten)
    })
    .map_err(|error| error.to_string())?;
    out.flush().map_err(unwritten)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_whole_days_and_open_where_nothing_is_said() {
        let window = Window::of_days(Some("2026-01-01"), Some("2026-01-01")).unwrap();
        let day = 1_767_225_600_000;
        assert!(window.holds(Timestamp(day)) && window.holds(Timestamp(day + 86_399_999)));
        assert!(!window.holds(Timestamp(day - 1)) && !window.holds(Timestamp(day + 86_400_000)));
        assert!(Window::of_days(None, None).unwrap().holds(Timestamp(0)));
        assert!(Window::of_days(Some("1.1.2026"), None).unwrap_err().contains("YYYY-MM-DD"));
    }
}
