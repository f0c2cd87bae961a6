//! Every adapter against the port's contract: by example, and with faults at its peer.

mod canary;
mod cards;
mod dialect;
mod encrypted;
mod faults;
mod memory;
mod operator;
mod peer;
mod request;
mod restarts;
mod suite;
mod upstream;
mod wallets;
