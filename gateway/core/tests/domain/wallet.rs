//! Wallets: paid at once, on their owner's word; whoever never comes runs out of time, and what is paid all the same is undone.

use crate::scene::{Say, Scene, creation, instrument, risk, usd};
use gateway_core::acquirer::{DeclineCode, Transmission};
use gateway_core::payment::CaptureMethod::{Automatic, Manual};
use gateway_core::payment::{
    AUTHORIZATION_LIFE_MS, AttemptState, CaptureMethod, Command, Confirm, Create, Event, FailureKind,
    Instrument, OpenKind, RiskVerdict, may_confirm, open_review,
};
use gateway_core::refusal::Operation;
use gateway_core::risk::ReviewClosing;
use gateway_core::{Means, Refusal, Status, Wallet};

fn scene(method: CaptureMethod) -> Scene {
    let wallet = Instrument { means: Means::Wallet(Wallet::Alipay), ..instrument() };
    Scene::from(Create { instrument: Some(wallet), ..creation(usd(1000), method) })
}

/// Confirmed with this verdict, and waiting for its customer.
fn waiting(verdict: RiskVerdict) -> Scene {
    let mut scene = scene(Automatic);
    scene.step = 1;
    let confirm = Confirm {
        at: scene.now,
        risk: risk(verdict),
        acquirer: "wallet".into(),
        routed: None,
        seed: scene.seed(),
        capture_before: scene.now.plus_ms(AUTHORIZATION_LIFE_MS),
        decision: None,
    };
    scene.run(Command::Authorize(Box::new(confirm))).expect("it may be confirmed");
    hear(&mut scene, 10, Say::Ask);
    assert_eq!(scene.payment.status(), Status::RequiresAction);
    scene.step = 2;
    scene
}

fn hear(scene: &mut Scene, reference: u64, say: Say) {
    let heard = scene.conclude(reference, say, Transmission::Repeat);
    scene.run(heard).expect("it may be heard");
}

fn failure(scene: &Scene) -> (FailureKind, DeclineCode) {
    let failure = scene.payment.last_failure().expect("the attempt failed");
    (failure.kind, failure.code)
}

#[test]
fn nothing_of_a_wallet_is_held() {
    let held = scene(Manual);
    assert_eq!(may_confirm(&held.payment), Err(Refusal::NotSupported { operation: Operation::Capture }));
    let mut paid = waiting(RiskVerdict::Accept);
    hear(&mut paid, 10, Say::Yes(1000));
    assert_eq!((paid.payment.status(), paid.payment.captured_minor()), (Status::Succeeded, 1000));
}

#[test]
fn a_customer_says_no_or_never_comes() {
    let mut refused = waiting(RiskVerdict::Accept);
    hear(&mut refused, 10, Say::No(DeclineCode::CustomerDeclined));
    assert_eq!(failure(&refused), (FailureKind::Declined, DeclineCode::CustomerDeclined));
    assert_eq!(refused.payment.status(), Status::RequiresPaymentMethod);

    let mut absent = waiting(RiskVerdict::Accept);
    let too_early = absent.run(absent.reverse(10));
    assert!(matches!(too_early, Err(Refusal::UnexpectedState { .. })), "{too_early:?}");
    absent.now = absent.now.plus_ms(86_400_000);
    absent.run(absent.reverse(10)).unwrap();
    assert_eq!(absent.payment.status(), Status::Processing);
    hear(&mut absent, 20, Say::Yes(1000));
    assert_eq!(failure(&absent), (FailureKind::Declined, DeclineCode::AttemptExpired));
    assert_eq!(absent.payment.status(), Status::RequiresPaymentMethod);
    // Money that comes now is recorded, and undone.
    absent.step = 3;
    hear(&mut absent, 10, Say::Yes(1000));
    assert!(matches!(absent.events[0], Event::LateApproval { .. }));
    assert!(absent.payment.open.iter().any(|open| matches!(open.kind, OpenKind::Reverse { .. })));
    assert_eq!(absent.payment.captured_minor(), 0);
}

#[test]
fn what_the_operator_never_saw_is_no_matter_of_time() {
    let mut lost = scene(Automatic);
    lost.step = 1;
    lost.run(lost.confirm()).unwrap();
    hear(&mut lost, 10, Say::Unknown);
    lost.step = 2;
    lost.run(lost.reverse(10)).unwrap();
    hear(&mut lost, 20, Say::Yes(1000));
    assert_eq!(failure(&lost), (FailureKind::Reversed, DeclineCode::ProcessingError));
}

#[test]
fn a_review_looks_at_what_was_paid_already() {
    let mut paid = waiting(RiskVerdict::Review);
    assert!(paid.payment.attempt().unwrap().sale, "nothing waits to be captured");
    hear(&mut paid, 10, Say::Yes(1000));
    assert_eq!(paid.payment.status(), Status::Succeeded);
    assert!(open_review(&paid.payment).is_some());
    let mut approved = waiting(RiskVerdict::Review);
    hear(&mut approved, 10, Say::Yes(1000));
    approved.step = 3;
    let word = Command::Approve { at: approved.now, abilities: approved.abilities, seed: approved.seed() };
    approved.run(word).unwrap();
    assert!(matches!(approved.events[..], [Event::ReviewClosed { reason: ReviewClosing::Approved, .. }]));
    paid.step = 3;
    paid.run(paid.refund(None)).unwrap();
    assert!(matches!(paid.events[1], Event::ReviewClosed { reason: ReviewClosing::Refunded, .. }));
    assert!(matches!(paid.payment.attempt().unwrap().state, AttemptState::Authorized(_)));
}
