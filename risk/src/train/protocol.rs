//! The protocol of the handbook: train a week, skip a week, test a week, without the cards known by then.

use std::collections::HashMap;

use super::dataset::{History, Matrix, Payment, Window};
use super::metrics::Scored;
use super::time::DAY_S;
use crate::event::Entity;

/// Cards with a fraud from a moment on, by key, and the day of the first.
pub fn known_by(history: &History, from_s: i64, key: impl Fn(&Payment) -> u64) -> HashMap<u64, i64> {
    let mut known = HashMap::new();
    for payment in history.payments.iter().filter(|payment| payment.fraud && payment.event.time_s >= from_s) {
        known.entry(key(payment)).or_insert(payment.event.time_s.div_euclid(DAY_S));
    }
    known
}

/// The key that stands for the card of a payment.
pub fn card_key(event: &crate::event::Event) -> u64 {
    event.key(Entity::Card).or(event.key(Entity::Customer)).unwrap_or(event.id)
}

/// Joins scores with the history, leaving out payments of cards with a fraud between the start of training
/// and `delay_days + 1` days before the payment's day.
pub fn join(
    history: &History,
    matrix: &Matrix,
    scores: &[f64],
    (training, delay_days): (Window, i64),
) -> Vec<Scored> {
    let known = known_by(history, training.0, |payment| card_key(&payment.event));
    let mut scored = Vec::new();
    for (place, score) in matrix.places.iter().zip(scores) {
        let payment = &history.payments[*place];
        let event = &payment.event;
        let card = card_key(event);
        let day = event.time_s.div_euclid(DAY_S);
        if known.get(&card).is_some_and(|first| *first < day - delay_days) {
            continue;
        }
        scored.push(Scored {
            score: *score,
            fraud: payment.fraud,
            time_s: event.time_s,
            card,
            amount: event.amount(),
        });
    }
    scored
}
