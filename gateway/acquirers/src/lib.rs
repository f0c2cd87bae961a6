//! Acquirer adapters behind one port.

pub mod iso8583;
