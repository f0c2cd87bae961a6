//! The objects that the dialect answers, ready to be written: borrowed, in one pass, with every key of the API version.
//!
//! A key for which this service has nothing is there and null ([`Null`]), so that an SDK's attribute is never missing.
//! Exceptions, as in the dialect itself: the blocks of other payment method types beside `card`, `deleted` on objects
//! that are not, and a webhook endpoint's `secret` after its creation. All structs have a `Default`, so that what holds
//! for each object alone is all that has to be filled in. Amounts are minor units, times are unix seconds.

mod address;
mod balance_transaction;
mod charge;
mod customer;
mod dispute;
mod event;
mod list;
mod payment_intent;
mod payment_method;
mod refund;
mod review;
mod setup_intent;
mod token;
mod value_list;
mod webhook_endpoint;

pub use address::{Address, BillingDetails, Shipping};
pub use balance_transaction::{BalanceTransaction, FeeDetail};
pub use charge::{
    CardChecks, Charge, ChargeAlipay, ChargeCard, ChargePaymentMethodDetails, ChargeWechatPay, FraudDetails,
    Outcome, Overcapture, Rule, Status,
};
pub use customer::{Customer, InvoiceSettings};
pub use dispute::{
    Dispute, DisputeCard, DisputeEvidence, DisputeEvidenceDetails, DisputePaymentMethodDetails,
};
pub use event::{Event, EventData, EventRequest};
pub use list::{Deleted, List, More, SearchResult};
pub use payment_intent::{
    AlipayHandleRedirect, AutomaticPaymentMethodsView, CardOptionsView, LastPaymentError, NextAction,
    PaymentIntent, PaymentMethodOptionsView, Processing, ProcessingCard, ProcessingNotification,
    RedirectToUrl, WechatPayDisplayQrCode, WechatPayOptionsView,
};
pub use payment_method::{CardNetworks, PaymentMethod, PaymentMethodCard, ThreeDSecureUsage};
pub use refund::{Refund, RefundCard, RefundDestination};
pub use review::Review;
pub use setup_intent::{SetupCardOptionsView, SetupIntent, SetupPaymentMethodOptionsView};
pub use token::{Token, TokenCard};
pub use value_list::{ValueList, ValueListItem};
pub use webhook_endpoint::WebhookEndpoint;

use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeMap;

/// A key that is always null here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Null;

impl Serialize for Null {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

/// Declares the constant `object` key of a struct.
macro_rules! object_name {
    ($name:ident = $text:literal) => {
        #[doc = concat!("The constant `\"", $text, "\"`.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct $name;

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($text)
            }
        }
    };
}
use object_name;

/// A reference to another object: its id, or the object itself when the caller asked to expand it.
#[derive(Debug, Clone)]
pub enum Expandable<'a, T> {
    /// The id alone.
    Id(&'a str),
    /// The whole object.
    Object(Box<T>),
}

impl<'a, T> Expandable<'a, T> {
    /// The whole object.
    pub fn object(object: T) -> Self {
        Self::Object(Box::new(object))
    }
}

impl<'a, T> From<&'a str> for Expandable<'a, T> {
    fn from(id: &'a str) -> Self {
        Self::Id(id)
    }
}

impl<T: Serialize> Serialize for Expandable<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Id(id) => serializer.serialize_str(id),
            Self::Object(object) => object.serialize(serializer),
        }
    }
}

/// `metadata`, in whichever form the owner keeps it.
#[derive(Debug, Clone, Copy, Default)]
pub enum Metadata<'a> {
    /// `{}`.
    #[default]
    Empty,
    /// In the order of the slice.
    Pairs(&'a [(String, String)]),
    /// In the order of the keys.
    Map(&'a BTreeMap<String, String>),
}

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => serializer.serialize_map(Some(0))?.end(),
            Self::Pairs(pairs) => serializer.collect_map(pairs.iter().map(|(key, value)| (key, value))),
            Self::Map(map) => serializer.collect_map(map.iter()),
        }
    }
}

/// An object without fields: `{}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EmptyObject;

impl Serialize for EmptyObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_map(Some(0))?.end()
    }
}

/// Writes an object at the end of `out`.
pub fn write<T: Serialize>(object: &T, out: &mut Vec<u8>) {
    crate::json::write(object, out).expect("these structs have text keys only, and no variants with fields");
}

/// The JSON text of an object, for [`crate::ApiError::with_payment_intent`] and its like.
pub fn to_json<T: Serialize>(object: &T) -> String {
    let mut out = Vec::with_capacity(2048);
    write(object, &mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}
