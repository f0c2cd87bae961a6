//! What a merchant is told of each transition, in order.

use crate::scene::{Say, Scene};
use crate::table::{Step, take};
use gateway_core::acquirer::DeclineCode;
use gateway_core::acquirer::FinalCapture::{No, Yes};
use gateway_core::event::Shown;
use gateway_core::payment::CaptureMethod::{self, Automatic, Manual};
use gateway_core::payment::{AUTHORIZATION_LIFE_MS, Command};

const DECLINED: Say = Say::No(DeclineCode::GenericDecline);
const HOLD: Step = Step::Hear(10, Say::Yes(1000));
const FAILED: &str = "charge.failed payment_intent.payment_failed";
const CAPTURABLE: &str = "payment_intent.amount_capturable_updated";
const CANCELED: &str = "payment_intent.canceled";
const PROCESSING: &str = "payment_intent.processing";
const ACTION: &str = "payment_intent.requires_action";
const REFUND_FAILED: &str = "refund.failed charge.refund.updated";
const SALE: &str = "charge.succeeded payment_intent.succeeded";
const HELD: &str = "charge.succeeded payment_intent.amount_capturable_updated";

type Told = (&'static str, CaptureMethod, &'static [(Step, &'static str)]);

#[rustfmt::skip]
const ATTEMPTS: &[Told] = &[
    ("a sale", Automatic, &[(Step::Confirm, ""), (HOLD, SALE)]),
    ("a hold", Manual, &[(Step::Confirm, ""), (HOLD, HELD)]),
    ("a decline", Manual, &[(Step::Confirm, ""), (Step::Hear(10, DECLINED), FAILED)]),
    ("nothing sent", Manual, &[(Step::Confirm, ""), (Step::Hear(10, Say::NotSent), FAILED)]),
    ("a block", Manual, &[(Step::Block, FAILED)]),
    ("another acquirer", Manual, &[(Step::Confirm, ""), (Step::Reroute(10, "b"), ""), (Step::Hear(20, Say::Yes(1000)), HELD)]),
    ("unknown is told once, however often it is asked", Manual, &[
        (Step::Confirm, ""), (Step::Hear(10, Say::Unknown), PROCESSING), (Step::HearAgain(10, Say::Unknown), ""),
        (Step::Retry(10), ""), (Step::HearAgain(10, Say::Unknown), ""), (Step::HearAgain(10, Say::Wait), ""),
        (Step::HearAgain(10, Say::Unknown), ""), (Step::HearAgain(10, Say::Yes(1000)), HELD)]),
    ("a challenge", Automatic, &[
        (Step::Confirm, ""), (Step::Hear(10, Say::Ask), ACTION), (Step::Retry(10), ""), (Step::HearAgain(10, Say::Ask), ""),
        (Step::HearAgain(10, Say::Yes(1000)), SALE)]),
    ("a challenge that comes after an inquiry", Automatic, &[
        (Step::Confirm, ""), (Step::Hear(10, Say::Unknown), PROCESSING), (Step::Retry(10), ""),
        (Step::HearAgain(10, Say::Ask), ACTION)]),
    ("a challenge that is canceled", Automatic, &[
        (Step::Confirm, ""), (Step::Hear(10, Say::Ask), ACTION), (Step::Cancel, ""),
        (Step::Hear(30, Say::Yes(1000)), CANCELED)]),
    ("a reversal", Automatic, &[(Step::Confirm, ""), (Step::Reverse(10), ""), (Step::Hear(20, Say::Yes(1000)), FAILED)]),
    ("approved for something else", Automatic, &[
        (Step::Confirm, ""), (Step::Hear(10, Say::Yes(2)), ""), (Step::Hear(25, Say::Yes(2)), FAILED)]),
    ("a late approval tells nothing twice", Automatic, &[
        (Step::Confirm, ""), (Step::Reverse(10), ""), (HOLD, ""), (Step::Hear(20, Say::Yes(1000)), FAILED),
        (Step::Hear(35, Say::Unknown), ""), (Step::HearAgain(35, Say::Yes(1000)), "")]),
    ("nor of a canceled payment", Automatic, &[
        (Step::Confirm, ""), (Step::Reverse(10), ""), (Step::Hear(20, Say::Yes(1000)), FAILED), (Step::Cancel, CANCELED),
        (HOLD, ""), (Step::Hear(55, Say::Yes(1000)), "")]),
    ("changes", Automatic, &[(Step::Describe("a hat"), ""), (Step::Card, ""), (Step::Cancel, CANCELED)]),
];

#[rustfmt::skip]
const HOLDS: &[Told] = &[
    ("all of it", Manual, &[
        (Step::Confirm, ""), (HOLD, HELD), (Step::Capture(None, Yes), ""),
        (Step::Hear(30, Say::Yes(1000)), "charge.captured payment_intent.succeeded")]),
    ("in parts", Manual, &[
        (Step::Confirm, ""), (HOLD, HELD), (Step::Capture(Some(400), No), ""),
        (Step::Hear(30, Say::Yes(400)), "charge.captured payment_intent.amount_capturable_updated"),
        (Step::Capture(Some(100), Yes), ""),
        (Step::Hear(50, Say::Yes(100)), "charge.captured payment_intent.succeeded"), (Step::Hear(65, Say::Unknown), ""),
        (Step::Hear(65, Say::Yes(500)), "")]),
    ("unknown, then refused", Manual, &[
        (Step::Confirm, ""), (HOLD, HELD), (Step::Capture(None, Yes), ""), (Step::Hear(30, Say::NotSent), PROCESSING),
        (Step::Retry(30), ""), (Step::Hear(30, Say::NotSent), ""), (Step::HearAgain(30, DECLINED), "")]),
    ("voided", Manual, &[
        (Step::Confirm, ""), (HOLD, HELD), (Step::Cancel, ""), (Step::Hear(30, DECLINED), ""), (Step::Cancel, ""),
        (Step::Hear(50, Say::Yes(1000)), CANCELED)]),
    ("run out", Manual, &[
        (Step::Confirm, ""), (HOLD, HELD), (Step::Wait(AUTHORIZATION_LIFE_MS), ""), (Step::Expire, ""),
        (Step::Hear(40, Say::Yes(1000)), "charge.expired payment_intent.canceled")]),
    ("run out after a part", Manual, &[
        (Step::Confirm, ""), (HOLD, HELD), (Step::Capture(Some(400), No), ""),
        (Step::Hear(30, Say::Yes(400)), "charge.captured payment_intent.amount_capturable_updated"),
        (Step::Wait(AUTHORIZATION_LIFE_MS), ""), (Step::Expire, "charge.expired payment_intent.succeeded"),
        (Step::Hear(60, Say::Yes(600)), "")]),
    ("raised, refused, reversed", Manual, &[
        (Step::Confirm, ""), (HOLD, HELD), (Step::Increment(1500), ""), (Step::Hear(30, Say::Yes(1500)), CAPTURABLE),
        (Step::Increment(1600), ""), (Step::Hear(50, DECLINED), CAPTURABLE), (Step::Increment(1700), ""),
        (Step::Hear(70, Say::Unknown), PROCESSING), (Step::Reverse(70), ""), (Step::Hear(90, Say::Yes(200)), CAPTURABLE)]),
];

#[rustfmt::skip]
const REFUNDS: &[Told] = &[
    ("paid back", Automatic, &[
        (Step::Confirm, ""), (HOLD, SALE), (Step::Refund(Some(1)), "refund.created"),
        (Step::Hear(30, Say::Yes(1)), "refund.updated charge.refund.updated charge.refunded")]),
    ("refused", Automatic, &[
        (Step::Confirm, ""), (HOLD, SALE), (Step::Refund(None), "refund.created"), (Step::Hear(30, DECLINED), REFUND_FAILED)]),
    ("the payment does not wait for its refund", Automatic, &[
        (Step::Confirm, ""), (HOLD, SALE), (Step::Refund(None), "refund.created"), (Step::Hear(30, Say::Unknown), ""),
        (Step::Hear(30, Say::Ask), ""), (Step::HearAgain(30, Say::NotFound), REFUND_FAILED)]),
    ("reversed", Automatic, &[
        (Step::Confirm, ""), (HOLD, SALE), (Step::Refund(None), "refund.created"), (Step::Reverse(30), ""),
        (Step::Hear(40, Say::Unknown), ""), (Step::Hear(40, Say::Yes(1000)), REFUND_FAILED)]),
];

fn told(scene: &Scene) -> String {
    scene.told.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>().join(" ")
}

fn check(table: &[Told]) {
    for (name, method, steps) in table {
        let mut scene = Scene::new(*method);
        assert_eq!(told(&scene), "payment_intent.created", "{name}");
        for (step, wanted) in *steps {
            let line = take(&mut scene, *step);
            assert!(!line.starts_with('!'), "{name}, {step:?}: {line}");
            let seen = if matches!(step, Step::Wait(_)) { String::new() } else { told(&scene) };
            assert_eq!(seen, *wanted, "{name}, {step:?}");
        }
    }
}

#[test]
fn attempts_are_told() {
    check(ATTEMPTS);
}

#[test]
fn holds_are_told() {
    check(HOLDS);
}

#[test]
fn refunds_are_told() {
    check(REFUNDS);
}

#[test]
fn an_event_shows_the_object_that_it_names() {
    let mut scene = Scene::new(Automatic);
    for step in
        [Step::Confirm, HOLD, Step::Refund(Some(100)), Step::Refund(Some(200)), Step::Hear(40, Say::Yes(200))]
    {
        take(&mut scene, step);
        for (kind, shown) in &scene.told {
            let wanted = match kind.as_str().split_once('.') {
                Some(("refund", _) | ("charge", "refund.updated")) => {
                    Shown::Refund { index: u32::from(scene.step > 3) }
                }
                Some(("charge", _)) => Shown::Charge { attempt: 1 },
                _intent => Shown::Payment,
            };
            assert_eq!(*shown, wanted, "{}", kind.as_str());
        }
    }
    let refund = scene.payment.refunds[0].id;
    scene.run(Command::UpdateRefund { refund, metadata: Vec::new() }).expect("it is there");
    assert_eq!(told(&scene), "refund.updated charge.refund.updated");
    assert!(scene.told.iter().all(|(_, shown)| *shown == Shown::Refund { index: 0 }));
}
