//! What a crash may leave, and what must be there all the same: every acknowledged batch, whole, and nothing of a batch in part.

#![allow(clippy::unwrap_used, reason = "a test stops where something fails")]

mod damage;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod images;
mod kill;
mod script;
mod threads;
