//! Every adapter against the port's contract: by example, and with faults at its peer.

mod cards;
mod request;
