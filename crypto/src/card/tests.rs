//! Card numbers: what is read, what is refused, whose they are, and that nothing shows them.

use super::*;

#[test]
fn numbers_are_read_as_people_type_them() {
    for text in ["4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", " 4242424242424242 "] {
        let card = CardNumber::parse(text).unwrap();
        assert_eq!(card.expose(), "4242424242424242");
        assert_eq!((card.bin6(), card.bin8(), card.last4()), ("424242", "42424242", "4242"));
        assert_eq!(
            (card.bin(), &card.last_digits(), card.digits()),
            (424_242, b"4242", &b"4242424242424242"[..])
        );
        assert_eq!(card, CardNumber::parse("4242424242424242").unwrap());
    }
    assert_ne!(
        CardNumber::parse("4242424242424242").unwrap(),
        CardNumber::parse("4000000000000002").unwrap()
    );
}

#[test]
fn what_is_no_card_number_is_refused_for_its_reason() {
    let cases = [
        ("", CardError::Empty),
        (" - ", CardError::Empty),
        ("4242424242424241", CardError::BadCheckDigit),
        ("000000000001", CardError::BadCheckDigit),
        ("42424242424", CardError::TooShort),
        ("42424242424242424242", CardError::TooLong),
        ("4242x24242424242", CardError::NotDigits),
        ("4242\u{660}42424242424", CardError::NotDigits),
        ("4242.4242.4242.4242", CardError::NotDigits),
        ("\u{ff14}242424242424242", CardError::NotDigits),
    ];
    for (text, expected) in cases {
        assert_eq!(CardNumber::parse(text).unwrap_err(), expected, "{text:?}");
    }
}

#[test]
fn the_check_digit_catches_every_single_wrong_digit() {
    let right = "4242424242424242";
    for place in 0..right.len() {
        for digit in b'0'..=b'9' {
            let mut bytes = right.as_bytes().to_vec();
            bytes[place] = digit;
            let text = String::from_utf8(bytes).unwrap();
            assert_eq!(CardNumber::parse(&text).is_ok(), text == right, "{text}");
        }
    }
}

/// Completes a prefix to `length` digits with a right check digit.
fn completed(prefix: &str, length: usize) -> CardNumber {
    let body = format!("{prefix:0<width$}", width = length - 1);
    (0..10)
        .find_map(|digit| CardNumber::parse(&format!("{body}{digit}")).ok())
        .expect("one of ten digits is the check digit")
}

#[test]
fn brands_are_told_by_their_ranges_and_not_beyond() {
    let cases = [
        ("399999", Brand::Diners),
        ("4", Brand::Visa),
        ("499999", Brand::Visa),
        ("500000", Brand::Unknown),
        ("509999", Brand::Unknown),
        ("51", Brand::Mastercard),
        ("559999", Brand::Mastercard),
        ("560000", Brand::Unknown),
        ("222099", Brand::Unknown),
        ("222100", Brand::Mastercard),
        ("272099", Brand::Mastercard),
        ("272100", Brand::Unknown),
        ("34", Brand::Amex),
        ("35", Brand::Unknown),
        ("37", Brand::Amex),
        ("6011", Brand::Discover),
        ("6012", Brand::Unknown),
        ("643999", Brand::Unknown),
        ("644", Brand::Discover),
        ("659999", Brand::Discover),
        ("660000", Brand::Unknown),
        ("300", Brand::Diners),
        ("305999", Brand::Diners),
        ("306", Brand::Unknown),
        ("3095", Brand::Diners),
        ("36", Brand::Diners),
        ("38", Brand::Diners),
        ("352799", Brand::Unknown),
        ("3528", Brand::Jcb),
        ("358999", Brand::Jcb),
        ("359", Brand::Unknown),
        ("62", Brand::UnionPay),
        ("81", Brand::UnionPay),
        ("82", Brand::Unknown),
        ("0", Brand::Unknown),
        ("9", Brand::Unknown),
    ];
    for (prefix, brand) in cases {
        assert_eq!(completed(prefix, 16).brand(), brand, "{prefix}");
    }
}

#[test]
fn widely_used_test_cards_have_their_brands() {
    let cases = [
        ("4242424242424242", "visa"),
        ("4000056655665556", "visa"),
        ("5555555555554444", "mastercard"),
        ("2223003122003222", "mastercard"),
        ("378282246310005", "amex"),
        ("6011111111111117", "discover"),
        ("3056930009020004", "diners"),
        ("36227206271667", "diners"),
        ("3566002020360505", "jcb"),
        ("6200000000000005", "unionpay"),
        ("6205500000000000004", "unionpay"),
    ];
    for (digits, brand) in cases {
        assert_eq!(CardNumber::parse(digits).unwrap().brand().to_string(), brand, "{digits}");
    }
}

#[test]
fn shown_is_first_six_and_last_four_at_every_length() {
    for length in SHORTEST..=LONGEST {
        let card = completed("431234567890123456".get(..length - 1).unwrap(), length);
        let expected = format!("431234{}{}", "*".repeat(length - 10), card.last4());
        assert_eq!(format!("{card}"), expected);
        assert_eq!(format!("{card:?}"), expected);
        assert_eq!(format!("{:#?}", Some(&card)), format!("Some(\n    {expected},\n)"));
        assert!(!expected.contains(card.expose()));
    }
    assert_eq!(format!("{:?}", CardNumber::parse("4242424242424242").unwrap()), "424242******4242");
}

#[test]
fn wiping_leaves_no_digit() {
    let mut card = CardNumber::parse("4242424242424242").unwrap();
    card.zeroize();
    assert_eq!((card.digits, card.length), ([0; LONGEST], 0));
    let mut cvc = Cvc::parse("1234").unwrap();
    cvc.zeroize();
    assert_eq!(cvc.digits, [0; 4]);
}

#[test]
fn security_codes_are_three_or_four_digits_and_hidden() {
    for (text, brand, fits) in [
        ("123", Brand::Visa, true),
        ("000", Brand::Jcb, true),
        ("1234", Brand::Amex, true),
        ("1234", Brand::Visa, false),
        ("123", Brand::Amex, false),
        ("123", Brand::Unknown, true),
        ("0000", Brand::Unknown, true),
    ] {
        let cvc = Cvc::parse(text).unwrap();
        assert_eq!(cvc.expose(), text);
        assert_eq!(cvc.fits(brand), fits, "{text} {brand}");
        assert_eq!(format!("{cvc:?} {:#?}", Some(&cvc)), "Cvc(***) Some(\n    Cvc(***),\n)");
    }
    for text in ["", "1", "12", "12345", "12a", "1 2", "+12", "12\u{660}", "١٢٣"] {
        assert_eq!(Cvc::parse(text).unwrap_err(), CvcError, "{text:?}");
    }
}
