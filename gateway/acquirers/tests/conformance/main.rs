//! Every adapter against the port's contract: by example, and with faults at its peer.

mod cards;
mod faults;
mod peer;
mod request;
mod suite;
