//! Invariants 3 (its second half), 4 and 5: the acquirer's book and the store tell the same story.

use super::book::Account;
use super::evidence::{Index, Role};
use super::finding::{Breach, Findings};
use super::store::{Attempt, Payment, Refund};

/// 3: a payment has at most one approval that was not reversed.
pub fn one_approval(payment: &Payment, index: &Index<'_>, findings: &mut Findings) {
    let standing = |reference: &str| index.accounts.get(reference).map(Account::standing);
    let attempts = payment.attempts.iter().map(|attempt| attempt.reference.as_str());
    let left = payment.rerouted.iter().map(|left| left.reference.as_str());
    let standing = attempts.chain(left).filter_map(standing).filter(|amount| *amount > 0).count();
    findings.check(3, standing <= 1, || {
        Breach::of(
            &payment.payment,
            format!("the book has {standing} approvals of this payment that stand: charged twice"),
        )
    });
}

/// 4 and 5, from the store's side: every success has its twin in the book, of the same amount.
pub fn store_has_twins(payment: &Payment, index: &Index<'_>, findings: &mut Findings) {
    for attempt in payment.attempts.iter().filter(|attempt| !attempt.acquirer.is_empty()) {
        attempt_has_twin(payment, attempt, index, findings);
    }
    for refund in payment.refunds.iter().filter(|refund| refund.state != "pending") {
        refund_has_twin(payment, refund, index, findings);
    }
}

fn attempt_has_twin(payment: &Payment, attempt: &Attempt, index: &Index<'_>, findings: &mut Findings) {
    let id = &payment.payment;
    let nothing = Account::default();
    let account = index.accounts.get(attempt.reference.as_str()).unwrap_or(&nothing);
    let approved: i64 = account.authorized.iter().sum();
    if attempt.state == "authorized" {
        findings.check(4, attempt.authorized_minor <= approved && approved > 0, || {
            Breach::of(
                id,
                format!(
                    "the store has {} authorized under reference {}, the book {approved}",
                    attempt.authorized_minor, attempt.reference
                ),
            )
        });
        // What is captured stays; the rest may have been released.
        let least =
            attempt.captured_minor.max(if payment.status == "requires_capture" { approved } else { 0 });
        findings.check(4, account.standing() >= least, || {
            Breach::of(
                id,
                format!(
                    "{least} of reference {} must stand, but the book has {} left of it",
                    attempt.reference,
                    account.standing()
                ),
            )
        });
    } else if attempt.state != "open" {
        // Failed, voided, expired, abandoned: nothing may be left on the card.
        findings.check(4, account.standing() <= 0, || {
            Breach::of(
                id,
                format!(
                    "reference {} is {} in the store, but {} of it stands in the book: the card is still held",
                    attempt.reference,
                    attempt.state,
                    account.standing()
                ),
            )
        });
    }
    if attempt.pending_minor == 0 {
        findings.check(5, account.captured() == attempt.captured_minor, || {
            Breach::of(
                id,
                format!(
                    "the store has {} captured under reference {}, the book {} ({:?})",
                    attempt.captured_minor,
                    attempt.reference,
                    account.captured(),
                    account.captured
                ),
            )
        });
    }
    let currency_fits =
        account.currencies.iter().all(|currency| currency.eq_ignore_ascii_case(&payment.currency));
    findings.check(4, currency_fits, || {
        Breach::of(
            id,
            format!("the payment is in {}, the book has {:?}", payment.currency, account.currencies),
        )
    });
}

fn refund_has_twin(payment: &Payment, refund: &Refund, index: &Index<'_>, findings: &mut Findings) {
    let nothing = Account::default();
    let account = index.accounts.get(refund.reference.as_str()).unwrap_or(&nothing);
    let expected = if refund.state == "succeeded" { refund.amount_minor } else { 0 };
    findings.check(5, account.refunded() == expected, || {
        Breach::of(
            &payment.payment,
            format!(
                "refund {} is {} over {} in the store, the book has {} under its reference {} ({:?})",
                refund.id,
                refund.state,
                refund.amount_minor,
                account.refunded(),
                refund.reference,
                account.refunded
            ),
        )
    });
}

/// 4 and 5, from the book's side: whatever it approved belongs to a payment of the store, in the role that it has there. What
/// the store does not know was sent before its intent was durable, or was lost.
pub fn book_has_twins(index: &Index<'_>, findings: &mut Findings) {
    for (reference, account) in &index.accounts {
        let known = index.references.get(reference).map(|(_, role)| *role);
        findings.check(5, known.is_some(), || {
            Breach::at(
                reference,
                format!("the book has messages of reference {reference}, which the store never recorded"),
            )
        });
        let stands = account.standing() > 0 || account.captured() > 0;
        findings.check(4, !(stands && known != Some(Role::Attempt)), || {
            Breach::at(
                reference,
                format!("the book approved reference {reference}, which is no attempt of the store"),
            )
        });
    }
}

/// 5: a hold is approved once; a repeat is answered from the book and writes no line.
pub fn one_first_send(index: &Index<'_>, findings: &mut Findings) {
    for (reference, account) in &index.accounts {
        let firsts = account.authorized.len();
        let increments = index
            .references
            .get(reference)
            .is_some_and(|(payment, _)| payment.events.iter().any(|event| is_increment(&event.kind)));
        findings.check(5, firsts <= 1 || increments, || {
            Breach::at(
                reference,
                format!("reference {reference} was approved {firsts} times: sent again as a first"),
            )
        });
        findings.check(5, account.refunded.len() <= 1, || {
            Breach::at(
                reference,
                format!("the refund of reference {reference} was made {} times", account.refunded.len()),
            )
        });
    }
}

fn is_increment(kind: &str) -> bool {
    kind.to_ascii_lowercase().contains("increment")
}
