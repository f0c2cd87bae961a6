//! The resolver's reversals: what may be undone, when, and what it leaves.

use crate::scene::{PENDING_MS, Say, Scene};
use crate::table::{Case, Step, run, take};
use gateway_core::acquirer::FinalCapture::Yes;
use gateway_core::acquirer::{DeclineCode, OriginalKind};
use gateway_core::payment::CaptureMethod::{Automatic, Manual};
use gateway_core::payment::OpenKind;

const SENT: &str = "processing 0/0/0 open+10";
const FAILED: &str = "requires_payment_method 0/0/0 -";

#[test]
fn an_unknown_attempt_is_undone() {
    let cases: &[Case] = &[
        (
            "acknowledged: the attempt failed, another may follow",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Unknown), SENT),
                (Step::Reverse(10), SENT),
                (Step::Reverse(10), "! NotOutstanding"),
                (Step::Reverse(30), "! NotOutstanding"),
                (Step::Confirm, "! UnexpectedState { status: Processing, operation: Confirm }"),
                (Step::Hear(10, Say::Unknown), "! NotOutstanding"),
                (Step::Hear(10, Say::No(DeclineCode::DoNotHonor)), "! NotOutstanding"),
                (Step::Hear(30, Say::NotSent), SENT),
                (Step::HearAgain(30, Say::Unknown), SENT),
                (Step::HearAgain(30, Say::No(DeclineCode::GenericDecline)), SENT),
                (Step::HearAgain(30, Say::Yes(1000)), FAILED),
                (Step::HearAgain(30, Say::Yes(1000)), "! NotOutstanding"),
                (Step::Card, "requires_confirmation 0/0/0 -"),
                (Step::Confirm, SENT),
                (Step::Hear(150, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
            ],
        ),
        (
            "the acquirer never had it",
            Manual,
            &[(Step::Confirm, SENT), (Step::Reverse(10), SENT), (Step::Hear(20, Say::NotFound), FAILED)],
        ),
        (
            "not while the acquirer may still decide",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Wait), SENT),
                (Step::Reverse(10), "! UnexpectedState { status: Processing, operation: Cancel }"),
                (Step::Wait(PENDING_MS - 1), "processing 0/0/0 open+-49"),
                (Step::Reverse(10), "! UnexpectedState { status: Processing, operation: Cancel }"),
                (Step::Wait(1), "processing 0/0/0 open+-50"),
                (Step::Reverse(10), SENT),
                (Step::Hear(70, Say::Yes(1000)), FAILED),
            ],
        ),
        (
            "nor while the customer may still act",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Ask), "requires_action 0/0/0 open+10"),
                (Step::Reverse(10), "! UnexpectedState { status: RequiresAction, operation: Cancel }"),
                (Step::Wait(PENDING_MS), "requires_action 0/0/0 open+-50"),
                (Step::Reverse(10), SENT),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn a_reversal_names_what_it_undoes() {
    use Step::{Capture, Confirm, Hear, Increment, Refund, Reverse};
    let yes = Hear(10, Say::Yes(1000));
    let cases: [(_, &[Step], _, OriginalKind, i64); 4] = [
        (Manual, &[Confirm, Reverse(10)], 10, OriginalKind::Authorize, 1000),
        (Automatic, &[Confirm, Reverse(10)], 10, OriginalKind::Sale, 1000),
        (Manual, &[Confirm, yes, Increment(1300), Reverse(30)], 30, OriginalKind::Increment, 300),
        (Automatic, &[Confirm, yes, Refund(Some(400)), Reverse(30)], 30, OriginalKind::Refund, 400),
    ];
    for (method, steps, original, wanted, minor) in cases {
        let mut scene = Scene::new(method);
        for step in steps {
            take(&mut scene, *step);
        }
        let OpenKind::Reverse { kind, of, amount_minor, .. } = &scene.payment.open[0].kind else {
            panic!("{steps:?} ends in a reversal");
        };
        assert_eq!((of.reference, *kind, *amount_minor), (original, wanted, minor), "{steps:?}");
        assert_eq!(scene.payment.open[0].trace.reference, scene.reference(), "under numbers of its own");
    }
    let mut scene = Scene::new(Manual);
    for step in [Confirm, yes, Capture(None, Yes)] {
        take(&mut scene, step);
    }
    assert_eq!(take(&mut scene, Reverse(30)), "! NotOutstanding", "an advice is repeated, not reversed");
}
