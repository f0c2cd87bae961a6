//! The report as one HTML file with its drawings inside: no script, nothing loaded from anywhere.

use super::RunReport;
use super::run::SliceRow;
use std::fmt::Write;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 64.0;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;\
color:#1c2430;background:#fff}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;\
width:100%;font-variant-numeric:tabular-nums}td,th{padding:.25rem .6rem;text-align:right;border-bottom:1px solid #d9dee6}\
td:first-child,th:first-child{text-align:left}.bad{color:#b3261e;font-weight:600}.good{color:#1e6b3a}svg{width:100%;\
height:auto}svg text{font-size:11px;fill:#5a6575}@media(prefers-color-scheme:dark){body{background:#14181f;color:#dfe5ee}\
td,th{border-color:#333c4a}svg text{fill:#9aa6b8}}";

/// One line of a drawing.
struct Curve<'a> {
    name: &'a str,
    colour: &'a str,
    of: fn(&SliceRow) -> f64,
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The page.
pub fn page(report: &RunReport) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Load test</title><style>{STYLE}</style><h1>Load test</h1>"
    );
    write!(
        page,
        "<p>{} model, HTTP/{}, {} connections, {:.1} s measured, seed {}. Intended {:.1}/s, achieved {:.1}/s, as expected \
         {:.1}/s. {} errors of {} requests ({:.3} %). Sent late: {} by the client, {} for want of a connection.</p>",
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
        report.late.client,
        report.late.connection
    )
    .expect("text takes any text");
    for warning in &report.warnings {
        write!(page, "<p class=bad>{}</p>", escape(warning)).expect("text takes any text");
    }
    verdicts(&mut page, report);
    let per_s = report.slice_seconds;
    page.push_str("<h2>Requests a second</h2>");
    let rates = [
        Curve { name: "due", colour: "#8a94a6", of: |slice| slice.due as f64 },
        Curve { name: "done", colour: "#2563eb", of: |slice| slice.done as f64 },
        Curve { name: "errors", colour: "#dc2626", of: |slice| slice.errors as f64 },
    ];
    page.push_str(&drawing(&report.slices, &rates, 1.0 / per_s.max(1e-9)));
    page.push_str("<h2>Latency, ms</h2>");
    let latencies = [
        Curve { name: "p50", colour: "#16a34a", of: |slice| slice.p50_us as f64 },
        Curve { name: "p99", colour: "#d97706", of: |slice| slice.p99_us as f64 },
        Curve { name: "max", colour: "#9333ea", of: |slice| slice.max_us as f64 },
    ];
    page.push_str(&drawing(&report.slices, &latencies, 1e-3));
    table(&mut page, report);
    page.push_str("</html>\n");
    page
}

fn verdicts(page: &mut String, report: &RunReport) {
    for verdict in &report.thresholds {
        let (class, word) = if verdict.kept { ("good", "kept") } else { ("bad", "not kept") };
        let text = escape(&verdict.threshold);
        write!(page, "<p class={class}>{text}: {word} ({:.6})</p>", verdict.value)
            .expect("text takes any text");
    }
    if let Some(breaches) = report.audit_breaches {
        let class = if breaches == 0 { "good" } else { "bad" };
        write!(page, "<p class={class}>Audit of the money: {breaches} breaches</p>")
            .expect("text takes any text");
    }
}

fn drawing(slices: &[SliceRow], curves: &[Curve<'_>], factor: f64) -> String {
    let most = slices.iter().flat_map(|slice| curves.iter().map(|curve| (curve.of)(slice) * factor));
    let most = most.fold(0.0_f64, f64::max).max(1e-9);
    let last = slices.last().map_or(1.0, |slice| slice.at_s).max(1e-9);
    let x = |at: f64| LEFT + (WIDTH - LEFT - 8.0) * at / last;
    let y = |value: f64| HEIGHT - 24.0 - (HEIGHT - 48.0) * value / most;
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">");
    for share in [0.0, 0.5, 1.0] {
        let (at, value) = (y(most * share), most * share);
        write!(
            svg,
            "<line x1={LEFT} x2={WIDTH} y1={at:.1} y2={at:.1} stroke=\"#8884\"/><text x={:.1} y={:.1} \
             text-anchor=\"end\">{value:.1}</text>",
            LEFT - 6.0,
            at + 4.0
        )
        .expect("text takes any text");
    }
    write!(
        svg,
        "<text x={LEFT} y={:.1}>0 s</text><text x={:.1} y={:.1} text-anchor=\"end\">{last:.0} s</text>",
        HEIGHT - 6.0,
        WIDTH - 8.0,
        HEIGHT - 6.0
    )
    .expect("text takes any text");
    for (number, curve) in curves.iter().enumerate() {
        let points: Vec<String> = slices
            .iter()
            .map(|slice| format!("{:.1},{:.1}", x(slice.at_s), y((curve.of)(slice) * factor)))
            .collect();
        let Curve { name, colour, .. } = curve;
        write!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\" points=\"{}\"/><text x={:.1} y=14 \
             style=\"fill:{colour}\">{name}</text>",
            points.join(" "),
            LEFT + 60.0 * number as f64
        )
        .expect("text takes any text");
    }
    svg.push_str("</svg>");
    svg
}

fn table(page: &mut String, report: &RunReport) {
    page.push_str("<h2>By action and status</h2><table><tr><th>action<th>status<th>count<th>/s");
    for name in ["p50", "p90", "p95", "p99", "p99.9", "max"] {
        write!(page, "<th>{name}, ms").expect("text takes any text");
    }
    page.push_str("</tr>");
    for row in &report.rows {
        let q = &row.latency_us;
        let class = if row.error { " class=bad" } else { "" };
        write!(page, "<tr{class}><td>{}<td>{}<td>{}<td>{:.1}", row.action, row.outcome, q.count, row.per_s)
            .expect("text takes any text");
        for value in [q.p50, q.p90, q.p95, q.p99, q.p999, q.max] {
            write!(page, "<td>{:.2}", value as f64 / 1e3).expect("text takes any text");
        }
        page.push_str("</tr>");
    }
    page.push_str("</table>");
    if !report.causes.is_empty() {
        page.push_str("<h2>Refusals</h2><table><tr><th>cause<th>count</tr>");
        for (cause, count) in &report.causes {
            write!(page, "<tr><td>{}<td>{count}</tr>", escape(cause)).expect("text takes any text");
        }
        page.push_str("</table>");
    }
}
