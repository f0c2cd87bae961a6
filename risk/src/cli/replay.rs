//! `risk replay`: recomputes the decisions of an export from its records, and compares them bit for bit.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::arguments::read_model;
use super::output::Output;
use crate::event::Record;
use crate::features::{Extractor, MISSING, STREAMING_LEN, Settings, is_missing, streaming_names};
use crate::model::Model;
use crate::train::Failure;
use crate::train::export::{Decided, Reader};
use crate::train::table::Table;

/// Arguments of `risk replay`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The export, CSV or Parquet.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    data: Vec<PathBuf>,
    /// The model that decided; its scores are compared where the versions match.
    #[arg(long, value_name = "MODEL.json")]
    model: Option<PathBuf>,
    /// State to start from, where the export does not begin with the first record.
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// Where to write the state after the last record, as a gateway would have it.
    #[arg(long, value_name = "FILE")]
    snapshot_out: Option<PathBuf>,
    /// Entities of each kind that the gateway remembered.
    #[arg(long, default_value_t = Settings::default().entities)]
    entities: usize,
    /// Payments that the gateway let wait for their label.
    #[arg(long, default_value_t = Settings::default().pending)]
    pending: usize,
    /// The gateway's label delay, days.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(0..=3650))]
    label_delay_days: u32,
}

#[derive(Default)]
struct Tally {
    decisions: usize,
    different: usize,
    scores: usize,
    scores_different: usize,
    first: Option<String>,
}

/// Replays and compares.
///
/// # Errors
/// The export cannot be read, has gaps, or a decision comes out differently.
pub fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let model = arguments.model.as_deref().map(read_model).transpose()?;
    let extractor = match &arguments.snapshot {
        Some(path) => {
            let bytes =
                std::fs::read(path).map_err(|error| Failure(format!("{}: {error}", path.display())))?;
            Extractor::restore(&bytes).map_err(|error| Failure(format!("{}: {error}", path.display())))?
        }
        None => Extractor::new(Settings {
            entities: arguments.entities,
            pending: arguments.pending,
            label_delay_s: arguments.label_delay_days * 86_400,
        }),
    };
    let busy = output.busy("reading");
    let (mut records, mut decisions): (Vec<(u64, Record)>, Vec<Decided>) = (Vec::new(), Vec::new());
    for path in &arguments.data {
        let table = Table::read(path, &|_| true)?;
        let reader = Reader::new(&table)?;
        for row in 0..table.rows() {
            records.extend(reader.record(row)?);
            decisions.extend(reader.decided(row)?);
        }
    }
    records.sort_by_key(|record| record.0);
    records.retain(|record| record.0 > extractor.position());
    decisions.retain(|decision| decision.features_as_of >= extractor.position());
    decisions.sort_by_key(|decision| decision.features_as_of);
    busy.set_message("replaying");
    let tally = compare(&extractor, &records, (&decisions, model.as_ref()))?;
    busy.finish_and_clear();
    if let Some(path) = &arguments.snapshot_out {
        let written = std::fs::write(path, extractor.snapshot());
        written.map_err(|error| Failure(format!("{}: {error}", path.display())))?;
    }
    let result = json!({
        "records": records.len(), "decisions": tally.decisions, "different": tally.different,
        "scores": tally.scores, "scores_different": tally.scores_different, "first_difference": tally.first,
    });
    output.show(&result, || {
        format!(
            "{} records, {} decisions recomputed, {} of them differ; {} scores recomputed, {} of them differ",
            records.len(),
            tally.decisions,
            tally.different,
            tally.scores,
            tally.scores_different
        )
    })?;
    match tally.first {
        Some(first) => Err(Failure(first)),
        None => Ok(()),
    }
}

fn compare(
    extractor: &Extractor,
    records: &[(u64, Record)],
    (decisions, model): (&[Decided], Option<&Model>),
) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    let mut next = records.iter().peekable();
    for decision in decisions {
        while let Some(record) = next.next_if(|record| record.0 <= decision.features_as_of) {
            observe(extractor, record)?;
        }
        let mut features = [MISSING; STREAMING_LEN];
        let seen = extractor.extract(&decision.event, &mut features);
        if seen != decision.features_as_of {
            return Err(Failure(format!(
                "payment {} was judged after record {}, and the export ends or has a gap after {seen}",
                decision.payment, decision.features_as_of
            )));
        }
        note(&mut tally, decision, (&features, model));
    }
    next.try_for_each(|record| observe(extractor, record))?;
    Ok(tally)
}

fn observe(extractor: &Extractor, (position, record): &(u64, Record)) -> Result<(), Failure> {
    if *position != extractor.position() + 1 {
        return Err(Failure(format!(
            "the export has a gap: record {} is followed by {position}; export from the first record on, \
             or start from a snapshot with --snapshot",
            extractor.position()
        )));
    }
    extractor.observe(record);
    Ok(())
}

fn note(tally: &mut Tally, decision: &Decided, (features, model): (&[f64; STREAMING_LEN], Option<&Model>)) {
    tally.decisions += 1;
    let mut places =
        (0..STREAMING_LEN).filter(|place| features[*place].to_bits() != decision.features[*place].to_bits());
    if let Some(place) = places.next() {
        tally.different += 1;
        let shown = |value: f64| if is_missing(value) { "no data".to_owned() } else { value.to_string() };
        tally.first.get_or_insert_with(|| {
            format!(
                "payment {}: {} was {} in the gateway and is {} in the replay",
                decision.payment,
                streaming_names()[place],
                shown(decision.features[place]),
                shown(features[place])
            )
        });
    }
    let Some(model) = model.filter(|model| **model.version() == *decision.model_version) else { return };
    tally.scores += 1;
    let log_odds = model.log_odds(features);
    if log_odds.to_bits() != decision.log_odds.to_bits() {
        tally.scores_different += 1;
        tally.first.get_or_insert_with(|| {
            format!("payment {}: log odds {} became {log_odds}", decision.payment, decision.log_odds)
        });
    }
}
