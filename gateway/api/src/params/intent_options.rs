//! Options that payment intents and setup intents share: card options, automatic methods, lists of types.

use super::words::{
    AllowRedirects, CaptureMethod, MethodType, SetupFutureUsage, ThreeDSecureRequest, WhenAvailable,
};
use crate::WireEnum;
use crate::error::ApiError;
use crate::form::{Change, Fields};

/// `payment_method_options[card]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CardOptions {
    /// Overrides the intent's own capture method; unset, the intent's own counts again.
    pub capture_method: Change<CaptureMethod>,
    pub request_three_d_secure: Option<ThreeDSecureRequest>,
    pub request_multicapture: Option<WhenAvailable>,
    pub request_incremental_authorization: Option<WhenAvailable>,
    pub request_extended_authorization: Option<WhenAvailable>,
    pub request_overcapture: Option<WhenAvailable>,
    pub setup_future_usage: Option<SetupFutureUsage>,
    pub require_cvc_recollection: Option<bool>,
    /// The code of a saved card's later use was sent as a mail or telephone order.
    pub moto: Option<bool>,
}

/// Parts of the card options that have no effect on a card payment here.
const WITHOUT_EFFECT: [&str; 8] = [
    "installments",
    "mandate_options",
    "network",
    "setup_credential_usage",
    "statement_descriptor_suffix_kana",
    "statement_descriptor_suffix_kanji",
    "stored_credential_usage",
    "three_d_secure",
];

impl CardOptions {
    /// Takes `payment_method_options`. Of the wallets' there is nothing to keep: what can't be done is refused.
    pub(super) fn take(fields: &mut Fields<'_>) -> Result<Option<Self>, ApiError> {
        let Change::Set(mut options) = fields.object_change("payment_method_options")? else {
            return Ok(None);
        };
        let card = match options.object_change("card")? {
            Change::Set(mut card) => {
                let read = Self::read(&mut card)?;
                card.finish()?;
                Some(read)
            }
            Change::Keep | Change::Clear => None,
        };
        for wallet in [MethodType::Alipay, MethodType::WechatPay] {
            if let Change::Set(mut options) = options.object_change(wallet.as_str())? {
                check_wallet_options(&mut options)?;
                options.finish()?;
            }
        }
        options.finish()?;
        Ok(card)
    }

    fn read(card: &mut Fields<'_>) -> Result<Self, ApiError> {
        for name in WITHOUT_EFFECT {
            card.accept(name);
        }
        Ok(Self {
            capture_method: card.choice_change("capture_method")?,
            request_three_d_secure: card.choice_change("request_three_d_secure")?.set(),
            request_multicapture: card.choice("request_multicapture")?,
            request_incremental_authorization: card.choice("request_incremental_authorization")?,
            request_extended_authorization: card.choice("request_extended_authorization")?,
            request_overcapture: card.choice("request_overcapture")?,
            setup_future_usage: card.choice_change("setup_future_usage")?.set(),
            require_cvc_recollection: card.boolean("require_cvc_recollection")?,
            moto: card.boolean("moto")?,
        })
    }
}

/// `automatic_payment_methods`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutomaticPaymentMethods {
    pub enabled: bool,
    pub allow_redirects: Option<AllowRedirects>,
}

impl AutomaticPaymentMethods {
    /// Takes the object; `enabled` is required in it.
    pub(super) fn take(fields: &mut Fields<'_>) -> Result<Option<Self>, ApiError> {
        let Some(mut inner) = fields.object("automatic_payment_methods")? else { return Ok(None) };
        let enabled = inner.boolean("enabled")?;
        let methods = Self {
            enabled: inner.required("enabled", enabled)?,
            allow_redirects: inner.choice("allow_redirects")?,
        };
        inner.finish()?;
        Ok(Some(methods))
    }
}

/// The options of a wallet: how the customer gets to it, which is by a browser, and that it can't be kept.
fn check_wallet_options(options: &mut Fields<'_>) -> Result<(), ApiError> {
    options.accept("app_id");
    if options.nonempty("client")?.is_some_and(|client| client != "web") {
        return Err(ApiError::parameter_invalid_choice(options.path("client"), &["web"]));
    }
    let usage: Option<SetupFutureUsage> = options.choice_change("setup_future_usage")?.set();
    if usage.is_some_and(|usage| usage != SetupFutureUsage::None) {
        return Err(ApiError::parameter_invalid_choice(options.path("setup_future_usage"), &["none"]));
    }
    Ok(())
}

/// The types of payment method that an intent may be paid with, as far as the request says; in the request's order. Types that are
/// known nowhere here are left out: an intent shows those that it really takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MethodTypes {
    /// `payment_method_types`, or `allowed_payment_method_types`.
    pub listed: Option<Vec<MethodType>>,
    /// `excluded_payment_method_types`.
    pub excluded: Vec<MethodType>,
}

impl MethodTypes {
    /// Takes the lists.
    pub(super) fn take(fields: &mut Fields<'_>) -> Result<Self, ApiError> {
        let mut listed = None;
        for name in ["allowed_payment_method_types", "payment_method_types"] {
            let Some(types) = fields.strings(name)?.filter(|types| !types.is_empty()) else { continue };
            let known: Vec<MethodType> = types.into_iter().filter_map(MethodType::parse).collect();
            if known.is_empty() {
                let offered: Vec<&str> = MethodType::ALL.iter().map(|kind| kind.as_str()).collect();
                let message = format!("None of these types is offered. There are: {}.", offered.join(", "));
                return Err(ApiError::invalid_parameter(fields.path(name), message));
            }
            listed = Some(known);
        }
        let excluded = fields.strings("excluded_payment_method_types")?.unwrap_or_default();
        let excluded = excluded.into_iter().filter_map(MethodType::parse).collect();
        let types = Self { listed, excluded };
        if MethodType::ALL.iter().all(|kind| !types.allow(*kind)) {
            let path = fields.path("excluded_payment_method_types");
            let message = "No type of payment method is left: exclude fewer of them.";
            return Err(ApiError::invalid_parameter(path, message));
        }
        Ok(types)
    }

    /// Whether a type may pay.
    #[must_use]
    pub fn allow(&self, kind: MethodType) -> bool {
        self.listed.as_ref().is_none_or(|listed| listed.contains(&kind)) && !self.excluded.contains(&kind)
    }
}

/// For setup intents: takes the lists of payment method types, and sees that they leave cards usable, which are all that can be kept.
/// Other types may be listed; an intent then shows the one that it really takes.
pub(super) fn check_types(fields: &mut Fields<'_>) -> Result<(), ApiError> {
    for name in ["payment_method_types", "allowed_payment_method_types"] {
        let types = fields.strings(name)?;
        if types.is_some_and(|types| !types.is_empty() && !types.contains(&"card")) {
            let message = "Only cards can be saved: the list must contain card.";
            return Err(ApiError::invalid_parameter(fields.path(name), message));
        }
    }
    let excluded = fields.strings("excluded_payment_method_types")?;
    if excluded.is_some_and(|types| types.contains(&"card")) {
        let path = fields.path("excluded_payment_method_types");
        return Err(ApiError::invalid_parameter(path, "Only cards can be saved: card can't be excluded."));
    }
    Ok(())
}

/// Where the payer is, as far as the merchant says: what the scorer knows of them beside the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OriginInput<'p> {
    /// `mandate_data[customer_acceptance][online][ip_address]`.
    pub ip_address: Option<&'p str>,
    /// `radar_options[session]`: one device's session.
    pub session: Option<&'p str>,
}

impl<'p> OriginInput<'p> {
    /// Takes what a client in a browser sends along. The rest of it means nothing to a card payment made by a server.
    pub(super) fn take(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        fields.boolean("use_stripe_sdk")?;
        let mut origin = Self::default();
        if let Change::Set(mut mandate) = fields.object_change("mandate_data")?
            && let Some(mut acceptance) = mandate.object("customer_acceptance")?
            && let Some(mut online) = acceptance.object("online")?
        {
            origin.ip_address = online.text("ip_address", 45)?;
        }
        if let Change::Set(mut radar) = fields.object_change("radar_options")? {
            origin.session = radar.text("session", 255)?;
        }
        Ok(origin)
    }
}
