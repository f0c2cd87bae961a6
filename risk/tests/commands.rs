//! The command line from end to end, on a world of its own: every command, and its complaints.
#![cfg(feature = "train")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// A folder with forty days of payments.
    fn new() -> Self {
        let desk = Desk { folder: tempfile::tempdir().expect("a folder") };
        let out = desk.path("data.csv");
        desk.json(&[
            "simulate",
            "--seed",
            "11",
            "--cards",
            "900",
            "--merchants",
            "300",
            "--days",
            "42",
            "--out",
            &out,
        ]);
        desk
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let out =
            Command::new(env!("CARGO_BIN_EXE_risk")).args(arguments).output().expect("the command runs");
        let text = |bytes| String::from_utf8(bytes).expect("it writes text");
        (out.status.code(), text(out.stdout), text(out.stderr))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let (code, out, problem) = self.run(&[&["--json"], arguments].concat());
        assert_eq!(code, Some(0), "{arguments:?}: {problem}");
        serde_json::from_str(&out).expect("it is JSON")
    }

    fn train(&self, name: &str, more: &[&str]) -> String {
        let (data, out) = (self.path("data.csv"), self.path(name));
        let days = ["--train-from", "2026-01-15", "--train-to", "2026-01-28"];
        self.json(&[&["train", "--data", &data, "--out", &out][..], &days, more].concat());
        out
    }

    fn score(&self, model: &str, name: &str) -> String {
        let (data, out) = (self.path("data.csv"), self.path(name));
        let days = ["--from", "2026-02-05", "--to", "2026-02-11"];
        self.json(&[&["score", "--model", model, "--data", &data, "--out", &out][..], &days].concat());
        out
    }
}

#[test]
fn an_analysts_day() {
    let desk = Desk::new();
    let data = desk.path("data.csv");
    let champion = desk.train("tree.json", &["--algorithm", "tree"]);
    let challenger = desk.train("logistic.json", &["--crosses", "1"]);
    let (old, new) = (desk.score(&champion, "old.csv"), desk.score(&challenger, "new.parquet"));
    let header = std::fs::read_to_string(&old).expect("it was written");
    assert!(header.starts_with("TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TX_FRAUD,score\n"));

    let report = desk.path("report.html");
    let figures = desk.json(&[
        "evaluate",
        "--scores",
        &new,
        "--exclude-known-cards",
        "--data",
        &data,
        "--html",
        &report,
        "--model",
        &challenger,
    ]);
    assert!(figures["auc"].as_f64().expect("a figure") > 0.75, "{figures}");
    let html = std::fs::read_to_string(report).expect("it was written");
    assert!(html.matches("<svg").count() == 7 && !html.contains("<script"));

    let all = desk.json(&["evaluate", "--scores", &new]);
    assert!(all["rows"].as_u64() >= figures["rows"].as_u64());
    let compared = desk.json(&["compare", "--champion", &old, "--challenger", &new, "--samples", "20"]);
    assert_eq!(compared["figures"].as_array().map(Vec::len), Some(6));

    let id =
        header.lines().nth(5).and_then(|line| line.split(',').next()).expect("there are rows").to_owned();
    let explained = desk.json(&["explain", "--model", &challenger, "--data", &data, "--id", &id]);
    let parts = explained["contributions"].as_array().expect("a list");
    let sum: f64 = parts.iter().filter_map(|part| part["log_odds"].as_f64()).sum();
    assert!((sum - explained["log_odds"].as_f64().expect("a number")).abs() < 1e-9);

    let chosen = desk.json(&["threshold", "--scores", &new, "--model", &challenger, "--reviews-a-day", "5"]);
    assert!(chosen["review"].as_u64() <= chosen["block"].as_u64());
    assert!(chosen["cost"].as_f64() <= chosen["cost_without"].as_f64());

    let drift = desk.json(&[
        "drift",
        "--model",
        &challenger,
        "--data",
        &data,
        "--from",
        "2026-02-05",
        "--to",
        "2026-02-11",
    ]);
    assert!(drift["score_psi"].as_f64().expect("a number") < 0.5, "{drift}");
    let weeks = desk.json(&[
        "backtest",
        "--data",
        &data,
        "--weeks",
        "2026-01-29,2026-02-05",
        "--solver",
        "newton",
        "--features",
        "handbook",
    ]);
    assert_eq!(weeks["weeks"].as_array().map(Vec::len), Some(2));
}

#[test]
fn any_table_of_numbers_trains() {
    let desk = Desk { folder: tempfile::tempdir().expect("a folder") };
    let mut text = "Time,V1,V2,Amount,Class\n".to_owned();
    for row in 0..600 {
        let fraud = row % 7 == 0;
        let v1 = f64::from(row % 13) - if fraud { 9.5 } else { 0.0 };
        text.push_str(&format!("{row}.0,{v1},{},{}.25,{}\n", row % 5, row % 90, u8::from(fraud)));
    }
    let (data, out) = (desk.path("ulb.csv"), desk.path("m.json"));
    std::fs::write(&data, text).expect("it is written");
    desk.json(&["train", "--features", "columns", "--data", &data, "--out", &out]);
    let model =
        risk::Model::parse(&std::fs::read_to_string(out).expect("it was written")).expect("it is a model");
    assert_eq!(model.file().features, ["Time", "V1", "V2", "Amount"]);
    assert!(model.probability(&[50.0, -8.0, 1.0, 3.0]) > 5.0 * model.probability(&[50.0, 8.0, 1.0, 3.0]));
}

#[test]
fn coefficients_of_scikit_learn_become_a_model() {
    let desk = Desk::new();
    let given = r#"{"features": ["TX_AMOUNT", "TERMINAL_ID_RISK_7DAY_WINDOW"], "coef": [0.5, 2.0],
        "intercept": -5.0, "mean": [40.0, 0.01], "scale": [20.0, 0.1], "classes": [0, 1]}"#;
    let (coefficients, out) = (desk.path("coef.json"), desk.path("m.json"));
    std::fs::write(&coefficients, given).expect("it is written");
    let data = desk.path("data.csv");
    let days = ["--train-from", "2026-01-15", "--train-to", "2026-01-28"];
    let arguments = ["import-sklearn", "--coefficients", &coefficients, "--data", &data, "--out", &out];
    desk.json(&[&arguments[..], &days].concat());
    let model =
        risk::Model::parse(&std::fs::read_to_string(&out).expect("it was written")).expect("it is a model");
    let mut row = [0.0; 15];
    (row[0], row[12]) = (100.0, 0.5);
    let expected = -5.0 + 0.5 * (100.0 - 40.0) / 20.0 + 2.0 * (0.5 - 0.01) / 0.1;
    assert!((model.log_odds(&row) - expected).abs() < 1e-9);
}

#[test]
fn complaints_name_file_line_and_column() {
    let desk = Desk { folder: tempfile::tempdir().expect("a folder") };
    let good = "TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,TX_FRAUD\n1,2026-01-01 00:00:01,1,1,5.00,0\n";
    let cases = [
        (format!("{good}2,2026-01-01 00:00:02,1,1,five,0\n"), ["line 3", "TX_AMOUNT", "five"]),
        (format!("{good}2,yesterday,1,1,5,0\n"), ["line 3", "TX_DATETIME", "yesterday"]),
        (format!("{good}2,2026-01-01 00:00:02,1,1,5,maybe\n"), ["line 3", "TX_FRAUD", "maybe"]),
        (format!("{good}2,2026-01-01 00:00:02,1\n"), ["line: 3", "data.csv", "fields"]),
        (good.replace("TX_AMOUNT", "PRICE"), ["TX_AMOUNT", "PRICE", "column-map"]),
        (good.to_owned(), ["class", "fraud", "days"]),
        (
            "TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TERMINAL_ID,TX_AMOUNT,TX_FRAUD\n".to_owned(),
            ["no", "rows", "data"],
        ),
    ];
    let (data, out) = (desk.path("data.csv"), desk.path("m.json"));
    for (text, words) in cases {
        std::fs::write(&data, &text).expect("it is written");
        let (code, shown, problem) = desk.run(&["train", "--data", &data, "--out", &out]);
        assert_eq!(code, Some(1), "{text}: {shown}");
        assert!(words.iter().all(|word| problem.contains(word)), "{words:?} in {problem}");
    }
    assert!(!PathBuf::from(&out).exists());
    assert_eq!(desk.run(&["train", "--no-such-flag"]).0, Some(2));
    assert_eq!(
        desk.run(&["score", "--model", &out, "--data", &data, "--from", "x", "--to", "y", "--out", &out]).0,
        Some(1)
    );
}
