//! Secrets and their arithmetic: sealed card numbers, keyed fingerprints, signatures, TLS settings.
//!
//! This crate knows no payments and no sockets. What enters it is bytes; what leaves it is sealed, keyed or masked.
//!
//! **Architecture invariants.** Nothing here prints a secret: every type that holds one has a `Debug` that hides it,
//! none of them serializes, and each is wiped when dropped. No error carries the bytes that caused it. The
//! operating system's generator is read in [`random`] only, the TLS provider is named in `tls` only, and no
//! function reads a clock: times are parameters, in whole seconds since 1970.

pub mod card;
pub mod hex;
pub mod mac;
pub mod random;

pub use card::{Brand, CardNumber, Cvc};
