//! What a gateway exports is recomputed bit for bit, though records and decisions came from many threads.
#![cfg(feature = "train")]

use std::process::Command;
use std::sync::Mutex;

use risk::export::{Judged, Row, header, render};
use risk::features::{Settings, pack, unpack};
use risk::train::simulate::{Dice, Simulated, World, simulate};
use risk::{Decision, Entity, Event, Label, Model, Outcome, Record, Scorer, shipped_model};

const SETTINGS: Settings = Settings { entities: 300, pending: 2_000, label_delay_s: 86_400 };

fn event(place: usize, paid: &Simulated) -> Event {
    let mut event = Event::new(place as u64 + 1, paid.time_s, paid.amount_minor).in_currency(*b"eur", 2);
    for (entity, number) in [
        (Entity::Card, paid.card),
        (Entity::Merchant, paid.merchant),
        (Entity::Address, paid.address),
        (Entity::Device, paid.device),
    ] {
        if number != 0 {
            event = event.with(entity, u64::from(number));
        }
    }
    event
}

struct Line {
    position: u64,
    record: Record,
    decision: Option<Decision>,
}

/// Serves the payments from several threads: each decides, then records, as a gateway does.
fn serve(scorer: &Scorer, model: &Model, payments: &[Simulated]) -> Vec<Line> {
    let lines = Mutex::new(Vec::new());
    let write = |record: Record, decision: Option<Decision>| {
        // One writer at a time: the order of the journal is the order of the positions.
        let mut lines = lines.lock().expect("no thread panics");
        scorer.observe(&record);
        lines.push(Line { position: scorer.extractor().position(), record, decision });
    };
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn({
                let write = &write;
                move || {
                    let mut dice = Dice::new(thread as u64);
                    for place in (thread..payments.len()).step_by(4) {
                        let event = event(place, &payments[place]);
                        let decision = scorer.score(model, &event);
                        write(Record::Authorization(event), Some(decision));
                        if payments[place].declined {
                            let outcome = Outcome::Declined;
                            write(Record::Outcome { event, outcome, time_s: event.time_s }, None);
                        }
                        if dice.chance(0.1) {
                            let known_at_s = event.time_s + 86_400 * (place as i64 % 3);
                            write(Record::Label { event, verdict: Label::Fraud, known_at_s }, None);
                        }
                    }
                }
            });
        }
    });
    lines.into_inner().expect("no thread panics")
}

fn export(lines: &[Line]) -> String {
    let mut text = header() + "\n";
    for line in lines {
        let judged = line.decision.as_ref().map(|decision| Judged {
            features_as_of: decision.features_as_of,
            model_version: &decision.model_version,
            log_odds: decision.log_odds,
            probability: decision.probability,
            risk_score: decision.risk_score,
            verdict: "accept",
            reasons: "",
            shadows: "",
            features: &decision.features,
        });
        let row = Row {
            position: line.position,
            payment: "pi_1",
            record: &line.record,
            outcome: None,
            label: None,
            judged,
        };
        text.push_str(&render(&row));
        text.push('\n');
    }
    text
}

fn risk(arguments: &[&str]) -> (bool, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_risk")).args(arguments).output().expect("the command runs");
    let text = [out.stdout, out.stderr].concat();
    (out.status.success(), String::from_utf8(text).expect("it writes text"))
}

#[test]
fn concurrent_decisions_replay_bit_for_bit() {
    let world = World { seed: 5, cards: 400, merchants: 100, days: 12, start_s: 1_767_225_600 };
    let payments = simulate(world);
    let (scorer, model) = (Scorer::new(SETTINGS), shipped_model());
    let lines = serve(&scorer, &model, &payments);
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("model.json"), model.render()).expect("it is written");
    std::fs::write(path("export.csv"), export(&lines)).expect("it is written");
    let (ok, _) = risk(&["convert", "--data", &path("export.csv"), "--out", &path("export.parquet")]);
    assert!(ok);
    let model = path("model.json");
    let options = ["--model", &model, "--entities", "300", "--pending", "2000", "--label-delay-days", "1"];
    for file in ["export.csv", "export.parquet"] {
        let (ok, text) = risk(&[&["--json", "replay", "--data", &path(file)][..], &options].concat());
        assert!(ok, "{file}: {text}");
        let result: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(result["decisions"], payments.len());
        assert_eq!((&result["different"], &result["scores_different"]), (&0.into(), &0.into()));
    }
    saved_states(&scorer, &lines, &options, &path);
    // Another setting is another state: the comparison can fail.
    let (ok, text) = risk(&["replay", "--data", &path("export.csv"), "--entities", "50"]);
    assert!(!ok && text.contains("is"), "{text}");
    // A missing record is a gap.
    let cut: Vec<String> =
        export(&lines).lines().enumerate().filter(|line| line.0 != 9).map(|line| line.1.to_owned()).collect();
    std::fs::write(path("cut.csv"), cut.join("\n")).expect("it is written");
    let (ok, text) = risk(&["replay", "--data", &path("cut.csv")]);
    assert!(!ok && text.contains("gap"), "{text}");
}

/// The replay's last state is the server's, and a replay may begin at a state in the middle.
fn saved_states(scorer: &Scorer, lines: &[Line], options: &[&str], path: &dyn Fn(&str) -> String) {
    let (begun, half) = (["--json", "replay", "--data"], lines.len() / 2);
    std::fs::write(path("half.csv"), export(&lines[..half])).expect("it is written");
    for (file, state) in [("export.csv", "end.state"), ("half.csv", "half.state")] {
        let (ok, text) =
            risk(&[&begun[..], &[&path(file), "--snapshot-out", &path(state)], options].concat());
        assert!(ok, "{text}");
    }
    assert_eq!(std::fs::read(path("end.state")).expect("it is there"), scorer.snapshot());
    let (ok, text) = risk(&[&begun[..], &[&path("export.csv"), "--snapshot", &path("half.state")]].concat());
    let result: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert!(ok && result["records"] == lines.len() - half, "{text}");
    let later = |line: &&Line| line.decision.as_ref().is_some_and(|one| one.features_as_of >= half as u64);
    assert_eq!(result["decisions"], lines.iter().filter(later).count());
}

#[test]
fn packed_features_come_back() {
    let (scorer, model) = (Scorer::new(SETTINGS), shipped_model());
    let world = World { seed: 6, cards: 50, merchants: 20, days: 5, start_s: 1_767_225_600 };
    for (place, paid) in simulate(world).iter().enumerate() {
        let event = event(place, paid);
        let decision = scorer.score(&model, &event);
        let bytes = pack(&decision.features);
        let back = unpack(&bytes).expect("these are its own bytes");
        assert_eq!(back.map(f64::to_bits), decision.features.map(f64::to_bits));
        assert!(unpack(&bytes[1..]).is_none());
        scorer.observe(&Record::Authorization(event));
    }
}
