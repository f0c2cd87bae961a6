//! What is counted of the requests: each operation by itself, and what never came to one.

use crate::observe::Operation as Meter;
use gateway_api::endpoints::{ENDPOINTS, Operation};
use metrics::Counter;

/// The figures of all operations.
pub struct Meters {
    /// In the order of the table.
    operations: Vec<Meter>,
    /// No endpoint's: an unknown route, or an address over its rate.
    pub unrouted: Meter,
    /// Pages of ours.
    pub challenge: Meter,
    /// What acquirers tell us of their own accord.
    pub notification: Meter,
    /// Refused while much waited, because every acquirer was asked as much as it may be.
    pub acquirers_full: Counter,
}

impl Meters {
    /// Registers all of them.
    pub fn register() -> Self {
        let of = |operation: Operation| Meter::register(snake(operation.name()));
        Self {
            operations: ENDPOINTS.iter().map(|endpoint| of(endpoint.operation)).collect(),
            unrouted: Meter::register("unrouted"),
            challenge: Meter::register("challenge"),
            notification: Meter::register("notification"),
            acquirers_full: metrics::counter!("tollgate_requests_shed_total", "reason" => "acquirers_full"),
        }
    }

    /// The figures of one operation. The table and the operations are declared together, in one order.
    pub fn of(&self, operation: Operation) -> &Meter {
        &self.operations[operation as usize]
    }
}

/// `CreatePaymentIntent` as `create_payment_intent`.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_figures_of_its_own_under_its_name() {
        assert_eq!(snake("CreatePaymentIntent"), "create_payment_intent");
        for (position, endpoint) in ENDPOINTS.iter().enumerate() {
            assert_eq!(endpoint.operation as usize, position, "{}", endpoint.path);
        }
    }
}
