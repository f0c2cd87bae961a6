//! The published test cards and their aliases. A number outside the table succeeds.

use gateway_core::acquirer::DeclineCode;
use gateway_core::card::{Brand, Funding};

/// What happens when a test card is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Approved.
    Approve,
    /// Declined with this code, also when it is only verified.
    Decline(DeclineCode),
    /// Verified and saved without trouble; declined when it is charged.
    FailsToCharge,
    /// The customer must authenticate first.
    Challenge,
    /// Approved; the cardholder disputes it later.
    Disputed,
    /// The risk scorer blocks it, so no acquirer is asked; one that is asked approves.
    BlockedAsFraud,
    /// Approved; the risk scorer calls it elevated.
    ElevatedRisk,
}

/// One published card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestCard {
    /// The card number. It is published and stands for no account.
    pub number: &'static str,
    /// What it does.
    pub behaviour: Behaviour,
    /// Its scheme.
    pub brand: Brand,
    /// How it is paid for.
    pub funding: Funding,
    /// ISO 3166 alpha-2 of its issuer.
    pub country: &'static str,
}

const fn card(number: &'static str, behaviour: Behaviour, brand: Brand) -> TestCard {
    TestCard { number, behaviour, brand, funding: Funding::Credit, country: "US" }
}

const fn debit(number: &'static str, brand: Brand) -> TestCard {
    TestCard { number, behaviour: Behaviour::Approve, brand, funding: Funding::Debit, country: "US" }
}

const fn declined(number: &'static str, code: DeclineCode) -> TestCard {
    card(number, Behaviour::Decline(code), Brand::Visa)
}

/// Every published card.
pub static TEST_CARDS: [TestCard; 24] = [
    card("4242424242424242", Behaviour::Approve, Brand::Visa),
    debit("4000056655665556", Brand::Visa),
    card("5555555555554444", Behaviour::Approve, Brand::Mastercard),
    card("2223003122003222", Behaviour::Approve, Brand::Mastercard),
    debit("5200828282828210", Brand::Mastercard),
    card("378282246310005", Behaviour::Approve, Brand::Amex),
    card("6011111111111117", Behaviour::Approve, Brand::Discover),
    card("3056930009020004", Behaviour::Approve, Brand::Diners),
    TestCard { country: "JP", ..card("3530111333300000", Behaviour::Approve, Brand::Jcb) },
    TestCard { country: "CN", ..card("6200000000000005", Behaviour::Approve, Brand::UnionPay) },
    declined("4000000000000002", DeclineCode::GenericDecline),
    declined("4000000000009995", DeclineCode::InsufficientFunds),
    declined("4000000000009987", DeclineCode::LostCard),
    declined("4000000000009979", DeclineCode::StolenCard),
    declined("4000000000000069", DeclineCode::ExpiredCard),
    declined("4000000000000127", DeclineCode::IncorrectCvc),
    declined("4000000000000119", DeclineCode::ProcessingError),
    declined("4000000000006975", DeclineCode::CardVelocityExceeded),
    declined("4242424242424241", DeclineCode::IncorrectNumber),
    card("4000000000000341", Behaviour::FailsToCharge, Brand::Visa),
    card("4000002760003184", Behaviour::Challenge, Brand::Visa),
    card("4000000000000259", Behaviour::Disputed, Brand::Visa),
    card("4100000000000019", Behaviour::BlockedAsFraud, Brand::Visa),
    card("4000000000009235", Behaviour::ElevatedRisk, Brand::Visa),
];

/// Names after `pm_card_` or `tok_`, and the number that each stands for.
static ALIASES: [(&str, &str); 27] = [
    ("visa", "4242424242424242"),
    ("visa_debit", "4000056655665556"),
    ("us", "4242424242424242"),
    ("mastercard", "5555555555554444"),
    ("mastercard_debit", "5200828282828210"),
    ("amex", "378282246310005"),
    ("discover", "6011111111111117"),
    ("diners", "3056930009020004"),
    ("jcb", "3530111333300000"),
    ("jp", "3530111333300000"),
    ("unionpay", "6200000000000005"),
    ("chargeDeclined", "4000000000000002"),
    ("chargeDeclinedInsufficientFunds", "4000000000009995"),
    ("chargeDeclinedLostCard", "4000000000009987"),
    ("chargeDeclinedStolenCard", "4000000000009979"),
    ("chargeDeclinedExpiredCard", "4000000000000069"),
    ("chargeDeclinedIncorrectCvc", "4000000000000127"),
    ("chargeDeclinedProcessingError", "4000000000000119"),
    ("chargeDeclinedVelocityLimitExceeded", "4000000000006975"),
    ("chargeDeclinedFraudulent", "4100000000000019"),
    ("radarBlock", "4100000000000019"),
    ("riskLevelElevated", "4000000000009235"),
    ("chargeCustomerFail", "4000000000000341"),
    ("authenticationRequired", "4000002760003184"),
    ("authenticationRequiredOnSetup", "4000002760003184"),
    ("createDispute", "4000000000000259"),
    ("createDisputeProductNotReceived", "4000000000000259"),
];

/// The published card of this number; nothing for any other number.
#[must_use]
pub fn published(number: &str) -> Option<&'static TestCard> {
    TEST_CARDS.iter().find(|card| card.number == number)
}

/// What a number does: its published behaviour, else `Approve`.
#[must_use]
pub fn behaviour(number: &str) -> Behaviour {
    published(number).map_or(Behaviour::Approve, |card| card.behaviour)
}

/// The number behind `pm_card_visa`, `tok_chargeDeclined`, `pm_card_visa_chargeDeclinedLostCard` and the like.
#[must_use]
pub fn alias(name: &str) -> Option<&'static str> {
    let short = name.strip_prefix("pm_card_").or_else(|| name.strip_prefix("tok_"))?;
    let short = match short.strip_prefix("visa_") {
        Some(declined) if declined.starts_with("chargeDeclined") => declined,
        Some(_) | None => short,
    };
    ALIASES.iter().find(|(known, _)| *known == short).map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luhn_sum(number: &str) -> u32 {
        let digits = number.bytes().rev().map(|byte| u32::from(byte - b'0'));
        digits
            .enumerate()
            .map(|(at, digit)| if at % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
            .sum()
    }

    #[test]
    fn every_number_passes_the_luhn_check_but_the_one_that_shall_not() {
        for card in &TEST_CARDS {
            let good = luhn_sum(card.number).is_multiple_of(10);
            let wrong = card.behaviour == Behaviour::Decline(DeclineCode::IncorrectNumber);
            assert_eq!(good, !wrong, "{}", card.number);
        }
    }

    #[test]
    fn aliases_name_published_cards() {
        for (name, number) in ALIASES {
            assert!(published(number).is_some(), "{name}");
            assert_eq!(alias(&format!("pm_card_{name}")), Some(number));
            assert_eq!(alias(&format!("tok_{name}")), Some(number));
        }
        assert_eq!(alias("pm_card_visa_chargeDeclinedInsufficientFunds"), Some("4000000000009995"));
        assert_eq!(alias("tok_visa_chargeDeclined"), Some("4000000000000002"));
        assert_eq!(alias("tok_visa_debit"), Some("4000056655665556"));
        for unknown in ["visa", "pm_card_", "pm_1234", "tok_visa_mastercard", "card_visa"] {
            assert_eq!(alias(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn any_other_number_succeeds() {
        assert_eq!(behaviour("4012888888881881"), Behaviour::Approve);
        assert_eq!(behaviour("4000000000000002"), Behaviour::Decline(DeclineCode::GenericDecline));
        assert_eq!(behaviour("4100000000000019"), Behaviour::BlockedAsFraud);
    }
}
