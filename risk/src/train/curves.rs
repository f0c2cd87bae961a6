//! Curves of an evaluation, as points and as inline SVG.

use std::fmt::Write;

use super::metrics::{Scored, Step};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 300.0;
const MARGIN: f64 = 46.0;
/// Most points of a curve: more cannot be seen.
const POINTS: usize = 400;
/// What a missed fraud costs beyond its amount is not known; what looking at an alarm costs is taken as this.
const ALARM_COST: f64 = 5.0;
const COLOURS: [&str; 2] = ["#3b6ea5", "#c0504d"];

/// A chart with one or two curves.
pub struct Chart {
    title: &'static str,
    axes: [&'static str; 2],
    curves: Vec<Vec<(f64, f64)>>,
}

/// True against false positives.
pub fn roc(steps: &[Step]) -> Chart {
    let (frauds, genuine) = totals(steps);
    let point = |step: &Step| (step.false_positives as f64 / genuine, step.true_positives as f64 / frauds);
    Chart {
        title: "ROC",
        axes: ["false positive rate", "recall"],
        curves: vec![steps.iter().map(point).collect(), vec![(0.0, 0.0), (1.0, 1.0)]],
    }
}

/// Precision against recall.
pub fn precision_recall(steps: &[Step]) -> Chart {
    let (frauds, _) = totals(steps);
    let point = |step: &Step| {
        let judged = (step.true_positives + step.false_positives) as f64;
        (step.true_positives as f64 / frauds, step.true_positives as f64 / judged)
    };
    let curve = steps.iter().map(point).collect();
    Chart { title: "Precision and recall", axes: ["recall", "precision"], curves: vec![curve] }
}

/// Observed against predicted rates, in ten bins of equal size among the higher scores, as powers of ten.
pub fn calibration(scored: &[Scored]) -> Chart {
    let mut order: Vec<&Scored> = scored.iter().collect();
    order.sort_by(|a, b| a.score.total_cmp(&b.score));
    let mut points = Vec::new();
    let mut from = 0;
    // Each bin holds half of what is left, so that the few high scores are seen as well as the many low ones.
    while from < order.len() {
        let left = order.len() - from;
        let take = if left < 60 { left } else { left / 2 };
        let bin = &order[from..from + take];
        let mean = bin.iter().map(|row| row.score).sum::<f64>() / take as f64;
        let rate = bin.iter().filter(|row| row.fraud).count() as f64 / take as f64;
        points.push((mean.max(1e-5).log10(), rate.max(1e-5).log10()));
        from += take;
    }
    Chart {
        title: "Calibration",
        axes: ["predicted, power of ten", "observed, power of ten"],
        curves: vec![points, vec![(-5.0, -5.0), (0.0, 0.0)]],
    }
}

/// Densities of the log odds of genuine and of fraudulent payments.
pub fn score_distribution(scored: &[Scored]) -> Chart {
    const BINS: usize = 40;
    let place = |score: f64| {
        let clamped = score.clamp(1e-6, 1.0 - 1e-6);
        let odds = (clamped / (1.0 - clamped)).log10();
        (((odds + 6.0) / 12.0 * BINS as f64) as usize).min(BINS - 1)
    };
    let density = |fraud: bool| {
        let mut counts = [0.0; BINS];
        let rows = scored.iter().filter(|row| row.fraud == fraud);
        rows.clone().for_each(|row| counts[place(row.score)] += 1.0);
        let total = (rows.count() as f64).max(1.0);
        let point = |(bin, count): (usize, f64)| (12.0 * bin as f64 / BINS as f64 - 6.0, count / total);
        counts.into_iter().enumerate().map(point).collect()
    };
    Chart {
        title: "Scores of genuine (blue) and fraudulent (red) payments",
        axes: ["log odds, power of ten", "share"],
        curves: vec![density(false), density(true)],
    }
}

/// Share of the frauds found against the share of payments looked at.
pub fn gains(steps: &[Step], rows: usize) -> Chart {
    let (frauds, _) = totals(steps);
    let point = |step: &Step| {
        let judged = (step.true_positives + step.false_positives) as f64 / rows.max(1) as f64;
        (judged, step.true_positives as f64 / frauds)
    };
    Chart {
        title: "Gains",
        axes: ["share of payments looked at", "share of frauds found"],
        curves: vec![steps.iter().map(point).collect(), vec![(0.0, 0.0), (1.0, 1.0)]],
    }
}

/// Money saved against the number of alarms: amounts of frauds stopped, less the cost of each alarm.
pub fn money(scored: &[Scored]) -> Chart {
    let mut order: Vec<&Scored> = scored.iter().collect();
    order.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut saved = 0.0;
    let known = scored.iter().any(|row| row.amount > 0.0);
    let most = order.len().min(20 * scored.iter().filter(|row| row.fraud).count().max(50));
    let curve = order[..most].iter().enumerate().map(|(alarms, row)| {
        // Without amounts a fraud counts as ten alarms.
        let worth = if known { row.amount } else { 10.0 * ALARM_COST };
        saved += if row.fraud { worth } else { 0.0 } - ALARM_COST;
        ((alarms + 1) as f64, saved)
    });
    Chart {
        title: "Money saved against alarms (an alarm costs 5)",
        axes: ["payments stopped, highest scores first", "money saved"],
        curves: vec![curve.collect()],
    }
}

fn totals(steps: &[Step]) -> (f64, f64) {
    let end = steps.last().map_or((1, 1), |step| (step.true_positives, step.false_positives));
    (end.0.max(1) as f64, end.1.max(1) as f64)
}

impl Chart {
    /// The chart as a figure of HTML.
    pub fn svg(&self) -> String {
        let all = || self.curves.iter().flatten();
        let low = |of: fn(&(f64, f64)) -> f64| all().map(of).fold(f64::INFINITY, f64::min);
        let high = |of: fn(&(f64, f64)) -> f64| all().map(of).fold(f64::NEG_INFINITY, f64::max);
        if all().next().is_none() {
            return String::new();
        }
        let (x, y) = (scale(low(|p| p.0), high(|p| p.0)), scale(low(|p| p.1), high(|p| p.1)));
        let mut body = axis_texts(self.axes, x, y);
        for (curve, colour) in self.curves.iter().zip(COLOURS) {
            let stride = curve.len().div_ceil(POINTS).max(1);
            let mut path = String::new();
            for (px, py) in curve.iter().step_by(stride).chain(curve.last()) {
                let left = MARGIN + (WIDTH - MARGIN) * (px - x.0) / (x.1 - x.0);
                let top = (HEIGHT - MARGIN) * (1.0 - (py - y.0) / (y.1 - y.0)) + 6.0;
                let _ = write!(path, "{left:.1},{top:.1} ");
            }
            let _ = write!(
                body,
                "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\"/>"
            );
        }
        format!(
            "<figure><figcaption>{}</figcaption><svg width=\"{}\" height=\"{}\" font-size=\"11\">{body}</svg></figure>\n",
            self.title,
            WIDTH + 14.0,
            HEIGHT
        )
    }
}

fn scale(low: f64, high: f64) -> (f64, f64) {
    if high > low { (low, high) } else { (low - 0.5, low + 0.5) }
}

fn axis_texts(axes: [&str; 2], x: (f64, f64), y: (f64, f64)) -> String {
    let (bottom, middle) = (HEIGHT - MARGIN + 6.0, MARGIN + (WIDTH - MARGIN) / 2.0);
    let mut text = format!(
        "<path d=\"M{MARGIN} 6V{bottom}H{WIDTH}\" fill=\"none\" stroke=\"#8895a3\"/>\
         <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>\
         <text transform=\"rotate(-90)\" x=\"-{}\" y=\"11\" text-anchor=\"middle\">{}</text>",
        HEIGHT - 6.0,
        axes[0],
        bottom / 2.0,
        axes[1]
    );
    let number =
        |value: f64| if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") };
    for part in [0.0, 0.5, 1.0] {
        let (left, top) = (MARGIN + (WIDTH - MARGIN) * part, 6.0 + (HEIGHT - MARGIN) * (1.0 - part));
        let _ = write!(
            text,
            "<text x=\"{left:.0}\" y=\"{}\" text-anchor=\"middle\">{}</text>\
             <text x=\"{}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>",
            bottom + 14.0,
            number(x.0 + part * (x.1 - x.0)),
            MARGIN - 4.0,
            top + 4.0,
            number(y.0 + part * (y.1 - y.0))
        );
    }
    text
}
