//! `gateway verify`.

use super::args::Verify;
use crate::verify::{Report, Verifier, write_history};
use std::fs::File;
use std::io::{BufWriter, Write};

/// Reads a stopped store, prints what was counted, and fails on any breach.
pub(super) fn verify(arguments: Verify) -> Result<(), String> {
    let store = arguments.data_dir.join("store");
    if !store.is_dir() {
        return Err(format!(
            "{} holds no store: name the data directory of a gateway",
            arguments.data_dir.display()
        ));
    }
    let verifier = Verifier::read(&store)?;
    if let Some(path) = &arguments.history {
        let written = File::create(path).and_then(|file| {
            let mut out = BufWriter::new(file);
            write_history(&verifier, &mut out)?;
            out.flush()
        });
        written.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let report = verifier.report();
    if arguments.json {
        let text = serde_json::to_string(report).map_err(|error| error.to_string())?;
        println!("{text}");
    } else {
        print(report);
    }
    if report.breach_count == 0 { Ok(()) } else { Err(format!("{} breaches", report.breach_count)) }
}

fn print(report: &Report) {
    let rows = [
        ("payments", report.payments),
        ("authorizations", report.authorizations),
        ("captures", report.captures),
        ("refunds", report.refunds),
        ("outcomes not known", report.open),
        ("transitions", report.transitions),
        ("postings", report.postings),
        ("events", report.events),
        ("final answers", report.claims),
        ("commits", report.commits),
        ("journal bytes", report.journal_bytes),
        ("torn bytes", report.torn_bytes),
        ("breaches", report.breach_count),
    ];
    for (name, count) in rows {
        println!("{name:<20} {count:>15}");
    }
    for breach in &report.breaches {
        println!("{breach}");
    }
}
