//! Cards, wallets and payment methods as the wire shows them.

use super::{Renderer, customer, extra};
use gateway_api::expand::Level;
use gateway_api::objects::{
    self, CardChecks, CardNetworks, EmptyObject, Expandable, PaymentMethodCard, ThreeDSecureUsage,
};
use gateway_core::card::CardFacts;
use gateway_core::id::PaymentMethodId;
use gateway_core::means::{Means, Wallet};
use gateway_core::payment::Instrument;
use gateway_core::record::{Metadata, PaymentMethod, Token};
use gateway_core::tenant::Tenant;

/// What the issuer's checks came to, as far as they were asked.
const UNCHECKED: CardChecks<'static> =
    CardChecks { address_line1_check: None, address_postal_code_check: None, cvc_check: None };

/// The country's two letters.
pub fn country<'a>(r: &Renderer<'a>, facts: &CardFacts) -> Option<&'a str> {
    facts.country.and_then(|code| std::str::from_utf8(&code).ok().map(|text| &*r.texts.alloc_str(text)))
}

/// The fingerprint: sixteen letters of the keyed hash.
pub fn fingerprint<'a>(r: &Renderer<'a>, facts: &CardFacts) -> &'a str {
    r.hex(&facts.fingerprint[..8])
}

fn card<'a>(r: &Renderer<'a>, facts: &CardFacts) -> PaymentMethodCard<'a> {
    let brand = facts.brand.as_str();
    PaymentMethodCard {
        brand,
        checks: Some(UNCHECKED),
        country: country(r, facts),
        display_brand: Some(brand),
        exp_month: facts.exp_month,
        exp_year: facts.exp_year,
        fingerprint: Some(fingerprint(r, facts)),
        funding: facts.funding.as_str(),
        last4: r.texts.alloc_str(facts.last4_str()),
        networks: Some(CardNetworks { available: vec![brand], preferred: None }),
        three_d_secure_usage: Some(ThreeDSecureUsage { supported: true }),
        ..PaymentMethodCard::default()
    }
}

/// What pays, as the part of a payment method that depends on it.
fn means<'a>(r: &Renderer<'a>, means: &Means) -> objects::PaymentMethod<'a> {
    let base = objects::PaymentMethod { kind: means.kind().as_str(), ..objects::PaymentMethod::default() };
    match means {
        Means::Card { facts, .. } => objects::PaymentMethod { card: Some(card(r, facts)), ..base },
        Means::Wallet(Wallet::Alipay) => objects::PaymentMethod { alipay: Some(EmptyObject), ..base },
        Means::Wallet(Wallet::WechatPay) => objects::PaymentMethod { wechat_pay: Some(EmptyObject), ..base },
    }
}

/// A stored payment method.
pub fn method<'a>(
    r: &Renderer<'a>,
    stored: &'a PaymentMethod,
    level: Level<'_>,
) -> objects::PaymentMethod<'a> {
    objects::PaymentMethod {
        id: r.method_id(stored.id),
        allow_redisplay: Some("unspecified"),
        billing_details: extra::billing(r, &stored.billing_details),
        created: stored.created.unix_seconds(),
        customer: stored.customer.map(|id| customer::reference(r, id, level.wants("customer"))),
        livemode: stored.tenant.mode.is_live(),
        metadata: metadata(&stored.metadata),
        ..means(r, &stored.means)
    }
}

/// A payment's means as a payment method: what it was when it was charged.
pub fn instrument<'a>(r: &Renderer<'a>, tenant: Tenant, used: &'a Instrument) -> objects::PaymentMethod<'a> {
    if let Some(stored) = r.related.method(used.method) {
        return method(r, stored, Level::default());
    }
    objects::PaymentMethod {
        id: r.method_id(used.method),
        allow_redisplay: Some("unspecified"),
        billing_details: extra::billing(r, &used.billing_details),
        created: gateway_core::Timestamp(used.method.0.ms()).unix_seconds(),
        livemode: tenant.mode.is_live(),
        ..means(r, &used.means)
    }
}

/// A payment method as its id or, if wanted and at hand, as itself.
pub fn reference<'a>(
    r: &Renderer<'a>,
    id: PaymentMethodId,
    level: Option<Level<'_>>,
) -> Expandable<'a, objects::PaymentMethod<'a>> {
    match level.and_then(|level| Some((level, r.related.method(id)?))) {
        Some((level, stored)) => Expandable::object(method(r, stored, level)),
        None => Expandable::Id(r.method_id(id)),
    }
}

/// A token.
pub fn token<'a>(r: &Renderer<'a>, stored: &'a Token) -> objects::Token<'a> {
    let facts = &stored.card;
    let billing = extra::billing(r, &stored.billing_details);
    let id = r.text(stored.id);
    let card = objects::TokenCard {
        id: r.text(format_args!("card_{}", id.trim_start_matches("tok_"))),
        address_city: billing.address.city,
        address_country: billing.address.country,
        address_line1: billing.address.line1,
        address_line2: billing.address.line2,
        address_state: billing.address.state,
        address_zip: billing.address.postal_code,
        brand: facts.brand.as_str(),
        country: country(r, facts),
        cvc_check: facts.cvc_provided.then_some("unchecked"),
        exp_month: facts.exp_month,
        exp_year: facts.exp_year,
        fingerprint: Some(fingerprint(r, facts)),
        funding: facts.funding.as_str(),
        last4: r.texts.alloc_str(facts.last4_str()),
        name: billing.name,
        ..objects::TokenCard::default()
    };
    objects::Token {
        id,
        card: Some(card),
        created: stored.created.unix_seconds(),
        livemode: stored.tenant.mode.is_live(),
        kind: "card",
        used: stored.used,
        ..objects::Token::default()
    }
}

/// Metadata as it is shown.
pub fn metadata(stored: &Metadata) -> objects::Metadata<'_> {
    if stored.is_empty() { objects::Metadata::Empty } else { objects::Metadata::Pairs(stored) }
}
