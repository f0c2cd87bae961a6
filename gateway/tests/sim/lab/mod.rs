//! The laboratory: one seed's world, in which the real engine runs, is hurt, heals, and is audited.
//!
//! Architecture invariant: everything here runs on one thread and on virtual time, and draws from the seed alone, so that the
//! same seed makes the same run. What the auditor sees are plain facts: it knows no type of the engine.

mod audit;
mod bank;
mod client;
mod clock;
mod dump;
mod facts;
pub mod faults;
mod machine;
mod operator;
mod planted;
mod random;
mod report;
mod run;
mod storage;
mod swarm;
mod world;

pub use planted::Planted;
pub use report::{Options, Report, run};
