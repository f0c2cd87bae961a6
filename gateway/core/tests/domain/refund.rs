//! Refunds: whole, in parts, too much, beside captures, unknown, reversed, answered twice.

use crate::scene::{Say, Scene, usd};
use crate::table::{Case, Step, run, take};
use gateway_core::Refusal;
use gateway_core::acquirer::DeclineCode;
use gateway_core::acquirer::FinalCapture::{No, Yes};
use gateway_core::id::{Id, RefundId};
use gateway_core::payment::CaptureMethod::{Automatic, Manual};
use gateway_core::payment::{Command, MAX_REFUNDS, RefundState};

const SENT: &str = "processing 0/0/0 open+10";
const PAID: &str = "succeeded 0/1000/1000 -";
const DECLINED: Say = Say::No(DeclineCode::GenericDecline);

#[test]
fn never_more_is_paid_back_than_was_taken() {
    let cases: &[Case] = &[
        (
            "all of it, unasked",
            Automatic,
            &[
                (Step::Refund(None), "! NothingCaptured"),
                (Step::Confirm, SENT),
                (Step::Refund(None), "! UnexpectedState { status: Processing, operation: Refund }"),
                (Step::Hear(20, Say::Yes(1000)), PAID),
                (Step::Refund(None), "succeeded 0/1000/0 open+10"),
                (Step::Refund(None), "! AlreadyRefunded"),
                (Step::Hear(50, Say::Yes(1000)), "succeeded 0/1000/0 -"),
                (Step::Hear(50, Say::Yes(1000)), "! NotOutstanding"),
                (Step::Refund(Some(1)), "! AlreadyRefunded"),
            ],
        ),
        (
            "in parts, two at once",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), PAID),
                (Step::Refund(Some(400)), "succeeded 0/1000/600 open+10"),
                (Step::Refund(Some(601)), "! RefundTooLarge { refundable_minor: 600 }"),
                (Step::Refund(Some(500)), "succeeded 0/1000/100 open+10"),
                (Step::Hear(50, Say::Yes(500)), "succeeded 0/1000/100 open+10"),
                (Step::Hear(30, DECLINED), "succeeded 0/1000/500 -"),
                (Step::Refund(None), "succeeded 0/1000/0 open+10"),
                (Step::Hear(80, Say::Yes(500)), "succeeded 0/1000/0 -"),
            ],
        ),
        (
            "amounts out of range",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), PAID),
                (Step::Refund(Some(0)), "! AmountTooSmall { minimum_minor: 1, currency: usd }"),
                (Step::Refund(Some(i64::MIN)), "! AmountTooSmall { minimum_minor: 1, currency: usd }"),
                (Step::Refund(Some(i64::MAX)), "! RefundTooLarge { refundable_minor: 1000 }"),
                (Step::Refund(Some(1)), "succeeded 0/1000/999 open+10"),
            ],
        ),
        (
            "only known captured money, beside a hold that lives on",
            Manual,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), "requires_capture 1000/0/0 hold+168h"),
                (Step::Refund(None), "! NothingCaptured"),
                (Step::Capture(Some(300), No), "processing 700/0/0 open+10"),
                (Step::Hear(40, Say::Yes(300)), "requires_capture 700/300/300 hold+168h"),
                (Step::Refund(Some(301)), "! RefundTooLarge { refundable_minor: 300 }"),
                (Step::Refund(Some(200)), "requires_capture 700/300/100 open+10"),
                (Step::Capture(Some(700), Yes), "processing 0/300/100 open+10"),
                (Step::Refund(Some(100)), "! UnexpectedState { status: Processing, operation: Refund }"),
                (Step::Hear(80, Say::Yes(700)), "succeeded 0/1000/800 open+10"),
                (Step::Hear(70, Say::Yes(200)), "succeeded 0/1000/800 -"),
            ],
        ),
        (
            "of the attempt that took the money, after one that did not",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, DECLINED), "requires_payment_method 0/0/0 -"),
                (Step::Card, "requires_confirmation 0/0/0 -"),
                (Step::Confirm, SENT),
                (Step::Hear(40, Say::Yes(1000)), PAID),
                (Step::Refund(None), "succeeded 0/1000/0 open+10"),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn an_unknown_refund_stays_reserved_until_it_is_known() {
    const RESERVED: &str = "succeeded 0/1000/600 open+10";
    let cases: &[Case] = &[
        (
            "inquired",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), PAID),
                (Step::Refund(Some(400)), RESERVED),
                (Step::Hear(30, Say::NotSent), RESERVED),
                (Step::Retry(30), RESERVED),
                (Step::HearAgain(30, Say::Unknown), RESERVED),
                (Step::HearAgain(30, Say::NotSent), RESERVED),
                (Step::HearAgain(30, Say::Ask), RESERVED),
                (Step::HearAgain(30, Say::Yes(400)), "succeeded 0/1000/600 -"),
            ],
        ),
        (
            "the acquirer never had it",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), PAID),
                (Step::Refund(Some(400)), RESERVED),
                (Step::HearAgain(30, Say::NotFound), PAID),
            ],
        ),
        (
            "reversed, slowly",
            Automatic,
            &[
                (Step::Confirm, SENT),
                (Step::Hear(10, Say::Yes(1000)), PAID),
                (Step::Refund(Some(400)), RESERVED),
                (Step::Hear(30, Say::Unknown), RESERVED),
                (Step::Reverse(30), RESERVED),
                (Step::Refund(Some(601)), "! RefundTooLarge { refundable_minor: 600 }"),
                (Step::Hear(50, Say::Unknown), RESERVED),
                (Step::HearAgain(50, DECLINED), RESERVED),
                (Step::HearAgain(50, Say::Yes(400)), PAID),
                (Step::Refund(None), "succeeded 0/1000/0 open+10"),
            ],
        ),
    ];
    run(cases);
}

#[test]
fn a_refund_ends_as_its_answer_says() {
    let cases: [(&[Step], RefundState); 4] = [
        (&[Step::Hear(30, Say::Yes(1000))], RefundState::Succeeded),
        (&[Step::Hear(30, DECLINED)], RefundState::Failed(DeclineCode::GenericDecline)),
        (&[Step::HearAgain(30, Say::NotFound)], RefundState::Failed(DeclineCode::ProcessingError)),
        (&[Step::Hear(30, Say::Unknown)], RefundState::Pending),
    ];
    for (steps, state) in cases {
        let mut scene = Scene::new(Automatic);
        for step in [Step::Confirm, Step::Hear(10, Say::Yes(1000)), Step::Refund(None)].iter().chain(steps) {
            take(&mut scene, *step);
        }
        let refund = &scene.payment.refunds[0];
        assert_eq!((refund.attempt, &refund.state), (1, &state), "{steps:?}");
        let reference = if state == RefundState::Succeeded { "A-1" } else { "" };
        assert_eq!(refund.reference, reference, "{steps:?}");
    }
}

#[test]
fn refunds_are_bounded_and_their_metadata_changes_alone() {
    let mut scene = Scene::from(crate::scene::creation(usd(5000), Automatic));
    take(&mut scene, Step::Confirm);
    take(&mut scene, Step::Hear(10, Say::Yes(5000)));
    for _ in 0..MAX_REFUNDS {
        take(&mut scene, Step::Refund(Some(1)));
        let reference = scene.reference();
        take(&mut scene, Step::Hear(reference, Say::Yes(1)));
    }
    assert_eq!(take(&mut scene, Step::Refund(Some(1))), "! TooMany { operation: Refund, limit: 500 }");
    let metadata = vec![("order".to_owned(), "7".to_owned())];
    let first = scene.payment.refunds[0].id;
    let change = |refund| Command::UpdateRefund { refund, metadata: metadata.clone() };
    assert_eq!(scene.run(change(first)), Ok(()));
    assert_eq!((&scene.payment.refunds[0].metadata, scene.payment.refunded_minor()), (&metadata, 500));
    assert_eq!(scene.run(change(RefundId(Id(99_999_999)))), Err(Refusal::NothingCaptured));
}
