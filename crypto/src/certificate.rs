//! What must be known of a certificate before it is served: until when it is valid. A walk over its DER, no more.

use time::{Date, Month, PrimitiveDateTime, Time};

const SEQUENCE: u8 = 0x30;
const EXPLICIT_VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// First and last second of validity, unix time; `None` if the bytes are no X.509 certificate.
pub(crate) fn validity(der: &[u8]) -> Option<(i64, i64)> {
    let (certificate, _) = take(der, SEQUENCE)?;
    let (mut to_be_signed, _) = take(certificate, SEQUENCE)?;
    if to_be_signed.first() == Some(&EXPLICIT_VERSION) {
        to_be_signed = element(to_be_signed)?.rest;
    }
    // Serial number, signature algorithm and issuer stand before the validity (RFC 5280, 4.1).
    for _ in 0..3 {
        to_be_signed = element(to_be_signed)?.rest;
    }
    let (validity, _) = take(to_be_signed, SEQUENCE)?;
    let not_before = element(validity)?;
    let not_after = element(not_before.rest)?;
    Some((unix_time(&not_before)?, unix_time(&not_after)?))
}

struct Element<'d> {
    tag: u8,
    content: &'d [u8],
    rest: &'d [u8],
}

fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let element = element(der)?;
    (element.tag == tag).then_some((element.content, element.rest))
}

fn element(der: &[u8]) -> Option<Element<'_>> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7F => (usize::from(first), rest),
        // One to four bytes of length; no certificate needs more.
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some(Element { tag, content, rest })
}

/// `YYMMDDHHMMSSZ` (years 1950-2049) or `YYYYMMDDHHMMSSZ`, the only forms that RFC 5280 allows.
fn unix_time(element: &Element<'_>) -> Option<i64> {
    let text = element.content.strip_suffix(b"Z")?;
    let (year, text) = match element.tag {
        UTC_TIME => {
            let (year, text) = number(text, 2)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text)
        }
        GENERALIZED_TIME => number(text, 4)?,
        _ => return None,
    };
    let mut text = text;
    let mut next = || -> Option<u8> {
        let (value, rest) = number(text, 2)?;
        text = rest;
        u8::try_from(value).ok()
    };
    let date = Date::from_calendar_date(year, Month::try_from(next()?).ok()?, next()?).ok()?;
    let time = Time::from_hms(next()?, next()?, next()?).ok()?;
    text.is_empty().then(|| PrimitiveDateTime::new(date, time).assume_utc().unix_timestamp())
}

fn number(text: &[u8], digits: usize) -> Option<(i32, &[u8])> {
    let (head, rest) = text.split_at_checked(digits)?;
    let value = head
        .iter()
        .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i32::from(digit - b'0')))?;
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tag: u8, content: &str) -> Option<i64> {
        unix_time(&Element { tag, content: content.as_bytes(), rest: &[] })
    }

    #[test]
    fn both_forms_of_time_are_read() {
        for (tag, text, expected) in [
            (UTC_TIME, "700101000000Z", 0),
            (UTC_TIME, "491231235959Z", 2_524_607_999),
            (UTC_TIME, "500101000000Z", -631_152_000),
            (GENERALIZED_TIME, "20500101000000Z", 2_524_608_000),
            (GENERALIZED_TIME, "20000229120000Z", 951_825_600),
            (GENERALIZED_TIME, "99991231235959Z", 253_402_300_799),
        ] {
            assert_eq!(at(tag, text), Some(expected), "{text}");
        }
    }

    #[test]
    fn times_that_rfc_5280_forbids_are_refused() {
        for (tag, text) in [
            (UTC_TIME, ""),
            (UTC_TIME, "700101000000"),
            (UTC_TIME, "7001010000Z"),
            (UTC_TIME, "700101000000+0100"),
            (UTC_TIME, "701301000000Z"),
            (UTC_TIME, "700230000000Z"),
            (UTC_TIME, "70010100000xZ"),
            (UTC_TIME, "700101000000.5Z"),
            (GENERALIZED_TIME, "700101000000Z"),
            (SEQUENCE, "700101000000Z"),
        ] {
            assert_eq!(at(tag, text), None, "{text}");
        }
    }

    #[test]
    fn cut_or_random_bytes_are_no_certificate() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 2);
        params.not_after = rcgen::date_time_ymd(2051, 3, 4);
        let certificate = params.self_signed(&key).unwrap();
        let der = certificate.der().as_ref();
        assert_eq!(validity(der), Some((1_767_312_000, 2_561_500_800)));
        for end in 0..der.len() {
            assert_eq!(validity(&der[..end]), None, "cut at {end}");
        }
        for place in 0..der.len() {
            let mut changed = der.to_vec();
            changed[place] ^= 0xFF;
            // Any answer but a panic: a changed serial number is a certificate too.
            let _ = validity(&changed);
        }
    }
}
