//! Approvals for something else than was asked: recorded, and taken only where the merchant said so.

use crate::scene::{Say, Scene};
use crate::table::{Case, Step, run, take};
use gateway_core::Currency;
use gateway_core::acquirer::FinalCapture::Yes;
use gateway_core::payment::CaptureMethod::{Automatic, Manual};
use gateway_core::payment::Event;

const SENT: &str = "processing 0/0/0 open+10";
const UNDOING: &str = "processing 0/0/0 open+0";
const FAILED: &str = "requires_payment_method 0/0/0 -";
const HELD: &str = "requires_capture 1000/0/0 hold+168h";

#[test]
fn an_attempt_approved_for_something_else_is_undone_unless_less_is_taken() {
    let wanted: [(&str, Say, &str, &str); 8] = [
        ("as asked", Say::Yes(1000), HELD, HELD),
        ("less", Say::Yes(999), UNDOING, "requires_capture 999/0/0 hold+168h"),
        ("the least", Say::Yes(1), UNDOING, "requires_capture 1/0/0 hold+168h"),
        ("nothing", Say::Yes(0), UNDOING, UNDOING),
        ("less than nothing", Say::Yes(-1), UNDOING, UNDOING),
        ("more", Say::Yes(1001), UNDOING, UNDOING),
        ("as much of another currency", Say::YesIn(1000, Currency::EUR), UNDOING, UNDOING),
        ("less of another currency", Say::YesIn(500, Currency::EUR), UNDOING, UNDOING),
    ];
    for (name, say, strict, lenient) in wanted {
        for (takes_partial, line) in [(false, strict), (true, lenient)] {
            for method in [Manual, Automatic] {
                let mut scene = Scene::new(method);
                scene.accept_partial = takes_partial;
                take(&mut scene, Step::Confirm);
                let seen = take(&mut scene, Step::Hear(10, say));
                let line = if method == Automatic { sold(line) } else { line.to_owned() };
                assert_eq!(seen, line, "{name}, taken in part: {takes_partial}, {method:?}");
                let recorded = scene.events.iter().any(|e| matches!(e, Event::LateApproval { .. }));
                assert_eq!(recorded, line == UNDOING, "{name}: what was approved is on record");
            }
        }
    }
}

/// The same money, taken at once instead of held.
fn sold(held: &str) -> String {
    match held.strip_prefix("requires_capture ").and_then(|rest| rest.split('/').next()) {
        Some(minor) => format!("succeeded 0/{minor}/{minor} -"),
        None => held.to_owned(),
    }
}

#[test]
fn what_was_undone_ends_as_never_done() {
    let cases: &[Case] = &[
        (
            "an authorization",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(2000)), UNDOING),
                (Step::Confirm, "! UnexpectedState { status: Processing, operation: Confirm }"),
                (Step::Hear(25, Say::Unknown), SENT),
                (Step::HearAgain(25, Say::Yes(2000)), FAILED),
            ],
        ),
        (
            "a refund for less, for more, in another currency",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
                (Step::Refund(Some(400)), "succeeded 0/1000/600 open+10"),
                (Step::Hear(30, Say::Yes(399)), "succeeded 0/1000/600 open+0"),
                (Step::Hear(45, Say::Yes(399)), "succeeded 0/1000/1000 -"),
                (Step::Refund(Some(400)), "succeeded 0/1000/600 open+10"),
                (Step::Hear(60, Say::YesIn(400, Currency::JPY)), "succeeded 0/1000/600 open+0"),
                (Step::Hear(75, Say::NotFound), "succeeded 0/1000/1000 -"),
            ],
        ),
        (
            "an increment: the old total stays",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Increment(1500), "processing 1000/0/0 open+10"),
                (Step::Hear(30, Say::Yes(1400)), "processing 1000/0/0 open+0"),
                (Step::Hear(45, Say::Yes(500)), HELD),
                (Step::Increment(1500), "processing 1000/0/0 open+10"),
                (Step::Hear(60, Say::YesIn(1500, Currency::EUR)), "processing 1000/0/0 open+0"),
                (Step::Hear(75, Say::NotFound), HELD),
            ],
        ),
        (
            "a capture can't be undone: it is asked again until the amounts agree",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), HELD),
                (Step::Capture(Some(400), Yes), "processing 600/0/0 open+10"),
                (Step::Hear(30, Say::Yes(401)), "processing 600/0/0 open+10"),
                (Step::HearAgain(30, Say::YesIn(400, Currency::EUR)), "processing 600/0/0 open+10"),
                (Step::HearAgain(30, Say::Yes(400)), "succeeded 0/400/400 open+0"),
            ],
        ),
        (
            "what was taken in part is all there is",
            Manual,
            &[
                (Step::TakesPartial, "requires_confirmation 0/0/0 -"),
                (Step::Confirm, SENT),
                (Step::Hear(20, Say::Yes(600)), "requires_capture 600/0/0 hold+168h"),
                (Step::Capture(Some(601), Yes), "! CaptureTooLarge { capturable_minor: 600 }"),
                (Step::Capture(None, Yes), SENT),
                (Step::Hear(50, Say::Yes(600)), "succeeded 0/600/600 -"),
                (Step::Refund(Some(601)), "! RefundTooLarge { refundable_minor: 600 }"),
            ],
        ),
    ];
    run(cases);
}
