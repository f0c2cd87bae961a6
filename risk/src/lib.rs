//! Fraud scoring: streaming features, a logistic regression, and the analyst's command line.
//!
//! A gateway holds one [`Scorer`] and an `Arc<Model>` that it swaps as a whole. It calls [`Scorer::score`] before
//! a payment is sent, and [`Scorer::observe`] for every durable record, in journal order. [`verdict::judge`]
//! turns the risk score and the rules that matched into a verdict.

#[cfg(feature = "train")]
pub mod cli;
pub mod event;
pub mod export;
pub mod features;
pub mod guard;
pub mod model;
pub mod scorer;
#[cfg(feature = "train")]
pub mod train;
pub mod verdict;

pub use event::{Entity, Event, Label, Outcome, Record};
pub use model::Model;
pub use scorer::{Decision, Scorer};

/// Text of the model that the project ships; its card is `models/README.md`.
pub const SHIPPED_MODEL: &str = include_str!("../models/shipped.json");

/// The model that the project ships, trained on payments of its own simulator.
///
/// # Panics
/// Never: a test loads it.
pub fn shipped_model() -> Model {
    Model::parse(SHIPPED_MODEL).expect("a test loads the shipped model")
}
