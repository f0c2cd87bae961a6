//! Labels keep their delay: whatever a label younger than seven days says, no score changes.

use proptest::prelude::*;
use risk::features::{FeatureVector, MISSING, STREAMING_LEN, Settings};
use risk::{Entity, Event, Label, Record, Scorer};

const DAY_S: i64 = 86_400;
const SETTINGS: Settings = Settings { entities: 500, pending: 5_000, label_delay_s: 7 * 86_400 };

fn events(steps: &[(u8, u8, u16, u32)]) -> Vec<Event> {
    let mut time_s = 1_767_225_600;
    let event = |(place, (card, merchant, amount, pause)): (usize, &(u8, u8, u16, u32))| {
        time_s += i64::from(*pause);
        Event::new(place as u64, time_s, i64::from(*amount) + 1)
            .with(Entity::Card, u64::from(card % 8))
            .with(Entity::Merchant, u64::from(merchant % 4))
    };
    steps.iter().enumerate().map(event).collect()
}

fn features(scorer: &Scorer, event: &Event) -> [u64; STREAMING_LEN] {
    let mut out: FeatureVector = [MISSING; STREAMING_LEN];
    scorer.extractor().extract(event, &mut out);
    assert!(out.iter().all(|value| value.is_finite()));
    out.map(f64::to_bits)
}

/// Features of a probe at the end, with labels by `fraud`, told at once or when they are known.
fn probe(events: &[Event], fraud: &dyn Fn(usize) -> bool, early: impl Into<bool>) -> [u64; STREAMING_LEN] {
    let (scorer, early) = (Scorer::new(SETTINGS), early.into());
    let label =
        |event: &Event, known_at_s: i64| Record::Label { event: *event, verdict: Label::Fraud, known_at_s };
    let mut untold: Vec<usize> = Vec::new();
    for (place, event) in events.iter().enumerate() {
        // The labels that are known by now, as a gateway would hear of them.
        untold.retain(|waiting| {
            let known_at_s = events[*waiting].time_s + 7 * DAY_S;
            let ripe = known_at_s <= event.time_s;
            if ripe {
                scorer.observe(&label(&events[*waiting], known_at_s));
            }
            !ripe
        });
        scorer.observe(&Record::Authorization(*event));
        if fraud(place) {
            match early {
                true => scorer.observe(&label(event, event.time_s + 7 * DAY_S)),
                false => untold.push(place),
            }
        }
    }
    let last = events[events.len() - 1];
    features(&scorer, &Event { id: u64::MAX, time_s: last.time_s + 60, ..last })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_young_label_changes_nothing(
        steps in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u16>(), 0u32..40_000), 5..150),
        labels in prop::collection::vec(any::<bool>(), 150),
        others in prop::collection::vec(any::<bool>(), 150),
    ) {
        let events = events(&steps);
        let last_s = events[events.len() - 1].time_s;
        let young = |place: usize| events[place].time_s > last_s - 7 * DAY_S;
        let one = probe(&events, &|place| labels[place], true);
        let two = probe(&events, &|place| if young(place) { others[place] } else { labels[place] }, true);
        prop_assert_eq!(one, two);
    }

    #[test]
    fn a_snapshot_in_the_middle_changes_nothing(
        steps in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u16>(), 0u32..40_000), 5..150),
        labels in prop::collection::vec(any::<bool>(), 150),
    ) {
        let events = events(&steps);
        let (through, mut broken) = (Scorer::new(SETTINGS), Scorer::new(SETTINGS));
        for (place, event) in events.iter().enumerate() {
            let mut records = vec![Record::Authorization(*event)];
            if labels[place] {
                let known_at_s = event.time_s + 3 * DAY_S * (place as i64 % 4);
                records.push(Record::Label { event: *event, verdict: Label::Fraud, known_at_s });
            }
            for record in &records {
                through.observe(record);
                broken.observe(record);
            }
            if place % 20 == 7 {
                broken = Scorer::restore(&broken.snapshot()).expect("these are its own bytes");
            }
        }
        prop_assert_eq!(through.snapshot(), broken.snapshot());
    }
}

/// The opposite of the property, so that it cannot hold by deafness: an old label does change the features.
#[test]
fn an_old_label_changes_the_features() {
    let steps: Vec<(u8, u8, u16, u32)> = (0..60).map(|step| (step, 0, 500, 20_000)).collect();
    let events = events(&steps);
    let with = probe(&events, &|place| place == 3, true);
    assert_ne!(with, probe(&events, &|_| false, true));
    assert_eq!(with, probe(&events, &|place| place == 3, true));
}

#[test]
fn a_late_label_still_counts_and_can_be_withdrawn() {
    let scorer = Scorer::new(SETTINGS);
    let event = |id: u64, day: i64| {
        Event::new(id, 1_767_225_600 + day * DAY_S, 500).with(Entity::Card, 1).with(Entity::Merchant, 2)
    };
    for day in 0..20 {
        scorer.observe(&Record::Authorization(event(day as u64, day)));
    }
    let probe = event(99, 20);
    let place = risk::features::streaming_names().iter().position(|name| name == "merchant_fraud_run");
    let run = |scorer: &Scorer| f64::from_bits(features(scorer, &probe)[place.expect("it is a feature")]);
    assert_eq!(run(&scorer), 0.0);
    let label =
        |verdict| Record::Label { event: event(2, 2), verdict, known_at_s: 1_767_225_600 + 19 * DAY_S };
    scorer.observe(&label(Label::Fraud));
    assert_eq!(run(&scorer), 1.0);
    scorer.observe(&label(Label::Genuine));
    assert_eq!(run(&scorer), 0.0);
}
