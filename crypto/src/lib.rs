//! Secrets and their arithmetic: sealed card numbers, keyed fingerprints, signatures, TLS settings.
//!
//! This crate knows no payments and no sockets. What enters it is bytes; what leaves it is sealed, keyed or masked.
//!
//! **Architecture invariants.** Nothing here prints a secret: every type that holds one has a `Debug` that hides it,
//! none of them serializes, and each is wiped when dropped. No error carries the bytes that caused it. The
//! operating system's generator is read in [`random`] only, the TLS provider is named in [`tls`] only, and no
//! function reads a clock: times are parameters, in whole seconds since 1970.

mod aead;
pub mod card;
mod certificate;
pub mod devcerts;
mod files;
pub mod hex;
pub mod keyring;
pub mod mac;
pub mod random;
pub mod secret;
pub mod tls;
pub mod vault;
pub mod webhook;

pub use card::{Brand, CardNumber, Cvc};
pub use secret::Secret;
pub use vault::{SealedBytes, SealedCard, Vault};
