//! Who is asking, and may they now: keys, scopes, rates, and whether there is a processor for it.

pub mod key;
pub mod limits;
pub mod merchants;
pub mod queue;
pub mod view;

pub use limits::Limits;
pub use merchants::{Caller, Merchants};
