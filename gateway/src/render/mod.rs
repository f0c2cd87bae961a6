//! From the domain to the dialect: payments, charges, refunds and the rest as the wire shows them.

pub mod card;
pub mod charge;
pub mod customer;
pub mod decline;
pub mod event;
pub mod extra;
pub mod payment;
pub mod qr;
pub mod refund;
pub mod related;
pub mod review;
pub mod setup;

use bumpalo::Bump;
use gateway_core::id::{ChargeId, PaymentId, PaymentMethodId};
use gateway_core::tenant::Tenant;
use related::Related;
use std::fmt::Display;

/// What the paths of challenge pages begin with.
pub const CHALLENGES: &str = "/challenge/";

/// The path of the page on which a customer answers a challenge. It names whose payment it is, so that nobody else's is
/// looked at to find it.
pub fn challenge_path(tenant: Tenant, secret: &str) -> String {
    format!("{CHALLENGES}{}/{}/{secret}", tenant.merchant, tenant.mode.as_str())
}

/// What rendering needs beside the object: room for texts, and the objects that others refer to.
#[derive(Clone, Copy)]
pub struct Renderer<'a> {
    pub texts: &'a Bump,
    pub related: &'a Related,
    /// Where pages of our own are.
    pub public_url: &'a str,
}

impl<'a> Renderer<'a> {
    /// A text that lives as long as the rendering.
    pub fn text(&self, value: impl Display) -> &'a str {
        use std::fmt::Write;
        let mut text = bumpalo::collections::String::with_capacity_in(32, self.texts);
        write!(text, "{value}").expect("a growing string takes all text");
        text.into_bump_str()
    }

    /// An id, from what it begins with and its letters: what its `Display` writes, without a formatter.
    pub fn id(&self, prefix: &'static str, letters: &[u8]) -> &'a str {
        self.joined([prefix, std::str::from_utf8(letters).expect("base 62 is ascii")])
    }

    /// A payment's id.
    pub fn payment_id(&self, id: PaymentId) -> &'a str {
        self.id(PaymentId::PREFIX, &id.0.encode())
    }

    /// A charge's id.
    pub fn charge_id(&self, id: ChargeId) -> &'a str {
        self.id(ChargeId::PREFIX, &id.encode())
    }

    /// A payment method's id.
    pub fn method_id(&self, id: PaymentMethodId) -> &'a str {
        self.id(PaymentMethodId::PREFIX, &id.0.encode())
    }

    /// Texts in one piece.
    pub fn joined<const N: usize>(&self, parts: [&str; N]) -> &'a str {
        let length = parts.iter().map(|part| part.len()).sum();
        let mut text = bumpalo::collections::String::with_capacity_in(length, self.texts);
        parts.iter().for_each(|part| text.push_str(part));
        text.into_bump_str()
    }

    /// Lower-case hexadecimal of at most 32 bytes.
    pub fn hex(&self, bytes: &[u8]) -> &'a str {
        self.texts.alloc_str(crypto::hex::written(bytes, &mut [0; 64]))
    }
}
