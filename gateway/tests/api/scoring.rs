//! Decisions: kept with their payment, exported, and recomputed from the export bit for bit; models exchanged in between.

use super::support::{Gateway, quiet_model, remembering, remembering_by};
use gateway::scoring::export::{Window, export};
use gateway::world::SystemClock;
use gateway_core::payment::Event as Transition;
use gateway_core::ports::Clock;
use gateway_core::time::Timestamp;
use risk::event::{Entity, Event, Label, Outcome, Record};
use risk::export::outcome_named;
use risk::features::{Extractor, MISSING, STREAMING_LEN, Settings, streaming_names};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

async fn exported(g: &Gateway) -> String {
    let text = Arc::new(Mutex::new(String::new()));
    let told = Arc::clone(&text);
    let tell = move |piece: String| {
        told.lock().unwrap().push_str(&piece);
        async { true }
    };
    export(&*g.app.engine.journal, Window::default(), tell).await.unwrap();
    let text = text.lock().unwrap();
    text.clone()
}

/// Lines by the names of their cells.
fn lines(text: &str) -> Vec<HashMap<&str, &str>> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines.map(|line| names.iter().copied().zip(line.split(',')).collect()).collect()
}

fn event(line: &HashMap<&str, &str>) -> Event {
    let number = |name: &str| line[name].parse::<i64>().unwrap();
    let mut event =
        Event::new(u64::from_str_radix(line["id"], 16).unwrap(), number("time_s"), number("amount_minor"))
            .in_currency(line["currency"].as_bytes().try_into().unwrap(), line["exponent"].parse().unwrap());
    for entity in Entity::ALL {
        if let Ok(key) = u64::from_str_radix(line[entity.name()], 16) {
            event = event.with(entity, key);
        }
    }
    event
}

fn record(line: &HashMap<&str, &str>) -> Record {
    let event = event(line);
    match line["record"] {
        "authorization" => Record::Authorization(event),
        "outcome" => Record::Outcome {
            event,
            outcome: outcome_named(line["outcome"]).unwrap(),
            time_s: line["known_at_s"].parse().unwrap(),
        },
        "label" => Record::Label {
            event,
            verdict: Label::from_flag(line["fraud"] == "1"),
            known_at_s: line["known_at_s"].parse().unwrap(),
        },
        other => panic!("{other}"),
    }
}

/// Recomputes every decision of an export from its records; how many there were.
fn replayed(text: &str, models: &[risk::Model]) -> usize {
    let lines = lines(text);
    let extractor = Extractor::new(Settings::default());
    let mut decided: Vec<_> = lines.iter().filter(|line| !line["features_as_of"].is_empty()).collect();
    decided.sort_by_key(|line| line["features_as_of"].parse::<u64>().unwrap());
    let mut records = lines.iter().peekable();
    for line in &decided {
        let seen: u64 = line["features_as_of"].parse().unwrap();
        while let Some(next) = records.next_if(|next| next["position"].parse::<u64>().unwrap() <= seen) {
            extractor.observe(&record(next));
        }
        let mut features = [MISSING; STREAMING_LEN];
        assert_eq!(extractor.extract(&event(line), &mut features), seen);
        for (name, value) in streaming_names().iter().zip(features) {
            let cell = line[format!("f_{name}").as_str()];
            let stored = if cell.is_empty() { MISSING } else { cell.parse::<f64>().unwrap() };
            assert_eq!(stored.to_bits(), value.to_bits(), "{name} of {}", line["payment"]);
        }
        let model = models.iter().find(|model| &**model.version() == line["model_version"]).unwrap();
        let log_odds: f64 = line["log_odds"].parse().unwrap();
        assert_eq!(log_odds.to_bits(), model.log_odds(&features).to_bits());
    }
    decided.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_served_concurrently_is_replayed_bit_for_bit() {
    let g = Arc::new(remembering(risk::shipped_model()).await);
    let cards = ["pm_card_visa", "pm_card_mastercard", "pm_card_amex", "pm_card_chargeDeclined"];
    let workers: Vec<_> = (0..8i64)
        .map(|worker| {
            let g = Arc::clone(&g);
            tokio::spawn(async move {
                for round in 0..25i64 {
                    let more = format!("&receipt_email=c{}@x.example", (worker + round) % 5);
                    let card = cards[usize::try_from((worker * 7 + round) % 4).unwrap()];
                    let paid = g.pay(500 + 37 * round + worker, card, &more).await;
                    if paid.status == 200 && round % 6 == 0 {
                        let id = paid.text("/id");
                        g.post("/v1/refunds", &format!("payment_intent={id}&reason=fraudulent")).await.ok();
                    }
                    if worker == 3 && round == 12 {
                        g.app.engine.scoring.swap(quiet_model()).unwrap();
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let text = exported(&g).await;
    assert_eq!(replayed(&text, &[risk::shipped_model(), quiet_model()]), 200);
    let lines = lines(&text);
    let count = |name: &str, value: &str| lines.iter().filter(|line| line[name] == value).count();
    assert_eq!(count("record", "authorization"), 200);
    assert!(count("record", "label") > 0 && count("model_version", "quiet") > 0);
    assert_eq!(count("record", "outcome"), 200);
    let positions: Vec<u64> = lines.iter().map(|line| line["position"].parse().unwrap()).collect();
    assert!(positions.iter().zip(1..).all(|(position, expected)| *position == expected), "no gap");
    let declined =
        lines.iter().filter(|line| line["record"] == "authorization" && line["outcome"] == "declined");
    assert_eq!(declined.count(), 50, "an authorization's line tells what became of it");
}

/// No two readings of it are in one second.
#[derive(Default)]
struct Restless {
    clock: SystemClock,
    readings: AtomicI64,
}

impl Clock for Restless {
    fn now(&self) -> Timestamp {
        self.clock.now().plus_ms(1_000 * self.readings.fetch_add(1, Ordering::Relaxed))
    }

    fn monotonic_ns(&self) -> u64 {
        self.clock.monotonic_ns()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_is_of_the_moment_that_was_judged() {
    let g = remembering_by(risk::shipped_model(), Arc::new(Restless::default())).await;
    for amount in [500, 1999, 70_000] {
        g.pay(amount, "pm_card_visa", "&receipt_email=a@x.example").await.ok();
    }
    g.pay(500, "pm_card_radarBlock", "").await;
    assert_eq!(replayed(&exported(&g).await, &[risk::shipped_model()]), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_costs_few_bytes() {
    let g = remembering(risk::shipped_model()).await;
    for _payment in 0..20 {
        g.pay(1999, "pm_card_visa", "&receipt_email=a@x.example").await.ok();
    }
    let paid = g.pay(2500, "pm_card_visa", "&receipt_email=a@x.example").await.ok();
    let tenant = gateway_core::Tenant {
        merchant: g.app.engine.merchants.all().first().unwrap().id,
        mode: gateway_core::Mode::Test,
    };
    let id = paid.text("/id").parse().unwrap();
    let history = g.app.engine.journal.history(tenant, id).await.unwrap();
    let decision = history.iter().find_map(|recorded| match &recorded.event {
        Transition::AuthorizationIntended { decision, .. } => decision.as_deref(),
        _other => None,
    });
    let decision = decision.expect("every attempt keeps its decision");
    assert_eq!(decision.model.version, &*risk::shipped_model().version().to_string());
    assert!(decision.features.len() < 320, "{} bytes", decision.features.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_by_upload_are_transitions_of_their_payment() {
    use gateway::scoring::labels::upload;
    let g = remembering(quiet_model()).await;
    let paid = g.pay(1000, "pm_card_visa", "").await.ok();
    let (payment, charge) = (paid.text("/id"), paid.text("/latest_charge"));
    let engine = &g.app.engine;
    let text = format!("payment,fraud\n{payment},1\n{charge},1\npi_no,1\n{charge},maybe\n");
    let report = upload(engine, &text).await.unwrap();
    assert_eq!((report.taken, report.known, report.failed), (1, 1, 2), "{report:?}");
    assert!(report.failures[0].starts_with("line 4: "), "{report:?}");
    assert!(upload(engine, "").await.is_err());
    let text = exported(&g).await;
    let lines = lines(&text);
    let labelled: Vec<_> = lines.iter().filter(|line| line["record"] == "label").collect();
    assert_eq!((labelled.len(), labelled[0]["payment"], labelled[0]["fraud"]), (1, charge, "1"));
    assert_eq!(lines[0]["fraud"], "1", "as known at the time of the export");
    assert_eq!(outcome_named(lines[0]["outcome"]), Some(Outcome::Approved));
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_exchanged_rolled_back_and_kept() {
    use gateway::scoring::models::{Models, parse};
    let dir = tempfile::tempdir().unwrap();
    let (shipped, quiet) = (risk::shipped_model(), quiet_model());
    let version = |models: &Models| models.serving().champion.mark.version.clone();
    let models = Models::new(parse(&shipped.render()).unwrap()).unwrap();
    assert!(!models.keep_in(dir.path()).unwrap());
    assert!(models.rollback().is_err());
    models.deploy(parse(&quiet.render()).unwrap()).unwrap();
    assert!(parse(&quiet.render().replace("-5.0", "-4.0")).unwrap_err().contains("checksum"));
    assert_eq!(version(&models), "quiet");
    let again = Models::new(parse(&shipped.render()).unwrap()).unwrap();
    assert!(again.keep_in(dir.path()).unwrap(), "a restart serves what was deployed");
    assert_eq!(version(&again), "quiet");
    again.configured(parse(&shipped.render()).unwrap(), Vec::new()).unwrap();
    assert_eq!(version(&again), "quiet", "the configuration names nothing new");
    again.rollback().unwrap();
    assert_eq!(version(&again), &**shipped.version());
    again.rollback().unwrap();
    assert_eq!(version(&again), "quiet", "a second rollback undoes the first");
    let renamed = Models::new(parse(&quiet.render()).unwrap()).unwrap();
    assert!(!renamed.keep_in(dir.path()).unwrap(), "the configuration names another one now");
    assert_eq!(version(&renamed), "quiet");
}

#[tokio::test(flavor = "multi_thread")]
async fn shadows_are_recorded_beside_the_champion() {
    let g = remembering(quiet_model()).await;
    let models = &g.app.engine.scoring.models;
    models.shadow(risk::shipped_model()).unwrap();
    g.pay(1000, "pm_card_visa", "").await.ok();
    assert!(models.unshadow(risk::shipped_model().version()));
    g.pay(1000, "pm_card_visa", "").await.ok();
    let text = exported(&g).await;
    let lines = lines(&text);
    let shadows: Vec<&str> =
        lines.iter().filter(|line| line["record"] == "authorization").map(|line| line["shadows"]).collect();
    assert!(shadows[0].starts_with(&format!("{}=", risk::shipped_model().version())), "{shadows:?}");
    assert_eq!(shadows[1], "");
}
