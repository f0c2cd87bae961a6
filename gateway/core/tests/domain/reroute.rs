//! Another acquirer, only while it is certain that nothing reached the first.

use crate::scene::{Say, Scene};
use crate::table::{Case, Step, run, take};
use gateway_core::acquirer::DeclineCode;
use gateway_core::payment::CaptureMethod::{Automatic, Manual};
use gateway_core::payment::{Event, Rerouting};
use gateway_core::refusal::Refusal;

const SENT: &str = "processing 0/0/0 open+10";
const B: &str = "bank-b";

#[test]
fn only_a_fresh_first_message_goes_elsewhere() {
    const REFUSED: &str = "! NotOutstanding";
    let cases: &[Case] = &[
        (
            "twice, and approved by the third",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Reroute(10, B), SENT),
                (Step::Hear(10, Say::NotSent), REFUSED),
                (Step::Reroute(10, B), REFUSED),
                (Step::Reroute(20, "bank-c"), SENT),
                (Step::Hear(50, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
                (Step::Reroute(50, B), REFUSED),
            ],
        ),
        (
            "nothing was sent anywhere",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Reroute(10, B), SENT),
                (Step::Hear(20, Say::NotSent), "requires_payment_method 0/0/0 -"),
            ],
        ),
        (
            "not once its outcome is unknown",
            Manual,
            &[(Step::Confirm, SENT), (Step::Hear(10, Say::Unknown), SENT), (Step::Reroute(10, B), REFUSED)],
        ),
        (
            "not once it was retried: a crash may lie between",
            Manual,
            &[(Step::Confirm, SENT), (Step::Retry(10), SENT), (Step::Reroute(10, B), REFUSED)],
        ),
        (
            "not once the acquirer has it",
            Manual,
            &[(Step::Confirm, SENT), (Step::Hear(10, Say::Wait), SENT), (Step::Reroute(10, B), REFUSED)],
        ),
        (
            "not once it failed or is reversed",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Reverse(10), SENT),
                (Step::Reroute(10, B), REFUSED),
                (Step::Reroute(20, B), REFUSED),
                (Step::Hear(20, Say::NotFound), "requires_payment_method 0/0/0 -"),
                (Step::Reroute(20, B), REFUSED),
            ],
        ),
        (
            "not a later message",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), "requires_capture 1000/0/0 hold+168h"),
                (Step::Cancel, "processing 1000/0/0 open+10"),
                (Step::Reroute(30, B), REFUSED),
                (Step::Hear(30, Say::No(DeclineCode::GenericDecline)), "requires_capture 1000/0/0 hold+168h"),
                (Step::Increment(1500), "processing 1000/0/0 open+10"),
                (Step::Reroute(60, B), REFUSED),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn attempt_and_message_name_the_same_acquirer() {
    let mut scene = Scene::new(Manual);
    take(&mut scene, Step::Confirm);
    take(&mut scene, Step::Reroute(10, B));
    let attempt = scene.payment.attempt().unwrap();
    let open = scene.payment.open_by_reference(20).unwrap();
    assert_eq!((attempt.acquirer.as_str(), open.acquirer.as_str()), (B, B));
    assert_eq!((attempt.trace, attempt.number, open.attempt), (open.trace, 1, 1));
    take(&mut scene, Step::Hear(20, Say::Yes(1000)));
    take(&mut scene, Step::Cancel);
    assert_eq!(scene.payment.open[0].acquirer, B, "the hold is released where it is");
}

#[test]
fn after_a_decline_only_a_soft_one_is_a_reason() {
    let cases = [
        (DeclineCode::TryAgainLater, true),
        (DeclineCode::ProcessingError, true),
        (DeclineCode::InsufficientFunds, false),
        (DeclineCode::Fraudulent, false),
        (DeclineCode::LostCard, false),
        (DeclineCode::GenericDecline, false),
    ];
    for (code, allowed) in cases {
        let mut scene = Scene::new(Manual);
        take(&mut scene, Step::Confirm);
        let why = Rerouting::SoftDecline(code);
        let judged = scene.run(scene.reroute_after(10, why, B));
        assert_eq!(judged, if allowed { Ok(()) } else { Err(Refusal::NotOutstanding) }, "{code:?}");
        let told =
            scene.events.iter().any(|event| matches!(event, Event::Rerouted { why: w, .. } if *w == why));
        assert_eq!(told, allowed, "the history says why");
    }
}
