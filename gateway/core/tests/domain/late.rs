//! Approvals that come after their message was given up: recorded and reversed, again if need be, and never taken.

use crate::scene::{Say, Scene};
use crate::table::{Case, Step, run, take};
use gateway_core::acquirer::FinalCapture::Yes;
use gateway_core::acquirer::{DeclineCode, OriginalKind};
use gateway_core::payment::CaptureMethod::{Automatic, Manual};
use gateway_core::payment::{AfterReversal, Event, MAX_LATE_APPROVALS, OpenKind, Stage};

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
fn a_declined_advice_that_was_approved_after_all_is_taken_where_the_hold_still_stands() {
    const fn no(reference: u64) -> Step {
        Step::Hear(reference, Say::No(DeclineCode::DoNotHonor))
    }
    const CASES: &[Case] = &[
        (
            "a capture",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(None, Yes), SENT),
                (no(30), HELD),
                (Step::Hear(30, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
                (Step::Hear(30, Say::Yes(1000)), "! NotOutstanding"),
            ],
        ),
        (
            "a part: the rest is given back",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(400), Yes), "processing 600/0/0 open+10"),
                (no(30), HELD),
                (Step::Hear(30, Say::Yes(400)), "succeeded 0/400/400 open+0"),
                (Step::Hear(55, Say::Yes(600)), "succeeded 0/400/400 -"),
            ],
        ),
        (
            "for another amount: undone",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(400), Yes), "processing 600/0/0 open+10"),
                (no(30), HELD),
                (Step::Hear(30, Say::Yes(300)), "requires_capture 1000/0/0 open+0"),
                (Step::Hear(55, Say::Yes(400)), HELD),
            ],
        ),
        (
            "a capture of a hold that was canceled meanwhile: undone",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(None, Yes), SENT),
                (no(30), HELD),
                (Step::Cancel, "processing 1000/0/0 open+10"),
                (Step::Hear(50, Say::Yes(1000)), "canceled 0/0/0 -"),
                (Step::Hear(30, Say::Yes(1000)), "canceled 0/0/0 open+0"),
                (Step::Hear(75, Say::Yes(1000)), "canceled 0/0/0 -"),
            ],
        ),
        (
            "a capture while another is under way: undone, the other is not disturbed",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(None, Yes), SENT),
                (no(30), HELD),
                (Step::Capture(None, Yes), SENT),
                (Step::Hear(30, Say::Yes(1000)), LATE),
                (Step::Hear(50, Say::Yes(1000)), "succeeded 0/1000/1000 open+0"),
                (Step::Hear(65, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
            ],
        ),
        (
            "a void",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Cancel, "processing 1000/0/0 open+10"),
                (no(30), HELD),
                (Step::Hear(30, Say::Yes(1000)), "canceled 0/0/0 -"),
            ],
        ),
        (
            "a void that was asked for once more: both are answered",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Cancel, "processing 1000/0/0 open+10"),
                (no(30), HELD),
                (Step::Cancel, "processing 1000/0/0 open+10"),
                (Step::Hear(30, Say::Yes(1000)), "canceled 0/0/0 -"),
                (Step::Hear(50, Say::Yes(1000)), "! NotOutstanding"),
                (Step::Hear(30, Say::Yes(1000)), "! NotOutstanding"),
            ],
        ),
        (
            "a void after a capture: undone",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Cancel, "processing 1000/0/0 open+10"),
                (no(30), HELD),
                (Step::Capture(None, Yes), SENT),
                (Step::Hear(50, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
                (Step::Hear(30, Say::Yes(1000)), "succeeded 0/1000/1000 open+0"),
            ],
        ),
    ];
    run(CASES);
}

#[test]
fn what_left_no_other_trace_is_known_by_its_numbers() {
    const fn no(reference: u64) -> Step {
        Step::Hear(reference, Say::No(DeclineCode::DoNotHonor))
    }
    const CASES: &[Case] = &[
        (
            "a raise that was declined",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Increment(1500), "processing 1000/0/0 open+10"),
                (no(30), HELD),
                (Step::Hear(30, Say::Yes(1500)), "requires_capture 1000/0/0 open+0"),
                (Step::Hear(55, Say::Yes(500)), HELD),
            ],
        ),
        (
            "a raise whose reversal was acknowledged",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Increment(1500), "processing 1000/0/0 open+10"),
                (Step::Reverse(30), "processing 1000/0/0 open+10"),
                (Step::Hear(40, Say::Yes(500)), HELD),
                (Step::Hear(30, Say::Yes(1500)), "requires_capture 1000/0/0 open+0"),
            ],
        ),
        (
            "an attempt of which nothing had left, it was said, when another acquirer took it",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Reroute(10, "bank-b"), SENT),
                (Step::Hear(20, Say::Yes(1000)), HELD),
                (Step::Hear(10, Say::Yes(1000)), "requires_capture 1000/0/0 open+0"),
                (Step::Hear(45, Say::Yes(1000)), HELD),
            ],
        ),
    ];
    run(CASES);
}

#[test]
fn a_reversal_goes_to_the_acquirer_that_approved_too_late() {
    let mut scene = Scene::new(Manual);
    for step in [Step::Confirm, Step::Reroute(10, "bank-b"), Step::Hear(20, Say::Yes(1000))] {
        take(&mut scene, step);
    }
    assert_eq!(scene.payment.asked_of(10), Some("bank-a"));
    take(&mut scene, Step::Hear(10, Say::Yes(1000)));
    let open = &scene.payment.open[0];
    assert_eq!((open.acquirer.as_str(), &open.stage), ("bank-a", &Stage::Unsent));
}

#[test]
fn a_payment_awaits_what_is_unknown_and_what_came_to_nothing_and_nothing_else() {
    let awaited = |method, steps: &[Step]| {
        let mut scene = Scene::new(method);
        for step in steps {
            assert!(!take(&mut scene, *step).starts_with('!'), "{step:?} of {steps:?}");
        }
        let awaited: Vec<u64> = scene.payment.awaited().collect();
        for reference in &awaited {
            assert_eq!(scene.payment.asked_of(*reference), Some("bank-a"), "{reference} of {steps:?}");
        }
        awaited
    };
    use Step::{Cancel, Capture, Confirm, Hear, HearAgain, Increment, Refund, Retry, Reverse};
    let yes = Hear(10, Say::Yes(1000));
    let no = |reference| Hear(reference, Say::No(DeclineCode::DoNotHonor));
    let table: &[(_, &[Step], &[u64])] = &[
        (Manual, &[], &[]),
        (Manual, &[Confirm], &[]),
        (Manual, &[Confirm, yes], &[]),
        (Manual, &[Confirm, yes, Capture(None, Yes), Hear(30, Say::Yes(1000))], &[]),
        (Automatic, &[Confirm, yes, Refund(None), Hear(30, Say::Yes(1000))], &[]),
        (Manual, &[Step::Block], &[]),
        (Manual, &[Confirm, Hear(10, Say::Unknown)], &[10]),
        (Manual, &[Confirm, Retry(10)], &[10]),
        (Manual, &[Confirm, Hear(10, Say::Ask)], &[10]),
        (Manual, &[Confirm, no(10)], &[10]),
        (Manual, &[Confirm, Hear(10, Say::NotSent)], &[10]),
        (Manual, &[Confirm, Reverse(10)], &[10]),
        (Manual, &[Confirm, Reverse(10), HearAgain(20, Say::Unknown)], &[20, 10]),
        (Manual, &[Confirm, Reverse(10), Hear(20, Say::Yes(1000))], &[10]),
        (Manual, &[Confirm, Hear(10, Say::Ask), Cancel, Hear(30, Say::Yes(1000))], &[10]),
        (Manual, &[Confirm, yes, Capture(None, Yes), no(30)], &[30]),
        (Manual, &[Confirm, yes, Cancel, no(30)], &[30]),
        (Manual, &[Confirm, yes, Increment(1500), no(30)], &[30]),
        (Automatic, &[Confirm, yes, Refund(None), no(30)], &[30]),
        (Manual, &[Confirm, yes, Capture(None, Yes), no(30), Hear(30, Say::Yes(1000))], &[]),
    ];
    for (method, steps, expected) in table {
        assert_eq!(awaited(*method, steps), *expected, "{steps:?}");
    }
}

#[test]
fn late_approvals_are_bounded() {
    let mut scene = Scene::new(Automatic);
    take(&mut scene, Step::Confirm);
    take(&mut scene, Step::Hear(10, Say::No(DeclineCode::DoNotHonor)));
    for count in 0..MAX_LATE_APPROVALS {
        assert_eq!(take(&mut scene, Step::Hear(10, Say::Yes(1000))), FAILED_LATE, "{count}");
        let undo = scene.payment.open[0].trace.reference;
        assert_eq!(take(&mut scene, Step::Hear(undo, Say::Yes(1000))), FAILED);
    }
    assert!(take(&mut scene, Step::Hear(10, Say::Yes(1000))).starts_with("! TooMany"));
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
    assert_eq!(after.late_approvals, 1);
    (after.version, after.late_approvals) = (before.version, 0);
    assert_eq!(after, before);
}
