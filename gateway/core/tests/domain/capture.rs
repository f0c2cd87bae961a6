//! Captures: in one, in parts, released, refused, unknown, answered twice.

use crate::scene::{Say, Scene};
use crate::table::{Case, Step, run, take};
use gateway_core::acquirer::FinalCapture::{No, Yes};
use gateway_core::acquirer::{Able, DeclineCode};
use gateway_core::payment::CaptureMethod::{Automatic, Manual};
use gateway_core::payment::{AUTHORIZATION_LIFE_MS, MAX_CAPTURES, Stage};

const HELD: &str = "requires_capture 1000/0/0 hold+168h";
const SENT: &str = "processing 0/0/0 open+10";

#[test]
fn all_or_part_is_taken() {
    let cases: &[Case] = &[
        (
            "all of it, unasked",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Capture(None, Yes), "! UnexpectedState { status: Processing, operation: Capture }"),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(None, Yes), "processing 0/0/0 open+10"),
                (Step::Capture(None, Yes), "! UnexpectedState { status: Processing, operation: Capture }"),
                (Step::Hear(40, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
                (Step::Hear(40, Say::Yes(1000)), "! NotOutstanding"),
                (Step::Capture(None, Yes), "! UnexpectedState { status: Succeeded, operation: Capture }"),
            ],
        ),
        (
            "the last part gives the rest back",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(300), Yes), "processing 700/0/0 open+10"),
                (Step::Hear(30, Say::Yes(300)), "succeeded 0/300/300 open+0"),
                (Step::Hear(45, Say::Unknown), "succeeded 0/300/300 open+10"),
                (Step::HearAgain(45, Say::No(DeclineCode::GenericDecline)), "succeeded 0/300/300 open+10"),
                (Step::HearAgain(45, Say::Yes(700)), "succeeded 0/300/300 -"),
                (Step::HearAgain(45, Say::Yes(700)), "! NotOutstanding"),
            ],
        ),
        (
            "a rest of one cent is given back too",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(999), Yes), "processing 1/0/0 open+10"),
                (Step::Hear(30, Say::Yes(999)), "succeeded 0/999/999 open+0"),
            ],
        ),
        (
            "in three parts",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(300), No), "processing 700/0/0 open+10"),
                (Step::Hear(30, Say::Yes(300)), "requires_capture 700/300/300 hold+168h"),
                (Step::Capture(Some(200), No), "processing 500/300/300 open+10"),
                (Step::Hear(50, Say::Yes(200)), "requires_capture 500/500/500 hold+168h"),
                (Step::Capture(Some(501), No), "! CaptureTooLarge { capturable_minor: 500 }"),
                (Step::Capture(Some(100), Yes), "processing 400/500/500 open+10"),
                (Step::Hear(80, Say::Yes(100)), "succeeded 0/600/600 open+0"),
                (Step::Hear(95, Say::Yes(400)), "succeeded 0/600/600 -"),
            ],
        ),
        (
            "all of it is the last, whatever was said",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(400), No), "processing 600/0/0 open+10"),
                (Step::Hear(30, Say::Yes(400)), "requires_capture 600/400/400 hold+168h"),
                (Step::Capture(None, No), "processing 0/400/400 open+10"),
                (Step::Hear(50, Say::Yes(600)), "succeeded 0/1000/1000 -"),
            ],
        ),
        (
            "of a sale nothing is left to take",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
                (Step::Capture(None, Yes), "! UnexpectedState { status: Succeeded, operation: Capture }"),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn what_can_not_be_taken_is_refused() {
    const NOT_SUPPORTED: &str = "! NotSupported { operation: Capture }";
    let cases: &[Case] = &[
        (
            "amounts out of range",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(0), Yes), "! AmountTooSmall { minimum_minor: 1, currency: usd }"),
                (Step::Capture(Some(-5), Yes), "! AmountTooSmall { minimum_minor: 1, currency: usd }"),
                (Step::Capture(Some(1001), Yes), "! CaptureTooLarge { capturable_minor: 1000 }"),
                (Step::Capture(Some(i64::MAX), No), "! CaptureTooLarge { capturable_minor: 1000 }"),
                (Step::Capture(Some(1), Yes), "processing 999/0/0 open+10"),
            ],
        ),
        (
            "an acquirer that takes all or nothing",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Able(Able::No, Able::No, Able::No), HELD),
                (Step::Capture(Some(999), Yes), NOT_SUPPORTED),
                (Step::Capture(Some(999), No), NOT_SUPPORTED),
                (Step::Capture(Some(1000), No), "processing 0/0/0 open+10"),
            ],
        ),
        (
            "an acquirer that takes once",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Able(Able::Yes, Able::No, Able::No), HELD),
                (Step::Capture(Some(999), No), NOT_SUPPORTED),
                (Step::Capture(Some(999), Yes), "processing 1/0/0 open+10"),
            ],
        ),
        (
            "at the end of the hold",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Wait(AUTHORIZATION_LIFE_MS), "requires_capture 1000/0/0 hold+0h"),
                (Step::Capture(None, Yes), "! AuthorizationExpired"),
                (Step::Wait(-1), "requires_capture 1000/0/0 hold+0h"),
                (Step::Capture(None, Yes), "processing 0/0/0 open+10"),
            ],
        ),
        (
            "before anything is held, and after it was let go",
            Manual,
            &[
                (
                    Step::Capture(None, Yes),
                    "! UnexpectedState { status: RequiresConfirmation, operation: Capture }",
                ),
                (Step::Cancel, "canceled 0/0/0 -"),
                (Step::Capture(None, Yes), "! UnexpectedState { status: Canceled, operation: Capture }"),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn an_unknown_capture_keeps_its_amount_until_it_is_known() {
    let cases: &[Case] = &[
        (
            "declined: back to what was held",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(400), No), "processing 600/0/0 open+10"),
                (Step::Hear(30, Say::No(DeclineCode::GenericDecline)), HELD),
                (Step::Hear(30, Say::Unknown), "! NotOutstanding"),
                (Step::Capture(None, Yes), "processing 0/0/0 open+10"),
            ],
        ),
        (
            "unknown, unsent, not found: it is repeated, never given up or reversed",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(400), Yes), "processing 600/0/0 open+10"),
                (Step::Hear(30, Say::NotSent), "processing 600/0/0 open+10"),
                (Step::Retry(30), "processing 600/0/0 open+10"),
                (Step::HearAgain(30, Say::Unknown), "processing 600/0/0 open+10"),
                (Step::HearAgain(30, Say::NotFound), "processing 600/0/0 open+10"),
                (Step::Reverse(30), "! NotOutstanding"),
                (Step::Cancel, "! UnexpectedState { status: Processing, operation: Cancel }"),
                (Step::Refund(None), "! UnexpectedState { status: Processing, operation: Refund }"),
                (Step::Increment(2000), "! UnexpectedState { status: Processing, operation: Increment }"),
                (Step::Wait(AUTHORIZATION_LIFE_MS), "processing 600/0/0 open+-604790"),
                (Step::Expire, "! UnexpectedState { status: Processing, operation: Cancel }"),
                (Step::HearAgain(30, Say::Yes(400)), "succeeded 0/400/400 open+0"),
            ],
        ),
        (
            "a customer is never asked for a capture",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(400), No), "processing 600/0/0 open+10"),
                (Step::Hear(30, Say::Ask), "processing 600/0/0 open+10"),
                (Step::Cancel, "! UnexpectedState { status: Processing, operation: Cancel }"),
                (Step::HearAgain(30, Say::Yes(400)), "requires_capture 600/400/400 hold+168h"),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn captures_are_bounded_and_the_rest_runs_out() {
    let mut scene = Scene::new(Manual);
    take(&mut scene, Step::Confirm);
    take(&mut scene, Step::Hear(10, Say::Yes(1000)));
    for _ in 0..MAX_CAPTURES {
        take(&mut scene, Step::Capture(Some(1), No));
        let reference = scene.reference();
        take(&mut scene, Step::Hear(reference, Say::Yes(1)));
    }
    assert_eq!(scene.line(), "requires_capture 950/50/50 hold+168h");
    let refused = take(&mut scene, Step::Capture(Some(1), Yes));
    assert_eq!(refused, "! TooMany { operation: Capture, limit: 50 }");
    take(&mut scene, Step::Wait(AUTHORIZATION_LIFE_MS));
    assert_eq!(take(&mut scene, Step::Expire), "succeeded 0/50/50 open+10");
}

#[test]
fn an_unsent_capture_counts_as_sent_from_its_retry_on() {
    let mut scene = Scene::new(Manual);
    let stages = [
        (Step::Confirm, None),
        (Step::Hear(10, Say::Yes(1000)), None),
        (Step::Capture(None, Yes), Some(Stage::Sent)),
        (Step::Hear(30, Say::NotSent), Some(Stage::Unsent)),
        (Step::Retry(30), Some(Stage::Sent)),
        (Step::HearAgain(30, Say::NotSent), Some(Stage::Sent)),
        (Step::HearAgain(30, Say::Unknown), Some(Stage::Unknown)),
        (Step::Retry(30), Some(Stage::Unknown)),
        (Step::Hear(30, Say::NotSent), Some(Stage::Unknown)),
    ];
    for (step, wanted) in stages {
        take(&mut scene, step);
        assert_eq!(scene.payment.open_by_reference(30).map(|o| o.stage.clone()), wanted, "{step:?}");
    }
}
