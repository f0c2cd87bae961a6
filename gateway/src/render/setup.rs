//! The setup intent as the wire shows it, and what its record keeps as JSON beside its own fields.

use super::{Renderer, card, customer, extra};
use gateway_api::WireEnum;
use gateway_api::error::ApiError;
use gateway_api::expand::Level;
use gateway_api::objects::{
    self, AutomaticPaymentMethodsView, Expandable, LastPaymentError, NextAction, SetupCardOptionsView,
    SetupPaymentMethodOptionsView,
};
use gateway_core::id::PaymentMethodId;
use gateway_core::record::{PaymentMethod, SetupIntent, SetupStatus};
use serde_json::{Map, Value};

/// The dialect's word.
pub const fn status(status: SetupStatus) -> &'static str {
    match status {
        SetupStatus::RequiresPaymentMethod => "requires_payment_method",
        SetupStatus::RequiresConfirmation => "requires_confirmation",
        SetupStatus::RequiresAction => "requires_action",
        SetupStatus::Processing => "processing",
        SetupStatus::Succeeded => "succeeded",
        SetupStatus::Canceled => "canceled",
    }
}

/// What the record's JSON text holds: the last failure under `error`, and what is only shown again (`return_url`, options).
pub struct Notes(Map<String, Value>);

impl Notes {
    /// Of a stored intent.
    pub fn of(stored: &SetupIntent) -> Self {
        Self(extra::parse(&stored.last_error))
    }

    /// Puts them into the record.
    pub fn store(self, intent: &mut SetupIntent) {
        intent.last_error = extra::unparse(self.0);
    }

    /// Where the customer comes back to after a challenge.
    pub fn return_url(&self) -> Option<&str> {
        self.0.get("return_url").and_then(Value::as_str)
    }

    /// Keeps a text, if one was sent.
    pub fn keep(&mut self, key: &str, text: Option<&str>) {
        self.0.extend(text.map(|text| (key.to_owned(), Value::from(text))));
    }

    /// Keeps `automatic_payment_methods`.
    pub fn keep_automatic(&mut self, enabled: bool, allow_redirects: &str) {
        let mut stored = Map::new();
        stored.insert("enabled".to_owned(), Value::from(enabled));
        stored.insert("allow_redirects".to_owned(), Value::from(allow_redirects));
        self.0.insert("automatic_payment_methods".to_owned(), Value::Object(stored));
    }

    /// Forgets the last failure: a new attempt begins.
    pub fn clear_error(&mut self) {
        self.0.remove("error");
    }

    /// Keeps why the last attempt failed; `code` stands for one that the error itself has no word for.
    pub fn fail(&mut self, error: &ApiError, (method, code): (PaymentMethodId, Option<&str>)) {
        let reason = error.decline_code;
        let texts = [
            ("type", Some(error.kind.as_str())),
            ("code", code.or(error.code.map(WireEnum::as_str))),
            ("decline_code", reason.map(WireEnum::as_str)),
            ("advice_code", reason.and_then(|reason| reason.advice())),
            ("message", Some(&*error.message)),
        ];
        let mut stored = Map::new();
        stored.extend(texts.into_iter().filter_map(|(k, text)| Some((k.to_owned(), Value::from(text?)))));
        stored.insert("payment_method".to_owned(), Value::from(method.to_string()));
        self.0.insert("error".to_owned(), Value::Object(stored));
    }

    /// The payment method that the last failure was about.
    pub fn failed_method(&self) -> Option<PaymentMethodId> {
        self.0.get("error")?.get("payment_method")?.as_str()?.parse().ok()
    }
}

/// A setup intent, with the payment method that its operation has at hand and may not have stored yet.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    pub intent: &'a SetupIntent,
    pub method: Option<&'a PaymentMethod>,
}

/// A setup intent.
pub fn intent<'a>(r: &Renderer<'a>, shown: Shown<'a>, level: Level<'_>) -> objects::SetupIntent<'a> {
    let stored = shown.intent;
    let notes = Notes::of(stored);
    let automatic = notes.0.get("automatic_payment_methods").and_then(Value::as_object);
    objects::SetupIntent {
        id: r.text(stored.id),
        automatic_payment_methods: automatic.map(|stored| AutomaticPaymentMethodsView {
            allow_redirects: extra::text(r, stored, "allow_redirects"),
            enabled: stored.get("enabled").and_then(Value::as_bool).unwrap_or(false),
        }),
        cancellation_reason: stored.cancellation_reason.as_deref(),
        client_secret: Some(&stored.client_secret),
        created: stored.created.unix_seconds(),
        customer: stored.customer.map(|id| customer::reference(r, id, level.wants("customer"))),
        description: stored.description.as_deref(),
        last_setup_error: last_error(r, shown, &notes).map(Box::new),
        livemode: stored.tenant.mode.is_live(),
        metadata: card::metadata(&stored.metadata),
        next_action: next_action(r, stored, &notes),
        payment_method: stored.payment_method.map(|id| method(r, (shown, id), level)),
        payment_method_options: Some(SetupPaymentMethodOptionsView {
            card: SetupCardOptionsView {
                request_three_d_secure: extra::text(r, &notes.0, "request_three_d_secure")
                    .or(Some("automatic")),
                ..SetupCardOptionsView::default()
            },
        }),
        status: status(stored.status),
        usage: &stored.usage,
        ..objects::SetupIntent::default()
    }
}

/// The payment method at hand, or the one that was read.
fn known<'a>(r: &Renderer<'a>, shown: Shown<'a>, id: PaymentMethodId) -> Option<&'a PaymentMethod> {
    shown.method.filter(|method| method.id == id).or_else(|| r.related.method(id))
}

fn method<'a>(
    r: &Renderer<'a>,
    (shown, id): (Shown<'a>, PaymentMethodId),
    level: Level<'_>,
) -> Expandable<'a, objects::PaymentMethod<'a>> {
    match known(r, shown, id).filter(|_| level.wants("payment_method")) {
        Some(found) => Expandable::object(card::method(r, found, level.descend("payment_method"))),
        None => Expandable::Id(r.text(id)),
    }
}

fn last_error<'a>(r: &Renderer<'a>, shown: Shown<'a>, notes: &Notes) -> Option<LastPaymentError<'a>> {
    let stored = notes.0.get("error")?.as_object()?;
    let method = notes.failed_method().and_then(|id| known(r, shown, id));
    Some(LastPaymentError {
        advice_code: extra::text(r, stored, "advice_code"),
        code: extra::text(r, stored, "code"),
        decline_code: extra::text(r, stored, "decline_code"),
        message: extra::text(r, stored, "message"),
        payment_method: method.map(|found| card::method(r, found, Level::default())),
        payment_method_type: Some("card"),
        kind: extra::text(r, stored, "type").unwrap_or("card_error"),
        ..LastPaymentError::default()
    })
}

/// A challenge is met on a page of our own.
fn next_action<'a>(r: &Renderer<'a>, stored: &SetupIntent, notes: &Notes) -> Option<NextAction<'a>> {
    if stored.status != SetupStatus::RequiresAction {
        return None;
    }
    let url = r.text(format_args!(
        "{}{}",
        r.public_url,
        super::challenge_path(stored.tenant, &stored.client_secret)
    ));
    Some(NextAction::redirect(url, notes.return_url().map(|text| &*r.texts.alloc_str(text))))
}
