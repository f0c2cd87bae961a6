//! What the gateway tells about itself: logs, figures, and the words of a panic. None of them ever holds a card
//! number, a security code or a key.

pub mod logs;
pub mod metrics;
pub mod panics;
pub mod requests;

pub use metrics::{Figures, Kind};
pub use requests::Operation;
