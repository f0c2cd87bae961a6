//! The bank behind the simulated acquirer and behind the acquirer host: what each card answers, and a book of what was
//! approved. It knows no wire format.

mod book;
mod funds;
pub mod test_cards;

pub use book::{Book, Novelty, Op, Order, Ruling, Stated, Verdict};
