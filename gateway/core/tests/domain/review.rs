//! Reviews: held until a person speaks, closed by whatever happens to the money.

use crate::scene::{Say, Scene, risk};
use gateway_core::acquirer::{FinalCapture, Transmission};
use gateway_core::event::EventKind;
use gateway_core::payment::CaptureMethod::{Automatic, Manual};
use gateway_core::payment::{
    AUTHORIZATION_LIFE_MS, CancellationReason, CaptureMethod, Command, Confirm, RiskVerdict, open_review,
};
use gateway_core::risk::{FraudLabel, ReviewClosing};
use gateway_core::{Refusal, Status};

/// A payment whose verdict asks for a review, sent.
fn reviewed(method: CaptureMethod) -> Scene {
    let mut scene = Scene::new(method);
    scene.step = 1;
    let confirm = Confirm {
        at: scene.now,
        risk: risk(RiskVerdict::Review),
        acquirer: "bank-a".into(),
        routed: None,
        seed: scene.seed(),
        capture_before: scene.now.plus_ms(AUTHORIZATION_LIFE_MS),
        decision: None,
    };
    scene.run(Command::Authorize(Box::new(confirm))).expect("it may be confirmed");
    scene
}

fn authorized(method: CaptureMethod) -> Scene {
    let mut scene = reviewed(method);
    let said = scene.conclude(10, Say::Yes(1000), Transmission::First);
    scene.run(said).expect("it waits for an answer");
    scene.step = 2;
    scene
}

fn closing(scene: &Scene) -> Option<ReviewClosing> {
    scene.payment.attempt()?.review.as_ref()?.closed.map(|(_, reason)| reason)
}

fn approve(scene: &Scene) -> Command {
    Command::Approve { at: scene.now, abilities: scene.abilities, seed: scene.seed() }
}

#[test]
fn an_automatic_capture_is_held_until_it_is_approved() {
    let mut scene = authorized(Automatic);
    let attempt = scene.payment.attempt().unwrap();
    assert!(!attempt.sale, "authorized only");
    assert_eq!(scene.payment.status(), Status::RequiresCapture);
    assert!(open_review(&scene.payment).is_some());
    assert!(scene.told.iter().any(|(kind, _)| *kind == EventKind::ReviewOpened));
    scene.run(approve(&scene)).unwrap();
    assert_eq!(
        (closing(&scene), scene.payment.status()),
        (Some(ReviewClosing::Approved), Status::Processing)
    );
    assert!(scene.told.iter().any(|(kind, _)| *kind == EventKind::ReviewClosed));
    scene.run(scene.conclude(20, Say::Yes(1000), Transmission::First)).unwrap();
    assert_eq!((scene.payment.status(), scene.payment.captured_minor()), (Status::Succeeded, 1000));
    scene.step = 3;
    assert_eq!(scene.run(approve(&scene)), Err(Refusal::ReviewClosed));
}

#[test]
fn a_manual_capture_stays_the_merchants() {
    let mut scene = authorized(Manual);
    scene.run(approve(&scene)).unwrap();
    assert_eq!(closing(&scene), Some(ReviewClosing::Approved));
    assert_eq!((scene.payment.status(), scene.payment.open.len()), (Status::RequiresCapture, 0));
    scene.run(scene.capture(None, FinalCapture::Yes)).unwrap();
}

#[test]
fn capturing_it_is_approving_it() {
    let mut scene = authorized(Automatic);
    scene.run(scene.capture(Some(400), FinalCapture::No)).unwrap();
    assert_eq!(closing(&scene), Some(ReviewClosing::Approved));
}

#[test]
fn canceling_closes_it_once_the_hold_is_gone() {
    let reasons = [
        (CancellationReason::Fraudulent, ReviewClosing::RefundedAsFraud),
        (CancellationReason::Unspecified, ReviewClosing::Canceled),
        (CancellationReason::Duplicate, ReviewClosing::Canceled),
    ];
    for (reason, expected) in reasons {
        let mut scene = authorized(Automatic);
        scene.run(scene.cancel(reason)).unwrap();
        assert_eq!(closing(&scene), None, "the hold may still stand");
        scene.run(scene.conclude(20, Say::Yes(1000), Transmission::First)).unwrap();
        assert_eq!(closing(&scene), Some(expected));
    }
    let mut scene = authorized(Automatic);
    scene.now = scene.now.plus_ms(AUTHORIZATION_LIFE_MS);
    scene.run(scene.expire()).unwrap();
    scene.run(scene.conclude(20, Say::Yes(1000), Transmission::First)).unwrap();
    assert_eq!(closing(&scene), Some(ReviewClosing::PaymentNeverSettled));
}

#[test]
fn what_the_issuer_declines_needs_no_review() {
    let mut scene = reviewed(Automatic);
    let declined = Say::No(gateway_core::acquirer::DeclineCode::GenericDecline);
    scene.run(scene.conclude(10, declined, Transmission::First)).unwrap();
    assert!(scene.payment.attempt().unwrap().review.is_none());
    assert!(scene.told.iter().all(|(kind, _)| *kind != EventKind::ReviewOpened));
}

#[test]
fn a_label_is_taken_once_and_can_be_withdrawn() {
    let mut scene = authorized(Manual);
    let label = |label| Command::Label { attempt: 1, label, at: scene.now };
    let (fraud, genuine) = (label(FraudLabel::Fraud), label(FraudLabel::Genuine));
    let decide = gateway_core::payment::decide;
    assert_eq!(decide(&scene.payment, genuine.clone()), Ok(Vec::new()), "it was never reported");
    scene.run(fraud.clone()).unwrap();
    assert_eq!(decide(&scene.payment, fraud), Ok(Vec::new()), "known");
    scene.run(genuine).unwrap();
    let attempt = scene.payment.attempt().unwrap();
    assert_eq!(scene.payment.label_of(attempt), Some(FraudLabel::Genuine));
    let of_nothing = Command::Label { attempt: 7, label: FraudLabel::Fraud, at: scene.now };
    assert_eq!(scene.run(of_nothing), Err(Refusal::NotOutstanding));
}
