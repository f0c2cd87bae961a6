//! Tollgate, a payment gateway that speaks the Stripe dialect: wiring, TLS, HTTP, flows, observation, administration.

pub mod admin;
pub mod admit;
pub mod app;
pub mod cards;
pub mod cli;
pub mod config;
pub mod edge;
pub mod engine;
pub mod exchange;
pub mod flow;
pub mod harden;
pub mod late;
pub mod launch;
pub mod observe;
pub mod render;
pub mod route;
pub mod routing;
pub mod scoring;
pub mod serve;
pub mod tasks;
pub mod text;
pub mod verify;
pub mod world;
