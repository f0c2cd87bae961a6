//! What a merchant tells the scorer, and asks it: value lists, their values, payments processed elsewhere.

pub mod evaluations;
pub mod items;
pub mod lists;
