//! The payment intent as the wire shows it.

use super::{Renderer, card, challenge_path, charge, customer, decline, extra, qr, review};
use base64::Engine as _;
use gateway_api::WireEnum;
use gateway_api::error::ApiError;
use gateway_api::expand::Level;
use gateway_api::objects::{
    AutomaticPaymentMethodsView, CardOptionsView, EmptyObject, Expandable, LastPaymentError, NextAction,
    PaymentIntent, PaymentMethodOptionsView, WechatPayDisplayQrCode, WechatPayOptionsView,
};
use gateway_core::acquirer::CustomerAction;
use gateway_core::means::{MeansKind, Wallet};
use gateway_core::payment::{Failure, Payment, Stage, Status};
use serde_json::{Map, Value};

/// Pixels a dot of a code in a picture that stands in the answer itself: enough to be scanned, few enough to be sent.
const INLINE_SCALE: usize = 3;

/// The client secret of a payment.
pub fn client_secret<'a>(r: &Renderer<'a>, payment: &Payment) -> &'a str {
    secret_of(r, payment, r.payment_id(payment.id))
}

/// The same, when the id is written already.
fn secret_of<'a>(r: &Renderer<'a>, payment: &Payment, id: &str) -> &'a str {
    r.joined([id, "_secret_", crypto::hex::written(&payment.secret, &mut [0; 64])])
}

/// A payment intent.
pub fn intent<'a>(r: &Renderer<'a>, p: &'a Payment, level: Level<'_>) -> PaymentIntent<'a> {
    let status = p.status();
    let more = extra::parse(&p.details.extra);
    let canceled = p.canceled.as_ref();
    let method = current_method(p);
    let automatic = more.get("automatic_payment_methods").and_then(Value::as_object);
    let types = types(r, p, &more);
    let id = r.payment_id(p.id);
    PaymentIntent {
        id,
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
        client_secret: Some(secret_of(r, p, id)),
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
                Expandable::Id(r.method_id(used.method))
            }
        }),
        payment_method_options: Some(PaymentMethodOptionsView {
            alipay: types.contains(&"alipay").then_some(EmptyObject),
            card: card_options(r, &more),
            wechat_pay: types.contains(&"wechat_pay").then(WechatPayOptionsView::default),
        }),
        payment_method_types: types,
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

/// The types that may pay: those that were agreed at its making, else cards, and what it stands on.
fn types<'a>(r: &Renderer<'a>, p: &Payment, more: &Map<String, Value>) -> &'a [&'a str] {
    if let Some(stored) = more.get("payment_method_types").and_then(Value::as_array) {
        let words = stored.iter().filter_map(Value::as_str);
        let words: Vec<&str> = words.filter_map(MeansKind::parse).map(MeansKind::as_str).collect();
        return r.texts.alloc_slice_copy(&words);
    }
    match current_method(p).map(|used| used.means.kind()) {
        Some(MeansKind::Wallet(wallet)) => r.texts.alloc_slice_copy(&["card", wallet.as_str()]),
        Some(MeansKind::Card) | None => &["card"],
    }
}

/// What the payment stands on; none after a failure, as the dialect has it.
fn current_method(p: &Payment) -> Option<&gateway_core::payment::Instrument> {
    match (&p.instrument, p.last_failure()) {
        (Some(instrument), _) => Some(instrument),
        (None, Some(_)) => None,
        (None, None) => p.attempt().map(|attempt| &*attempt.instrument),
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
    p.latest_charge().map(|id| Expandable::Id(r.charge_id(id)))
}

fn last_error<'a>(r: &Renderer<'a>, p: &'a Payment, failure: &Failure) -> LastPaymentError<'a> {
    let error = decline::last_error(p).unwrap_or_else(|| ApiError::declined(decline::word(failure.code)));
    let reason = error.decline_code;
    LastPaymentError {
        advice_code: reason.and_then(|code| code.advice()),
        charge: p.latest_charge().map(|id| r.charge_id(id)),
        code: error.code.map(WireEnum::as_str),
        decline_code: reason.map(WireEnum::as_str),
        message: Some(r.texts.alloc_str(&error.message)),
        network_decline_code: charge::network_code(r, failure),
        payment_method: p.attempt().map(|attempt| card::instrument(r, p.tenant, &attempt.instrument)),
        payment_method_type: p.attempt().map(|attempt| attempt.instrument.means.kind().as_str()),
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
    let wallet = p.attempt_numbered(waiting.attempt).and_then(|attempt| attempt.instrument.means.wallet());
    let url = match action {
        CustomerAction::Redirect { url: Some(url) } => &*r.texts.alloc_str(url),
        CustomerAction::Redirect { url: None } => own_page(),
        CustomerAction::QrCode { text } => {
            let page = own_page();
            let text = text.as_ref().map_or(page, |text| &*r.texts.alloc_str(text));
            return Some(NextAction::wechat_pay(code(r, text, page)));
        }
    };
    Some(match wallet {
        Some(Wallet::Alipay) => NextAction::alipay(url, return_url),
        Some(Wallet::WechatPay) | None => NextAction::redirect(url, return_url),
    })
}

/// A code that holds `text`, and where `page` shows it.
fn code<'a>(r: &Renderer<'a>, text: &'a str, page: &'a str) -> WechatPayDisplayQrCode<'a> {
    let picture = qr::png(text, INLINE_SCALE).unwrap_or_default();
    let inline = base64::engine::general_purpose::STANDARD.encode(picture);
    WechatPayDisplayQrCode {
        data: text,
        hosted_instructions_url: page,
        image_data_url: r.text(format_args!("data:image/png;base64,{inline}")),
        image_url_png: r.text(format_args!("{page}/qr.png")),
        image_url_svg: r.text(format_args!("{page}/qr.svg")),
    }
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
