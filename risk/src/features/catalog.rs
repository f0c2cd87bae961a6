//! Names and places of the streaming features: the one list that training, serving and files agree on.

use std::sync::LazyLock;

use crate::event::Entity;

/// Stands for "no data" in a feature vector: below every real value, exact in 32 bits, and never NaN.
pub const MISSING: f64 = f32::MIN as f64;

/// Whether a feature value stands for "no data".
pub fn is_missing(value: f64) -> bool {
    value <= MISSING
}

/// Features of the event alone.
pub(crate) const EVENT: [&str; 5] = ["amount", "log_amount", "hour", "weekday", "currency"];
/// Velocity of each of the six entities.
pub(crate) const VELOCITY: [&str; 11] = [
    "age_days",
    "since_last_h",
    "count_1h",
    "count_1d",
    "count_7d",
    "count_30d",
    "recent_share",
    "sum_1d",
    "declines_1h",
    "decline_share_1d",
    "distinct_1d",
];
/// Amounts of each entity in [`WITH_AMOUNTS`].
pub(crate) const AMOUNTS: [&str; 11] = [
    "mean",
    "spread",
    "ratio",
    "z",
    "over_largest",
    "week_ratio",
    "odd_3d",
    "odd_14d",
    "odd_since_first_d",
    "odd_since_last_d",
    "odd_next",
];
/// Delayed labels of each entity in [`WITH_RISK`].
pub(crate) const RISK: [&str; 11] = [
    "known_30d",
    "frauds_30d",
    "risk_7d",
    "risk_30d",
    "plain_frauds_30d",
    "fraud_run",
    "genuine_since_fraud",
    "run_age_d",
    "episode_age_d",
    "last_fraud_age_d",
    "run_plain_share",
];

/// Entities with features of their amounts.
pub(crate) const WITH_AMOUNTS: [Entity; 3] = [Entity::Card, Entity::Customer, Entity::Merchant];
/// Entities with features of their delayed labels.
pub(crate) const WITH_RISK: [Entity; 2] = [Entity::Card, Entity::Merchant];

/// Number of streaming features.
pub const STREAMING_LEN: usize = EVENT.len()
    + Entity::ALL.len() * VELOCITY.len()
    + WITH_AMOUNTS.len() * AMOUNTS.len()
    + WITH_RISK.len() * RISK.len();

/// A vector of streaming features, in the order of [`streaming_names`]. Every value is exact in 32 bits.
pub type FeatureVector = [f64; STREAMING_LEN];

static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut names: Vec<String> = EVENT.iter().map(|name| (*name).to_owned()).collect();
    let mut block = |entities: &[Entity], features: &[&str]| {
        for entity in entities {
            names.extend(features.iter().map(|feature| format!("{}_{feature}", entity.name())));
        }
    };
    block(&Entity::ALL, &VELOCITY);
    block(&WITH_AMOUNTS, &AMOUNTS);
    block(&WITH_RISK, &RISK);
    names
});

/// Names of the streaming features, in the order of the vector.
pub fn streaming_names() -> &'static [String] {
    &NAMES
}
