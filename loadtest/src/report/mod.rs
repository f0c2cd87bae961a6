//! Reports of a run: for people on a terminal, for scripts, for browsers, and as an HdrHistogram log.

pub mod compare;
pub mod hdr_log;
pub mod html;
pub mod run;
pub mod text;

pub use run::RunReport;
