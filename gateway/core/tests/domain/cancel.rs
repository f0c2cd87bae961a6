//! Cancellation: of nothing, of a hold, of a customer's challenge; refused, unknown, answered twice.

use crate::scene::{Say, Scene};
use crate::table::{Case, Step, run, take};
use gateway_core::acquirer::DeclineCode;
use gateway_core::acquirer::FinalCapture::{No, Yes};
use gateway_core::payment::AttemptState;
use gateway_core::payment::CaptureMethod::{Automatic, Manual};

const HELD: &str = "requires_capture 1000/0/0 hold+168h";
const SENT: &str = "processing 0/0/0 open+10";
const VOIDING: &str = "processing 1000/0/0 open+10";

#[test]
fn a_cancel_lets_go_of_what_is_held() {
    let cases: &[Case] = &[
        (
            "before an attempt",
            Automatic,
            &[
                (Step::Cancel, "canceled 0/0/0 -"),
                (Step::Cancel, "! UnexpectedState { status: Canceled, operation: Cancel }"),
                (Step::Confirm, "! UnexpectedState { status: Canceled, operation: Confirm }"),
            ],
        ),
        (
            "after a decline",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::No(DeclineCode::LostCard)), "requires_payment_method 0/0/0 -"),
                (Step::Cancel, "canceled 0/0/0 -"),
            ],
        ),
        (
            "a hold",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Cancel, "! UnexpectedState { status: Processing, operation: Cancel }"),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Cancel, VOIDING),
                (Step::Capture(None, Yes), "! UnexpectedState { status: Processing, operation: Capture }"),
                (Step::Hear(40, Say::Yes(1000)), "canceled 0/0/0 -"),
                (Step::Hear(40, Say::Yes(1000)), "! NotOutstanding"),
                (Step::Hear(10, Say::Yes(1000)), "! NotOutstanding"),
                (Step::Refund(None), "! NothingCaptured"),
            ],
        ),
        (
            "a hold whose release is refused",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Cancel, VOIDING),
                (Step::Hear(30, Say::No(DeclineCode::GenericDecline)), HELD),
                (Step::Capture(None, Yes), "processing 0/0/0 open+10"),
            ],
        ),
        (
            "a hold whose release is unknown: repeated, never given up",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Cancel, VOIDING),
                (Step::Hear(30, Say::Unknown), VOIDING),
                (Step::Reverse(30), "! NotOutstanding"),
                (Step::HearAgain(30, Say::NotFound), VOIDING),
                (Step::HearAgain(30, Say::NotSent), VOIDING),
                (Step::HearAgain(30, Say::Ask), VOIDING),
                (Step::Cancel, "! UnexpectedState { status: Processing, operation: Cancel }"),
                (Step::HearAgain(30, Say::Yes(1000)), "canceled 0/0/0 -"),
            ],
        ),
        (
            "not after a capture",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(100), No), "processing 900/0/0 open+10"),
                (Step::Hear(30, Say::Yes(100)), "requires_capture 900/100/100 hold+168h"),
                (Step::Cancel, "! UnexpectedState { status: RequiresCapture, operation: Cancel }"),
                (Step::Capture(None, Yes), "processing 0/100/100 open+10"),
                (Step::Hear(60, Say::Yes(900)), "succeeded 0/1000/1000 -"),
                (Step::Cancel, "! UnexpectedState { status: Succeeded, operation: Cancel }"),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn a_cancel_of_a_challenge_reverses_what_was_asked() {
    const ASKED: &str = "requires_action 0/0/0 open+10";
    let cases: &[Case] = &[
        (
            "acknowledged",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Ask), ASKED),
                (Step::Cancel, SENT),
                (Step::Cancel, "! UnexpectedState { status: Processing, operation: Cancel }"),
                (Step::Confirm, "! UnexpectedState { status: Processing, operation: Confirm }"),
                (Step::Hear(30, Say::Unknown), SENT),
                (Step::HearAgain(30, Say::No(DeclineCode::GenericDecline)), SENT),
                (Step::HearAgain(30, Say::Ask), SENT),
                (Step::HearAgain(30, Say::Yes(1000)), "canceled 0/0/0 -"),
            ],
        ),
        (
            "the acquirer gave the challenge up already",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Ask), ASKED),
                (Step::Cancel, SENT),
                (Step::Hear(30, Say::NotFound), "canceled 0/0/0 -"),
            ],
        ),
        (
            "crossed by the approval: reversed again, canceled once",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Ask), ASKED),
                (Step::Cancel, SENT),
                (Step::HearAgain(10, Say::Yes(1000)), "processing 0/0/0 open+0"),
                (Step::Hear(30, Say::Yes(1000)), "canceled 0/0/0 open+0"),
                (Step::Hear(45, Say::Unknown), "canceled 0/0/0 open+10"),
                (Step::HearAgain(45, Say::Yes(1000)), "canceled 0/0/0 -"),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn a_canceled_attempt_says_how_it_ended() {
    let approved = |state: &AttemptState| matches!(state, AttemptState::Voided(_));
    let mut held = Scene::new(Manual);
    for step in [Step::Confirm, Step::Hear(10, Say::Yes(1000)), Step::Cancel, Step::Hear(30, Say::Yes(1000))]
    {
        take(&mut held, step);
    }
    assert!(approved(&held.payment.attempt().unwrap().state) && held.payment.attempt().unwrap().closed);
    let mut asked = Scene::new(Manual);
    for step in [Step::Confirm, Step::Hear(10, Say::Ask), Step::Cancel, Step::Hear(30, Say::Yes(1000))] {
        take(&mut asked, step);
    }
    assert_eq!(asked.payment.attempt().unwrap().state, AttemptState::Abandoned);
    assert_eq!(
        asked.payment.canceled.map(|(_, reason)| reason.as_str()),
        Some(Some("requested_by_customer"))
    );
}
