//! Tollgate: a payment gateway that speaks the Stripe dialect.

fn main() {}
