//! The simulated acquirer by example: every published card, the challenge, the window, the latency.

use crate::request::{World, approved, capture, card, original, request, trace};
use gateway_acquirers::simulated::{Settings, Simulated};
use gateway_core::acquirer::{
    Acquirer, AcquirerRequest, Answer, ChallengeResult, Check, CustomerAction, CustomerPresence, DeclineCode,
    OriginalKind, Permit, Verb,
};
use std::sync::Arc;
use tokio::time::{Duration, Instant};

fn simulated(settings: Settings) -> (Arc<World>, Simulated) {
    let world = Arc::new(World::default());
    let acquirer = Simulated::new("simulated", settings, &world.ports());
    (world, acquirer)
}

async fn send(acquirer: &Simulated, request: AcquirerRequest) -> Answer {
    acquirer.send(Permit::for_test(&request), request).await
}

async fn charge(acquirer: &Simulated, number: u64, pan: &str) -> Answer {
    send(acquirer, AcquirerRequest { card: Some(card(pan)), ..request(number, Verb::Authorize) }).await
}

async fn verify(acquirer: &Simulated, number: u64, pan: &str) -> Answer {
    send(acquirer, AcquirerRequest { card: Some(card(pan)), ..request(number, Verb::Verify) }).await
}

#[tokio::test]
async fn cards_that_succeed() {
    let (_, acquirer) = simulated(Settings::default());
    let cards = [
        "4242424242424242",
        "4000056655665556",
        "5555555555554444",
        "2223003122003222",
        "5200828282828210",
        "378282246310005",
        "6011111111111117",
        "3056930009020004",
        "3530111333300000",
        "4000000000000259",
        "4100000000000019",
        "4000000000009235",
        "4012888888881881",
    ];
    for (number, pan) in (1u64..).zip(cards) {
        let approval = approved(charge(&acquirer, number, pan).await);
        assert_eq!((approval.amount.minor, approval.cvc_check), (1_000, Some(Check::Pass)), "{pan}");
        assert_eq!(approval.reference, trace(number).reference_text());
        assert_eq!(approval.authorization_code.len(), 6);
    }
}

#[tokio::test]
async fn cards_that_are_declined_each_for_its_own_reason() {
    let (_, acquirer) = simulated(Settings::default());
    let cards = [
        ("4000000000000002", DeclineCode::GenericDecline, "01"),
        ("4000000000009995", DeclineCode::InsufficientFunds, "51"),
        ("4000000000009987", DeclineCode::LostCard, "41"),
        ("4000000000009979", DeclineCode::StolenCard, "43"),
        ("4000000000000069", DeclineCode::ExpiredCard, "54"),
        ("4000000000000127", DeclineCode::IncorrectCvc, "N7"),
        ("4000000000000119", DeclineCode::ProcessingError, "96"),
        ("4242424242424241", DeclineCode::IncorrectNumber, "14"),
    ];
    for (number, (pan, code, network)) in (1u64..).zip(cards) {
        for answer in [charge(&acquirer, number, pan).await, verify(&acquirer, 100 + number, pan).await] {
            let Answer::Declined(decline) = answer else { panic!("{pan}: {answer:?}") };
            assert_eq!((decline.code, decline.network_code.as_str()), (code, network), "{pan}");
            let wrong = code == DeclineCode::IncorrectCvc;
            assert_eq!(decline.cvc_check, Some(if wrong { Check::Fail } else { Check::Pass }));
        }
    }
}

#[tokio::test]
async fn a_card_that_is_saved_and_then_fails() {
    let (_, acquirer) = simulated(Settings::default());
    approved(verify(&acquirer, 1, "4000000000000341").await);
    let answer = charge(&acquirer, 2, "4000000000000341").await;
    assert!(matches!(answer, Answer::Declined(decline) if decline.code == DeclineCode::GenericDecline));
}

#[tokio::test]
async fn the_challenge_ends_as_the_customer_ends_it() {
    for (result, passes) in [(ChallengeResult::Passed, true), (ChallengeResult::Failed, false)] {
        let (world, acquirer) = simulated(Settings::default());
        let Answer::Pending(pending) = charge(&acquirer, 1, "4000002760003184").await else {
            panic!("no challenge")
        };
        assert_eq!(pending.action, Some(CustomerAction::Redirect { url: None }));
        assert_eq!(pending.until, trace(1).at.plus_ms(900_000));
        let inquiry = || request(9, Verb::Inquire(original(1, None)));
        assert!(matches!(send(&acquirer, inquiry()).await, Answer::Pending(_)));

        acquirer.challenge_answered(trace(1), result);
        acquirer.challenge_answered(trace(1), ChallengeResult::Passed);
        let late = world.late();
        assert_eq!(late.len(), 1, "the second answer to one challenge changes nothing");
        assert_eq!((late[0].trace, late[0].kind), (trace(1), OriginalKind::Authorize));
        for answer in [late[0].answer.clone(), send(&acquirer, inquiry()).await] {
            match answer {
                Answer::Approved(_) => assert!(passes),
                Answer::Declined(decline) => {
                    assert!(!passes);
                    assert_eq!(decline.code, DeclineCode::AuthenticationRequired);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_challenge_to_nobody_is_declined() {
    let (_, acquirer) = simulated(Settings::default());
    let alone = AcquirerRequest { customer: CustomerPresence::Absent, ..request(1, Verb::Authorize) };
    let answer = send(&acquirer, AcquirerRequest { card: Some(card("4000002760003184")), ..alone }).await;
    assert!(
        matches!(answer, Answer::Declined(decline) if decline.code == DeclineCode::AuthenticationRequired)
    );
}

#[tokio::test]
async fn an_approval_from_before_a_restart_is_still_honoured() {
    let (_, before) = simulated(Settings::default());
    let approval = approved(charge(&before, 1, "4242424242424242").await);
    let (_, after) = simulated(Settings::default());
    let known = original(1, Some(approval));
    approved(send(&after, request(2, Verb::Inquire(known.clone()))).await);
    approved(send(&after, request(3, capture(known.clone()))).await);
    approved(send(&after, request(4, Verb::Refund(known))).await);
    assert_eq!(send(&after, request(5, Verb::Inquire(original(99, None)))).await, Answer::NotFound);
    assert_eq!(send(&after, request(6, Verb::Reverse(original(99, None)))).await, Answer::NotFound);
}

#[tokio::test(start_paused = true)]
async fn the_window_and_the_latency_bound_what_gets_through() {
    let settings = Settings { latency_ms: 50, window: 100, ..Settings::default() };
    let (_, acquirer) = simulated(settings);
    let acquirer = Arc::new(acquirer);
    let start = Instant::now();
    let tasks: Vec<_> = (1..=1_000u64)
        .map(|number| {
            let acquirer = Arc::clone(&acquirer);
            tokio::spawn(async move { charge(&acquirer, number, "4242424242424242").await })
        })
        .collect();
    for task in tasks {
        approved(task.await.expect("no panic"));
    }
    let took = start.elapsed();
    assert!((Duration::from_millis(500)..Duration::from_millis(520)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_unknown_after_the_window_and_not_sent_before_it() {
    let (_, acquirer) = simulated(Settings { latency_ms: 100, window: 1, ..Settings::default() });
    let hasty = |number| AcquirerRequest { timeout_ms: 40, ..request(number, Verb::Authorize) };
    let (first, second) = tokio::join!(send(&acquirer, hasty(1)), send(&acquirer, hasty(2)));
    assert!(matches!(first, Answer::Unknown(_)), "{first:?}");
    assert!(matches!(second, Answer::NotSent(_)), "{second:?}");
    let inquiry = request(3, Verb::Inquire(original(1, None)));
    approved(send(&acquirer, inquiry).await);
    assert_eq!(send(&acquirer, request(4, Verb::Inquire(original(2, None)))).await, Answer::NotFound);
}

#[tokio::test]
async fn a_permit_for_another_message_sends_nothing() {
    let (_, acquirer) = simulated(Settings::default());
    let permit = Permit::for_test(&request(1, Verb::Authorize));
    let answer = acquirer.send(permit, request(2, Verb::Authorize)).await;
    assert!(matches!(answer, Answer::NotSent(_)), "{answer:?}");
    assert_eq!(send(&acquirer, request(3, Verb::Inquire(original(2, None)))).await, Answer::NotFound);
}
