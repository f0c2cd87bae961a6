//! Errors of the edge, of admission and of the service itself: everything that is not about the parameters.

use super::{ApiError, ErrorCode, ErrorType};

fn plain(status: u16, message: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::new(status, ErrorType::InvalidRequest, message)
}

impl ApiError {
    /// 401: no key was sent.
    pub fn key_missing() -> Self {
        Self::new(
            401,
            ErrorType::Authentication,
            "You did not provide an API key. Send it as 'Authorization: Bearer YOUR_SECRET_KEY', or as the user name \
             of basic authentication.",
        )
    }

    /// 401: the key is unknown or revoked. `shown` is its masked form, never the key itself.
    pub fn key_invalid(shown: &str) -> Self {
        Self::new(401, ErrorType::Authentication, format!("Invalid API key provided: {shown}"))
    }

    /// 401: the key has expired. `shown` is its masked form.
    pub fn key_expired(shown: &str) -> Self {
        Self::new(401, ErrorType::Authentication, format!("Expired API key provided: {shown}"))
            .with_code(ErrorCode::ApiKeyExpired)
    }

    /// 403: a publishable key where a secret one is needed.
    pub fn secret_key_required() -> Self {
        plain(403, "This route needs a secret key (sk_); a publishable key can't be used here.")
            .with_code(ErrorCode::SecretKeyRequired)
    }

    /// 403: the key is good, but lacks the scope that the route needs.
    pub fn permission_denied(scope: &str) -> Self {
        plain(403, format!("The key lacks the permission '{scope}'. Grant it, or use another key."))
    }

    /// 403: the request names an account that the key does not belong to.
    pub fn account_invalid(account: &str) -> Self {
        let message = format!(
            "The provided key does not have access to account '{account}' (or that account does not exist). A key acts \
             for its own account only: leave out Stripe-Account and Stripe-Context, or use that account's key."
        );
        plain(403, message).with_code(ErrorCode::AccountInvalid)
    }

    /// 404: no such route.
    pub fn unknown_route(method: &str, path: &str) -> Self {
        let path: String = path.chars().filter(|c| !c.is_control()).take(200).collect();
        plain(404, format!("Unrecognized request URL ({method}: {path}). Check the path and the method."))
    }

    /// 405: the path exists, the method does not.
    pub fn method_not_allowed(method: &str, allowed: &str) -> Self {
        plain(405, format!("The method {method} is not allowed here; use {allowed}."))
    }

    /// 408: the request did not arrive in time.
    pub fn request_timeout() -> Self {
        plain(408, "The request did not arrive in time. Send it again with the same idempotency key.")
            .retryable()
    }

    /// 409: the first request under this key is still running after the wait's deadline.
    pub fn idempotency_key_in_use(key: &str) -> Self {
        let message = format!(
            "A request with the idempotency key '{key}' is still running. Try again with the same key."
        );
        Self::new(409, ErrorType::Idempotency, message).with_code(ErrorCode::IdempotencyKeyInUse).retryable()
    }

    /// 413: the body is larger than `limit_bytes`.
    pub fn body_too_large(limit_bytes: usize) -> Self {
        plain(413, format!("The request body is larger than {limit_bytes} bytes."))
    }

    /// 415: neither form nor JSON.
    pub fn unsupported_media_type() -> Self {
        plain(415, "Send the body as application/x-www-form-urlencoded or as application/json.")
    }

    /// 431: the head is too large.
    pub fn head_too_large() -> Self {
        plain(431, "The request's header fields are too large.")
    }

    /// 429: over a rate limit; `retry_after_s` from now it passes again.
    pub fn rate_limited(retry_after_s: u32) -> Self {
        Self::new(429, ErrorType::RateLimit, "Too many requests. Slow down, and try again in a moment.")
            .with_code(ErrorCode::RateLimit)
            .retryable()
            .retry_after(retry_after_s)
    }

    /// 429: the object was being changed by another request until the deadline.
    pub fn lock_timeout() -> Self {
        Self::new(429, ErrorType::InvalidRequest, "The object is in use by another request. Try again.")
            .with_code(ErrorCode::LockTimeout)
            .retryable()
            .retry_after(1)
    }

    /// 500: our fault. The outcome may be unknown, so a retry uses the same key.
    pub fn internal() -> Self {
        Self::new(
            500,
            ErrorType::Api,
            "Something went wrong on our side. Try again with the same idempotency key.",
        )
        .retryable()
    }

    /// 503: refused before anything began, because of load, a drain or a missing dependency.
    pub fn unavailable(retry_after_s: u32) -> Self {
        Self::new(
            503,
            ErrorType::Api,
            "The service can't take this request now. Nothing was done; try again.",
        )
        .retryable()
        .retry_after(retry_after_s)
    }
}
