//! Operators' words: what they may say of each message, and what follows from it.

use crate::scene::{Say, Scene};
use crate::table::{Case, Step, run, take};
use gateway_core::acquirer::FinalCapture::Yes;
use gateway_core::payment::CaptureMethod::{Automatic, Manual};
use gateway_core::payment::Settlement::{Approved, Declined};
use gateway_core::payment::{Event, MAX_INCREMENTS, MAX_REFUSED, STUCK_AFTER};

const SENT: &str = "processing 0/0/0 open+10";
const FAILED: &str = "requires_payment_method 0/0/0 -";
const HELD: &str = "requires_capture 1000/0/0 hold+168h";
const PAID: &str = "succeeded 0/1000/1000 -";
const UNDONE_ONLY: &str = "! NotSupported { operation: Settle }";

#[test]
fn every_message_can_be_settled() {
    const CASES: &[Case] = &[
        ("an authorization, done", Manual, &[(Step::Confirm, SENT), (Step::Settle(10, Approved), HELD)]),
        ("a sale, done", Automatic, &[(Step::Confirm, SENT), (Step::Settle(10, Approved), PAID)]),
        (
            "a sale, not done: should it be approved after all, it is reversed",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Settle(10, Declined), FAILED),
                (Step::Settle(10, Declined), "! NotOutstanding"),
                (Step::Hear(10, Say::Yes(1000)), "requires_payment_method 0/0/0 open+0"),
            ],
        ),
        (
            "a capture, done in part: the rest is given back",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(400), Yes), "processing 600/0/0 open+10"),
                (Step::Settle(30, Approved), "succeeded 0/400/400 open+0"),
                (Step::Settle(45, Declined), UNDONE_ONLY),
                (Step::Settle(45, Approved), "succeeded 0/400/400 -"),
            ],
        ),
        (
            "a capture, not done",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(None, Yes), SENT),
                (Step::Settle(30, Declined), HELD),
            ],
        ),
        (
            "a void",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Cancel, "processing 1000/0/0 open+10"),
                (Step::Settle(30, Declined), HELD),
                (Step::Cancel, "processing 1000/0/0 open+10"),
                (Step::Settle(50, Approved), "canceled 0/0/0 -"),
            ],
        ),
        (
            "the void of a hold that ran out can't be left undone",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Wait(7 * 24 * 3_600_000), "requires_capture 1000/0/0 hold+0h"),
                (Step::Expire, "processing 1000/0/0 open+10"),
                (Step::Settle(40, Declined), UNDONE_ONLY),
                (Step::Settle(40, Approved), "canceled 0/0/0 -"),
            ],
        ),
        (
            "a raise",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Increment(1500), "processing 1000/0/0 open+10"),
                (Step::Settle(30, Declined), HELD),
                (Step::Increment(1500), "processing 1000/0/0 open+10"),
                (Step::Settle(50, Approved), "requires_capture 1500/0/0 hold+168h"),
            ],
        ),
        (
            "a refund",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Settle(10, Approved), PAID),
                (Step::Refund(Some(400)), "succeeded 0/1000/600 open+10"),
                (Step::Settle(30, Declined), PAID),
                (Step::Refund(Some(400)), "succeeded 0/1000/600 open+10"),
                (Step::Settle(50, Approved), "succeeded 0/1000/600 -"),
            ],
        ),
        (
            "a reversal",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Reverse(10), SENT),
                (Step::Settle(10, Approved), "! NotOutstanding"),
                (Step::Settle(20, Declined), UNDONE_ONLY),
                (Step::Settle(20, Approved), FAILED),
            ],
        ),
    ];
    run(CASES);
}

#[test]
fn the_reason_is_on_record_before_what_follows() {
    let mut scene = Scene::new(Manual);
    take(&mut scene, Step::Confirm);
    take(&mut scene, Step::Settle(10, Approved));
    let [Event::OperatorNote { reference: 10, reason, .. }, Event::Authorized { approval, .. }] =
        &scene.events[..]
    else {
        panic!("{:?}", scene.events);
    };
    assert_eq!((reason.as_str(), approval.reference.as_str()), ("the bank says so", "by phone"));
}

#[test]
fn what_was_tried_too_often_stands_apart() {
    let mut scene = Scene::new(Manual);
    take(&mut scene, Step::Confirm);
    for count in 1..STUCK_AFTER {
        assert_eq!(take(&mut scene, Step::Retry(10)), SENT, "{count}");
    }
    assert_eq!(take(&mut scene, Step::Retry(10)), "processing 0/0/0 stuck+10");
    assert_eq!(take(&mut scene, Step::Hear(10, Say::Yes(1000))), HELD);
}

#[test]
fn raises_and_declines_are_bounded() {
    let mut scene = Scene::new(Manual);
    take(&mut scene, Step::Confirm);
    take(&mut scene, Step::Hear(10, Say::Yes(1000)));
    for count in 0..MAX_INCREMENTS {
        take(&mut scene, Step::Increment(1500));
        let open = scene.payment.open[0].trace.reference;
        assert_eq!(take(&mut scene, Step::Settle(open, Declined)), HELD, "{count}");
    }
    assert!(take(&mut scene, Step::Increment(1500)).starts_with("! TooMany"));
    while scene.payment.refused.len() < MAX_REFUSED {
        take(&mut scene, Step::Capture(None, Yes));
        let open = scene.payment.open[0].trace.reference;
        assert_eq!(take(&mut scene, Step::Settle(open, Declined)), HELD);
    }
    assert!(take(&mut scene, Step::Capture(None, Yes)).starts_with("! TooMany"));
    assert!(take(&mut scene, Step::Cancel).starts_with("! TooMany"));
    assert_eq!(scene.payment.refused.len(), MAX_REFUSED);
}
