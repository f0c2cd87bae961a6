//! The solvers agree, no class is ever inverted, and the order of rows does not matter.
#![cfg(feature = "train")]

use ndarray::Array2;
use risk::features::MISSING;
use risk::model::{Model, logistic};
use risk::train::dataset::{FeatureSet, Matrix};
use risk::train::design::{Block, Coded};
use risk::train::fit::Options;
use risk::train::job::{Algorithm, Job};
use risk::train::newton::{self, Fitted, Problem};
use risk::train::simulate::Dice;
use risk::train::solver::{Solver, linfa_fit};

/// Rows of three features, the third sometimes without data; fraud rises with the first and in a band of the
/// second. `base` moves the rate.
fn matrix(rows: usize, base: f64, seed: u64) -> Matrix {
    let mut dice = Dice::new(seed);
    let mut matrix =
        Matrix { names: ["rising", "band", "noise"].map(str::to_owned).to_vec(), ..Matrix::default() };
    for row in 0..rows {
        let (a, b) = (dice.normal(), dice.between(0.0, 10.0).floor());
        let c = if dice.chance(0.2) { MISSING } else { dice.normal() };
        let odds = base + 1.5 * a + if (4.0..7.0).contains(&b) { 2.0 } else { 0.0 };
        matrix.values.extend([a, b, c]);
        matrix.labels.push(dice.chance(logistic(odds)));
        matrix.places.push(row);
        matrix.groups.push(row as u64);
    }
    matrix
}

fn job(solver: Solver, algorithm: Algorithm) -> Job {
    Job {
        algorithm,
        set: FeatureSet::Columns,
        options: Options { solver, ..Options::default() },
        days: ("2026-01-01".to_owned(), "2026-01-07".to_owned()),
        label_delay_days: 7,
    }
}

fn train(solver: Solver, matrix: &Matrix) -> Model {
    job(solver, Algorithm::Logistic).run(matrix).expect("the rows can be trained on")
}

fn close(a: &Fitted, b: &Fitted, tolerance: f64) {
    let pairs = a.weights.iter().zip(&b.weights).chain([(&a.intercept, &b.intercept)]);
    for (x, y) in pairs {
        assert!((x - y).abs() < tolerance, "{a:?}\n{b:?}");
    }
}

#[test]
fn newton_and_linfa_find_the_same_weights() {
    for (base, seed) in [(-3.0, 1), (3.0, 2), (0.0, 3)] {
        let matrix = matrix(3_000, base, seed);
        let blocks = vec![
            Block::Line { feature: 0, from: -3.0, to: 3.0, mean: 0.1, scale: 0.9 },
            Block::Bins { feature: 1, edges: vec![2.0, 4.0, 7.0] },
            Block::Bins { feature: 2, edges: vec![0.0] },
            Block::Cells { features: [1, 2], edges: [vec![4.0], vec![0.5]], used: vec![true; 9] },
        ];
        let coded = Coded::new(blocks, &matrix.values, 3);
        for penalty in [0.5, 3.0, 30.0] {
            let problem = Problem { labels: &matrix.labels, sample_weights: &[], penalty };
            let codes = newton::fit(&coded, &problem, None).expect("it converges");
            let dense = newton::fit(&coded.dense(), &problem, None).expect("it converges");
            let linfa = linfa_fit(&coded.dense(), &problem, None).expect("it converges");
            close(&codes, &dense, 1e-8);
            close(&codes, &linfa, 1e-5);
            let warm = linfa_fit(&coded.dense(), &problem, Some(&codes)).expect("it converges");
            close(&codes, &warm, 1e-5);
        }
    }
}

/// The optimum is where the gradient of the objective vanishes, whoever found it.
#[test]
fn the_weights_are_a_stationary_point() {
    let matrix = matrix(2_000, -2.0, 9);
    let columns = Array2::from_shape_fn((2_000, 2), |(row, column)| matrix.row(row)[column]);
    let problem = Problem { labels: &matrix.labels, sample_weights: &[], penalty: 2.0 };
    let fitted = newton::fit(&columns, &problem, None).expect("it converges");
    let mut gradient = [2.0 * fitted.weights[0], 2.0 * fitted.weights[1], 0.0];
    for row in 0..2_000 {
        let x = [columns[[row, 0]], columns[[row, 1]], 1.0];
        let odds = fitted.weights[0] * x[0] + fitted.weights[1] * x[1] + fitted.intercept;
        let off = logistic(odds) - f64::from(u8::from(matrix.labels[row]));
        gradient.iter_mut().zip(x).for_each(|(sum, x)| *sum += off * x);
    }
    assert!(gradient.iter().all(|slope| slope.abs() < 1e-6), "{gradient:?}");
}

#[test]
fn sample_weights_count_as_copies() {
    let matrix = matrix(600, -1.0, 4);
    let columns = Array2::from_shape_fn((600, 2), |(row, column)| matrix.row(row)[column]);
    let weights: Vec<f64> = (0..600).map(|row| f64::from(row % 3)).collect();
    let problem = Problem { labels: &matrix.labels, sample_weights: &weights, penalty: 1.0 };
    let weighted = newton::fit(&columns, &problem, None).expect("it converges");
    let copies: Vec<usize> = (0..600).flat_map(|row| vec![row; row % 3]).collect();
    let copied = Array2::from_shape_fn((copies.len(), 2), |(row, column)| columns[[copies[row], column]]);
    let labels: Vec<bool> = copies.iter().map(|row| matrix.labels[*row]).collect();
    let problem = Problem { labels: &labels, sample_weights: &[], penalty: 1.0 };
    close(&weighted, &newton::fit(&copied, &problem, None).expect("it converges"), 1e-8);
    let refused = linfa_fit(
        &columns,
        &Problem { labels: &matrix.labels, sample_weights: &weights, penalty: 1.0 },
        None,
    );
    assert!(refused.is_err_and(|message| message.contains("newton")));
}

/// Where most rows are fraud, linfa calls the genuine ones positive; the model must not.
#[test]
fn no_class_is_inverted() {
    for base in [-4.0, 0.0, 4.0] {
        let matrix = matrix(4_000, base, 11);
        for solver in [Solver::Linfa, Solver::Newton] {
            let model = train(solver, &matrix);
            let (low, high) = ([-2.0, 1.0, 0.0], [2.0, 5.0, 0.0]);
            assert!(model.probability(&high) > model.probability(&low), "{base} {solver:?}");
            let mean = (0..4_000).map(|row| model.probability(matrix.row(row))).sum::<f64>() / 4_000.0;
            let rate = matrix.labels.iter().filter(|fraud| **fraud).count() as f64 / 4_000.0;
            assert!((mean - rate).abs() < 0.03, "{base} {solver:?}: {mean} for {rate}");
            assert_eq!(model.file().positive_class, "fraud");
        }
        let tree = job(Solver::Linfa, Algorithm::Tree { depth: 4, leaf: 20 }).run(&matrix).expect("it grows");
        assert!(tree.probability(&[2.0, 5.0, 0.0]) > tree.probability(&[-2.0, 1.0, 0.0]));
    }
}

#[test]
fn shuffled_rows_give_the_same_model() {
    let matrix = matrix(3_000, -2.0, 21);
    let mut order: Vec<usize> = (0..3_000).collect();
    let mut dice = Dice::new(5);
    for place in (1..order.len()).rev() {
        order.swap(place, dice.below(place + 1));
    }
    let (a, b) = (train(Solver::Newton, &matrix), train(Solver::Newton, &matrix.select(&order)));
    for row in 0..200 {
        let off = a.log_odds(matrix.row(row)) - b.log_odds(matrix.row(row));
        assert!(off.abs() < 1e-6, "row {row}: {off}");
    }
}

#[test]
fn constant_features_and_ties_are_no_trouble() {
    let mut matrix = matrix(2_000, -1.0, 31);
    for row in matrix.values.chunks_exact_mut(3) {
        row[0] = row[0].round();
        row[2] = 7.0;
    }
    let model = train(Solver::Linfa, &matrix);
    assert!(model.probability(&[2.0, 5.0, 7.0]) > 0.5);
    assert!(model.render().contains("\"positive_class\": \"fraud\""));
}

#[test]
fn one_class_is_refused_with_advice() {
    let mut matrix = matrix(500, -1.0, 41);
    matrix.labels.fill(false);
    for algorithm in [Algorithm::Logistic, Algorithm::Tree { depth: 3, leaf: 5 }] {
        let failure = job(Solver::Newton, algorithm).run(&matrix).expect_err("there is no fraud");
        assert!(failure.0.contains("class"), "{failure}");
    }
}

#[test]
fn a_model_survives_its_file_and_a_changed_file_is_refused() {
    let matrix = matrix(2_000, -2.0, 51);
    let model = train(Solver::Newton, &matrix);
    let text = model.render();
    let read = Model::parse(&text).expect("it is its own file");
    assert_eq!(read.render(), text);
    for row in 0..200 {
        assert_eq!(read.log_odds(matrix.row(row)).to_bits(), model.log_odds(matrix.row(row)).to_bits());
        let score = model.risk_score(model.log_odds(matrix.row(row)));
        assert!(score <= 100);
    }
    let changes = [
        ("\"positive_class\": \"fraud\"", "\"positive_class\": \"genuine\""),
        ("\"schema\": 1", "\"schema\": 2"),
        ("\"penalty\"", "\"penance\""),
        ("\"intercept\": ", "\"intercept\": 1"),
    ];
    for (from, to) in changes {
        assert!(text.contains(from));
        let refused = Model::parse(&text.replacen(from, to, 1));
        assert!(refused.is_err(), "{from} -> {to}");
    }
    assert!(Model::parse("{").is_err_and(|error| error.to_string().contains("not a model file")));
}

#[test]
fn golden_inputs_are_checked() {
    let model = train(Solver::Newton, &matrix(2_000, -2.0, 61));
    let mut file = model.file().clone();
    file.golden[3].log_odds += 1e-6;
    assert!(Model::seal(file).is_err_and(|error| error.to_string().contains("golden input 3")));
}

#[test]
fn risk_scores_rise_with_the_log_odds() {
    let model = train(Solver::Newton, &matrix(5_000, -3.0, 71));
    let scores: Vec<u8> = (-200..200).map(|step| model.risk_score(f64::from(step) / 10.0)).collect();
    assert!(scores.windows(2).all(|pair| pair[0] <= pair[1]));
    assert_eq!((scores[0], scores[399]), (0, 100));
}
