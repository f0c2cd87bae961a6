//! The report on a terminal.

use super::RunReport;
use crate::measure::summary::Quantiles;
use std::fmt::Write;

/// Microseconds as milliseconds, as precise as they are interesting.
fn ms(us: u64) -> String {
    let ms = us as f64 / 1e3;
    if ms < 10.0 {
        format!("{ms:.2}")
    } else if ms < 1_000.0 {
        format!("{ms:.1}")
    } else {
        format!("{ms:.0}")
    }
}

fn quantiles(q: &Quantiles) -> String {
    let values = [q.p50, q.p90, q.p95, q.p99, q.p999, q.max];
    values.iter().map(|value| format!("{:>9}", ms(*value))).collect()
}

/// The whole report.
pub fn text(report: &RunReport) -> String {
    let mut text = String::new();
    let from =
        if report.model == "open" { "from the intended start" } else { "from the sending (closed model)" };
    writeln!(
        text,
        "{} model, HTTP/{}, {} connections, {:.1} s measured, seed {}\nintended {:.1}/s, achieved {:.1}/s, as expected \
         {:.1}/s; {} errors of {} ({:.3} %)\nlatency {from}, ms:\n\n{:<22}{:>9}{:>9}      \
         p50      p90      p95      p99    p99.9      max",
        report.model,
        report.http,
        report.connections,
        report.seconds,
        report.seed,
        report.intended_per_s,
        report.achieved_per_s,
        report.goodput_per_s,
        report.errors,
        report.requests,
        report.error_share() * 100.0,
        "",
        "count",
        "/s"
    )
    .expect("text takes any text");
    for row in &report.rows {
        let name = format!("{} {}", row.action, row.outcome);
        let (count, per_s) = (row.latency_us.count, row.per_s);
        writeln!(text, "{name:<22}{count:>9}{per_s:>9.1}{}", quantiles(&row.latency_us))
            .expect("text takes any text");
    }
    let (count, per_s) = (report.requests, report.achieved_per_s);
    writeln!(text, "{:<22}{count:>9}{per_s:>9.1}{}", "all", quantiles(&report.latency_us))
        .expect("text takes any text");
    writeln!(
        text,
        "\nsent late: {} by the client, {} for want of a connection, the latest by {} ms; the client's busiest thread \
         computed {:.0} % of the time",
        report.late.client,
        report.late.connection,
        ms(report.late.longest_us),
        report.client_busy * 100.0
    )
    .expect("text takes any text");
    for (cause, count) in &report.causes {
        writeln!(text, "refused: {count} x {cause}").expect("text takes any text");
    }
    for warning in &report.warnings {
        writeln!(text, "WARNING: {warning}").expect("text takes any text");
    }
    for verdict in &report.thresholds {
        let word = if verdict.kept { "kept" } else { "NOT KEPT" };
        writeln!(text, "threshold {}: {word} ({:.6})", verdict.threshold, verdict.value)
            .expect("text takes any text");
    }
    if let Some(came) = report.notifications {
        writeln!(text, "notifications of wallets that came: {came}").expect("text takes any text");
    }
    if let Some(breaches) = report.audit_breaches {
        writeln!(text, "audit: {breaches} breaches").expect("text takes any text");
    }
    text
}
