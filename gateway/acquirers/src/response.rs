//! Response codes (field 39 of ISO 8583) and the dialect's decline codes, both ways, in one table.

use gateway_core::acquirer::DeclineCode;

/// Each decline code with the response code that a host of ours sends for it.
const SENT: [(DeclineCode, &str); 17] = [
    (DeclineCode::GenericDecline, "01"),
    (DeclineCode::InsufficientFunds, "51"),
    (DeclineCode::LostCard, "41"),
    (DeclineCode::StolenCard, "43"),
    (DeclineCode::Fraudulent, "59"),
    (DeclineCode::DoNotHonor, "05"),
    (DeclineCode::PickupCard, "04"),
    (DeclineCode::CardVelocityExceeded, "65"),
    (DeclineCode::TryAgainLater, "91"),
    (DeclineCode::AuthenticationRequired, "1A"),
    (DeclineCode::ExpiredCard, "54"),
    (DeclineCode::IncorrectCvc, "N7"),
    (DeclineCode::IncorrectNumber, "14"),
    (DeclineCode::InvalidAmount, "13"),
    (DeclineCode::ProcessingError, "96"),
    (DeclineCode::CustomerDeclined, "17"),
    (DeclineCode::AttemptExpired, "08"),
];

/// Response codes that other hosts send besides.
const ALSO_READ: [(&str, DeclineCode); 13] = [
    ("02", DeclineCode::DoNotHonor),
    ("07", DeclineCode::PickupCard),
    ("15", DeclineCode::IncorrectNumber),
    ("19", DeclineCode::TryAgainLater),
    ("33", DeclineCode::ExpiredCard),
    ("34", DeclineCode::Fraudulent),
    ("36", DeclineCode::DoNotHonor),
    ("61", DeclineCode::CardVelocityExceeded),
    ("62", DeclineCode::DoNotHonor),
    ("63", DeclineCode::Fraudulent),
    ("82", DeclineCode::IncorrectCvc),
    ("90", DeclineCode::TryAgainLater),
    ("92", DeclineCode::TryAgainLater),
];

/// The response code of a decline.
#[must_use]
pub fn code_of(decline: DeclineCode) -> &'static str {
    SENT.iter().find(|(known, _)| *known == decline).map_or("01", |(_, code)| code)
}

/// What a response code that is no approval means; one that is not in the table is a plain decline.
#[must_use]
pub fn decline_of(code: &str) -> DeclineCode {
    let sent = SENT.iter().find(|(_, known)| *known == code).map(|(decline, _)| *decline);
    let read = || ALSO_READ.iter().find(|(known, _)| *known == code).map(|(_, decline)| *decline);
    sent.or_else(read).unwrap_or(DeclineCode::GenericDecline)
}

/// The decline of this name in the dialect.
#[must_use]
pub fn decline_named(name: &str) -> Option<DeclineCode> {
    SENT.iter().map(|(decline, _)| *decline).find(|decline| decline.as_str() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decline_survives_the_wire() {
        for (decline, code) in SENT {
            assert_eq!(decline_of(code_of(decline)), decline, "{code}");
            assert!(!ALSO_READ.iter().any(|(read, _)| *read == code), "{code} is in both tables");
        }
        assert_eq!(decline_of("99"), DeclineCode::GenericDecline);
    }

    #[test]
    fn only_what_passes_by_itself_may_be_retried() {
        for code in ["91", "96", "90", "92", "19"] {
            assert!(decline_of(code).may_retry(), "{code}");
        }
        for code in ["05", "12", "30", "14", "41", "43", "51", "54", "N7"] {
            assert!(!decline_of(code).may_retry(), "{code}");
        }
    }
}
