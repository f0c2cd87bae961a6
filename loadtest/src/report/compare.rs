//! `loadtest compare`: two runs side by side.

use super::RunReport;
use std::fmt::Write;

/// A value of both runs and by how much it grew.
fn row(text: &mut String, name: &str, (before, after): (f64, f64), decimals: usize) {
    let change =
        if before == 0.0 { String::new() } else { format!("{:+.1} %", (after / before - 1.0) * 100.0) };
    writeln!(text, "{name:<28}{before:>14.decimals$}{after:>14.decimals$}{change:>12}")
        .expect("text takes any text");
}

/// The comparison as text. Runs that were not made alike are said to be so.
pub fn text(before: &RunReport, after: &RunReport) -> String {
    let mut text = String::new();
    for difference in differences(before, after) {
        writeln!(text, "WARNING: {difference}").expect("text takes any text");
    }
    writeln!(text, "{:<28}{:>14}{:>14}{:>12}", "", "first", "second", "change").expect("text takes any text");
    row(&mut text, "achieved, 1/s", (before.achieved_per_s, after.achieved_per_s), 1);
    row(&mut text, "as expected, 1/s", (before.goodput_per_s, after.goodput_per_s), 1);
    row(&mut text, "errors, %", (before.error_share() * 100.0, after.error_share() * 100.0), 3);
    let (a, b) = (&before.latency_us, &after.latency_us);
    for (name, x, y) in [
        ("p50, ms", a.p50, b.p50),
        ("p90, ms", a.p90, b.p90),
        ("p99, ms", a.p99, b.p99),
        ("p99.9, ms", a.p999, b.p999),
        ("max, ms", a.max, b.max),
    ] {
        row(&mut text, name, (x as f64 / 1e3, y as f64 / 1e3), 3);
    }
    for one in &before.rows {
        let same = |other: &&super::run::Row| other.action == one.action && other.outcome == one.outcome;
        if let Some(other) = after.rows.iter().find(same) {
            let name = format!("{} {} p99, ms", one.action, one.outcome);
            row(&mut text, &name, (one.latency_us.p99 as f64 / 1e3, other.latency_us.p99 as f64 / 1e3), 3);
        }
    }
    text
}

fn differences(before: &RunReport, after: &RunReport) -> Vec<String> {
    let mut found = Vec::new();
    if before.model != after.model {
        found.push(format!("{} against {} model: latencies do not compare", before.model, after.model));
    }
    if before.http != after.http || before.connections != after.connections {
        found.push("the runs differ in HTTP version or connections".to_owned());
    }
    let rates = (before.intended_per_s, after.intended_per_s);
    if before.model == "open" && (rates.0 / rates.1.max(1e-9) - 1.0).abs() > 0.02 {
        found.push(format!("offered {:.1}/s against {:.1}/s: latencies do not compare", rates.0, rates.1));
    }
    let doubts = before.warnings.iter().chain(&after.warnings);
    found.extend(doubts.map(|warning| format!("one of the runs is doubtful: {warning}")));
    found
}
