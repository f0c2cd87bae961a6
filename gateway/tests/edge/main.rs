//! The edge over real TLS on loopback, with a small service of the test's own behind it; and the process around it.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod admin;
mod command_line;
mod deadlines;
mod drain;
mod floods;
mod framing;
mod limits;
mod process;
mod protocols;
mod rig;
mod serving;
mod whole;
