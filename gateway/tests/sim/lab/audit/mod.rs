//! The auditor: what three witnesses say, held against the invariants.
//!
//! Architecture invariant: it shares no code with the engine, and knows none of its types. It has its own idea of what a payment
//! is, and of what must follow from what.

mod books;
mod clients;
mod model;
mod order;
mod pace;

use super::facts::{Evidence, Sent};
use std::fmt::Write;

/// A breach of an invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Its number in the design's list.
    pub invariant: u8,
    pub what: String,
    /// What the witnesses say of it, for the first of a seed, else nothing.
    pub story: String,
}

impl Violation {
    /// From a text that begins with the invariant's number and a colon.
    pub fn of(text: &str) -> Self {
        let (number, what) = text.split_once(": ").unwrap_or(("0", text));
        Self { invariant: number.parse().unwrap_or(0), what: what.to_owned(), story: String::new() }
    }
}

/// Collects what is found.
#[derive(Default)]
pub struct Findings(Vec<Violation>);

impl Findings {
    /// One more, unless the condition holds.
    pub fn demand(&mut self, holds: bool, invariant: u8, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(Violation { invariant, what: what(), story: String::new() });
        }
    }
}

/// Everything that is wrong.
pub fn audit(evidence: &Evidence) -> Vec<Violation> {
    let mut findings = Findings::default();
    let replays: Vec<_> =
        evidence.store.payments.iter().map(|payment| model::replay(payment, &mut findings)).collect();
    books::compare(evidence, &mut findings);
    clients::compare(evidence, &mut findings);
    order::check(evidence, &replays, &mut findings);
    pace::check(evidence, &mut findings);
    let found = evidence.store.cards_in_clear;
    findings.demand(found == 0, 11, || format!("{found} card numbers in clear on the disk"));
    let (tasks, claims) = evidence.left;
    let known = evidence.store.payments.iter().all(|payment| payment.open.is_empty());
    findings.demand((tasks == 0 && claims == 0) || !known, 13, || {
        format!("{tasks} flows and {claims} claims are left when nothing is to be done")
    });
    findings.0
}

/// Everything that the witnesses say about the payments that a violation names: for whoever has to find out why.
pub fn story(evidence: &Evidence, violation: &Violation) -> String {
    let mut text = String::new();
    for payment in &evidence.store.payments {
        let references: Vec<u64> =
            payment.history.iter().filter_map(|one| books::reference_of(&one.what)).collect();
        let named = violation.what.contains(&payment.id)
            || violation.what.contains(&format!("{}-", payment.order))
            || references.iter().any(|reference| violation.what.contains(&format!("{reference:012}")));
        if !named {
            continue;
        }
        let _ = writeln!(text, "{} {} {}", payment.id, payment.order, payment.status);
        for transition in &payment.history {
            let _ = writeln!(text, "  {} {:?}", transition.seq, transition.what);
        }
        let about = |sent: &&Sent| {
            references.contains(&sent.reference)
                || sent.about.is_some_and(|about| references.contains(&about))
        };
        for sent in evidence.sent.iter().filter(about) {
            let _ = writeln!(text, "  {sent:?}");
        }
        for memory in evidence.memories.iter().filter(|memory| memory.payment.as_ref() == Some(&payment.id)) {
            let told = memory.told.as_ref().map(|told| (told.status, &told.view));
            let (key, asked) = (&memory.key, &memory.asked);
            let _ = writeln!(text, "  {key} {asked:?} {}..{} {told:?}", memory.began_ms, memory.ended_ms);
        }
    }
    let _ = writeln!(text, "lives {:?}, clock set at {:?} ms", evidence.lives, evidence.jumps_ms);
    text
}
