//! Confirmation: who may, and what each answer to the first message makes of the payment.

use crate::scene::{Say, Scene, creation, usd};
use crate::table::{Case, Step, run, take};
use gateway_core::acquirer::DeclineCode;
use gateway_core::payment::CaptureMethod::{Automatic, AutomaticAsync, Manual};
use gateway_core::payment::{AttemptState, FailureKind, MAX_ATTEMPTS, may_confirm};
use gateway_core::refusal::Operation;
use gateway_core::{Refusal, Status};

const DECLINED: Say = Say::No(DeclineCode::InsufficientFunds);

#[test]
fn an_attempt_ends_as_its_answer_says() {
    let cases: &[Case] = &[
        (
            "a sale",
            Automatic,
            &[
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Hear(10, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
                (Step::Confirm, "! UnexpectedState { status: Succeeded, operation: Confirm }"),
                (Step::Hear(10, Say::Yes(1000)), "! NotOutstanding"),
            ],
        ),
        (
            "a sale under its other name",
            AutomaticAsync,
            &[
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Hear(10, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
            ],
        ),
        (
            "an authorization",
            Manual,
            &[
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Confirm, "! UnexpectedState { status: Processing, operation: Confirm }"),
                (Step::Hear(10, Say::Yes(1000)), "requires_capture 1000/0/0 hold+168h"),
                (Step::Confirm, "! UnexpectedState { status: RequiresCapture, operation: Confirm }"),
            ],
        ),
        (
            "declined, then paid with another card",
            Automatic,
            &[
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Hear(10, DECLINED), "requires_payment_method 0/0/0 -"),
                (Step::Confirm, "! NoPaymentMethod"),
                (Step::Card, "requires_confirmation 0/0/0 -"),
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Hear(10, DECLINED), "! NotOutstanding"),
                (Step::Hear(50, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
            ],
        ),
        (
            "blocked before anyone was asked",
            Automatic,
            &[
                (Step::Block, "requires_payment_method 0/0/0 -"),
                (Step::Block, "! NoPaymentMethod"),
                (Step::Card, "requires_confirmation 0/0/0 -"),
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Block, "! UnexpectedState { status: Processing, operation: Confirm }"),
            ],
        ),
        (
            "nothing was sent",
            Manual,
            &[
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Hear(10, Say::NotSent), "requires_payment_method 0/0/0 -"),
            ],
        ),
        (
            "unknown stays unknown, however often it is asked",
            Automatic,
            &[
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Hear(10, Say::Unknown), "processing 0/0/0 open+10"),
                (Step::Wait(9_000), "processing 0/0/0 open+1"),
                (Step::Retry(10), "processing 0/0/0 open+10"),
                (Step::HearAgain(10, Say::Unknown), "processing 0/0/0 open+10"),
                (Step::HearAgain(10, Say::NotSent), "processing 0/0/0 open+10"),
                (Step::Hear(10, Say::NotSent), "processing 0/0/0 open+10"),
                (Step::Cancel, "! UnexpectedState { status: Processing, operation: Cancel }"),
                (Step::HearAgain(10, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
            ],
        ),
        (
            "retried after a crash: not reaching the acquirer now says nothing about then",
            Automatic,
            &[
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Retry(10), "processing 0/0/0 open+10"),
                (Step::Hear(10, Say::NotSent), "processing 0/0/0 open+10"),
            ],
        ),
        (
            "unknown, then declined",
            Manual,
            &[
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Hear(10, Say::Unknown), "processing 0/0/0 open+10"),
                (Step::HearAgain(10, DECLINED), "requires_payment_method 0/0/0 -"),
            ],
        ),
        (
            "unknown, and the acquirer never had it",
            Manual,
            &[
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Hear(10, Say::Unknown), "processing 0/0/0 open+10"),
                (Step::HearAgain(10, Say::NotFound), "requires_payment_method 0/0/0 -"),
            ],
        ),
        (
            "the customer is asked, and passes",
            Automatic,
            &[
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Hear(10, Say::Ask), "requires_action 0/0/0 open+10"),
                (Step::Confirm, "! UnexpectedState { status: RequiresAction, operation: Confirm }"),
                (Step::HearAgain(10, Say::Wait), "processing 0/0/0 open+10"),
                (Step::HearAgain(10, Say::Yes(1000)), "succeeded 0/1000/1000 -"),
            ],
        ),
        (
            "the customer is asked, and fails",
            Automatic,
            &[
                (Step::Confirm, "processing 0/0/0 open+10"),
                (Step::Hear(10, Say::Ask), "requires_action 0/0/0 open+10"),
                (
                    Step::HearAgain(10, Say::No(DeclineCode::AuthenticationRequired)),
                    "requires_payment_method 0/0/0 -",
                ),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn a_failure_says_where_and_why() {
    use Step::{Block, Confirm, Hear, HearAgain, Reverse};
    let processing_error = DeclineCode::ProcessingError;
    let required = DeclineCode::AuthenticationRequired;
    let cases: [(&[Step], FailureKind, DeclineCode); 7] = [
        (&[Block], FailureKind::Blocked, DeclineCode::Fraudulent),
        (&[Confirm, Hear(10, DECLINED)], FailureKind::Declined, DeclineCode::InsufficientFunds),
        (&[Confirm, Hear(10, Say::No(required))], FailureKind::Declined, required),
        (
            &[Confirm, Hear(10, Say::Ask), HearAgain(10, Say::No(required))],
            FailureKind::NotAuthenticated,
            required,
        ),
        (&[Confirm, Hear(10, Say::NotSent)], FailureKind::NotSent, DeclineCode::TryAgainLater),
        (&[Confirm, HearAgain(10, Say::NotFound)], FailureKind::Reversed, processing_error),
        (&[Confirm, Reverse(10), Hear(20, Say::Yes(1000))], FailureKind::Reversed, processing_error),
    ];
    for (steps, kind, code) in cases {
        let mut scene = Scene::new(Manual);
        for step in steps {
            take(&mut scene, *step);
        }
        let failure = scene.payment.last_failure().unwrap_or_else(|| panic!("{steps:?} fails"));
        assert_eq!((failure.kind, failure.code), (kind, code), "{steps:?}");
        assert_eq!(scene.payment.instrument, None, "a failed attempt gives its card back");
    }
}

#[test]
fn an_attempt_keeps_what_it_was_made_of() {
    let mut scene = Scene::new(Automatic);
    take(&mut scene, Step::Confirm);
    let attempt = scene.payment.attempt().unwrap();
    assert_eq!((attempt.number, attempt.amount_minor, attempt.sale), (1, 1000, true));
    assert_eq!((attempt.acquirer.as_str(), attempt.trace.reference), ("bank-a", 10));
    assert_eq!(attempt.state, AttemptState::Open);
    assert_eq!(scene.payment.open_by_reference(10).map(|o| o.tries), Some(0));
    take(&mut scene, Step::Retry(10));
    assert_eq!(scene.payment.open_by_reference(10).map(|o| o.tries), Some(1));
}

#[test]
fn attempts_are_bounded() {
    let mut scene = Scene::new(Automatic);
    for _ in 0..MAX_ATTEMPTS {
        assert_eq!(may_confirm(&scene.payment), Ok(()));
        take(&mut scene, Step::Block);
        take(&mut scene, Step::Card);
    }
    let limit = Refusal::TooMany { operation: Operation::Confirm, limit: MAX_ATTEMPTS };
    assert_eq!(may_confirm(&scene.payment), Err(limit));
    let confirm = scene.confirm();
    assert_eq!(scene.run(confirm), Err(limit));
    assert_eq!(scene.payment.status(), Status::RequiresConfirmation);
}

#[test]
fn without_a_card_nothing_is_confirmed() {
    let mut bare = creation(usd(1000), Manual);
    bare.instrument = None;
    let scene = Scene::from(bare);
    assert_eq!(may_confirm(&scene.payment), Err(Refusal::NoPaymentMethod));
}
