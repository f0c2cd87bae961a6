//! `loadtest failover`: two acquirer hosts, one of which is killed and started again every few seconds under load.
//!
//! Merchants must see no error beyond declines, nothing may be charged twice, both books and the store must agree, and
//! traffic must return to the host when it is back.

pub mod outages;
pub mod report;
pub mod trial;

pub use report::Report;
pub use trial::{Setting, Trial};
