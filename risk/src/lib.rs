//! Fraud scoring: streaming features, a logistic regression, and the analyst's command line.

pub mod event;
pub mod features;
pub mod model;
pub mod scorer;
#[cfg(feature = "train")]
pub mod train;
pub mod verdict;
