//! From the remembered states and one event to a feature vector: read only, constant time, no allocation.

use super::catalog::{AMOUNTS, EVENT, FeatureVector, MISSING, RISK, STREAMING_LEN, VELOCITY};
use super::catalog::{WITH_AMOUNTS, WITH_RISK};
use super::state::{Amounts, EntityState, Risk, Velocity};
use super::window::{DAY_S, HOUR_S};
use crate::event::{Entity, Event};

/// Weight of the overall fraud rate in the rate of one entity, in payments.
const SMOOTHING: f32 = 5.0;

/// The moment and the event that features are computed for.
pub(super) struct Asked<'a> {
    pub(super) event: &'a Event,
    pub(super) now_s: u32,
    pub(super) amount: f32,
    /// Overall rate of fraud among matured payments.
    pub(super) prior: f32,
}

/// The other party whose variety is counted for an entity.
pub(super) fn counterpart(event: &Event, entity: Entity) -> Option<u64> {
    match entity {
        Entity::Card => event.key(Entity::Address),
        Entity::Customer | Entity::Merchant | Entity::Address | Entity::Device | Entity::Email => {
            event.key(Entity::Card)
        }
    }
}

/// Fills a vector; `states` are in the order of [`Entity::ALL`].
pub(super) fn fill(asked: &Asked<'_>, states: &[Option<&EntityState>; 6], out: &mut FeatureVector) {
    out.fill(MISSING);
    let mut rest: &mut [f64] = out;
    let mut place = |width: usize| {
        let (block, tail) = std::mem::take(&mut rest).split_at_mut(width);
        rest = tail;
        block
    };
    event_block(asked, place(EVENT.len()));
    for entity in Entity::ALL {
        let block = place(VELOCITY.len());
        if asked.event.key(entity).is_some() {
            velocity_block(asked, entity, states[entity.index()], block);
        }
    }
    for entity in WITH_AMOUNTS {
        let block = place(AMOUNTS.len());
        if let Some(state) = states[entity.index()] {
            amounts_block(asked, state, block);
        }
    }
    for entity in WITH_RISK {
        let block = place(RISK.len());
        if let Some(state) = states[entity.index()] {
            risk_block(asked, &state.risk, block);
        }
    }
    const { assert!(STREAMING_LEN < 256, "features are addressed by a byte in places") };
}

fn put<const N: usize>(block: &mut [f64], values: [f32; N]) {
    for (slot, value) in block.iter_mut().zip(values) {
        *slot = f64::from(value);
    }
}

const NONE: f32 = f32::MIN;

fn days(from_s: u32, to_s: u32) -> f32 {
    to_s.saturating_sub(from_s) as f32 / DAY_S as f32
}

fn event_block(asked: &Asked<'_>, block: &mut [f64]) {
    let second_of_day = asked.event.time_s.rem_euclid(i64::from(DAY_S)) as u32;
    // 1970-01-01 was a Thursday; Monday is 0.
    let weekday = (asked.event.time_s.div_euclid(i64::from(DAY_S)) + 3).rem_euclid(7);
    let currency = asked.event.currency.iter().fold(0u32, |code, letter| code * 32 + u32::from(letter & 31));
    put(
        block,
        [
            asked.amount,
            asked.amount.ln_1p(),
            second_of_day as f32 / HOUR_S as f32,
            weekday as f32,
            currency as f32,
        ],
    );
}

fn velocity_block(asked: &Asked<'_>, entity: Entity, state: Option<&EntityState>, block: &mut [f64]) {
    let other = counterpart(asked.event, entity);
    let Some(state) = state else {
        let seen = if other.is_some() { 1.0 } else { 0.0 };
        put(block, [NONE, NONE, 0.0, 0.0, 0.0, 0.0, NONE, 0.0, 0.0, 0.0, seen]);
        return;
    };
    let (now_s, velocity): (u32, &Velocity) = (asked.now_s, &state.velocity);
    let month = velocity.decayed_count(3, now_s);
    let day = velocity.decayed_count(1, now_s);
    put(
        block,
        [
            days(velocity.first_s, now_s),
            velocity.since_last_s(now_s) as f32 / HOUR_S as f32,
            velocity.count_1h(now_s) as f32,
            velocity.count_1d(now_s) as f32,
            velocity.count_7d(now_s) as f32,
            month,
            day / month.max(1e-6),
            velocity.decayed_sum(0, now_s),
            velocity.decayed_declines(0, now_s),
            (velocity.decayed_declines(1, now_s) / day.max(1.0)).min(1.0),
            velocity.distinct.count_with(velocity.last_s, now_s, other),
        ],
    );
}

fn amounts_block(asked: &Asked<'_>, state: &EntityState, block: &mut [f64]) {
    let amounts: &Amounts = &state.amounts;
    if amounts.weight < 1.0 {
        return;
    }
    let now_s = asked.now_s;
    let (ratio, z) = (asked.amount / amounts.mean.max(0.01), amounts.z(asked.amount));
    let week = state.velocity.decayed_sum(1, now_s) / state.velocity.decayed_count(2, now_s).max(1e-6);
    let odd = |since_s: u32| if amounts.odd_last_s == 0 { NONE } else { days(since_s, now_s) };
    let settled = amounts.settled();
    let memory = amounts.decayed_odd(1, now_s);
    put(
        block,
        [
            amounts.mean,
            amounts.spread() / amounts.mean.max(0.01),
            ratio,
            if settled { z.clamp(-100.0, 1000.0) } else { NONE },
            asked.amount / amounts.largest.max(0.01),
            week / amounts.mean.max(0.01),
            amounts.decayed_odd(0, now_s),
            memory,
            odd(amounts.odd_first_s),
            odd(amounts.odd_last_s),
            if settled { z.clamp(-5.0, 10.0) * memory.min(3.0) } else { NONE },
        ],
    );
}

fn risk_block(asked: &Asked<'_>, risk: &Risk, block: &mut [f64]) {
    let now_s = asked.now_s;
    let smooth = |(known, fraud): (f32, f32)| (fraud + SMOOTHING * asked.prior) / (known + SMOOTHING);
    let (known, fraud) = risk.decayed(1, now_s);
    let since = |moment_s: u32| if risk.last_fraud_s == 0 { NONE } else { days(moment_s, now_s) };
    let ever = |value: f32| if risk.last_fraud_s == 0 { NONE } else { value };
    let plain = risk.decayed_plain(now_s);
    put(
        block,
        [
            known,
            fraud,
            smooth(risk.decayed(0, now_s)),
            smooth((known, fraud)),
            plain,
            f32::from(risk.run),
            ever(f32::from(risk.genuine_since)),
            if risk.run == 0 { NONE } else { days(risk.run_first_s, now_s) },
            since(risk.episode_first_s),
            since(risk.last_fraud_s),
            ever(plain / fraud.max(1e-6)),
        ],
    );
}
