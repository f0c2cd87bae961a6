//! The client's side of the wire: where to connect, from which address, and one request at little cost.

pub mod lane;
pub mod request;
pub mod source;
pub mod target;
pub mod timer;
pub mod tls;

pub use lane::Lane;
pub use request::{Answer, Loss, Prepared};
pub use source::Sources;
pub use target::{Http, Target};
