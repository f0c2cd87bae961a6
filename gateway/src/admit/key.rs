//! The API key of a request: Bearer, or Basic with the key as the user.

use super::merchants::{Caller, Merchants};
use crate::exchange::Exchange;
use gateway_api::endpoints::{Endpoint, Method, Operation, Resource};
use gateway_api::error::ApiError;
use gateway_core::record::KeyKind;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// Longest key that is looked up.
const MAX_KEY_BYTES: usize = 255;

/// Whether a request shows a key, true or not: it is looked up when the request is whole.
pub fn is_presented(headers: &HeaderMap) -> bool {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, key)) = value.and_then(|value| value.split_once(' ')) else { return false };
    (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("basic")) && !key.trim().is_empty()
}

/// The key's text as the request carries it.
fn presented(exchange: &Exchange) -> Result<String, ApiError> {
    let header = exchange.header("authorization").ok_or_else(ApiError::key_missing)?;
    let (scheme, value) = header.split_once(' ').ok_or_else(ApiError::key_missing)?;
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(value.to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        use base64::Engine as _;
        let decoded =
            base64::engine::general_purpose::STANDARD.decode(value).map_err(|_| ApiError::key_missing())?;
        let text = String::from_utf8(decoded).map_err(|_| ApiError::key_missing())?;
        let user = text.split_once(':').map_or(text.as_str(), |(user, _password)| user);
        return Ok(user.to_owned());
    }
    Err(ApiError::key_missing())
}

/// What may be shown of a key: its prefix and its last four letters.
fn masked(key: &str) -> String {
    let safe: String = key.chars().filter(char::is_ascii_graphic).take(MAX_KEY_BYTES).collect();
    let prefix: String = safe.chars().take(8).collect();
    let last: String = if safe.len() > 16 { safe[safe.len() - 4..].to_owned() } else { String::new() };
    format!("{prefix}***{last}")
}

/// Finds out who sent the request.
///
/// # Errors
/// 401 without a key of ours, 503 if the store can't tell.
pub async fn authenticate(exchange: &Exchange, merchants: &Merchants) -> Result<Caller, ApiError> {
    let key = presented(exchange)?;
    if key.is_empty() {
        return Err(ApiError::key_missing());
    }
    if key.len() > MAX_KEY_BYTES {
        return Err(ApiError::key_invalid(&masked(&key)));
    }
    let found = merchants.caller(&key).await.map_err(|_| ApiError::unavailable(1))?;
    let caller = found.ok_or_else(|| ApiError::key_invalid(&masked(&key)))?;
    if caller.revoked.is_some() {
        return Err(ApiError::key_expired(&masked(&key)));
    }
    Ok(caller)
}

/// Whether the caller's key may use the endpoint at all. A publishable key's client secret is checked by the route.
///
/// # Errors
/// 403 with what is missing.
pub fn permit(caller: &Caller, endpoint: &Endpoint) -> Result<(), ApiError> {
    match caller.kind {
        KeyKind::Secret => Ok(()),
        KeyKind::Publishable => match endpoint.operation {
            Operation::RetrievePaymentIntent
            | Operation::ConfirmPaymentIntent
            | Operation::RetrieveSetupIntent
            | Operation::ConfirmSetupIntent
            | Operation::CreateToken
            | Operation::CreatePaymentMethod => Ok(()),
            _needs_secret => Err(ApiError::secret_key_required()),
        },
        KeyKind::Restricted => may(caller, endpoint.resource, endpoint.method),
    }
}

/// A request may name an account to act for. There is no Connect here: a key acts for its own account only, and quietly
/// taking the money on another account than the one that was named would be worse than a refusal.
///
/// # Errors
/// 403 for any other account.
pub fn speaks_for_itself(caller: &Caller, exchange: &Exchange) -> Result<(), ApiError> {
    for name in ["stripe-account", "stripe-context"] {
        let Some(value) = exchange.headers.get(name) else { continue };
        let named = value.to_str().unwrap_or_default().trim();
        if named != caller.tenant.merchant.to_string() {
            let shown: String = named.chars().filter(char::is_ascii_graphic).take(64).collect();
            return Err(ApiError::account_invalid(&shown));
        }
    }
    Ok(())
}

/// Whether a restricted key's scopes let it do this to a resource.
///
/// # Errors
/// 403 with the scope that is missing.
pub fn may(caller: &Caller, resource: Resource, method: Method) -> Result<(), ApiError> {
    let right = if method == Method::Get { "read" } else { "write" };
    let scope = format!("{}:{right}", scope_name(resource));
    // The right to write includes the right to read.
    let write = format!("{}:write", scope_name(resource));
    let granted = caller.scopes.iter().any(|held| *held == scope || *held == write);
    granted.then_some(()).ok_or_else(|| ApiError::permission_denied(&scope))
}

/// The name of a resource in scopes.
pub const fn scope_name(resource: Resource) -> &'static str {
    match resource {
        Resource::PaymentIntents => "payment_intents",
        Resource::Charges => "charges",
        Resource::Refunds => "refunds",
        Resource::PaymentMethods => "payment_methods",
        Resource::Tokens => "tokens",
        Resource::SetupIntents => "setup_intents",
        Resource::Customers => "customers",
        Resource::Events => "events",
        Resource::Reviews => "reviews",
        Resource::Radar => "radar",
    }
}
