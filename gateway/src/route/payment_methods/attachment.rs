//! Attaching a card to a customer: found, judged, verified with an acquirer, and written beside its event.

use crate::cards;
use crate::engine::{Engine, Stamp};
use crate::flow::{Call, Fault, methods};
use crate::render::event::told;
use crate::render::related::Related;
use crate::render::{Renderer, card, decline};
use crate::route::method_data::choose;
use crate::text::cut;
use bumpalo::Bump;
use gateway_acquirers::test_cards;
use gateway_api::error::ApiError;
use gateway_api::expand::Level;
use gateway_api::objects;
use gateway_core::acquirer::{
    Acquirer, AcquirerRequest, Answer, CustomerPresence, Decline, Permit, Transmission, Verb,
};
use gateway_core::card::Cvc;
use gateway_core::event::EventKind;
use gateway_core::id::CustomerId;
use gateway_core::journal::{Batch, Expect, Row, Write};
use gateway_core::money::{Currency, Money};
use gateway_core::record::PaymentMethod;
use gateway_core::tenant::{Mode, Tenant};
use tracing::{error, warn};

/// A payment method that a request names, as it is or is about to be stored.
pub struct Found {
    pub method: PaymentMethod,
    pub expect: Expect,
    /// Nothing holds it yet, neither a row nor a payment.
    pub is_new: bool,
    /// Only of a published card.
    pub cvc: Option<Cvc>,
}

/// What came of an attempt to attach.
pub enum Prepared {
    /// It may be written, with [`Attachment::write_into`].
    Ready(Box<Attachment>),
    /// The issuer refused the card: the 402 that says so.
    Declined(ApiError),
}

/// A payment method that passed its verification.
pub struct Attachment {
    pub method: PaymentMethod,
    expect: Expect,
    /// It was this customer's before: there is nothing to write.
    known: bool,
}

/// The payment method of this id, or a new one for a published alias (`pm_card_visa`).
///
/// # Errors
/// 404 if there is none, 503 if the store can't tell.
pub async fn find(call: &Call, name: &str) -> Result<Found, Fault> {
    let tenant = call.caller.tenant;
    let missing = || ApiError::resource_missing("PaymentMethod", name, "payment_method");
    if tenant.mode == Mode::Test && test_cards::alias(name).is_some() {
        let chosen = choose(call, (Some(name), None), None).await?.ok_or_else(missing)?;
        let method = methods::of_instrument(tenant, chosen.instrument);
        return Ok(Found { method, expect: Expect::Absent, is_new: true, cvc: chosen.cvc });
    }
    let (expect, method) = stored(&call.engine, tenant, name).await?;
    Ok(Found { method, expect, is_new: false, cvc: None })
}

/// A stored payment method, with the version that a change of it must find.
///
/// # Errors
/// 404 if there is none, 503 if the store can't tell.
pub async fn stored(
    engine: &Engine,
    tenant: Tenant,
    text: &str,
) -> Result<(Expect, PaymentMethod), ApiError> {
    let missing = || ApiError::resource_missing("PaymentMethod", text, "payment_method");
    let id = text.parse().map_err(|_| missing())?;
    methods::find(engine, tenant, id).await?.ok_or_else(missing)
}

/// Whether the card can be this customer's.
///
/// # Errors
/// 400 for one that is used up or another's, or that can't be kept at all.
pub fn check(method: &PaymentMethod, customer: Option<CustomerId>) -> Result<(), ApiError> {
    if method.spent {
        return Err(ApiError::payment_method_unexpected_state(
            "This PaymentMethod was detached from its customer, or used up, and can't be used again. Make a new one.",
        ));
    }
    if !method.means.is_reusable() {
        let kind = method.means.kind().as_str();
        return Err(ApiError::invalid_request(format!(
            "A PaymentMethod of type {kind} can't be saved or attached to a customer: its owner approves each payment. Make a new \
             one for each."
        )));
    }
    match (method.customer, customer) {
        (Some(owner), Some(wanted)) if owner != wanted => Err(ApiError::payment_method_unexpected_state(
            "This PaymentMethod is attached to another customer already.",
        )),
        (Some(_), None) => Err(ApiError::invalid_parameter(
            "customer",
            "This PaymentMethod is attached to a customer: send that customer along.",
        )),
        (Some(_), Some(_)) | (None, _) => Ok(()),
    }
}

/// Finds a card, and has it verified, to become this customer's.
///
/// # Errors
/// As [`find`], [`check`] and [`verify`].
pub async fn prepare(call: &Call, name: &str, customer: CustomerId) -> Result<Prepared, Fault> {
    let Found { mut method, expect, is_new: _, cvc } = find(call, name).await?;
    check(&method, Some(customer))?;
    let known = method.customer == Some(customer);
    if !known && let Some(refusal) = verify(&call.engine, &method, cvc).await? {
        return Ok(Prepared::Declined(ApiError::declined(decline::word(refusal.code))));
    }
    method.customer = Some(customer);
    Ok(Prepared::Ready(Box::new(Attachment { method, expect, known })))
}

impl Attachment {
    /// Adds the payment method and its event to a batch.
    pub fn write_into(&self, batch: &mut Batch, engine: &Engine, stamp: &Stamp<'_>) {
        if self.known {
            return;
        }
        let row = Row::PaymentMethod(Box::new(self.method.clone()));
        batch.writes.push(Write { expect: self.expect, row });
        batch.insert(event(engine, stamp, (&self.method, EventKind::PaymentMethodAttached)));
    }
}

/// What is told of a payment method.
pub fn event(engine: &Engine, stamp: &Stamp<'_>, (method, kind): (&PaymentMethod, EventKind)) -> Row {
    told(stamp, method.tenant, kind, text(engine, (method, &Related::default()), Level::default()))
}

/// A payment method as JSON.
pub fn text(engine: &Engine, (method, related): (&PaymentMethod, &Related), level: Level<'_>) -> String {
    let texts = Bump::new();
    let r = Renderer { texts: &texts, related, public_url: &engine.settings.public_url };
    objects::to_json(&card::method(&r, method, level))
}

/// Asks the issuer whether the card is good; `None` if it is. No money moves, so it may be asked of one acquirer after another.
///
/// # Errors
/// 503 if no acquirer could tell.
pub async fn verify(
    engine: &Engine,
    method: &PaymentMethod,
    cvc: Option<Cvc>,
) -> Result<Option<Decline>, Fault> {
    for acquirer in engine.acquirers.route(method.tenant.mode) {
        let permitted = request(engine, method, (&*acquirer, cvc.clone())).await?;
        match engine.acquirers.ask(&*acquirer, permitted.0, permitted.1).await {
            Answer::Approved(_) => return Ok(None),
            Answer::Declined(decline) => return Ok(Some(decline)),
            Answer::NotSent(why) | Answer::Unknown(why) => {
                warn!(acquirer = acquirer.name(), why, method = %method.id, "no answer to a verification");
            }
            Answer::Pending(_) | Answer::NotFound => {
                warn!(acquirer = acquirer.name(), method = %method.id, "a verification was not decided");
            }
        }
    }
    Err(ApiError::unavailable(5).into())
}

async fn request(
    engine: &Engine,
    method: &PaymentMethod,
    (acquirer, cvc): (&dyn Acquirer, Option<Cvc>),
) -> Result<(Permit, AcquirerRequest), Fault> {
    let trace = engine.trace().await.map_err(|why| {
        error!(?why, "no trace numbers");
        ApiError::unavailable(1)
    })?;
    let opened = method.means.sealed().map(|sealed| cards::open(engine, method.tenant, sealed, cvc));
    let card = opened.transpose().map_err(|_| {
        error!(method = %method.id, "the card's key is missing from the keyring");
        ApiError::internal()
    })?;
    let merchant_name = engine
        .merchants
        .merchant(method.tenant.merchant)
        .map_or_else(String::new, |merchant| cut(&merchant.name, 40).to_owned());
    let request = AcquirerRequest {
        tenant: method.tenant,
        merchant_name,
        trace,
        transmission: Transmission::First,
        // A verification is over nothing; field 49 still wants a currency.
        amount: Money::zero(Currency::USD),
        card,
        wallet: None,
        verb: Verb::Verify,
        customer: CustomerPresence::Absent,
        timeout_ms: engine.acquirers.timeout_ms(acquirer.name()),
    };
    let permit = Permit::harmless(&request).expect("a verification moves nothing");
    Ok((permit, request))
}
