//! What every adapter must do when nothing goes wrong: the life of a payment, the declines, the repeats.

use crate::peer::Peer;
use crate::request::{World, approved, capture, card, original, repeated, request, usd};
use crate::upstream::Upstream;
use gateway_acquirers::simulated::{Settings, Simulated};
use gateway_core::acquirer::{
    Acquirer, AcquirerRequest, Answer, DeclineCode, FinalCapture, Original, OriginalKind, Permit, Verb,
};
use std::sync::Arc;

pub async fn send(acquirer: &dyn Acquirer, request: AcquirerRequest) -> Answer {
    acquirer.send(Permit::for_test(&request), request).await
}

fn no(answer: Answer) -> DeclineCode {
    match answer {
        Answer::Declined(decline) => decline.code,
        other => panic!("expected a decline, got {other:?}"),
    }
}

async fn authorized(acquirer: &dyn Acquirer, number: u64) -> Original {
    let approval = approved(send(acquirer, request(number, Verb::Authorize)).await);
    assert_eq!(approval.amount, usd(1_000));
    assert!(!approval.authorization_code.is_empty());
    original(number, Some(approval))
}

async fn a_hold_is_taken_in_parts(acquirer: &dyn Acquirer) {
    let hold = authorized(acquirer, 1).await;
    let part =
        |number, minor| AcquirerRequest { amount: usd(minor), ..request(number, capture(hold.clone())) };
    assert_eq!(approved(send(acquirer, part(2, 600)).await).amount, usd(600));
    assert_eq!(no(send(acquirer, part(3, 500)).await), DeclineCode::InvalidAmount);
    let last = Verb::Capture { original: hold.clone(), last: FinalCapture::Yes };
    let last = AcquirerRequest { amount: usd(300), ..request(4, last) };
    assert_eq!(approved(send(acquirer, last).await).amount, usd(300));
    let release = AcquirerRequest { amount: usd(100), ..request(5, Verb::Reverse(hold.clone())) };
    approved(send(acquirer, release).await);
    no(send(acquirer, part(6, 1)).await);
    let refund = AcquirerRequest { amount: usd(900), ..request(7, Verb::Refund(hold)) };
    approved(send(acquirer, refund).await);
}

async fn a_hold_is_voided(acquirer: &dyn Acquirer) {
    let hold = authorized(acquirer, 11).await;
    approved(send(acquirer, request(12, Verb::Void(hold.clone()))).await);
    assert!(matches!(send(acquirer, request(13, capture(hold))).await, Answer::Declined(_)));
}

async fn a_repeat_has_no_second_effect(acquirer: &dyn Acquirer) {
    let hold = authorized(acquirer, 21).await;
    for round in [request(22, capture(hold.clone())), repeated(22, capture(hold.clone()))] {
        approved(send(acquirer, AcquirerRequest { amount: usd(600), ..round }).await);
    }
    let rest = AcquirerRequest { amount: usd(400), ..request(23, capture(hold)) };
    approved(send(acquirer, rest).await);
}

async fn a_reversal_may_be_repeated_and_may_find_nothing(acquirer: &dyn Acquirer) {
    approved(send(acquirer, request(31, Verb::Authorize)).await);
    let unanswered = original(31, None);
    approved(send(acquirer, request(32, Verb::Reverse(unanswered.clone()))).await);
    approved(send(acquirer, repeated(32, Verb::Reverse(unanswered.clone()))).await);
    approved(send(acquirer, request(33, Verb::Reverse(unanswered))).await);
    // Of what never came there is nothing to undo; a peer that can bar it from coming may say that it did.
    let answer = send(acquirer, request(34, Verb::Reverse(original(39, None)))).await;
    assert!(matches!(answer, Answer::NotFound | Answer::Approved(_)), "{answer:?}");
    let late = send(acquirer, request(39, Verb::Authorize)).await;
    assert!(!matches!(late, Answer::Approved(_)) || matches!(answer, Answer::NotFound), "{late:?}");
}

async fn a_sale_is_reversed_and_a_card_verified(acquirer: &dyn Acquirer) {
    approved(send(acquirer, request(41, Verb::Sale)).await);
    let sale = Original { kind: OriginalKind::Sale, ..original(41, None) };
    approved(send(acquirer, request(42, Verb::Reverse(sale))).await);
    let verification = AcquirerRequest { amount: usd(0), ..request(43, Verb::Verify) };
    assert_eq!(approved(send(acquirer, verification).await).amount, usd(0));
}

async fn declines_keep_their_reason(acquirer: &dyn Acquirer) {
    let cards = [
        ("4000000000000002", DeclineCode::GenericDecline),
        ("4000000000009995", DeclineCode::InsufficientFunds),
        ("4000000000009987", DeclineCode::LostCard),
        ("4000000000009979", DeclineCode::StolenCard),
        ("4000000000000069", DeclineCode::ExpiredCard),
        ("4000000000000127", DeclineCode::IncorrectCvc),
        ("4000000000000119", DeclineCode::ProcessingError),
        ("4000000000000341", DeclineCode::GenericDecline),
    ];
    for (number, (pan, code)) in (51..).zip(cards) {
        let asked = AcquirerRequest { card: Some(card(pan)), ..request(number, Verb::Authorize) };
        assert_eq!(no(send(acquirer, asked).await), code, "{pan}");
    }
}

async fn what_it_can_not_do_it_does_not_send(acquirer: &dyn Acquirer) {
    let hold = authorized(acquirer, 61).await;
    let able = acquirer.abilities();
    let inquiry = send(acquirer, request(62, Verb::Inquire(hold.clone()))).await;
    let increment = AcquirerRequest { amount: usd(1_500), ..request(63, Verb::Increment(hold)) };
    let increment = send(acquirer, increment).await;
    for (able, answer) in [(able.inquiry, inquiry), (able.incremental, increment)] {
        match answer {
            Answer::Approved(_) => assert!(able.is_yes()),
            Answer::NotSent(_) => assert!(!able.is_yes()),
            other => panic!("{other:?}"),
        }
    }
    let permit = Permit::for_test(&request(1, Verb::Authorize));
    let answer = acquirer.send(permit, request(64, Verb::Authorize)).await;
    assert!(matches!(answer, Answer::NotSent(_)), "{answer:?}");
}

async fn conforms(acquirer: &dyn Acquirer) {
    a_hold_is_taken_in_parts(acquirer).await;
    a_hold_is_voided(acquirer).await;
    a_repeat_has_no_second_effect(acquirer).await;
    a_reversal_may_be_repeated_and_may_find_nothing(acquirer).await;
    a_sale_is_reversed_and_a_card_verified(acquirer).await;
    declines_keep_their_reason(acquirer).await;
    what_it_can_not_do_it_does_not_send(acquirer).await;
}

#[tokio::test]
async fn the_simulated_acquirer_conforms() {
    let world = Arc::new(World::default());
    conforms(&Simulated::new("simulated", Settings::default(), &world.ports())).await;
}

#[tokio::test]
async fn the_dialect_adapter_conforms() {
    let upstream = Upstream::listening().await;
    conforms(&upstream.acquirer()).await;
}

#[tokio::test]
async fn the_iso8583_adapter_conforms() {
    let peer = Peer::listening().await;
    conforms(&*peer.acquirer()).await;
    assert!(peer.world.late().is_empty());
}
