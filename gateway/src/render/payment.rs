//! The payment intent as the wire shows it.

use super::{Renderer, card, challenge_path, charge, customer, decline, extra, review};
use gateway_api::WireEnum;
use gateway_api::expand::Level;
use gateway_api::objects::{
    AutomaticPaymentMethodsView, CardOptionsView, Expandable, LastPaymentError, NextAction, PaymentIntent,
    PaymentMethodOptionsView,
};
use gateway_core::acquirer::CustomerAction;
use gateway_core::payment::{Failure, Payment, Stage, Status};
use serde_json::{Map, Value};

/// The client secret of a payment.
pub fn client_secret<'a>(r: &Renderer<'a>, payment: &Payment) -> &'a str {
    r.text(format_args!("{}_secret_{}", payment.id, crypto::hex::encode(&payment.secret)))
}

/// A payment intent.
pub fn intent<'a>(r: &Renderer<'a>, p: &'a Payment, level: Level<'_>) -> PaymentIntent<'a> {
    let status = p.status();
    let more = extra::parse(&p.details.extra);
    let canceled = p.canceled.as_ref();
    let method = current_method(p);
    let automatic = more.get("automatic_payment_methods").and_then(Value::as_object);
    PaymentIntent {
        id: r.text(p.id),
        amount: p.amount.minor,
        amount_capturable: if status == Status::RequiresCapture { p.capturable_minor() } else { 0 },
        amount_received: p.captured_minor(),
        automatic_payment_methods: automatic.map(|stored| AutomaticPaymentMethodsView {
            allow_redirects: extra::text(r, stored, "allow_redirects"),
            enabled: stored.get("enabled").and_then(Value::as_bool).unwrap_or(false),
        }),
        canceled_at: canceled.map(|(at, _)| at.unix_seconds()),
        cancellation_reason: canceled.and_then(|(_, reason)| reason.as_str()),
        capture_method: p.capture_method.as_str(),
        client_secret: Some(client_secret(r, p)),
        confirmation_method: extra::text(r, &more, "confirmation_method").unwrap_or("automatic"),
        created: p.created.unix_seconds(),
        currency: r.texts.alloc_str(p.amount.currency.code()),
        customer: p.details.customer.map(|id| customer::reference(r, id, level.wants("customer"))),
        description: p.details.description.as_deref(),
        last_payment_error: p.last_failure().map(|failure| Box::new(last_error(r, p, failure))),
        latest_charge: latest_charge(r, p, level),
        livemode: p.tenant.mode.is_live(),
        metadata: card::metadata(&p.details.metadata),
        next_action: next_action(r, p, &more),
        payment_method: method.map(|used| {
            if level.wants("payment_method") {
                Expandable::object(card::instrument(r, p.tenant, used))
            } else {
                Expandable::Id(r.text(used.method))
            }
        }),
        payment_method_options: Some(PaymentMethodOptionsView { card: card_options(r, &more) }),
        receipt_email: p.details.receipt_email.as_deref(),
        review: p.attempt().and_then(|attempt| review::reference(r, (p, attempt), level)),
        setup_future_usage: p.details.setup_future_usage.as_deref(),
        shipping: extra::shipping(r, &more),
        statement_descriptor: p.details.statement_descriptor.as_deref(),
        statement_descriptor_suffix: p.details.statement_descriptor_suffix.as_deref(),
        status: status.as_str(),
        ..PaymentIntent::default()
    }
}

/// The card that the payment stands on; none after a failure, as the dialect has it.
fn current_method(p: &Payment) -> Option<&gateway_core::payment::Instrument> {
    match (&p.instrument, p.last_failure()) {
        (Some(instrument), _) => Some(instrument),
        (None, Some(_)) => None,
        (None, None) => p.attempt().map(|attempt| &attempt.instrument),
    }
}

fn latest_charge<'a>(
    r: &Renderer<'a>,
    p: &'a Payment,
    level: Level<'_>,
) -> Option<Expandable<'a, gateway_api::objects::Charge<'a>>> {
    let attempt = p.attempt()?;
    if level.wants("latest_charge") {
        return Some(Expandable::object(charge::charge(r, (p, attempt), level.descend("latest_charge"))));
    }
    p.latest_charge().map(|id| Expandable::Id(r.text(id)))
}

fn last_error<'a>(r: &Renderer<'a>, p: &'a Payment, failure: &Failure) -> LastPaymentError<'a> {
    let error = decline::error(failure);
    let reason = error.decline_code;
    LastPaymentError {
        advice_code: reason.and_then(|code| code.advice()),
        charge: p.latest_charge().map(|id| r.text(id)),
        code: error.code.map(WireEnum::as_str),
        decline_code: reason.map(WireEnum::as_str),
        message: Some(r.texts.alloc_str(&error.message)),
        network_decline_code: charge::network_code(r, failure),
        payment_method: p.attempt().map(|attempt| card::instrument(r, p.tenant, &attempt.instrument)),
        payment_method_type: Some("card"),
        kind: error.kind.as_str(),
        ..LastPaymentError::default()
    }
}

fn next_action<'a>(r: &Renderer<'a>, p: &Payment, more: &Map<String, Value>) -> Option<NextAction<'a>> {
    let waiting = p.open.iter().find(|open| open.holds_payment())?;
    let Stage::Accepted { action: Some(action), .. } = &waiting.stage else { return None };
    let return_url = extra::text(r, more, "return_url");
    let own_page =
        || r.text(format_args!("{}{}", r.public_url, challenge_path(p.tenant, client_secret(r, p))));
    let url = match action {
        CustomerAction::Redirect { url: Some(url) } => &*r.texts.alloc_str(url),
        CustomerAction::Redirect { url: None } | CustomerAction::QrCode { .. } => own_page(),
    };
    Some(NextAction::redirect(url, return_url))
}

fn card_options<'a>(r: &Renderer<'a>, more: &Map<String, Value>) -> CardOptionsView<'a> {
    let Some(stored) = more.get("card_options").and_then(Value::as_object) else {
        return CardOptionsView::default();
    };
    CardOptionsView {
        capture_method: extra::text(r, stored, "capture_method"),
        request_extended_authorization: extra::text(r, stored, "request_extended_authorization"),
        request_incremental_authorization: extra::text(r, stored, "request_incremental_authorization"),
        request_multicapture: extra::text(r, stored, "request_multicapture"),
        request_overcapture: extra::text(r, stored, "request_overcapture"),
        request_three_d_secure: extra::text(r, stored, "request_three_d_secure").or(Some("automatic")),
        setup_future_usage: extra::text(r, stored, "setup_future_usage"),
        ..CardOptionsView::default()
    }
}
