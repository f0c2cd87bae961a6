//! Peers: what others do on the same machine, the same disk, in the same run.

pub mod localstripe;
pub mod postgres;

pub use localstripe::Localstripe;
pub use postgres::Postgres;
