//! Every error in its envelope: status, type, code, and what it says about trying again.

use gateway_api::{ApiError, DeclineCode, WireEnum};
use serde_json::{Value, json};

fn envelope(error: &ApiError) -> Value {
    let whole: Value = serde_json::from_slice(&error.to_json()).expect("the envelope is JSON");
    let keys: Vec<&String> = whole.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["error"]);
    whole["error"].clone()
}

/// (error, status, type, code, param, should retry)
type Case = (ApiError, u16, &'static str, Option<&'static str>, Option<&'static str>, Option<bool>);

fn invalid_requests() -> Vec<Case> {
    const KIND: &str = "invalid_request_error";
    let plain = |error, code, param| (error, 400, KIND, code, param, None);
    vec![
        plain(ApiError::invalid_request("No."), None, None),
        plain(ApiError::invalid_parameter("a[b]", "No."), None, Some("a[b]")),
        plain(ApiError::parameter_unknown(&["foo".to_owned()]), Some("parameter_unknown"), Some("foo")),
        plain(ApiError::parameter_missing("amount"), Some("parameter_missing"), Some("amount")),
        plain(
            ApiError::parameter_invalid_integer("amount", "x"),
            Some("parameter_invalid_integer"),
            Some("amount"),
        ),
        plain(
            ApiError::parameter_invalid_empty("customer"),
            Some("parameter_invalid_empty"),
            Some("customer"),
        ),
        plain(ApiError::parameter_invalid_choice("reason", &["a", "b"]), None, Some("reason")),
        plain(ApiError::invalid_characters("customer"), Some("invalid_characters"), Some("customer")),
        plain(ApiError::parameters_exclusive("a", "b"), Some("parameters_exclusive"), Some("b")),
        plain(ApiError::amount_too_small("amount", 50), Some("amount_too_small"), Some("amount")),
        plain(
            ApiError::amount_too_large("amount_to_capture", 9),
            Some("amount_too_large"),
            Some("amount_to_capture"),
        ),
        plain(ApiError::refund_exceeds_remaining(10, 5), None, Some("amount")),
        plain(
            ApiError::payment_intent_unexpected_state("captured", "canceled", "requires_capture"),
            Some("payment_intent_unexpected_state"),
            None,
        ),
        plain(
            ApiError::setup_intent_unexpected_state("confirmed", "canceled", "requires_confirmation"),
            Some("setup_intent_unexpected_state"),
            None,
        ),
        plain(
            ApiError::payment_method_unexpected_state("Detached."),
            Some("payment_method_unexpected_state"),
            Some("payment_method"),
        ),
        plain(
            ApiError::payment_intent_authentication_failure(),
            Some("payment_intent_authentication_failure"),
            None,
        ),
        plain(ApiError::charge_already_captured("ch_1"), Some("charge_already_captured"), None),
        plain(ApiError::charge_already_refunded("ch_1"), Some("charge_already_refunded"), None),
        plain(ApiError::charge_disputed("ch_1"), Some("charge_disputed"), None),
        plain(ApiError::charge_expired_for_capture("ch_1"), Some("charge_expired_for_capture"), None),
        plain(ApiError::token_already_used("tok_1"), Some("token_already_used"), None),
        (
            ApiError::resource_missing("charge", "ch_1", "id"),
            404,
            KIND,
            Some("resource_missing"),
            Some("id"),
            None,
        ),
        (ApiError::unknown_route("GET", "/v1/x"), 404, KIND, None, None, None),
        (ApiError::method_not_allowed("PUT", "GET, POST"), 405, KIND, None, None, None),
        (ApiError::request_timeout(), 408, KIND, None, None, Some(true)),
        (ApiError::body_too_large(1), 413, KIND, None, None, None),
        (ApiError::unsupported_media_type(), 415, KIND, None, None, None),
        (ApiError::head_too_large(), 431, KIND, None, None, None),
    ]
}

fn others() -> Vec<Case> {
    const IDEMPOTENCY: &str = "idempotency_error";
    const AUTHENTICATION: &str = "authentication_error";
    vec![
        (ApiError::idempotency_mismatch("k"), 400, IDEMPOTENCY, None, None, None),
        (ApiError::idempotency_key_invalid(), 400, IDEMPOTENCY, None, None, None),
        (
            ApiError::idempotency_key_in_use("k"),
            409,
            IDEMPOTENCY,
            Some("idempotency_key_in_use"),
            None,
            Some(true),
        ),
        (ApiError::key_missing(), 401, AUTHENTICATION, None, None, None),
        (ApiError::key_invalid("sk_test_***"), 401, AUTHENTICATION, None, None, None),
        (ApiError::key_expired("sk_test_***"), 401, AUTHENTICATION, Some("api_key_expired"), None, None),
        (
            ApiError::secret_key_required(),
            403,
            "invalid_request_error",
            Some("secret_key_required"),
            None,
            None,
        ),
        (ApiError::permission_denied("refunds"), 403, "invalid_request_error", None, None, None),
        (ApiError::rate_limited(3), 429, "rate_limit_error", Some("rate_limit"), None, Some(true)),
        (ApiError::lock_timeout(), 429, "invalid_request_error", Some("lock_timeout"), None, Some(true)),
        (ApiError::internal(), 500, "api_error", None, None, Some(true)),
        (ApiError::unavailable(2), 503, "api_error", None, None, Some(true)),
    ]
}

fn card_errors() -> Vec<Case> {
    const PARAM: &str = "payment_method_data[card][number]";
    let card = |error, code, param| (error, 402, "card_error", Some(code), param, None);
    vec![
        card(ApiError::declined(DeclineCode::GenericDecline), "card_declined", None),
        card(ApiError::declined(DeclineCode::InsufficientFunds), "card_declined", None),
        card(ApiError::declined(DeclineCode::ExpiredCard), "expired_card", None),
        card(ApiError::declined(DeclineCode::IncorrectCvc), "incorrect_cvc", None),
        card(ApiError::declined(DeclineCode::ProcessingError), "processing_error", None),
        card(ApiError::authentication_required(), "authentication_required", None),
        card(ApiError::invalid_number(PARAM), "invalid_number", Some(PARAM)),
        card(ApiError::incorrect_number(PARAM), "incorrect_number", Some(PARAM)),
        card(ApiError::invalid_expiry_month(PARAM), "invalid_expiry_month", Some(PARAM)),
        card(ApiError::invalid_expiry_year(PARAM), "invalid_expiry_year", Some(PARAM)),
        card(ApiError::invalid_cvc(PARAM), "invalid_cvc", Some(PARAM)),
    ]
}

#[test]
fn each_error_has_its_envelope() {
    let cases = invalid_requests().into_iter().chain(others()).chain(card_errors());
    for (error, status, kind, code, param, should_retry) in cases {
        let body = envelope(&error);
        assert_eq!(error.status, status, "{error}");
        assert_eq!(body["type"], kind, "{error}");
        assert_eq!(body.get("code").and_then(Value::as_str), code, "{error}");
        assert_eq!(body.get("param").and_then(Value::as_str), param, "{error}");
        assert_eq!(error.should_retry, should_retry, "{error}");
        assert!(body["message"].as_str().is_some_and(|message| message.len() >= 3), "{error}");
        assert!(!body.as_object().expect("an object").values().any(Value::is_null), "{error}");
    }
}

#[test]
fn every_reason_to_decline_is_a_card_error() {
    for &reason in DeclineCode::ALL {
        let error = ApiError::declined(reason);
        let body = envelope(&error);
        assert_eq!((error.status, body["type"].as_str()), (402, Some("card_error")), "{reason}");
        if reason.error_code().as_str() == "card_declined" {
            assert_eq!(body["decline_code"], reason.as_str());
        }
        assert_eq!(DeclineCode::parse(reason.as_str()), Some(reason));
    }
    let told = |reason| envelope(&ApiError::declined(reason))["message"].clone();
    for secret in [DeclineCode::Fraudulent, DeclineCode::StolenCard, DeclineCode::LostCard] {
        assert_eq!(
            told(secret),
            told(DeclineCode::GenericDecline),
            "{secret} must not be told to the cardholder"
        );
    }
}

#[test]
fn the_envelope_carries_the_intent_as_it_was_rendered() {
    let error = ApiError::declined(DeclineCode::GenericDecline)
        .with_charge("ch_1")
        .with_payment_intent(r#"{"id":"pi_1","object":"payment_intent"}"#)
        .with_payment_method(r#"{"id":"pm_1"}"#);
    let expected = json!({
        "type": "card_error",
        "code": "card_declined",
        "decline_code": "generic_decline",
        "advice_code": "try_again_later",
        "message": "The card was declined. Use another card, or ask the issuer why.",
        "charge": "ch_1",
        "payment_intent": {"id": "pi_1", "object": "payment_intent"},
        "payment_method": {"id": "pm_1"},
    });
    assert_eq!(envelope(&error), expected);
}

#[test]
fn what_the_caller_sent_is_quoted_safely() {
    let error = ApiError::parameter_unknown(&["a\"b\\[\u{7f}\n]".to_owned()]);
    assert_eq!(envelope(&error)["param"], "a\"b\\[\u{7f}\n]");
    let long = "9".repeat(10_000);
    let error = ApiError::parameter_invalid_integer("amount", &long);
    assert_eq!(error.message, "Invalid integer: 99999999…", "the value is cut");
    assert_eq!(ApiError::unknown_route("GET", "/v1/\n\0").message.matches('\n').count(), 0);
}
