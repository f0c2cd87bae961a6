//! The engine against servers over real TLS: what it measures, and what it must not hide.

mod coordinated_omission;
mod pace;
mod server;
