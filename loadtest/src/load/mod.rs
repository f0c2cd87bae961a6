//! Making load: when requests are due, what they ask, and the threads that send them.

pub mod action;
pub mod arrivals;
pub mod backlog;
pub mod engine;
pub mod flight;
pub mod plan;
pub mod workload;

pub use action::Action;
pub use arrivals::{Named, Shape};
pub use engine::run;
pub use plan::{Pace, Plan};
pub use workload::{After, Job, Workload};
