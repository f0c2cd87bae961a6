//! The payment domain: money, ids, the payment state machine, and the ports.
