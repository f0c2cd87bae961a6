//! The end of a hold: with nothing captured, after partial captures, racing captures, cancels and refunds.

use crate::scene::Say;
use crate::table::{Case, Step, run};
use gateway_core::acquirer::DeclineCode;
use gateway_core::acquirer::FinalCapture::{No, Yes};
use gateway_core::payment::AUTHORIZATION_LIFE_MS;
use gateway_core::payment::CaptureMethod::{Automatic, Manual};

const HELD: &str = "requires_capture 1000/0/0 hold+168h";
const OVER: &str = "requires_capture 1000/0/0 hold+0h";
const SENT: &str = "processing 0/0/0 open+10";
const VOIDING: &str = "processing 1000/0/0 open+10";
const LIFE: i64 = AUTHORIZATION_LIFE_MS;

#[test]
fn a_hold_with_nothing_captured_is_canceled() {
    const TOO_EARLY: &str = "! UnexpectedState { status: RequiresCapture, operation: Cancel }";
    let cases: &[Case] = &[
        (
            "at its time, not before",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Expire, TOO_EARLY),
                (Step::Wait(LIFE - 1), OVER),
                (Step::Expire, TOO_EARLY),
                (Step::Wait(1), OVER),
                (Step::Expire, VOIDING),
                (Step::Expire, "! UnexpectedState { status: Processing, operation: Cancel }"),
                (Step::Hear(70, Say::Yes(1000)), "canceled 0/0/0 -"),
                (Step::Expire, "! UnexpectedState { status: Canceled, operation: Cancel }"),
            ],
        ),
        (
            "refused by the acquirer: repeated at its pace, not canceled on a guess",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Wait(LIFE), OVER),
                (Step::Expire, VOIDING),
                (Step::Hear(40, Say::No(DeclineCode::GenericDecline)), VOIDING),
                (Step::Wait(10_000), "processing 1000/0/0 open+0"),
                (Step::Retry(40), VOIDING),
                (Step::HearAgain(40, Say::No(DeclineCode::GenericDecline)), VOIDING),
                (Step::HearAgain(40, Say::Yes(1000)), "canceled 0/0/0 -"),
            ],
        ),
        (
            "unknown",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Wait(LIFE), OVER),
                (Step::Expire, VOIDING),
                (Step::Hear(40, Say::Unknown), VOIDING),
                (Step::HearAgain(40, Say::NotFound), VOIDING),
                (Step::HearAgain(40, Say::Yes(1000)), "canceled 0/0/0 -"),
            ],
        ),
        (
            "a sale has no hold",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
                (Step::Wait(LIFE), "succeeded 0/1000/1000 -"),
                (Step::Expire, "! UnexpectedState { status: Succeeded, operation: Cancel }"),
            ],
        ),
        (
            "the hold counts from the attempt that got it",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::No(DeclineCode::DoNotHonor)), "requires_payment_method 0/0/0 -"),
                (Step::Wait(3_600_000), "requires_payment_method 0/0/0 -"),
                (Step::Card, "requires_confirmation 0/0/0 -"),
                (Step::Confirm, SENT),
                (Step::Hear(50, Say::Yes(1000)), HELD),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn after_a_capture_the_rest_is_given_back() {
    let cases: &[Case] = &[(
        "what was taken stays",
        Manual,
        &[
            (Step::Confirm, SENT),
            (Step::Hear(10, Say::Yes(1000)), HELD),
            (Step::Capture(Some(300), No), "processing 700/0/0 open+10"),
            (Step::Hear(30, Say::Yes(300)), "requires_capture 700/300/300 hold+168h"),
            (Step::Wait(LIFE), "requires_capture 700/300/300 hold+0h"),
            (Step::Expire, "succeeded 0/300/300 open+10"),
            (Step::Capture(Some(1), Yes), "! UnexpectedState { status: Succeeded, operation: Capture }"),
            (Step::Hear(60, Say::Unknown), "succeeded 0/300/300 open+10"),
            (Step::Refund(Some(300)), "succeeded 0/300/0 open+10"),
            (Step::HearAgain(60, Say::Yes(700)), "succeeded 0/300/0 open+10"),
            (Step::Hear(90, Say::Yes(300)), "succeeded 0/300/0 -"),
        ],
    )];
    run(cases);
}

#[test]
fn expiry_waits_for_what_was_begun_before_it() {
    let cases: &[Case] = &[
        (
            "a capture under way wins",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(300), No), "processing 700/0/0 open+10"),
                (Step::Wait(LIFE), "processing 700/0/0 open+-604790"),
                (Step::Expire, "! UnexpectedState { status: Processing, operation: Cancel }"),
                (Step::Hear(30, Say::Yes(300)), "requires_capture 700/300/300 hold+0h"),
                (Step::Expire, "succeeded 0/300/300 open+10"),
            ],
        ),
        (
            "a capture under way loses: then the hold is over",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(300), No), "processing 700/0/0 open+10"),
                (Step::Wait(LIFE), "processing 700/0/0 open+-604790"),
                (Step::Hear(30, Say::No(DeclineCode::GenericDecline)), OVER),
                (Step::Capture(None, Yes), "! AuthorizationExpired"),
                (Step::Increment(2000), "! AuthorizationExpired"),
                (Step::Expire, VOIDING),
            ],
        ),
        (
            "a merchant's cancel that came first keeps its reason",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Wait(LIFE), OVER),
                (Step::Cancel, VOIDING),
                (Step::Expire, "! UnexpectedState { status: Processing, operation: Cancel }"),
                (Step::Hear(40, Say::No(DeclineCode::GenericDecline)), OVER),
                (Step::Expire, VOIDING),
            ],
        ),
        (
            "a refund that hangs does not keep the hold alive",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(300), No), "processing 700/0/0 open+10"),
                (Step::Hear(30, Say::Yes(300)), "requires_capture 700/300/300 hold+168h"),
                (Step::Refund(Some(100)), "requires_capture 700/300/200 open+10"),
                (Step::Wait(LIFE), "requires_capture 700/300/200 open+-604790"),
                (Step::Hear(50, Say::Unknown), "requires_capture 700/300/200 hold+0h"),
                (Step::Expire, "succeeded 0/300/200 open+10"),
            ],
        ),
    ];
    run(cases);
}
