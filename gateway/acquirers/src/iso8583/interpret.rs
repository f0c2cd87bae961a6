//! From an answer to the port's words. What is not surely a yes or a no is `Unknown`.

use super::codec::Message;
use super::codec::elements::{TAG_CVC_RESULT, tag};
use super::compose::{Asked, Expect};
use crate::response::decline_of;
use gateway_core::acquirer::{Answer, Approval, Check, Decline};
use gateway_core::money::{Currency, Money};

/// Judges the answer to what was asked. Its key has been matched already; the rest of the echo is verified here.
#[must_use]
pub fn interpret(message: &Message<'_>, expect: &Expect) -> Answer {
    if message.field(3).is_some_and(|processing| processing != expect.processing) {
        return Answer::Unknown("the answer's field 3 is not what was sent".to_owned());
    }
    let Some(code) = message.text(39) else {
        return Answer::Unknown("the answer has no response code".to_owned());
    };
    let cvc_check = cvc_result(message);
    match (code, expect.asked) {
        ("00" | "10", Asked::Reversal | Asked::Verification) => approved(message, expect.amount, cvc_check),
        ("00", Asked::For(_)) => match stated(message, expect) {
            Ok(amount) => approved(message, amount.unwrap_or(expect.amount), cvc_check),
            Err(why) => Answer::Unknown(why),
        },
        ("10", Asked::For(_)) => match stated(message, expect) {
            Ok(Some(amount)) => approved(message, amount, cvc_check),
            Ok(None) => Answer::Unknown("approved in part, without saying which".to_owned()),
            Err(why) => Answer::Unknown(why),
        },
        ("25", Asked::Reversal) => Answer::NotFound,
        ("68", _) => Answer::Unknown("the acquirer had no answer in time (68)".to_owned()),
        (no, _) => Answer::Declined(Decline { code: decline_of(no), network_code: no.into(), cvc_check }),
    }
}

/// The amount that the answer states, if it states one.
fn stated(message: &Message<'_>, expect: &Expect) -> Result<Option<Money>, String> {
    let currency = match message.text(49) {
        None => expect.sent.currency,
        Some(code) => {
            currency(code).ok_or_else(|| format!("approved in a currency that is not known ({code})"))?
        }
    };
    match message.number(4).map(i64::try_from) {
        None if currency == expect.sent.currency => Ok(None),
        None => Err("approved in another currency, without an amount".to_owned()),
        Some(Ok(amount)) => Ok(Some(Money::new(amount, currency))),
        Some(Err(_)) => Err("approved for an amount beyond any".to_owned()),
    }
}

fn approved(message: &Message<'_>, amount: Money, cvc_check: Option<Check>) -> Answer {
    Answer::Approved(Approval {
        amount,
        reference: message.text(37).unwrap_or_default().into(),
        authorization_code: message.text(38).unwrap_or_default().into(),
        network_transaction_id: None,
        cvc_check,
    })
}

/// A field 49 in digits (as sent) or letters (as some hosts answer).
#[must_use]
pub fn currency(code: &str) -> Option<Currency> {
    match code.parse::<u16>() {
        Ok(numeric) => Currency::parse(iso_currency::Currency::from_numeric(numeric)?.code()),
        Err(_) => Currency::parse(code),
    }
}

fn cvc_result(message: &Message<'_>) -> Option<Check> {
    match tag(message.field(48)?, TAG_CVC_RESULT).ok()?? {
        b"M" => Some(Check::Pass),
        b"N" => Some(Check::Fail),
        _ => Some(Check::Unavailable),
    }
}
