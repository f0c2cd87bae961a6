//! Every answer to every kind of message: what it does, and that a second one does nothing.

use crate::scene::{Say, Scene};
use crate::table::{Step, take};
use gateway_core::acquirer::FinalCapture::{No, Yes};
use gateway_core::acquirer::{DeclineCode, Transmission};
use gateway_core::payment::AUTHORIZATION_LIFE_MS;
use gateway_core::payment::CaptureMethod::{self, Automatic, Manual};
use gateway_core::payment::Event;

const NO: Say = Say::No(DeclineCode::GenericDecline);
const HOLD: Step = Step::Hear(10, Say::Yes(1000));

/// A message of each kind: how it comes about, its number, the amount that it is for, and what each answer does to it:
/// yes, no, wait, not sent (first), not sent (repeated), unknown, not found.
type Row = (&'static str, CaptureMethod, &'static [Step], u64, i64, [&'static str; 7]);

const UNKNOWN: &str = "Staged Unknown";
const WAITS: &str = "Staged Accepted";
const LATER: &str = "Postponed";
const UNSENT: &str = "Staged Unsent";
const FAILED: &str = "AuthorizationFailed";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("authorize", Manual, &[Step::Confirm], 10, 1000,
        ["Authorized", FAILED, WAITS, FAILED, LATER, UNKNOWN, FAILED]),
    ("sale", Automatic, &[Step::Confirm], 10, 1000,
        ["Sold", FAILED, WAITS, FAILED, LATER, UNKNOWN, FAILED]),
    ("increment", Manual, &[Step::Confirm, HOLD, Step::Increment(1500)], 30, 1500,
        ["Incremented", "IncrementDeclined", WAITS, "IncrementDeclined", LATER, UNKNOWN, "IncrementDeclined"]),
    ("capture of all", Manual, &[Step::Confirm, HOLD, Step::Capture(None, Yes)], 30, 1000,
        ["Captured", "CaptureDeclined", WAITS, UNSENT, LATER, UNKNOWN, UNSENT]),
    ("last capture", Manual, &[Step::Confirm, HOLD, Step::Capture(Some(400), Yes)], 30, 400,
        ["Captured, ReleaseIntended", "CaptureDeclined", WAITS, UNSENT, LATER, UNKNOWN, UNSENT]),
    ("first capture", Manual, &[Step::Confirm, HOLD, Step::Capture(Some(400), No)], 30, 400,
        ["Captured", "CaptureDeclined", WAITS, UNSENT, LATER, UNKNOWN, UNSENT]),
    ("void", Manual, &[Step::Confirm, HOLD, Step::Cancel], 30, 1000,
        ["Voided", "VoidDeclined", WAITS, UNSENT, LATER, UNKNOWN, UNSENT]),
    ("void of a hold that ran out", Manual, &[Step::Confirm, HOLD, Step::Wait(AUTHORIZATION_LIFE_MS), Step::Expire], 40, 1000,
        ["Voided", UNKNOWN, WAITS, UNSENT, LATER, UNKNOWN, UNSENT]),
    ("refund", Automatic, &[Step::Confirm, HOLD, Step::Refund(Some(400))], 30, 400,
        ["Refunded", "RefundFailed", WAITS, UNSENT, LATER, UNKNOWN, "RefundFailed"]),
    ("release", Manual, &[Step::Confirm, HOLD, Step::Capture(Some(400), Yes), Step::Hear(30, Say::Yes(400))], 45, 600,
        ["Released", UNKNOWN, WAITS, LATER, LATER, UNKNOWN, "Released"]),
    ("reversal of an authorization", Manual, &[Step::Confirm, Step::Reverse(10)], 20, 1000,
        ["Reversed Fail", UNKNOWN, WAITS, LATER, LATER, UNKNOWN, "Reversed Fail"]),
    ("reversal of a challenge", Automatic, &[Step::Confirm, Step::Hear(10, Say::Ask), Step::Cancel], 30, 1000,
        ["Reversed Cancel", UNKNOWN, WAITS, LATER, LATER, UNKNOWN, "Reversed Cancel"]),
    ("reversal of an increment", Manual, &[Step::Confirm, HOLD, Step::Increment(1500), Step::Reverse(30)], 40, 500,
        ["Reversed KeepTotal", UNKNOWN, WAITS, LATER, LATER, UNKNOWN, "Reversed KeepTotal"]),
    ("reversal of a refund", Automatic, &[Step::Confirm, HOLD, Step::Refund(None), Step::Reverse(30)], 40, 1000,
        ["Reversed FailRefund", UNKNOWN, WAITS, LATER, LATER, UNKNOWN, "Reversed FailRefund"]),
    ("reversal of a late approval", Manual, &[Step::Confirm, Step::Hear(10, NO), HOLD], 35, 1000,
        ["Reversed Nothing", UNKNOWN, WAITS, LATER, LATER, UNKNOWN, "Reversed Nothing"]),
];

fn first_word(debug: &str) -> String {
    debug.chars().take_while(|c| c.is_ascii_alphanumeric()).collect()
}

fn named(events: &[Event]) -> String {
    let name = |event: &Event| match event {
        Event::Staged { stage, .. } => format!("Staged {}", first_word(&format!("{stage:?}"))),
        Event::Reversed { then, .. } => format!("Reversed {}", first_word(&format!("{then:?}"))),
        other => first_word(&format!("{other:?}")),
    };
    events.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn scene(row: &Row) -> Scene {
    let (_, method, steps, reference, ..) = row;
    let mut scene = Scene::new(*method);
    for step in *steps {
        let line = take(&mut scene, *step);
        assert!(!line.starts_with('!'), "{}: {step:?} is refused: {line}", row.0);
    }
    assert!(scene.payment.open_by_reference(*reference).is_some(), "{}: outstanding", row.0);
    scene.step += 1;
    scene
}

fn answers(amount_minor: i64) -> [(Say, &'static [Transmission]); 7] {
    use Transmission::{First, Repeat};
    let both: &[Transmission] = &[First, Repeat];
    [
        (Say::Yes(amount_minor), both),
        (NO, both),
        (Say::Wait, both),
        (Say::NotSent, &[First]),
        (Say::NotSent, &[Repeat]),
        (Say::Unknown, both),
        (Say::NotFound, both),
    ]
}

#[test]
fn each_answer_does_what_its_message_allows() {
    let mut pairs = 0;
    for row in ROWS {
        let (name, _, _, reference, amount_minor, wanted) = row;
        for ((say, transmissions), wanted) in answers(*amount_minor).into_iter().zip(wanted) {
            for transmission in transmissions {
                let mut scene = scene(row);
                let command = scene.conclude(*reference, say, *transmission);
                scene.run(command).unwrap_or_else(|refusal| panic!("{name}, {say:?}: {refusal:?}"));
                assert_eq!(named(&scene.events), *wanted, "{name}, {say:?}, {transmission:?}");
                let settles = !wanted.starts_with("Staged") && *wanted != LATER;
                let outstanding = scene.payment.open_by_reference(*reference).is_some();
                assert_eq!(outstanding, !settles, "{name}, {say:?}: settled or still outstanding");
                pairs += 1;
            }
        }
    }
    assert_eq!(pairs, ROWS.len() * 12, "every answer by every transmission");
}

#[test]
fn a_second_answer_does_nothing() {
    for row in ROWS {
        let (name, _, _, reference, amount_minor, wanted) = row;
        for ((first, transmissions), wanted) in answers(*amount_minor).into_iter().zip(wanted) {
            if wanted.starts_with("Staged") || *wanted == LATER {
                continue;
            }
            let mut scene = scene(row);
            let command = scene.conclude(*reference, first, transmissions[0]);
            scene.run(command).expect("outstanding");
            scene.step += 1;
            let settled = scene.payment.clone();
            for (second, transmissions) in answers(*amount_minor) {
                // An approval after a failure is late: it is taken or reversed, which the table of late approvals shows.
                let failed = wanted.ends_with("Declined") || matches!(*wanted, FAILED | "RefundFailed");
                let late = matches!(second, Say::Yes(_) | Say::YesIn(..)) && failed;
                for transmission in transmissions.iter().filter(|_| !late) {
                    let command = scene.conclude(*reference, second, *transmission);
                    let seen = scene.run(command);
                    assert_eq!(
                        seen,
                        Err(gateway_core::Refusal::NotOutstanding),
                        "{name}, {first:?} then {second:?}"
                    );
                }
            }
            assert_eq!(scene.payment, settled, "{name}");
        }
    }
}

#[test]
fn an_unknown_outcome_is_looked_at_again_when_it_is_due() {
    for row in ROWS {
        let (name, _, _, reference, ..) = row;
        let mut scene = scene(row);
        let stay = |scene: &mut Scene, say, transmission| {
            let status = scene.payment.status();
            let (captured, refunded) =
                (scene.payment.captured_minor(), scene.payment.refunded_or_reserved_minor());
            let command = scene.conclude(*reference, say, transmission);
            scene.run(command).expect("outstanding");
            let p = &scene.payment;
            assert_eq!((captured, refunded), (p.captured_minor(), p.refunded_or_reserved_minor()), "{name}");
            assert_eq!(p.status(), status, "{name}: nothing is rounded");
            assert_eq!(
                p.open_by_reference(*reference).map(|o| o.due.0 - scene.now.0),
                Some(10_000),
                "{name}"
            );
        };
        stay(&mut scene, Say::Unknown, Transmission::First);
        for _ in 0..20 {
            scene.now = scene.now.plus_ms(10_000);
            let command = scene.retry(*reference);
            scene.run(command).expect("outstanding");
            stay(&mut scene, Say::Unknown, Transmission::Repeat);
            stay(&mut scene, Say::NotSent, Transmission::Repeat);
        }
        assert_eq!(scene.payment.open_by_reference(*reference).map(|o| o.tries), Some(20), "{name}");
    }
}
