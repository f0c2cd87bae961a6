//! Increments: a higher total or the old one, never both, never a lost hold.

use crate::scene::{Say, Scene};
use crate::table::{Case, Step, run, take};
use gateway_core::acquirer::FinalCapture::{No, Yes};
use gateway_core::acquirer::{Able, DeclineCode};
use gateway_core::money::MAX_AMOUNT_MINOR;
use gateway_core::payment::CaptureMethod::Manual;

const HELD: &str = "requires_capture 1000/0/0 hold+168h";
const SENT: &str = "processing 0/0/0 open+10";
const RAISING: &str = "processing 1000/0/0 open+10";
const RAISED: &str = "requires_capture 1500/0/0 hold+168h";

#[test]
fn the_hold_is_raised_or_stays() {
    let cases: &[Case] = &[
        (
            "raised twice, and taken",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Increment(1500), "! UnexpectedState { status: Processing, operation: Increment }"),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Increment(1500), RAISING),
                (Step::Increment(1600), "! UnexpectedState { status: Processing, operation: Increment }"),
                (Step::Hear(40, Say::Yes(1500)), RAISED),
                (Step::Hear(40, Say::Yes(1500)), "! NotOutstanding"),
                (Step::Increment(1600), "processing 1500/0/0 open+10"),
                (Step::Hear(80, Say::Yes(1600)), "requires_capture 1600/0/0 hold+168h"),
                (Step::Capture(None, Yes), "processing 0/0/0 open+10"),
                (Step::Hear(100, Say::Yes(1600)), "succeeded 0/1600/1600 -"),
            ],
        ),
        (
            "declined: capturable at the old total",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Increment(1500), RAISING),
                (Step::Hear(30, Say::No(DeclineCode::InsufficientFunds)), HELD),
                (Step::Capture(Some(1001), Yes), "! CaptureTooLarge { capturable_minor: 1000 }"),
            ],
        ),
        (
            "nothing was sent",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Increment(1500), RAISING),
                (Step::Hear(30, Say::NotSent), HELD),
            ],
        ),
        (
            "unknown, then inquired",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Increment(1500), RAISING),
                (Step::Hear(30, Say::Unknown), RAISING),
                (Step::Hear(30, Say::NotSent), RAISING),
                (Step::HearAgain(30, Say::Yes(1500)), RAISED),
            ],
        ),
        (
            "unknown, then reversed: the hold itself is kept",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Increment(1500), RAISING),
                (Step::Hear(30, Say::Unknown), RAISING),
                (Step::Reverse(30), RAISING),
                (Step::Capture(None, Yes), "! UnexpectedState { status: Processing, operation: Capture }"),
                (Step::Hear(50, Say::Yes(500)), HELD),
                (Step::Capture(None, Yes), "processing 0/0/0 open+10"),
                (Step::Hear(80, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
            ],
        ),
        (
            "a challenge for a raise is no challenge for the payment: a cancel can't lose the hold",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Increment(1500), RAISING),
                (Step::Hear(30, Say::Ask), RAISING),
                (Step::Cancel, "! UnexpectedState { status: Processing, operation: Cancel }"),
                (Step::HearAgain(30, Say::No(DeclineCode::GenericDecline)), HELD),
                (Step::Cancel, RAISING),
                (Step::Hear(70, Say::Yes(1000)), "canceled 0/0/0 -"),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn what_can_not_be_raised_is_refused() {
    let cases: &[Case] = &[
        (
            "amounts",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Increment(1000), "! IncrementNotHigher { amount_minor: 1000 }"),
                (Step::Increment(999), "! IncrementNotHigher { amount_minor: 1000 }"),
                (Step::Increment(1), "! AmountTooSmall { minimum_minor: 50, currency: usd }"),
                (Step::Increment(MAX_AMOUNT_MINOR + 1), "! AmountTooLarge { maximum_minor: 99999999 }"),
                (Step::Increment(i64::MAX), "! AmountTooLarge { maximum_minor: 99999999 }"),
            ],
        ),
        (
            "an acquirer that can't",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Able(Able::Yes, Able::Yes, Able::No), HELD),
                (Step::Increment(1500), "! NotSupported { operation: Increment }"),
            ],
        ),
        (
            "after a capture",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(1), No), "processing 999/0/0 open+10"),
                (Step::Hear(30, Say::Yes(1)), "requires_capture 999/1/1 hold+168h"),
                (Step::Increment(1500), "! NotSupported { operation: Increment }"),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn the_total_is_the_payments_amount() {
    let mut scene = Scene::new(Manual);
    for step in [Step::Confirm, Step::Hear(10, Say::Yes(1000)), Step::Increment(1500)] {
        take(&mut scene, step);
    }
    assert_eq!((scene.payment.amount.minor, scene.payment.attempts[0].amount_minor), (1000, 1000));
    take(&mut scene, Step::Hear(30, Say::Yes(1500)));
    assert_eq!((scene.payment.amount.minor, scene.payment.attempts[0].amount_minor), (1500, 1500));
}
