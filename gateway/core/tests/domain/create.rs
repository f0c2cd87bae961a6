//! Creation and change: amounts in range, what may be changed when.

use crate::scene::{Say, Scene, creation, instrument, usd};
use crate::table::{Case, Step, run};
use gateway_core::acquirer::DeclineCode;
use gateway_core::money::MAX_AMOUNT_MINOR;
use gateway_core::payment::CaptureMethod::{self, Automatic, AutomaticAsync, Manual};
use gateway_core::payment::create;
use gateway_core::{Currency, Money, Refusal};

#[test]
fn amounts_are_within_what_the_currency_allows() {
    let jpy = |minor| Money::new(minor, Currency::JPY);
    let clp = |minor| Money::new(minor, Currency::parse("clp").unwrap());
    let small = |minimum_minor, currency| Err(Refusal::AmountTooSmall { minimum_minor, currency });
    let large = Err(Refusal::AmountTooLarge { maximum_minor: MAX_AMOUNT_MINOR });
    let cases = [
        (usd(50), Ok(2)),
        (usd(49), small(50, Currency::USD)),
        (usd(0), small(50, Currency::USD)),
        (usd(-50), small(50, Currency::USD)),
        (usd(i64::MIN), small(50, Currency::USD)),
        (usd(MAX_AMOUNT_MINOR), Ok(2)),
        (usd(MAX_AMOUNT_MINOR + 1), large),
        (usd(i64::MAX), large),
        (jpy(50), Ok(2)),
        (jpy(49), small(50, Currency::JPY)),
        (clp(1), Ok(2)),
        (clp(0), small(1, clp(1).currency)),
    ];
    for (amount, wanted) in cases {
        let seen = create(creation(amount, Automatic)).map(|events| events.len());
        assert_eq!(seen, wanted, "{amount:?}");
    }
}

#[test]
fn a_new_payment_waits_for_what_it_lacks() {
    for method in [Automatic, AutomaticAsync, Manual] {
        let with = Scene::new(method);
        assert_eq!(with.line(), "requires_confirmation 0/0/0 -");
        assert_eq!(with.payment.instrument.as_deref(), Some(&instrument()));
        let mut bare = creation(usd(1000), method);
        bare.instrument = None;
        let without = Scene::from(bare);
        assert_eq!(without.line(), "requires_payment_method 0/0/0 -");
        assert_eq!((without.payment.version, without.payment.latest_charge()), (1, None));
    }
}

#[test]
fn only_unpaid_payments_change_in_what_they_charge() {
    const IN_YEN: Money = Money::new(700, Currency::JPY);
    const TINY: Money = Money::new(49, Currency::JPY);
    const LESS: Money = Money::new(700, Currency::USD);
    const UNDER_WAY: &str = "! UnexpectedState { status: Processing, operation: Update }";
    const IS_HELD: &str = "! UnexpectedState { status: RequiresCapture, operation: Update }";
    let cases: &[Case] = &[
        (
            "before an attempt, all of it",
            Automatic,
            &[
                (Step::Amount(LESS), "requires_confirmation 0/0/0 -"),
                (Step::Amount(IN_YEN), "requires_confirmation 0/0/0 -"),
                (Step::Method(CaptureMethod::Manual), "requires_confirmation 0/0/0 -"),
                (Step::Card, "requires_confirmation 0/0/0 -"),
                (Step::Amount(TINY), "! AmountTooSmall { minimum_minor: 50, currency: jpy }"),
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Hear(60, Say::YesIn(700, Currency::JPY)), "requires_capture 700/0/0 hold+168h"),
            ],
        ),
        (
            "nothing while it is under way, words again when it is held",
            Manual,
            &[
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Amount(LESS), UNDER_WAY),
                (Step::Card, UNDER_WAY),
                (Step::Describe("a hat"), UNDER_WAY),
                (Step::Hear(10, Say::Ask), "requires_action 0/0/0 open+10"),
                (Step::Describe("a hat"), "requires_action 0/0/0 open+10"),
                (Step::Card, "! UnexpectedState { status: RequiresAction, operation: Update }"),
                (Step::HearAgain(10, Say::Yes(1000)), "requires_capture 1000/0/0 hold+168h"),
                (Step::Describe("a cap"), "requires_capture 1000/0/0 hold+168h"),
                (Step::Amount(LESS), IS_HELD),
                (Step::Method(Automatic), IS_HELD),
                (Step::Card, IS_HELD),
            ],
        ),
        (
            "after a failure the amount, but not its currency: the attempt was in it",
            Automatic,
            &[
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Hear(10, Say::No(DeclineCode::DoNotHonor)), "requires_payment_method 0/0/0 -"),
                (
                    Step::Amount(IN_YEN),
                    "! UnexpectedState { status: RequiresPaymentMethod, operation: Update }",
                ),
                (Step::Amount(LESS), "requires_payment_method 0/0/0 -"),
                (Step::Card, "requires_confirmation 0/0/0 -"),
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Hear(60, Say::Yes(700)), "succeeded 0/700/700 -"),
                (Step::Describe("sold"), "succeeded 0/700/700 -"),
            ],
        ),
        (
            "a canceled payment keeps its words changeable",
            Automatic,
            &[
                (Step::Cancel, "canceled 0/0/0 -"),
                (Step::Describe("late"), "canceled 0/0/0 -"),
                (Step::Amount(LESS), "! UnexpectedState { status: Canceled, operation: Update }"),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn a_card_that_was_taken_back_is_not_charged() {
    const IS_HELD: &str = "! UnexpectedState { status: RequiresCapture, operation: Update }";
    let cases: &[Case] = &[
        (
            "before an attempt",
            Manual,
            &[
                (Step::NoCard, "requires_payment_method 0/0/0 -"),
                (Step::NoCard, "requires_payment_method 0/0/0 -"),
                (Step::Confirm, "! NoPaymentMethod"),
                (Step::Card, "requires_confirmation 0/0/0 -"),
            ],
        ),
        (
            "not once it is held",
            Manual,
            &[
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Hear(10, Say::Yes(1000)), "requires_capture 1000/0/0 hold+168h"),
                (Step::NoCard, IS_HELD),
            ],
        ),
    ];
    run(cases);
}
