//! What the upstream answers, as much of it as the adapter reads.

use super::account::{Account, Standing};
use gateway_core::acquirer::DeclineCode;
use gateway_core::money::Currency;
use serde_json::json;

/// A refusal in the dialect's envelope.
pub(super) fn refused(status: u16, code: &str) -> (u16, String) {
    let error = json!({ "type": "invalid_request_error", "code": code, "message": "Refused." });
    (status, json!({ "error": error }).to_string())
}

/// The upstream says that something is wrong with itself.
pub(super) fn broken() -> (u16, String) {
    let error = json!({ "type": "api_error", "message": "Out of order." });
    (500, json!({ "error": error }).to_string())
}

/// The answer to a step of an intent: its present state, or the decline of a confirmation.
pub(super) fn present(account: &Account, step: &str) -> (u16, String) {
    match account.standing {
        Standing::Declined(code) if step == "confirm" => {
            let error = json!({ "type": "card_error", "code": "card_declined", "decline_code": code.as_str(),
                "message": "Declined." });
            (402, json!({ "error": error }).to_string())
        }
        Standing::New | Standing::Held | Standing::Settled | Standing::Declined(_) | Standing::Canceled => {
            (200, intent(account))
        }
    }
}

/// An intent with its charge.
pub(super) fn intent(account: &Account) -> String {
    let status = match account.standing {
        Standing::New | Standing::Declined(_) => "requires_payment_method",
        Standing::Held => "requires_capture",
        Standing::Settled => "succeeded",
        Standing::Canceled => "canceled",
    };
    let error = match account.standing {
        Standing::Declined(code) => last_error(code),
        Standing::New | Standing::Held | Standing::Settled | Standing::Canceled => serde_json::Value::Null,
    };
    let charged = account.held > 0;
    let charge = charged.then(|| {
        json!({
            "id": format!("ch_{}", account.reference), "status": "succeeded", "amount": account.held,
            "amount_captured": account.captured, "amount_refunded": account.refunded,
            "captured": account.captured > 0, "refunded": account.refunded == account.captured && account.refunded > 0,
            "paid": true, "disputed": false, "currency": account.currency.code(), "created": 0,
        })
    });
    json!({
        "id": format!("pi_{}", account.reference), "object": "payment_intent", "status": status,
        "amount": account.amount, "amount_capturable": account.capturable(), "amount_received": account.captured,
        "currency": account.currency.code(), "created": 0, "livemode": false,
        "capture_method": if account.sale { "automatic" } else { "manual" },
        "latest_charge": charge, "last_payment_error": error,
        "metadata": { "tollgate_reference": account.reference },
    })
    .to_string()
}

fn last_error(code: DeclineCode) -> serde_json::Value {
    json!({ "type": "card_error", "code": "card_declined", "decline_code": code.as_str(), "message": "Declined." })
}

/// A refund.
pub(super) fn refund(reference: &str, (amount, currency): (i64, Currency), of: &str) -> String {
    json!({
        "id": format!("re_{reference}"), "object": "refund", "status": "succeeded", "amount": amount,
        "currency": currency.code(), "payment_intent": format!("pi_{of}"), "charge": format!("ch_{of}"), "created": 0,
        "failure_reason": null,
    })
    .to_string()
}
