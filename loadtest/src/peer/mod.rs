//! Peers: what others do on the same machine, the same disk, in the same run.

pub mod postgres;

pub use postgres::Postgres;
