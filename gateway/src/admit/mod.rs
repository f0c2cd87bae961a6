//! Who is asking, and may they now: keys, scopes, rates.

pub mod key;
pub mod limits;
pub mod merchants;
pub mod view;

pub use limits::Limits;
pub use merchants::{Caller, Merchants};
