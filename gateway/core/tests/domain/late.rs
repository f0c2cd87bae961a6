//! Approvals that come after their message was given up: recorded and reversed, again if need be, and never taken.

use crate::scene::{Say, Scene};
use crate::table::{Case, Step, run, take};
use gateway_core::acquirer::{DeclineCode, OriginalKind};
use gateway_core::payment::CaptureMethod::{Automatic, Manual};
use gateway_core::payment::{AfterReversal, Event, OpenKind};

const SENT: &str = "processing 0/0/0 open+10";
const LATE: &str = "processing 0/0/0 open+0";
const FAILED: &str = "requires_payment_method 0/0/0 -";
const FAILED_LATE: &str = "requires_payment_method 0/0/0 open+0";
const HELD: &str = "requires_capture 1000/0/0 hold+168h";

#[test]
fn a_late_approval_of_an_attempt_is_reversed() {
    let cases: &[Case] = &[
        (
            "while its reversal is under way: that one may have overtaken it, so there are two",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Unknown), SENT),
                (Step::Reverse(10), SENT),
                (Step::Hear(10, Say::Yes(1000)), LATE),
                (Step::Hear(10, Say::Yes(1000)), "! NotOutstanding"),
                (Step::Hear(30, Say::Yes(1000)), FAILED_LATE),
                (Step::Hear(45, Say::Yes(1000)), FAILED),
                (Step::Hear(45, Say::Yes(1000)), "! NotOutstanding"),
            ],
        ),
        (
            "after a reversal was acknowledged",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Reverse(10), SENT),
                (Step::Hear(20, Say::Yes(1000)), FAILED),
                (Step::Hear(10, Say::Yes(1000)), FAILED_LATE),
                (Step::Hear(45, Say::NotFound), FAILED),
            ],
        ),
        (
            "after the acquirer said it never had it",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::HearAgain(10, Say::NotFound), FAILED),
                (Step::Hear(10, Say::Yes(1000)), FAILED_LATE),
            ],
        ),
        (
            "after a decline",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::No(DeclineCode::DoNotHonor)), FAILED),
                (Step::Hear(10, Say::No(DeclineCode::DoNotHonor)), "! NotOutstanding"),
                (Step::Hear(10, Say::Yes(1000)), FAILED_LATE),
            ],
        ),
        (
            "of a message that did leave after all",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::NotSent), FAILED),
                (Step::Hear(10, Say::Yes(1000)), FAILED_LATE),
            ],
        ),
        (
            "while the next attempt is under way, and after it: neither disturbs the other",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Reverse(10), SENT),
                (Step::Hear(20, Say::Yes(1000)), FAILED),
                (Step::Card, "requires_confirmation 0/0/0 -"),
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), LATE),
                (Step::Hear(50, Say::Yes(1000)), "succeeded 0/1000/1000 open+0"),
                (Step::Refund(None), "succeeded 0/1000/0 open+0"),
                (Step::Hear(65, Say::Yes(1000)), "succeeded 0/1000/0 open+10"),
                (Step::Hear(10, Say::Yes(1000)), "succeeded 0/1000/0 open+0"),
                (Step::Hear(80, Say::Yes(1000)), "succeeded 0/1000/0 open+0"),
                (Step::Hear(105, Say::Yes(1000)), "succeeded 0/1000/0 -"),
            ],
        ),
        (
            "of a blocked attempt there is none: no acquirer was asked",
            Manual,
            &[(Step::Block, FAILED), (Step::Hear(0, Say::Yes(1000)), "! NotOutstanding")],
        ),
        (
            "after the payment was canceled",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Reverse(10), SENT),
                (Step::Hear(20, Say::NotFound), FAILED),
                (Step::Cancel, "canceled 0/0/0 -"),
                (Step::Hear(10, Say::Yes(1000)), "canceled 0/0/0 open+0"),
                (Step::Hear(55, Say::Yes(1000)), "canceled 0/0/0 -"),
            ],
        ),
        (
            "for a part only, where parts are taken: it is too late for that",
            Manual,
            &[
                (Step::TakesPartial, "requires_confirmation 0/0/0 -"),
                (Step::Confirm, SENT),
                (Step::Reverse(20), SENT),
                (Step::Hear(20, Say::Yes(600)), LATE),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn a_late_approval_of_a_refund_or_raise_is_reversed() {
    let cases: &[Case] = &[
        (
            "a refund under reversal",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
                (Step::Refund(Some(400)), "succeeded 0/1000/600 open+10"),
                (Step::Reverse(30), "succeeded 0/1000/600 open+10"),
                (Step::Hear(30, Say::Yes(400)), "succeeded 0/1000/600 open+0"),
                (Step::Hear(40, Say::Yes(400)), "succeeded 0/1000/1000 open+0"),
                (Step::Hear(55, Say::Yes(400)), "succeeded 0/1000/1000 -"),
            ],
        ),
        (
            "a refund that failed",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
                (Step::Refund(Some(400)), "succeeded 0/1000/600 open+10"),
                (Step::Hear(30, Say::No(DeclineCode::GenericDecline)), "succeeded 0/1000/1000 -"),
                (Step::Hear(30, Say::Yes(400)), "succeeded 0/1000/1000 open+0"),
            ],
        ),
        (
            "a raise under reversal",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Increment(1500), "processing 1000/0/0 open+10"),
                (Step::Reverse(30), "processing 1000/0/0 open+10"),
                (Step::Hear(30, Say::Yes(1500)), "processing 1000/0/0 open+0"),
                (Step::Hear(40, Say::Yes(500)), "requires_capture 1000/0/0 open+0"),
                (Step::Hear(55, Say::Yes(500)), HELD),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn a_late_approval_is_on_record_and_its_reversal_changes_nothing_else() {
    let mut scene = Scene::new(Automatic);
    for step in [Step::Confirm, Step::Reverse(10), Step::Hear(20, Say::Yes(1000))] {
        take(&mut scene, step);
    }
    let before = scene.payment.clone();
    take(&mut scene, Step::Hear(10, Say::Yes(1000)));
    let [Event::LateApproval { trace, approval }, Event::ReversalIntended { reference: 10, open }] =
        &scene.events[..]
    else {
        panic!("{:?}", scene.events);
    };
    assert_eq!((trace.reference, approval.amount.minor), (10, 1000));
    let OpenKind::Reverse { kind: OriginalKind::Sale, of, amount_minor: 1000, then: AfterReversal::Nothing } =
        &open.kind
    else {
        panic!("{open:?}");
    };
    assert_eq!((of, open.trace.reference), (trace, 45));
    take(&mut scene, Step::Hear(45, Say::Yes(1000)));
    let mut after = scene.payment.clone();
    after.version = before.version;
    assert_eq!(after, before);
}
