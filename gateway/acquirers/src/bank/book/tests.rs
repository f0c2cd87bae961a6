//! The book by example: each operation, its repeat, its limits, and what happens when memory ends.

use super::*;

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn open(op: Op, reference: u64, minor: i64) -> Order {
    Order { op, reference, amount: usd(minor), verdict: Verdict::Approve, original: None }
}

fn stated(op: Op, reference: u64, minor: i64) -> Stated {
    Stated { reference, op, amount: usd(minor), approved: Some(usd(minor)) }
}

fn follow(op: Op, reference: u64, minor: i64, original: Stated) -> Order {
    Order { op, reference, amount: usd(minor), verdict: Verdict::Approve, original: Some(original) }
}

const TOO_MUCH: Ruling = Ruling::Declined(DeclineCode::InvalidAmount);
const NO: Ruling = Ruling::Declined(DeclineCode::GenericDecline);

/// One line a step: the order, and what must come of it.
fn run(steps: &[(Order, Ruling)]) {
    let book = Book::new(100);
    for (at, (order, expected)) in steps.iter().enumerate() {
        assert_eq!(book.rule(order).0, *expected, "step {at}: {order:?}");
    }
}

#[test]
fn captures_stay_within_the_hold_and_refunds_within_the_captures() {
    let hold = stated(Op::Authorize, 1, 1_000);
    run(&[
        (open(Op::Authorize, 1, 1_000), Ruling::Approved(1_000)),
        (follow(Op::Refund, 2, 1, hold), TOO_MUCH),
        (follow(Op::Capture, 3, 600, hold), Ruling::Approved(600)),
        (follow(Op::Capture, 4, 401, hold), TOO_MUCH),
        (follow(Op::Void, 5, 1_000, hold), NO),
        (follow(Op::Increment, 6, 2_000, hold), TOO_MUCH),
        (follow(Op::Reverse, 7, 300, hold), Ruling::Approved(300)),
        (follow(Op::Capture, 8, 101, hold), TOO_MUCH),
        (follow(Op::Capture, 9, 100, hold), Ruling::Approved(100)),
        (follow(Op::Refund, 10, 700, hold), Ruling::Approved(700)),
        (follow(Op::Refund, 11, 1, hold), TOO_MUCH),
    ]);
}

#[test]
fn a_void_or_a_whole_reversal_leaves_nothing_to_take() {
    for op in [Op::Void, Op::Reverse] {
        let hold = stated(Op::Authorize, 1, 1_000);
        run(&[
            (open(Op::Authorize, 1, 1_000), Ruling::Approved(1_000)),
            (follow(op, 2, 1_000, hold), Ruling::Approved(1_000)),
            (follow(Op::Reverse, 3, 1_000, hold), Ruling::Approved(1_000)),
            (follow(Op::Capture, 4, 1, hold), TOO_MUCH),
        ]);
    }
}

#[test]
fn every_follow_up_can_be_undone() {
    let hold = stated(Op::Authorize, 1, 1_000);
    run(&[
        (open(Op::Authorize, 1, 1_000), Ruling::Approved(1_000)),
        (follow(Op::Increment, 2, 1_500, hold), Ruling::Approved(1_500)),
        (follow(Op::Reverse, 3, 1_500, stated(Op::Increment, 2, 1_500)), Ruling::Approved(1_500)),
        (follow(Op::Void, 4, 1_000, hold), Ruling::Approved(1_000)),
        (follow(Op::Reverse, 5, 1_000, stated(Op::Void, 4, 1_000)), Ruling::Approved(1_000)),
        (follow(Op::Capture, 6, 1_000, hold), Ruling::Approved(1_000)),
        (follow(Op::Refund, 7, 1_000, hold), Ruling::Approved(1_000)),
        (follow(Op::Reverse, 8, 1_000, stated(Op::Refund, 7, 1_000)), Ruling::Approved(1_000)),
        (follow(Op::Reverse, 9, 1_000, stated(Op::Capture, 6, 1_000)), Ruling::Approved(1_000)),
        (follow(Op::Capture, 10, 1_000, hold), Ruling::Approved(1_000)),
    ]);
}

#[test]
fn a_sale_is_undone_only_as_far_as_it_was_not_paid_back() {
    let sale = stated(Op::Sale, 1, 1_000);
    run(&[
        (open(Op::Sale, 1, 1_000), Ruling::Approved(1_000)),
        (follow(Op::Refund, 2, 400, sale), Ruling::Approved(400)),
        (follow(Op::Reverse, 3, 1_000, sale), TOO_MUCH),
        (follow(Op::Reverse, 4, 600, sale), Ruling::Approved(600)),
        (follow(Op::Refund, 5, 1, sale), TOO_MUCH),
    ]);
}

#[test]
fn a_repeat_gets_the_first_answer_and_changes_nothing() {
    let book = Book::new(100);
    let hold = stated(Op::Authorize, 1, 1_000);
    book.rule(&open(Op::Authorize, 1, 1_000));
    let capture = follow(Op::Capture, 2, 600, hold);
    assert_eq!(book.rule(&capture), (Ruling::Approved(600), Novelty::First));
    assert_eq!(book.rule(&capture), (Ruling::Approved(600), Novelty::Repeated));
    assert_eq!(book.rule(&follow(Op::Capture, 3, 400, hold)), (Ruling::Approved(400), Novelty::First));
}

#[test]
fn a_reversal_before_its_original_closes_the_door() {
    let book = Book::new(100);
    let original = Stated { approved: None, ..stated(Op::Authorize, 1, 1_000) };
    assert_eq!(book.inquire(&original), Ruling::NotFound);
    assert_eq!(book.rule(&follow(Op::Reverse, 2, 1_000, original)).0, Ruling::NotFound);
    assert_eq!(book.rule(&open(Op::Authorize, 1, 1_000)).0, NO);
    assert_eq!(book.rule(&follow(Op::Reverse, 3, 1_000, original)).0, Ruling::Approved(1_000));
}

#[test]
fn a_challenge_is_answered_once() {
    let book = Book::new(100);
    let asked = Order { verdict: Verdict::Challenge, ..open(Op::Authorize, 1, 500) };
    let hold = Stated { approved: None, ..stated(Op::Authorize, 1, 500) };
    assert_eq!(book.rule(&asked).0, Ruling::Pending);
    assert_eq!(book.rule(&follow(Op::Capture, 2, 500, hold)).0, NO);
    assert_eq!(book.inquire(&hold), Ruling::Pending);
    assert_eq!(book.challenged(1, Verdict::Approve), Some((Op::Authorize, Ruling::Approved(500))));
    assert_eq!(book.challenged(1, Verdict::Decline(DeclineCode::AuthenticationRequired)), None);
    assert_eq!(book.inquire(&hold), Ruling::Approved(500));

    let other = Order { reference: 9, ..asked };
    assert_eq!(book.rule(&other).0, Ruling::Pending);
    let hold = Stated { reference: 9, ..hold };
    assert_eq!(book.rule(&follow(Op::Reverse, 10, 500, hold)).0, Ruling::Approved(500));
    assert_eq!(book.challenged(9, Verdict::Approve), None);
}

#[test]
fn another_currency_is_refused() {
    let book = Book::new(100);
    book.rule(&open(Op::Authorize, 1, 1_000));
    let hold = stated(Op::Authorize, 1, 1_000);
    let capture = Order { amount: Money::new(10, Currency::EUR), ..follow(Op::Capture, 2, 10, hold) };
    assert_eq!(book.rule(&capture).0, NO);
}

#[test]
fn memory_is_bounded_and_what_was_forgotten_is_believed() {
    let book = Book::new(10);
    for reference in 0..1_000 {
        book.rule(&open(Op::Authorize, reference, 100));
        assert!(book.len() <= 11, "{}", book.len());
    }
    let forgotten = stated(Op::Authorize, 1, 100);
    assert_eq!(book.inquire(&forgotten), Ruling::Approved(100));
    assert_eq!(book.rule(&follow(Op::Capture, 2_000, 60, forgotten)).0, Ruling::Approved(60));
    assert_eq!(book.rule(&follow(Op::Capture, 2_001, 60, forgotten)).0, TOO_MUCH);
    let captured = stated(Op::Authorize, 2, 100);
    assert_eq!(book.rule(&follow(Op::Refund, 2_002, 100, captured)).0, Ruling::Approved(100));
    let unnamed = Stated { approved: None, ..stated(Op::Authorize, 3, 100) };
    assert_eq!(book.inquire(&unnamed), Ruling::NotFound);
    assert!(book.len() <= 11);
}
