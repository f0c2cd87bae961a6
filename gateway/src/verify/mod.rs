//! `gateway verify`: a stopped store against every invariant that can be seen in it, in one pass over its journal.
//!
//! It replays each payment from its transitions and compares the result with what the store says of it. It keeps one payment's
//! state for each payment of the store, so it needs about a kilobyte of memory for each.

mod history;
mod rules;

pub use history::write as write_history;

use gateway_core::claim::{ClaimKey, ClaimState, Subject};
use gateway_core::id::PaymentId;
use gateway_core::journal::{Batch, Row};
use gateway_core::payment::{Event, Payment, Recorded, apply};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// What was counted, and what was found to be wrong.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    pub payments: u64,
    /// Payments that were approved at any time, by an authorization or a sale.
    pub authorizations: u64,
    pub captures: u64,
    pub refunds: u64,
    /// Messages whose outcome is not known.
    pub open: u64,
    pub transitions: u64,
    pub postings: u64,
    pub events: u64,
    pub claims: u64,
    pub commits: u64,
    pub journal_bytes: u64,
    pub breach_count: u64,
    /// The first of them, each with its invariant's number.
    pub breaches: Vec<String>,
}

/// So many breaches are told; all are counted.
const TOLD: usize = 100;

/// One payment on the way through the journal.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) payment: Option<Payment>,
    /// Kept only when a history is wanted.
    pub(crate) history: Vec<Recorded>,
    pub(crate) claims: BTreeMap<String, Option<u16>>,
    balances: BTreeMap<(gateway_core::ledger::Account, gateway_core::Currency), i64>,
    approved: bool,
}

/// Whether histories are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    Nothing,
    Histories,
}

/// The pass.
pub struct Verifier {
    pub(crate) payments: HashMap<PaymentId, Seen>,
    finals: HashMap<ClaimKey, (u16, [u8; 32])>,
    report: Report,
    keep: Keep,
}

impl Verifier {
    /// Before the first batch.
    pub fn new(keep: Keep) -> Self {
        Self { payments: HashMap::new(), finals: HashMap::new(), report: Report::default(), keep }
    }

    /// Reads a stopped store wholly.
    ///
    /// # Errors
    /// The store is in use, damaged, or not ours.
    pub fn read(store: &Path, keep: Keep) -> Result<Self, String> {
        let mut this = Self::new(keep);
        let counts = gateway_store::embedded::scan(store, &mut |_position, batch| {
            this.batch(batch);
            Ok(())
        });
        let counts = counts.map_err(|error| error.to_string())?;
        this.report.commits = counts.commits;
        this.report.journal_bytes = counts.bytes;
        Ok(this)
    }

    fn breach(&mut self, what: String) {
        self.report.breach_count += 1;
        if self.report.breaches.len() < TOLD {
            self.report.breaches.push(what);
        }
    }

    /// Takes the next batch.
    pub fn batch(&mut self, batch: &Batch) {
        for write in &batch.writes {
            match &write.row {
                Row::Payment(row) => self.payment(&row.payment, &row.events),
                Row::Claim(claim) => self.claim(claim),
                Row::Event(_) => self.report.events += 1,
                Row::Refund(_)
                | Row::PaymentMethod(_)
                | Row::Token(_)
                | Row::Customer(_)
                | Row::SetupIntent(_)
                | Row::Merchant(_)
                | Row::ApiKey(_)
                | Row::Sequence(_)
                | Row::Review(_)
                | Row::ValueList(_)
                | Row::ValueListItem(_)
                | Row::Evaluation(_) => {}
            }
        }
    }

    fn payment(&mut self, stored: &Payment, events: &[Recorded]) {
        let mut seen = self.payments.remove(&stored.id).unwrap_or_default();
        let mut breaches = Vec::new();
        for recorded in events {
            self.report.transitions += 1;
            self.report.postings += recorded.postings.len() as u64;
            breaches.extend(rules::transition(&seen.payment, recorded));
            breaches.extend(rules::balances(&mut seen.balances, recorded));
            seen.approved |= matches!(recorded.event, Event::Authorized { .. } | Event::Sold { .. });
            apply(&mut seen.payment, &recorded.event);
            if let Some(after) = &seen.payment {
                breaches.extend(rules::state(after, &seen.balances));
            }
        }
        if seen.payment.as_ref() != Some(stored) {
            breaches.push("3: the stored state is not what its transitions make".to_owned());
        }
        for what in breaches {
            self.breach(format!("{}: invariant {what}", stored.id));
        }
        if self.keep == Keep::Histories {
            seen.history.extend_from_slice(events);
        }
        self.payments.insert(stored.id, seen);
    }

    fn claim(&mut self, claim: &gateway_core::Claim) {
        let (subject, status) = match &claim.state {
            ClaimState::Provisional { subject, .. } => (*subject, None),
            ClaimState::Final { subject, status, body, .. } => {
                let digest = crypto::mac::sha256(body.as_deref().unwrap_or_default());
                let told = (*status, digest);
                if self.finals.insert(claim.key.clone(), told).is_some_and(|before| before != told) {
                    self.breach(format!("key {}: invariant 6: two final answers", claim.key.key));
                }
                (*subject, Some(*status))
            }
        };
        let payment = match subject {
            Subject::Payment(payment)
            | Subject::Review(payment)
            | Subject::Charge { payment, .. }
            | Subject::Refund { payment, .. } => payment,
            Subject::Other => return,
        };
        if self.keep == Keep::Histories {
            let seen = self.payments.entry(payment).or_default();
            seen.claims.insert(claim.key.key.clone(), status);
        }
    }

    /// What was found.
    pub fn report(&self) -> Report {
        let mut report = self.report.clone();
        report.claims = self.finals.len() as u64;
        for seen in self.payments.values() {
            let Some(payment) = &seen.payment else { continue };
            report.payments += 1;
            report.authorizations += u64::from(seen.approved);
            report.captures += payment.attempts.iter().map(|a| a.captures.len() as u64).sum::<u64>();
            report.refunds += payment.refunds.len() as u64;
            report.open += payment.open.len() as u64;
        }
        report
    }
}
