//! The other side of the wire: a typed client for the merchant API, over HTTP/1.1 or HTTP/2.
//!
//! [`Client`] pools connections and has a method for each common operation. Programs that measure hold a
//! [`Connection`] of their own and read raw bytes. Nothing is retried behind the caller's back, with one exception: a
//! request that was certainly not sent, because a pooled connection had been closed meanwhile, goes out once more on a
//! fresh one. Every wait has a deadline ([`Deadlines`]), and every failure says whether the request may have been
//! carried out ([`ClientError::outcome`]).

mod call;
mod connection;
mod error;
mod form;
mod operations;
mod pool;
mod requests;
mod response;
mod target;
mod views;

pub use call::{Call, Caller};
pub use connection::Connection;
pub use error::{ClientError, Failure, Outcome, Phase, Refused};
pub use form::Form;
pub use pool::{Client, PoolSize};
pub use requests::{CardDetails, CreatePayment, CreateRefund, PaymentMethodChoice};
pub use response::{RawResponse, Response};
pub use target::{Deadlines, Protocol, Target};
pub use views::{
    CardView, ChargeView, ChecksView, CustomerView, ErrorView, EventDataView, EventView, ListView,
    MethodDetailsView, NextActionView, OutcomeView, PaymentIntentView, PaymentMethodView, RedirectView,
    Reference, RefundView,
};
