//! Which types of payment method may pay an intent: agreed when it is made or updated, kept with it, and held against what it is to be
//! paid with before anything is stored.

use crate::flow::Call;
use crate::render::extra;
use gateway_api::WireEnum;
use gateway_api::error::ApiError;
use gateway_api::params::{AllowRedirects, AutomaticPaymentMethods, MethodType, MethodTypes};
use gateway_core::acquirer::CustomerPresence;
use gateway_core::means::{MeansKind, Wallet};
use gateway_core::payment::{CaptureMethod, Details, Instrument};
use serde_json::{Map, Value};

/// Where the types stand in what is kept of an intent.
const KEY: &str = "payment_method_types";

fn kind_of(word: MethodType) -> Option<MeansKind> {
    MeansKind::parse(word.as_str())
}

/// Keeps the types that were agreed, as far as anybody takes them. Nothing is kept where nothing was said: then all that is served may
/// pay.
///
/// # Errors
/// 400 if nobody takes any of those that were listed.
pub fn keep(
    call: &Call,
    map: &mut Map<String, Value>,
    (types, automatic): (&MethodTypes, Option<AutomaticPaymentMethods>),
) -> Result<(), ApiError> {
    let chosen = automatic.is_some_and(|automatic| automatic.enabled);
    if types.listed.is_none() && types.excluded.is_empty() && !chosen {
        return Ok(());
    }
    let here = automatic.is_some_and(|automatic| automatic.allow_redirects == Some(AllowRedirects::Never));
    let serve = |kind| call.engine.acquirers.serve(call.caller.tenant.mode, kind);
    let offered: Vec<MethodType> = types.listed.clone().unwrap_or_else(|| MethodType::ALL.to_vec());
    let served = |word: &MethodType| kind_of(*word).is_some_and(serve);
    let taken = offered.into_iter().filter(|word| types.allow(*word) && (served(word)));
    let taken = taken.filter(|word| !(here && *word == MethodType::Alipay));
    let words: Vec<Value> = taken.map(|word| Value::from(word.as_str())).collect();
    if words.is_empty() {
        let message = "No acquirer takes any of these types of payment method.";
        return Err(ApiError::invalid_parameter(KEY, message));
    }
    map.insert(KEY.to_owned(), Value::from(words));
    Ok(())
}

/// When a payment is checked against what it is to be paid with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It is made or changed.
    Stored,
    /// It is confirmed, with the customer there or not.
    Confirmed(CustomerPresence),
}

/// Whether an intent may be paid with this.
///
/// # Errors
/// 400 that says what does not go together.
pub fn check(
    instrument: Option<&Instrument>,
    (details, capture_method): (&Details, CaptureMethod),
    moment: Moment,
) -> Result<(), ApiError> {
    let Some(instrument) = instrument else { return Ok(()) };
    let kind = instrument.means.kind();
    let more = extra::parse(&details.extra);
    let listed = more.get(KEY).and_then(Value::as_array);
    if listed.is_some_and(|words| words.iter().all(|word| word.as_str() != Some(kind.as_str()))) {
        let message = format!(
            "This PaymentIntent is not to be paid by {}: its payment_method_types leave that out.",
            kind.as_str()
        );
        return Err(ApiError::invalid_parameter("payment_method", message));
    }
    match kind {
        MeansKind::Card => Ok(()),
        MeansKind::Wallet(wallet) => of_wallet(wallet, (details, &more, capture_method), moment),
    }
}

fn of_wallet(
    wallet: Wallet,
    (details, more, capture_method): (&Details, &Map<String, Value>, CaptureMethod),
    moment: Moment,
) -> Result<(), ApiError> {
    let name = wallet.as_str();
    if matches!(capture_method, CaptureMethod::Manual) {
        let message = format!(
            "Payments of type {name} are paid at once, and can't be captured later: send capture_method=automatic."
        );
        return Err(ApiError::invalid_parameter("capture_method", message));
    }
    if details.setup_future_usage.is_some() {
        let message = format!(
            "A payment method of type {name} can't be saved: its owner approves each payment. Leave setup_future_usage out."
        );
        return Err(ApiError::invalid_parameter("setup_future_usage", message));
    }
    let Moment::Confirmed(presence) = moment else { return Ok(()) };
    if presence == CustomerPresence::Absent {
        let message = format!(
            "Payments of type {name} need the customer's approval: confirm without off_session and error_on_requires_action."
        );
        return Err(ApiError::invalid_parameter("off_session", message));
    }
    // The customer leaves the shop, and must find back.
    if wallet == Wallet::Alipay && !more.contains_key("return_url") {
        return Err(ApiError::parameter_missing("return_url"));
    }
    Ok(())
}
