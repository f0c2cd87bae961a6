//! The evaluation report: one HTML file, charts as inline SVG, no script and nothing fetched.

use super::curves::{Chart, calibration, gains, money, precision_recall, roc, score_distribution};
use super::metrics::{Metrics, Scored, steps};

/// What the report shows beside the figures.
pub struct Report<'a> {
    /// Heading.
    pub title: &'a str,
    /// The scored payments.
    pub scored: &'a [Scored],
    /// Their figures.
    pub metrics: &'a Metrics,
    /// Strength of each feature of the model, if the model is known.
    pub weights: &'a [(String, f64)],
}

/// The report's text.
pub fn render(report: &Report<'_>) -> String {
    let steps = steps(report.scored);
    let charts = [
        roc(&steps),
        precision_recall(&steps),
        calibration(report.scored),
        score_distribution(report.scored),
        gains(&steps, report.scored.len()),
        money(report.scored),
    ];
    let mut body: String = charts.iter().map(Chart::svg).collect();
    if !report.weights.is_empty() {
        body.push_str(&weights(report.weights));
    }
    let rows: String = figures(report.metrics)
        .into_iter()
        .map(|(name, value)| format!("<tr><th>{name}</th><td>{value}</td></tr>\n"))
        .collect();
    let title = escape(report.title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>\
         body{{font:15px/1.4 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1d2733}}\
         table{{border-collapse:collapse;margin:1rem 0}}th{{text-align:left;font-weight:500;padding-right:2rem}}\
         td{{text-align:right;font-variant-numeric:tabular-nums}}figure{{display:inline-block;margin:.5rem}}\
         figcaption{{font-weight:600}}</style></head><body><h1>{title}</h1>\n<table>{rows}</table>\n{body}\
         </body></html>\n"
    )
}

/// The figures of an evaluation, named and rounded for people.
pub fn figures(metrics: &Metrics) -> Vec<(&'static str, String)> {
    let share = |value: f64| format!("{value:.4}");
    vec![
        ("payments", metrics.rows.to_string()),
        ("frauds", metrics.frauds.to_string()),
        ("AUC", share(metrics.auc)),
        ("average precision", share(metrics.ap)),
        ("CP@100", share(metrics.cp100)),
        ("recall at 0.1 % false positives", share(metrics.recall_01)),
        ("recall at 0.5 % false positives", share(metrics.recall_05)),
        ("recall at 1 % false positives", share(metrics.recall_1)),
        ("KS", share(metrics.ks)),
        ("Brier", format!("{:.6}", metrics.brier)),
        ("log loss", format!("{:.5}", metrics.log_loss)),
        ("predicted / observed frauds", format!("{:.3}", metrics.calibration)),
        ("best F1", share(metrics.best_f1.f1)),
        ("  at threshold", format!("{:.6}", metrics.best_f1.threshold)),
        ("  accuracy", format!("{:.6}", metrics.best_f1.accuracy)),
        ("  precision", share(metrics.best_f1.precision)),
        ("  recall", share(metrics.best_f1.recall)),
    ]
}

fn weights(weights: &[(String, f64)]) -> String {
    let most = weights.iter().map(|(_, size)| *size).fold(f64::MIN_POSITIVE, f64::max);
    let shown = &weights[..weights.len().min(25)];
    let height = 18 * shown.len() + 10;
    let bars: String = shown
        .iter()
        .enumerate()
        .map(|(place, (name, size))| {
            let (y, width) = (18 * place + 5, 300.0 * size / most);
            format!(
                "<text x=\"295\" y=\"{}\" text-anchor=\"end\">{}</text>\
                 <rect x=\"300\" y=\"{y}\" width=\"{width:.1}\" height=\"13\" fill=\"#3b6ea5\"/>",
                y + 11,
                escape(name)
            )
        })
        .collect();
    format!(
        "<figure><figcaption>Feature weights (largest less smallest part of the log odds)</figcaption>\
         <svg width=\"620\" height=\"{height}\" font-size=\"12\">{bars}</svg></figure>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
