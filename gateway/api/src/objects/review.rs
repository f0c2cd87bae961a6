//! The review: an authorization that waits for a person.

use super::charge::Charge;
use super::payment_intent::PaymentIntent;
use super::{Expandable, Null, object_name};
use serde::Serialize;

object_name!(ReviewName = "review");

/// A payment that a person should look at before it is captured.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Review<'a> {
    pub id: &'a str,
    pub object: ReviewName,
    pub billing_zip: Option<&'a str>,
    pub charge: Option<Expandable<'a, Charge<'a>>>,
    pub closed_reason: Option<&'a str>,
    pub created: i64,
    pub ip_address: Option<&'a str>,
    pub ip_address_location: Null,
    pub livemode: bool,
    pub open: bool,
    /// `rule` or `manual`.
    pub opened_reason: &'a str,
    pub payment_intent: Option<Expandable<'a, PaymentIntent<'a>>>,
    pub reason: &'a str,
    pub session: Null,
}
