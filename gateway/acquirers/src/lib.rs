//! Acquirer adapters behind one port.
