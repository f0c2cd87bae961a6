//! What an audit found, and how it is told.

use super::Evidence;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The most breaches that are told with their histories.
const TOLD: usize = 20;

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// Its number in the money-safety document.
    pub invariant: u8,
    /// The payment, where one is known.
    pub payment: Option<String>,
    /// The reference at the acquirer, where one is known.
    pub reference: Option<String>,
    /// The idempotency key, where one is known.
    pub key: Option<String>,
    /// What was seen.
    pub text: String,
}

/// All breaches, and how much was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    pub requests: u64,
    pub book_lines: u64,
    pub payments: u64,
    /// Whether there was a book: without one, what needs it was not checked.
    pub book_was_there: bool,
    /// How often each invariant was checked.
    pub checks: BTreeMap<u8, u64>,
    pub breaches: Vec<Breach>,
}

impl Findings {
    /// Nothing yet, of this evidence.
    pub fn new(evidence: &Evidence) -> Self {
        Self {
            requests: evidence.client.len() as u64,
            book_lines: evidence.book.as_ref().map_or(0, |lines| lines.len() as u64),
            payments: evidence.gateway.len() as u64,
            book_was_there: evidence.book.is_some(),
            ..Self::default()
        }
    }

    /// Counts a check, and keeps what it found if it does not hold.
    pub(super) fn check(&mut self, invariant: u8, holds: bool, breach: impl FnOnce() -> Breach) {
        *self.checks.entry(invariant).or_insert(0) += 1;
        if !holds {
            self.breaches.push(Breach { invariant, ..breach() });
        }
    }

    /// Whether nothing was found, and something was looked at.
    pub fn clean(&self) -> bool {
        self.breaches.is_empty()
    }

    /// The report for people: counts, then each breach with the payment's three histories.
    pub fn text(&self, evidence: &Evidence) -> String {
        let mut text = format!(
            "{} requests, {} lines of the book, {} payments\n",
            self.requests, self.book_lines, self.payments
        );
        if !self.book_was_there {
            text.push_str(
                "no book was given: what needs the acquirer's word (4, 5, half of 3) was not checked\n",
            );
        }
        for (invariant, count) in &self.checks {
            let broken = self.breaches.iter().filter(|breach| breach.invariant == *invariant).count();
            writeln!(text, "invariant {invariant}: {count} checks, {broken} breaches")
                .expect("text takes text");
        }
        for breach in self.breaches.iter().take(TOLD) {
            writeln!(text, "\nBREACH of invariant {}: {}", breach.invariant, breach.text)
                .expect("text takes text");
            text.push_str(&breach.histories(evidence));
        }
        if self.breaches.len() > TOLD {
            writeln!(text, "\nand {} more breaches", self.breaches.len() - TOLD).expect("text takes text");
        }
        text
    }
}

impl Breach {
    /// Of a payment.
    pub fn of(payment: &str, text: String) -> Self {
        Self { payment: Some(payment.to_owned()), ..Self::unnamed(text) }
    }

    /// Of a reference at the acquirer.
    pub fn at(reference: &str, text: String) -> Self {
        Self { reference: Some(reference.to_owned()), ..Self::unnamed(text) }
    }

    /// Of an idempotency key.
    pub fn by(key: &str, text: String) -> Self {
        Self { key: Some(key.to_owned()), ..Self::unnamed(text) }
    }

    fn unnamed(text: String) -> Self {
        Self { invariant: 0, payment: None, reference: None, key: None, text }
    }

    /// What each witness says of the payment, in their own lines.
    pub fn histories(&self, evidence: &Evidence) -> String {
        let mut payments: Vec<&str> = self.payment.as_deref().into_iter().collect();
        let by_key = evidence.client.iter().filter(|line| Some(&line.key) == self.key.as_ref());
        payments.extend(by_key.filter_map(|line| line.payment.as_deref()));
        let stored: Vec<_> = evidence
            .gateway
            .iter()
            .filter(|payment| {
                let of_reference = |reference: &String| Some(reference) == self.reference.as_ref();
                payments.contains(&payment.payment.as_str())
                    || payment.attempts.iter().any(|attempt| of_reference(&attempt.reference))
                    || payment.refunds.iter().any(|refund| of_reference(&refund.reference))
            })
            .collect();
        payments.extend(stored.iter().map(|payment| payment.payment.as_str()));
        let client = evidence.client.iter().filter(|line| {
            line.payment.as_deref().is_some_and(|payment| payments.contains(&payment))
                || (!line.key.is_empty() && Some(&line.key) == self.key.as_ref())
        });
        let mut references: Vec<&str> = self.reference.as_deref().into_iter().collect();
        for payment in &stored {
            references.extend(payment.attempts.iter().map(|attempt| attempt.reference.as_str()));
            references.extend(payment.refunds.iter().map(|refund| refund.reference.as_str()));
        }
        let book =
            evidence.book.iter().flatten().filter(|line| references.contains(&line.reference.as_str()));
        let mut text = String::new();
        section(&mut text, "what clients saw, repeats left out", without_repeats(client));
        section(&mut text, "the acquirer's book", book);
        section(&mut text, "the gateway's store", stored.into_iter());
        text
    }
}

/// A client that asks until it has a final answer gets the same provisional one many times.
fn without_repeats<'a>(
    lines: impl Iterator<Item = &'a super::client::Line>,
) -> impl Iterator<Item = &'a super::client::Line> {
    let mut before: Option<&super::client::Line> = None;
    lines.filter(move |line| {
        let same = before.is_some_and(|before| {
            (&before.key, before.status, &before.lost, &before.digest, before.is_final)
                == (&line.key, line.status, &line.lost, &line.digest, line.is_final)
        });
        before = Some(line);
        !same
    })
}

fn section<'a, T: Serialize + 'a>(text: &mut String, name: &str, lines: impl Iterator<Item = &'a T>) {
    writeln!(text, "  {name}:").expect("text takes text");
    let mut nothing = true;
    for line in lines.take(50) {
        nothing = false;
        let json = serde_json::to_string(line).expect("the lines came from JSON");
        writeln!(text, "    {json}").expect("text takes text");
    }
    if nothing {
        text.push_str("    nothing\n");
    }
}
