//! The scorer as a gateway uses it: records in, decisions out, snapshots, and labels that keep their delay.

use risk::features::{Settings, streaming_names};
use risk::model::Source;
use risk::verdict::{Action, RuleHit, Thresholds, Verdict, judge};
use risk::{Entity, Event, Label, Outcome, Record, Scorer, shipped_model};

const DAY_S: i64 = 86_400;
const START_S: i64 = 1_767_225_600;

fn settings() -> Settings {
    Settings { entities: 1_000, pending: 10_000, label_delay_s: 7 * 86_400 }
}

/// A card that pays about twenty a day at one merchant.
fn habit(scorer: &Scorer, card: u64, merchant: u64, days: i64) {
    for day in 0..days {
        let event =
            payment(card, merchant, START_S + day * DAY_S + 43_200 + card as i64, 2_000 + 37 * (day % 7));
        scorer.observe(&Record::Authorization(event));
    }
}

fn payment(card: u64, merchant: u64, time_s: i64, amount_minor: i64) -> Event {
    let id = risk::event::key_of(&format!("{card}/{merchant}/{time_s}/{amount_minor}"));
    Event::new(id, time_s, amount_minor).with(Entity::Card, card).with(Entity::Merchant, merchant)
}

#[test]
fn a_fresh_scorer_lets_ordinary_payments_pass() {
    let (scorer, model) = (Scorer::new(settings()), shipped_model());
    for amount_minor in [100, 999, 2_000, 7_550, 20_000] {
        for hour in 0..24 {
            let decision = scorer.score(&model, &payment(1, 2, START_S + hour * 3_600, amount_minor));
            let verdict = judge(decision.risk_score, Thresholds::default(), &[]).verdict;
            assert_eq!(verdict, Verdict::Accept, "{amount_minor} at {hour}: {}", decision.risk_score);
        }
    }
}

#[test]
fn an_odd_payment_scores_higher_than_a_usual_one() {
    let (scorer, model) = (Scorer::new(settings()), shipped_model());
    habit(&scorer, 1, 9, 60);
    let now_s = START_S + 60 * DAY_S + 43_200;
    let usual = scorer.score(&model, &payment(1, 9, now_s, 2_050));
    let odd = scorer.score(&model, &payment(1, 9, now_s, 40_000));
    assert!(odd.log_odds > usual.log_odds + 1.0, "{} against {}", odd.log_odds, usual.log_odds);
    assert!(odd.risk_score > usual.risk_score);
    assert_eq!(usual.features_as_of, 60);
}

#[test]
fn contributions_sum_to_the_log_odds() {
    let (scorer, model) = (Scorer::new(settings()), shipped_model());
    habit(&scorer, 1, 9, 30);
    for amount_minor in [100, 2_000, 90_000] {
        let decision = scorer.score(&model, &payment(1, 9, START_S + 30 * DAY_S, amount_minor));
        let mut sum = 0.0;
        model.contributions(&decision.features, |part| sum += part.log_odds);
        assert!((sum - decision.log_odds).abs() < 1e-9);
        let top = decision.contributions(&model);
        assert!(top.windows(2).all(|two| two[0].log_odds.abs() >= two[1].log_odds.abs()));
        assert!(top.iter().all(|part| part.source != Source::Intercept || part.log_odds == 0.0));
    }
}

#[test]
fn the_strongest_contributions_are_those_that_a_sort_puts_first() {
    let (scorer, model) = (Scorer::new(settings()), shipped_model());
    habit(&scorer, 1, 9, 30);
    for amount_minor in [100, 2_000, 90_000] {
        let decision = scorer.score(&model, &payment(1, 9, START_S + 30 * DAY_S, amount_minor));
        let mut parts = Vec::new();
        model.contributions(&decision.features, |part| parts.push(part));
        parts.retain(|part| part.source != Source::Intercept);
        parts.sort_by(|a, b| b.log_odds.abs().total_cmp(&a.log_odds.abs()));
        assert_eq!(decision.contributions(&model)[..], parts[..6]);
    }
}

#[test]
fn a_snapshot_restores_the_same_bytes_and_the_same_scores() {
    let (scorer, model) = (Scorer::new(Settings { entities: 20, ..settings() }), shipped_model());
    for card in 0..50 {
        habit(&scorer, card, card % 7, 12);
    }
    let fraud = payment(49, 0, START_S + 11 * DAY_S + 43_200 + 49, 2_000 + 37 * 4);
    scorer.observe(&Record::Label { event: fraud, verdict: Label::Fraud, known_at_s: START_S + 12 * DAY_S });
    scorer.observe(&Record::Outcome {
        event: fraud,
        outcome: Outcome::Declined,
        time_s: START_S + 12 * DAY_S,
    });
    let bytes = scorer.snapshot();
    let restored = Scorer::restore(&bytes).expect("these are its own bytes");
    assert_eq!(restored.snapshot(), bytes);
    for step in 0..40 {
        let event = payment(40 + step % 12, step % 9, START_S + 13 * DAY_S + step as i64 * 50_000, 1_000);
        let (a, b) = (scorer.score(&model, &event), restored.score(&model, &event));
        assert_eq!(a.features.map(f64::to_bits), b.features.map(f64::to_bits));
        assert_eq!(a.features_as_of, b.features_as_of);
        scorer.observe(&Record::Authorization(event));
        restored.observe(&Record::Authorization(event));
    }
    assert_eq!(restored.snapshot(), scorer.snapshot());
    for place in [0, 9, bytes.len() / 2, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1;
        assert!(Scorer::restore(&damaged).is_err(), "byte {place}");
    }
}

#[test]
fn the_number_of_entities_is_bounded() {
    let scorer = Scorer::new(Settings { entities: 100, ..settings() });
    for card in 0..5_000 {
        scorer.observe(&Record::Authorization(payment(card, 1, START_S + card as i64, 500)));
    }
    assert_eq!(scorer.extractor().remembered(Entity::Card), 100);
    assert_eq!(scorer.extractor().remembered(Entity::Merchant), 1);
}

#[test]
fn an_entity_in_use_survives_those_that_came_once() {
    let scorer = Scorer::new(Settings { entities: 100, ..settings() });
    for step in 0..5_000 {
        let card = if step % 10 == 0 { 1 } else { 1_000 + step };
        scorer.observe(&Record::Authorization(payment(card, 1, START_S + step as i64, 500)));
    }
    let decision = scorer.score(&shipped_model(), &payment(1, 1, START_S + 6_000, 500));
    let count = streaming_names().iter().position(|name| name == "card_count_7d").expect("it is a feature");
    assert_eq!(decision.features[count], 500.0);
}

#[test]
fn rules_come_in_order() {
    let hit = |action, rule: &str| RuleHit { action, rule: rule.to_owned() };
    let cases = [
        (10, vec![], Verdict::Accept),
        (64, vec![], Verdict::Accept),
        (65, vec![], Verdict::Review),
        (75, vec![], Verdict::Block),
        (99, vec![hit(Action::Allow, "friend"), hit(Action::Block, "foe")], Verdict::Accept),
        (10, vec![hit(Action::Review, "look"), hit(Action::Block, "foe")], Verdict::Block),
        (10, vec![hit(Action::Review, "look")], Verdict::Review),
    ];
    for (score, hits, verdict) in cases {
        let ruling = judge(score, Thresholds::default(), &hits);
        assert_eq!(ruling.verdict, verdict, "{score} {hits:?}");
        assert_eq!(ruling.reasons.is_empty(), score < 65 && hits.is_empty());
    }
}
