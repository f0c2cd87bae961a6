//! The handbook's fifteen features against an independent, naive reading of their definition.
#![cfg(feature = "train")]

use risk::features::{HANDBOOK_LEN, Handbook};
use risk::train::dataset::Payment;
use risk::train::dataset::records;
use risk::train::simulate::{Kind, World, simulate};
use risk::{Entity, Event};

const DAY_S: i64 = 86_400;

fn world() -> Vec<Payment> {
    let world = World { seed: 3, cards: 60, merchants: 40, days: 50, start_s: 1_767_225_600 };
    let payments = simulate(world).into_iter().enumerate().map(|(place, paid)| Payment {
        event: Event::new(place as u64, paid.time_s, paid.amount_minor)
            .with(Entity::Card, u64::from(paid.card))
            .with(Entity::Merchant, u64::from(paid.merchant)),
        id: place.to_string().into(),
        card: paid.card.to_string().into(),
        // More fraud than the world has, so that the risks differ from zero.
        fraud: paid.kind != Kind::Genuine || paid.merchant % 9 == 0 || place % 31 == 0,
        declined: false,
    });
    payments.collect()
}

/// Reads the definition word by word: windows end with the payment itself, (t - days, t]; a terminal's end seven
/// days before it; ties in one second are broken by order.
fn naive(all: &[Payment], place: usize) -> [f64; HANDBOOK_LEN] {
    let event = &all[place].event;
    let (now, seen) = (event.time_s, &all[..=place]);
    let mut out = [0.0; HANDBOOK_LEN];
    out[0] = event.amount_minor as f64 / 100.0;
    let weekday = (now / DAY_S + 3) % 7;
    out[1] = f64::from(u8::from(weekday == 5 || weekday == 6));
    out[2] = f64::from(u8::from(now % DAY_S / 3_600 <= 6));
    for (window, days) in [1, 7, 30].into_iter().enumerate() {
        let own: Vec<f64> = seen
            .iter()
            .filter(|paid| paid.event.key(Entity::Card) == event.key(Entity::Card))
            .filter(|paid| paid.event.time_s > now - days * DAY_S)
            .map(|paid| paid.event.amount())
            .collect();
        out[3 + 2 * window] = own.len() as f64;
        out[4 + 2 * window] = own.iter().sum::<f64>() / own.len() as f64;
        let until = now - 7 * DAY_S;
        let terminal: Vec<bool> = seen
            .iter()
            .filter(|paid| paid.event.key(Entity::Merchant) == event.key(Entity::Merchant))
            .filter(|paid| paid.event.time_s > until - days * DAY_S && paid.event.time_s <= until)
            .map(|paid| paid.fraud)
            .collect();
        out[9 + 2 * window] = terminal.len() as f64;
        let frauds = terminal.iter().filter(|fraud| **fraud).count() as f64;
        out[10 + 2 * window] = if terminal.is_empty() { 0.0 } else { frauds / terminal.len() as f64 };
    }
    out
}

#[test]
fn the_windows_are_the_handbooks() {
    let all = world();
    let settings = risk::features::Settings { label_delay_s: 7 * 86_400, ..Default::default() };
    let mut handbook = Handbook::new(settings.label_delay_s);
    let mut risky = 0;
    for (place, payment) in all.iter().enumerate() {
        let mut found = [0.0; HANDBOOK_LEN];
        handbook.extract(&payment.event, &mut found);
        let expected = naive(&all, place);
        for feature in 0..HANDBOOK_LEN {
            let off = (found[feature] - expected[feature]).abs();
            assert!(
                off < 1e-9,
                "payment {place}, feature {feature}: {} for {}",
                found[feature],
                expected[feature]
            );
        }
        risky += usize::from(expected[14] > 0.0);
        records(payment, settings).for_each(|record| handbook.observe(&record));
    }
    assert!(all.len() > 1_000 && risky > 100, "{} payments, {risky} with risk", all.len());
}
