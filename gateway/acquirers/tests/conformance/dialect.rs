//! The adapter for upstreams that speak the dialect, with faults at the upstream.

use crate::request::{approved, card, original, request, usd};
use crate::suite::send;
use crate::upstream::{Trouble, Upstream};
use gateway_core::acquirer::{
    Acquirer, AcquirerRequest, Answer, Check, CustomerAction, DeclineCode, Original, OriginalKind, Verb,
};

fn hasty(number: u64) -> AcquirerRequest {
    AcquirerRequest { timeout_ms: 300, ..request(number, Verb::Authorize) }
}

#[tokio::test]
async fn a_fault_before_money_could_move_is_not_sent() {
    let upstream = Upstream::listening().await;
    let acquirer = upstream.acquirer();
    let troubles = [
        Trouble::Reset,
        Trouble::ResetAfter,
        Trouble::Silent,
        Trouble::Partial,
        Trouble::Garbage,
        Trouble::Broken,
        Trouble::Limited,
    ];
    for (number, trouble) in (1u64..).zip(troubles) {
        upstream.trouble("payment_intents", trouble);
        let answer = send(&acquirer, hasty(number)).await;
        assert!(matches!(answer, Answer::NotSent(_)), "{trouble:?}: {answer:?}");
        let state = upstream.state.lock().expect("no panic holds it");
        assert_eq!(state.delivered as u64, number, "{trouble:?} was not delivered");
        assert!(state.intents.iter().all(|intent| intent["status"] == "requires_payment_method"));
    }
}

#[tokio::test]
async fn a_fault_while_money_may_move_is_unknown_and_an_inquiry_tells() {
    let troubles = [
        (Trouble::Reset, false),
        (Trouble::ResetAfter, true),
        (Trouble::Silent, true),
        (Trouble::Partial, true),
        (Trouble::Garbage, true),
        (Trouble::Broken, false),
    ];
    for (trouble, done) in troubles {
        let upstream = Upstream::listening().await;
        let acquirer = upstream.acquirer();
        upstream.trouble("confirm", trouble);
        let answer = send(&acquirer, hasty(1)).await;
        assert!(matches!(answer, Answer::Unknown(_)), "{trouble:?}: {answer:?}");
        assert_eq!(
            upstream.state.lock().expect("no panic holds it").delivered,
            1,
            "{trouble:?} was not delivered"
        );
        match send(&acquirer, request(2, Verb::Inquire(original(1, None)))).await {
            Answer::Approved(approval) => {
                assert!(done, "{trouble:?}");
                assert_eq!((approval.amount, approval.cvc_check), (usd(1_000), Some(Check::Pass)));
            }
            Answer::NotFound => assert!(!done, "{trouble:?}"),
            other => panic!("{trouble:?}: {other:?}"),
        }
        assert_eq!(
            upstream.state.lock().expect("no panic holds it").intents.len(),
            1,
            "an inquiry creates nothing new"
        );
    }
}

#[tokio::test]
async fn a_reversal_bars_what_it_overtakes() {
    let upstream = Upstream::listening().await;
    let acquirer = upstream.acquirer();
    approved(send(&acquirer, request(2, Verb::Reverse(original(1, None)))).await);
    let late = send(&acquirer, request(1, Verb::Authorize)).await;
    assert!(matches!(late, Answer::Declined(_)), "{late:?}");
}

#[tokio::test]
async fn a_refund_is_made_once() {
    let upstream = Upstream::listening().await;
    let acquirer = upstream.acquirer();
    let approval = approved(send(&acquirer, request(1, Verb::Sale)).await);
    let sale = Original { kind: OriginalKind::Sale, ..original(1, Some(approval)) };
    upstream.trouble("refunds", Trouble::ResetAfter);
    let refund = |number| AcquirerRequest { amount: usd(400), ..request(number, Verb::Refund(sale.clone())) };
    assert!(matches!(send(&acquirer, refund(2)).await, Answer::Unknown(_)));
    assert_eq!(approved(send(&acquirer, refund(2)).await).amount, usd(400));
    assert_eq!(upstream.state.lock().expect("no panic holds it").refunds.len(), 1);
    let over = AcquirerRequest { amount: usd(700), ..refund(3) };
    assert!(
        matches!(send(&acquirer, over).await, Answer::Declined(no) if no.code == DeclineCode::InvalidAmount)
    );
}

#[tokio::test]
async fn a_challenge_of_the_upstreams_is_passed_on() {
    let upstream = Upstream::listening().await;
    let acquirer = upstream.acquirer();
    let asked = AcquirerRequest { card: Some(card("4000002760003184")), ..request(1, Verb::Authorize) };
    let Answer::Pending(pending) = send(&acquirer, asked).await else { panic!("no challenge") };
    let url = Some("https://bank.example/challenge".to_owned());
    assert_eq!(pending.action, Some(CustomerAction::Redirect { url }));
}

#[tokio::test]
async fn an_old_unanswered_message_is_not_created_by_asking_for_it() {
    let upstream = Upstream::listening().await;
    let acquirer = upstream.acquirer();
    let mut old = original(1, None);
    old.trace.at =
        old.trace.at.plus_ms(-i64::try_from(acquirer.abilities().repeat_window_ms).expect("a day"));
    let answer = send(&acquirer, request(2, Verb::Inquire(old))).await;
    assert!(matches!(answer, Answer::Unknown(_)), "{answer:?}");
    assert!(upstream.state.lock().expect("no panic holds it").calls.is_empty());
}

#[tokio::test]
async fn what_the_upstream_says_is_not_repeated() {
    let upstream = Upstream::listening().await;
    let acquirer = upstream.acquirer();
    // This upstream's message holds the card number that it was sent.
    let asked = AcquirerRequest { card: Some(card("4000000000000002")), ..request(1, Verb::Authorize) };
    let answer = format!("{:?}", send(&acquirer, asked).await);
    assert!(answer.contains("GenericDecline") && !answer.contains("4000000000000002"), "{answer}");
}
