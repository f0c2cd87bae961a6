//! Tollgate, a payment gateway that speaks the Stripe dialect: wiring, TLS, HTTP, flows, observation, administration.

pub mod admit;
pub mod cards;
pub mod config;
pub mod edge;
pub mod engine;
pub mod exchange;
pub mod flow;
pub mod render;
pub mod route;
pub mod routing;
pub mod scoring;
pub mod tasks;
pub mod world;
