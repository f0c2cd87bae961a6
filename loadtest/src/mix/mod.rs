//! What merchants ask: cards, amounts, keys, and the mixes of requests that are made of them.

pub mod authorizations;
pub mod cards;
pub mod merchants;
pub mod mixture;
pub mod wallets;
pub mod weights;

pub use authorizations::Authorizations;
pub use merchants::Merchants;
pub use mixture::{Mixture, Persistence, Recipe};
pub use weights::Mix;
