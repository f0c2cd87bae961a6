//! The ISO 8583 codec: a field table (a `Profile`) drives reading and writing. No I/O, no clock.

mod build;
pub mod elements;
mod error;
mod field;
mod frame;
mod message;
mod mti;
mod profile;
#[cfg(test)]
mod tests;

pub use build::Builder;
pub use error::{CodecError, Place, Problem};
pub use field::{Alphabet, Format, Length};
pub use frame::next_frame;
pub use message::Message;
pub use mti::{Class, Mti};
pub use profile::{Bitmap, FieldSet, Header, Profile, ProfileError};
