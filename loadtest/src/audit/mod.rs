//! The audit: what clients saw, what the acquirer's book says, and what the gateway's store says, held against each other.
//!
//! Three witnesses that share no code. It reads three files of JSON lines and nothing else, so it can be wrong only about
//! what it reads. The invariants are those of the gateway's money-safety document, numbers 1 to 9; each check says what it
//! saw, and each breach comes with the payment's three histories.

pub mod answers;
pub mod book;
pub mod client;
pub mod evidence;
pub mod finding;
pub mod ledger;
pub mod progress;
pub mod record;
pub mod store;
pub mod twins;

pub use evidence::{Evidence, Index};
pub use finding::{Breach, Findings};

/// Holds the witnesses against each other.
pub fn audit(evidence: &Evidence) -> Findings {
    let index = Index::new(evidence);
    let mut findings = Findings::new(evidence);
    for payment in &evidence.gateway {
        ledger::amounts(payment, &mut findings);
        ledger::postings(payment, &mut findings);
        progress::events(payment, &mut findings);
        progress::nothing_unknown(payment, &mut findings);
        answers::one_claim_a_key(payment, &mut findings);
    }
    answers::one_payment_a_key(&index, &mut findings);
    if evidence.book.is_some() {
        for payment in &evidence.gateway {
            twins::one_approval(payment, &index, &mut findings);
            twins::store_has_twins(payment, &index, &mut findings);
        }
        twins::book_has_twins(&index, &mut findings);
        twins::one_first_send(&index, &mut findings);
    }
    answers::final_answers(&index, &mut findings);
    answers::acknowledged(&index, &mut findings);
    findings
}
