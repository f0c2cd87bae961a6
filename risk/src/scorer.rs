//! Serving: the state of the features, and one call from an event to a decision.

use std::sync::Arc;

use crate::event::{Event, Record};
use crate::features::{Extractor, FeatureVector, MISSING, STREAMING_LEN, Settings, SnapshotError};
use crate::model::{Contribution, Model, Source, logistic};

/// Strongest contributions that a decision carries.
pub const TOP_CONTRIBUTIONS: usize = 6;

/// What a model says about an event, with everything needed to compute it again.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Calibrated probability of fraud.
    pub probability: f64,
    /// Log odds of fraud, the sum of all contributions.
    pub log_odds: f64,
    /// Score of 0 to 100, see [`Model::risk_score`].
    pub risk_score: u8,
    /// The features, in the order of [`crate::features::streaming_names`].
    pub features: FeatureVector,
    /// The model that decided.
    pub model_version: Arc<str>,
    /// Number of records that the features rest on.
    pub features_as_of: u64,
}

/// The features' state, and the way from an event to a decision. The model is the caller's, who swaps it
/// as a whole: a decision rests on one model from beginning to end.
pub struct Scorer {
    extractor: Extractor,
}

impl Scorer {
    /// A scorer that has seen nothing.
    pub fn new(settings: Settings) -> Self {
        Scorer { extractor: Extractor::new(settings) }
    }

    /// A scorer with the state of a snapshot.
    ///
    /// # Errors
    /// The bytes are no snapshot of this version; rebuild from the journal.
    pub fn restore(snapshot: &[u8]) -> Result<Self, SnapshotError> {
        Ok(Scorer { extractor: Extractor::restore(snapshot)? })
    }

    /// The state as bytes; equal histories give equal bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        self.extractor.snapshot()
    }

    /// The state of the features.
    pub fn extractor(&self) -> &Extractor {
        &self.extractor
    }

    /// Applies one durable record; call it in journal order.
    pub fn observe(&self, record: &Record) {
        self.extractor.observe(record);
    }

    /// Whether this scorer can serve a model: it must read the streaming features.
    ///
    /// # Errors
    /// The model reads other features; the message says which.
    pub fn serves(model: &Model) -> Result<(), String> {
        let set = &model.file().feature_set;
        if set != "streaming" {
            return Err(format!(
                "the model reads {set} features, and a gateway serves streaming ones; train with --features streaming"
            ));
        }
        Ok(())
    }

    /// Scores an event. Reads only: nothing is remembered of it until its record is observed.
    ///
    /// # Panics
    /// The model does not read the streaming features; ask [`Scorer::serves`] when loading it.
    pub fn score(&self, model: &Model, event: &Event) -> Decision {
        let mut features = [MISSING; STREAMING_LEN];
        let features_as_of = self.extractor.extract(event, &mut features);
        decide(model, features, features_as_of)
    }
}

impl Decision {
    /// The strongest contributions, by size; `Source::Intercept` with 0 fills the places that are not needed. They are computed when
    /// asked for: they follow from the features, bit for bit, and a payment that nobody explains should not pay for them. `model` is the
    /// one that decided.
    ///
    /// # Panics
    /// The model does not read the streaming features.
    pub fn contributions(&self, model: &Model) -> [Contribution; TOP_CONTRIBUTIONS] {
        let nothing = Contribution { source: Source::Intercept, log_odds: 0.0 };
        let mut top = [nothing; TOP_CONTRIBUTIONS];
        model.contributions(&self.features, |part| {
            if part.source != Source::Intercept {
                keep_strongest(&mut top, part);
            }
        });
        top
    }
}

/// What a model says about features that were extracted earlier: for shadow models, and to check decisions.
pub fn decide(model: &Model, features: FeatureVector, features_as_of: u64) -> Decision {
    let log_odds = model.log_odds(&features);
    Decision {
        probability: logistic(log_odds),
        log_odds,
        risk_score: model.risk_score(log_odds),
        features,
        model_version: Arc::clone(model.version()),
        features_as_of,
    }
}

/// Inserts a part where it belongs; nearly always that is nowhere, which one comparison tells.
fn keep_strongest(top: &mut [Contribution; TOP_CONTRIBUTIONS], part: Contribution) {
    let stronger = |kept: &Contribution| part.log_odds.abs() > kept.log_odds.abs();
    let mut place = TOP_CONTRIBUTIONS;
    while place > 0 && stronger(&top[place - 1]) {
        place -= 1;
        if place + 1 < TOP_CONTRIBUTIONS {
            top[place + 1] = top[place];
        }
        top[place] = part;
    }
}
