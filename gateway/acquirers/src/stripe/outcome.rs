//! From the dialect's objects and errors to the port's words.

use crate::response::decline_named;
use gateway_api::client::{ChargeView, ClientError, ErrorView, PaymentIntentView};
use gateway_core::acquirer::{Answer, Approval, Check, CustomerAction, Decline, DeclineCode, PendingAnswer};
use gateway_core::money::{Currency, Money};
use gateway_core::time::Timestamp;

/// What an error means for the step that it ended.
pub enum Trouble {
    /// Nothing happened.
    NotSent(String),
    /// It may have happened.
    Unknown(String),
    /// The upstream refused it.
    Declined(Decline),
}

/// Judges a failed call. Only codes are kept of what the upstream says: its messages may repeat what was sent.
pub fn trouble(error: &ClientError) -> Trouble {
    match error {
        ClientError::NotSent(failure) => Trouble::NotSent(format!("nothing left ({:?})", failure.phase)),
        ClientError::Unknown(failure) => Trouble::Unknown(format!("no whole answer ({:?})", failure.phase)),
        ClientError::Unreadable { response, .. } => {
            Trouble::Unknown(format!("an answer that can't be read, status {}", response.status))
        }
        ClientError::Refused(refused) => {
            let (status, error) = (refused.response.status, &refused.error);
            let code = error.code.as_deref().unwrap_or("no code");
            match status {
                401 | 403 | 429 => Trouble::NotSent(format!("the upstream takes nothing: {status} {code}")),
                400 | 402 | 404 => Trouble::Declined(declined(error)),
                _ => Trouble::Unknown(format!("the upstream answered {status} {code}")),
            }
        }
    }
}

/// The refusal that an error states.
pub fn declined(error: &ErrorView) -> Decline {
    let stated = [error.decline_code.as_deref(), error.code.as_deref()];
    let code = stated.into_iter().flatten().find_map(|code| match code {
        "amount_too_large" | "amount_too_small" => Some(DeclineCode::InvalidAmount),
        "charge_already_refunded" => Some(DeclineCode::InvalidAmount),
        named => decline_named(named),
    });
    let network_code = stated.into_iter().flatten().next().unwrap_or_default().into();
    let cvc_check = (code == Some(DeclineCode::IncorrectCvc)).then_some(Check::Fail);
    Decline { code: code.unwrap_or(DeclineCode::GenericDecline), network_code, cvc_check }
}

/// What an intent says of its authorization or sale. `until`: when a pending one may be given up.
pub fn of_intent(intent: &PaymentIntentView, until: Timestamp) -> Answer {
    match intent.status.as_str() {
        "requires_capture" => approved(intent, stated(intent, intent.amount_capturable)),
        "succeeded" => approved(intent, stated(intent, intent.amount_received)),
        "processing" => Answer::Pending(PendingAnswer { until, action: None }),
        "requires_action" => {
            let url = intent.next_action.as_ref().and_then(|next| next.redirect_to_url.as_ref()?.url.clone());
            Answer::Pending(PendingAnswer { until, action: Some(CustomerAction::Redirect { url }) })
        }
        "requires_payment_method" => match &intent.last_payment_error {
            Some(error) => Answer::Declined(declined(error)),
            // Created and never confirmed: the message that moves money has not arrived.
            None => Answer::NotFound,
        },
        "requires_confirmation" => Answer::NotFound,
        "canceled" => Answer::Declined(Decline {
            code: DeclineCode::GenericDecline,
            network_code: "canceled".into(),
            cvc_check: None,
        }),
        other => Answer::Unknown(format!("an intent in a state that is not known ({other})")),
    }
}

/// The amount that an intent states, or where an upstream leaves that out, its charge's, less what it gave back.
fn stated(intent: &PaymentIntentView, minor: i64) -> i64 {
    let charge = intent.latest_charge.as_ref().and_then(|charge| charge.object());
    match charge {
        Some(charge) if minor == 0 => charge.amount - charge.amount_refunded,
        Some(_) | None => minor,
    }
}

/// An approval for `minor` units, with what the charge tells.
pub fn approved(intent: &PaymentIntentView, minor: i64) -> Answer {
    let Some(currency) = Currency::parse(&intent.currency) else {
        return Answer::Unknown("approved in a currency that is not known".to_owned());
    };
    let charge = intent.latest_charge.as_ref().and_then(|charge| charge.object());
    let card = charge.and_then(|charge| charge.payment_method_details.as_ref()?.card.as_ref());
    let code = charge.and_then(|charge: &ChargeView| charge.authorization_code.clone());
    Answer::Approved(Approval {
        amount: Money::new(minor, currency),
        reference: intent.id.as_str().into(),
        authorization_code: code.or_else(|| card?.authorization_code.clone()).unwrap_or_default().into(),
        network_transaction_id: card.and_then(|card| card.network_transaction_id.as_deref().map(Into::into)),
        cvc_check: card.and_then(|card| card.checks.as_ref()?.cvc_check.as_deref()).and_then(check),
    })
}

fn check(word: &str) -> Option<Check> {
    match word {
        "pass" => Some(Check::Pass),
        "fail" => Some(Check::Fail),
        "unavailable" | "unchecked" => Some(Check::Unavailable),
        _ => None,
    }
}
