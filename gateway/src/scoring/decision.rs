//! Decisions on their way to the store and back.
//!
//! The features are kept to the bit. The contributions of single features are not: they are a function of features and model, both
//! of which are kept, and `risk explain` and `risk replay` compute the same bits again. They would double a decision's bytes.

use super::models::{Served, Serving};
use gateway_core::risk::{Decision, ShadowScore};
use risk::features::{FeatureVector, pack, unpack};
use risk::scorer;
use std::sync::Arc;

/// What is kept of a decision, with what the shadow models say of the same features.
pub fn stored(serving: &Serving, scored: &scorer::Decision, reasons: Vec<String>) -> Decision {
    let shadow = |served: &Arc<Served>| {
        let log_odds = served.model.log_odds(&scored.features);
        ShadowScore {
            model: served.mark.clone(),
            log_odds_bits: log_odds.to_bits(),
            score: served.model.risk_score(log_odds),
        }
    };
    Decision {
        features_as_of: scored.features_as_of,
        model: serving.champion.mark.clone(),
        log_odds_bits: scored.log_odds.to_bits(),
        score: scored.risk_score,
        features: pack(&scored.features),
        reasons,
        shadows: serving.shadows.iter().map(shadow).collect(),
    }
}

/// The features of a stored decision; `None` if they are of another version's catalogue.
pub fn features(decision: &Decision) -> Option<FeatureVector> {
    unpack(&decision.features)
}
