//! The merchant dialect: what a payment looks like on the wire, and nothing of what it means.
//!
//! Requests become [`form::Params`] (one tree, whatever the body's encoding), then the typed parameters of one
//! operation ([`params`]). Answers are the borrowed structs of [`objects`], or an [`ApiError`] in its envelope.
//! This crate knows no clock, no store and no runtime; the `client` feature adds the other side of the wire.

#[cfg(feature = "client")]
pub mod client;
pub mod endpoints;
pub mod error;
pub mod expand;
pub mod form;
pub mod json;
pub mod objects;
pub mod params;
mod wire_enum;

pub use error::{ApiError, DeclineCode, ErrorCode, ErrorType};
pub use expand::Expand;
pub use form::{Fields, Params};
pub use params::decode;
pub use wire_enum::WireEnum;

/// The API version whose object shapes are served: the one that stripe-python 16.1.0 and stripe-node 23.1.0 pin.
pub const API_VERSION: &str = "2026-10-28.endive";

/// The smallest amount that the dialect can express, in minor units; smaller ones are `amount_too_small`.
pub const AMOUNT_MIN: i64 = 1;

/// The largest amount of one payment, in minor units (eight digits); larger ones are `amount_too_large`.
pub const AMOUNT_MAX: i64 = 99_999_999;
