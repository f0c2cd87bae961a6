//! A merchant's own words on a payment are written again with every step, so all of them together are bounded.

use crate::scene::{Say, Scene, creation, instrument, usd};
use gateway_core::Refusal;
use gateway_core::acquirer::{DeclineCode, Transmission};
use gateway_core::id::{Id, RefundId};
use gateway_core::payment::{
    CaptureMethod, Command, Instrument, InstrumentChange, MAX_TEXT_BYTES, RefundRequest, create, may_confirm,
};
use gateway_core::record::Metadata;

const TOO_MUCH: Refusal = Refusal::TooMuchText { limit_bytes: MAX_TEXT_BYTES };

fn words(bytes: usize) -> Metadata {
    vec![("k".to_owned(), "v".repeat(bytes - 1))]
}

fn refund(scene: &Scene, bytes: usize) -> Command {
    let id = RefundId(Id(u128::from(scene.reference())));
    let (at, reason) = (scene.now, None);
    let request = RefundRequest { id, at, amount_minor: Some(1), reason, metadata: words(bytes) };
    Command::Refund { request: Box::new(request), seed: scene.seed() }
}

fn details(scene: &Scene, bytes: usize) -> Command {
    let mut details = (*scene.payment.details).clone();
    details.metadata = words(bytes);
    Command::Update {
        amount: None,
        capture_method: None,
        details: details.into(),
        instrument: InstrumentChange::Keep,
    }
}

#[test]
fn a_payment_is_made_with_so_many_words_at_most() {
    let mut wanted = creation(usd(1000), CaptureMethod::Automatic);
    wanted.details.metadata = words(MAX_TEXT_BYTES / 2);
    let rest = MAX_TEXT_BYTES - MAX_TEXT_BYTES / 2;
    let card = wanted.instrument.as_ref().map_or(0, |card| card.billing_details.len());
    wanted.details.extra = "x".repeat(rest - card);
    assert!(create(wanted.clone()).is_ok());
    wanted.details.description = Some("x".to_owned());
    assert_eq!(create(wanted), Err(TOO_MUCH));
}

#[test]
fn refunds_share_what_the_payment_has_left() {
    let mut scene = Scene::new(CaptureMethod::Automatic);
    scene.step = 1;
    scene.run(scene.confirm()).unwrap();
    scene.run(scene.conclude(10, Say::Yes(1000), Transmission::First)).unwrap();
    let mut taken = 0;
    for step in 2.. {
        scene.step = step;
        match scene.run(refund(&scene, 20_000)) {
            Ok(()) => taken += 1,
            Err(refusal) => {
                assert_eq!(refusal, TOO_MUCH);
                break;
            }
        }
    }
    assert_eq!(taken, 3, "of 20,000 bytes each");
    // Without words there is no end to them yet.
    scene.run(scene.refund(Some(1))).unwrap();
    let first = scene.payment.refunds[0].id;
    let update = |bytes| Command::UpdateRefund { refund: first, metadata: words(bytes) };
    scene.run(update(20_001)).unwrap();
    assert_eq!(scene.run(update(40_000)), Err(TOO_MUCH));
    assert_eq!(scene.run(details(&scene, 10_000)), Err(TOO_MUCH));
    // What is taken back may be used again.
    scene.run(update(1)).unwrap();
    scene.run(details(&scene, 10_000)).unwrap();
}

#[test]
fn attempts_keep_what_was_said_of_their_cards() {
    let wordy = Instrument { billing_details: "x".repeat(20_000), ..instrument() };
    let mut scene = Scene::new(CaptureMethod::Automatic);
    let mut made = 0;
    for step in 1..10 {
        scene.step = step;
        let details = scene.payment.details.clone();
        let card = InstrumentChange::Set(Box::new(wordy.clone()));
        let card = Command::Update { amount: None, capture_method: None, details, instrument: card };
        if scene.run(card) == Err(TOO_MUCH) || may_confirm(&scene.payment) == Err(TOO_MUCH) {
            break;
        }
        scene.run(scene.confirm()).unwrap();
        let reference = scene.reference();
        let no = Say::No(DeclineCode::GenericDecline);
        scene.run(scene.conclude(reference, no, Transmission::First)).unwrap();
        made += 1;
    }
    assert_eq!(made, 2);
}
