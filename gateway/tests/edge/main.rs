//! The edge over real TLS on loopback, with a small service of the test's own behind it.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod deadlines;
mod drain;
mod framing;
mod limits;
mod protocols;
mod rig;
