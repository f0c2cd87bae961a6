//! From the operator's answers to the port's words.

use super::wire::{Payment, PaymentStatus, Refund, RefundStatus, Refused};
use crate::response::decline_named;
use gateway_api::client::{ClientError, RawResponse};
use gateway_core::SmolStr;
use gateway_core::acquirer::{Answer, Approval, CustomerAction, Decline, DeclineCode, PendingAnswer};
use gateway_core::means::Wallet;
use gateway_core::money::{Currency, Money};
use gateway_core::time::Timestamp;
use serde::Deserialize;

/// After the operator's own end of a payment, so long until it is undone, in milliseconds: its clock is not ours.
const GRACE_MS: i64 = 5_000;
/// How long an operator may take over a refund that it accepted, in milliseconds.
const REFUND_MS: i64 = 86_400_000;
/// Longest address of a page, in bytes.
const MAX_URL: usize = 2_048;
/// Longest text of a code, in bytes: what can still be scanned from a screen.
const MAX_CODE: usize = 512;

/// Why a call gave no object.
pub enum Trouble {
    /// There is no such payment or refund.
    NotFound,
    /// The operator refused the call, and did nothing.
    Refused(String),
    NotSent(String),
    Unknown(String),
}

/// Reads what a call answered.
pub fn read<'a, T: Deserialize<'a>>(answer: &'a Result<RawResponse, ClientError>) -> Result<T, Trouble> {
    let response = match answer {
        Ok(response) => response,
        Err(ClientError::NotSent(failure)) => {
            return Err(Trouble::NotSent(format!("nothing left ({:?})", failure.phase)));
        }
        Err(ClientError::Unknown(failure)) => {
            return Err(Trouble::Unknown(format!("no whole answer ({:?})", failure.phase)));
        }
        Err(ClientError::Refused(_) | ClientError::Unreadable { .. }) => {
            return Err(Trouble::Unknown("an answer that can't be read".to_owned()));
        }
    };
    let status = response.status;
    match status {
        200..=299 => serde_json::from_slice(&response.body)
            .map_err(|_| Trouble::Unknown(format!("an answer that can't be read, status {status}"))),
        // Who may not ask has done nothing, and who asks too often neither.
        401 | 403 | 429 => Err(Trouble::NotSent(format!("the operator takes nothing: {status}"))),
        400..=499 => Err(match serde_json::from_slice::<Refused<'_>>(&response.body) {
            Ok(refused) if refused.error == "not_found" => Trouble::NotFound,
            Ok(refused) => Trouble::Refused(refused.error.chars().take(40).collect()),
            Err(_) => Trouble::Unknown(format!("an answer that can't be read, status {status}")),
        }),
        _ => Err(Trouble::Unknown(format!("the operator answered {status}"))),
    }
}

/// What it means for a message that asks for something.
pub fn ended(trouble: Trouble) -> Answer {
    match trouble {
        // Asked for what is not there: the operator did nothing.
        Trouble::NotFound => declined(DeclineCode::GenericDecline, "not_found"),
        Trouble::Refused(code) if code == "amount_too_large" => declined(DeclineCode::InvalidAmount, &code),
        Trouble::Refused(code) => declined(DeclineCode::GenericDecline, &code),
        Trouble::NotSent(why) => Answer::NotSent(why),
        Trouble::Unknown(why) => Answer::Unknown(why),
    }
}

/// A decline.
pub fn declined(code: DeclineCode, network_code: &str) -> Answer {
    Answer::Declined(Decline { code, network_code: network_code.into(), cvc_check: None })
}

fn approval(amount: Money, reference: &str) -> Answer {
    Answer::Approved(Approval {
        amount,
        reference: reference.chars().take(64).collect(),
        authorization_code: SmolStr::default(),
        network_transaction_id: None,
        cvc_check: None,
    })
}

/// Where a payment stands. `asked`: the reference that was asked about, and the wallet.
pub fn of_payment(payment: &Payment<'_>, (reference, wallet): (&str, Option<Wallet>)) -> Answer {
    if payment.reference != reference {
        return Answer::Unknown("the answer is about another payment".to_owned());
    }
    match payment.status {
        PaymentStatus::Paid => match Currency::parse(&payment.currency) {
            Some(currency) => approval(Money::new(payment.amount_minor, currency), &payment.id),
            None => Answer::Unknown("a payment in a currency that is not known".to_owned()),
        },
        PaymentStatus::Pending => {
            let until = Timestamp(payment.expires_at.saturating_mul(1_000)).plus_ms(GRACE_MS);
            Answer::Pending(PendingAnswer { until, action: action(payment, wallet) })
        }
        PaymentStatus::Expired => declined(DeclineCode::AttemptExpired, "expired"),
        PaymentStatus::Reversed => declined(DeclineCode::GenericDecline, "reversed"),
        PaymentStatus::Declined => {
            let reason = payment.reason.as_deref().unwrap_or_default();
            let code = decline_named(reason).unwrap_or(DeclineCode::GenericDecline);
            declined(code, &reason.chars().take(40).collect::<String>())
        }
    }
}

/// What the customer is to do: what the wallet is used to, else what there is.
fn action(payment: &Payment<'_>, wallet: Option<Wallet>) -> Option<CustomerAction> {
    let page = payment.redirect_url.as_deref().filter(|url| is_page(url));
    let page = page.map(|url| CustomerAction::Redirect { url: Some(url.to_owned()) });
    let code = payment.qr_code.as_deref().filter(|text| !text.is_empty() && text.len() <= MAX_CODE);
    let code = code.map(|text| CustomerAction::QrCode { text: Some(text.to_owned()) });
    match wallet {
        Some(Wallet::WechatPay) => code.or(page),
        Some(Wallet::Alipay) | None => page.or(code),
    }
}

/// Customers are sent to pages, and nowhere else.
fn is_page(url: &str) -> bool {
    let known = url.starts_with("https://") || url.starts_with("http://127.0.0.1:");
    known && url.len() <= MAX_URL && url.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Where a refund stands.
pub fn of_refund(refund: &Refund<'_>, reference: &str, now: Timestamp) -> Answer {
    if refund.reference != reference {
        return Answer::Unknown("the answer is about another refund".to_owned());
    }
    let Some(currency) = Currency::parse(&refund.currency) else {
        return Answer::Unknown("a refund in a currency that is not known".to_owned());
    };
    match refund.status {
        RefundStatus::Succeeded => approval(Money::new(refund.amount_minor, currency), &refund.id),
        RefundStatus::Pending => {
            Answer::Pending(PendingAnswer { until: now.plus_ms(REFUND_MS), action: None })
        }
        RefundStatus::Failed => declined(DeclineCode::GenericDecline, "failed"),
        RefundStatus::Reversed => declined(DeclineCode::GenericDecline, "reversed"),
    }
}
