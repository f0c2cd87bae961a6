//! The merchant API from route to store, over the memory engine and the simulated acquirer: no sockets, so that it is quick.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod card_testing;
mod chain;
mod challenge;
mod events;
mod idempotency;
mod keys;
mod malformed;
mod mismatch;
mod operator;
mod payments;
mod process;
mod radar;
mod recovery;
mod refunds;
mod reviews;
mod room;
mod routing;
mod saved_cards;
mod scoring;
mod settling;
mod support;
mod unknown;
mod verify;
mod wallets;
