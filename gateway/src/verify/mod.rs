//! `gateway verify`: a stopped store against every invariant that can be seen in it, in one pass over its journal.
//!
//! Each row is compared with the one that it replaced, which the journal leads to: what its transitions make of that one must be what it
//! says, and the postings must be what the difference says. So no payment's state is held; what is kept of each payment is where its
//! latest row stands, and of each key where its claim does: a hundred bytes a payment.

mod history;
mod rules;

pub use history::write as write_history;

use gateway_core::claim::{Claim, ClaimState, Subject};
use gateway_core::id::{EventId, Id, PaymentId};
use gateway_core::journal::{PaymentRow, Row, RowKey, Version};
use gateway_core::payment::{Event, Payment, apply};
use gateway_store::embedded::{Archive, Written};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// What was counted, and what was found to be wrong.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    pub payments: u64,
    /// Approvals that were taken, of authorizations and sales.
    pub authorizations: u64,
    pub captures: u64,
    pub refunds: u64,
    /// Messages whose outcome is not known.
    pub open: u64,
    pub transitions: u64,
    pub postings: u64,
    pub events: u64,
    /// Final answers.
    pub claims: u64,
    pub commits: u64,
    pub journal_bytes: u64,
    /// Bytes at the journal's end of a group that was never finished: what a process left that was killed while it wrote. Nothing in it
    /// was acknowledged; the next start cuts it off.
    pub torn_bytes: u64,
    pub breach_count: u64,
    /// The first of them, each with its invariant's number.
    pub breaches: Vec<String>,
}

/// So many breaches are told; all are counted.
const TOLD: usize = 100;

/// Where a row stands that was written last under its key.
#[derive(Debug, Clone, Copy)]
struct Latest {
    position: u64,
    version: Version,
}

/// The pass, and what it leaves for histories.
pub struct Verifier {
    archive: Archive,
    payments: BTreeMap<PaymentId, Latest>,
    /// By a digest of the key; with the payment that it is about.
    claims: HashMap<[u8; 16], (Latest, Option<PaymentId>)>,
    report: Report,
}

impl Verifier {
    /// Reads a stopped store wholly.
    ///
    /// # Errors
    /// The store is in use, damaged, or not ours.
    pub fn read(store: &Path) -> Result<Self, String> {
        let archive = Archive::open(store).map_err(|error| error.to_string())?;
        let mut pass = Pass {
            payments: BTreeMap::new(),
            claims: HashMap::new(),
            last_event: EventId(Id(0)),
            report: Report::default(),
        };
        let counts = archive.walk(&mut |written| pass.row(&archive, written));
        let counts = counts.map_err(|error| error.to_string())?;
        let Pass { payments, claims, last_event: _, mut report } = pass;
        report.commits = counts.commits;
        report.journal_bytes = counts.bytes;
        report.torn_bytes = counts.torn_bytes;
        Ok(Self { archive, payments, claims, report })
    }

    /// What was found.
    pub const fn report(&self) -> &Report {
        &self.report
    }
}

struct Pass {
    payments: BTreeMap<PaymentId, Latest>,
    claims: HashMap<[u8; 16], (Latest, Option<PaymentId>)>,
    last_event: EventId,
    report: Report,
}

fn digest(key: &RowKey) -> [u8; 16] {
    let whole = crypto::mac::sha256(format!("{key:?}").as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

/// The payment that a claim's answer is about.
const fn payment_of(subject: Subject) -> Option<PaymentId> {
    match subject {
        Subject::Payment(payment)
        | Subject::Charge { payment, .. }
        | Subject::Refund { payment, .. }
        | Subject::Review(payment) => Some(payment),
        Subject::Other => None,
    }
}

/// The claimed answer: subject, and status and digest of the final one.
fn answer_of(claim: &Claim) -> (Subject, Option<(u16, [u8; 32])>) {
    match &claim.state {
        ClaimState::Provisional { subject, .. } => (*subject, None),
        ClaimState::Final { subject, status, body, .. } => {
            (*subject, Some((*status, crypto::mac::sha256(body.as_deref().unwrap_or_default()))))
        }
    }
}

impl Pass {
    fn breach(&mut self, what: String) {
        self.report.breach_count += 1;
        if self.report.breaches.len() < TOLD {
            self.report.breaches.push(what);
        }
    }

    fn row(&mut self, archive: &Archive, written: Written) -> Result<(), String> {
        let Written { position, version, before, row } = written;
        let before = match (&row, before) {
            (Row::Payment(_) | Row::Claim(_), Some(at)) => {
                Some(archive.read(at).map_err(|error| format!("{error:?}"))?)
            }
            _first_or_other => None,
        };
        let latest = Latest { position, version };
        match row {
            Row::Payment(row) => {
                self.told(&row);
                self.payment(&row, before, latest);
            }
            Row::Claim(claim) => self.claim(&claim, before, latest),
            Row::Event(event) => self.event(event.id),
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
        Ok(())
    }

    /// What a payment's row tells must be of its own transitions: else it can't be shown, nor any page of the feed that holds it.
    fn told(&mut self, row: &PaymentRow) {
        for (told, event) in row.told.events.iter().zip(row.public_events()) {
            self.event(told.id);
            if event.is_none() {
                self.breach(format!(
                    "9: {} tells event {} of a transition that is not there",
                    row.payment.id, told.id
                ));
            }
        }
    }

    /// Events become visible in the order of their ids.
    fn event(&mut self, id: EventId) {
        self.report.events += 1;
        if id <= self.last_event {
            self.breach(format!("9: event {id} comes after {}", self.last_event));
        }
        self.last_event = id;
    }

    /// Whether a row comes after the last one of its key: a second chain would mean two truths.
    fn follows(known: Option<Latest>, before: Option<&Written>, latest: Latest) -> bool {
        match (known, before) {
            (None, None) => latest.version == Version(1),
            (Some(known), Some(before)) => {
                known.position == before.position && known.version.0 + 1 == latest.version.0
            }
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    fn payment(&mut self, row: &PaymentRow, before: Option<Written>, latest: Latest) {
        let stored = &row.payment;
        let mut breaches = Vec::new();
        if !Self::follows(self.payments.insert(stored.id, latest), before.as_ref(), latest) {
            breaches.push("3: two rows follow the same one".to_owned());
        }
        let mut state: Option<Payment> = match before.map(|written| written.row) {
            Some(Row::Payment(row)) if row.payment.id == stored.id => Some(Arc::unwrap_or_clone(row.payment)),
            Some(_other) => {
                breaches.push("3: it replaces a row of something else".to_owned());
                None
            }
            None => {
                self.report.payments += 1;
                None
            }
        };
        self.report.open = self.report.open.saturating_sub(state.as_ref().map_or(0, |p| p.open.len() as u64));
        for recorded in &row.events {
            breaches.extend(rules::transition(&state, recorded));
            self.count(&recorded.event, recorded.postings.len());
            if state.is_none() && !matches!(recorded.event, Event::Created { .. }) {
                breaches.push("9: its first transition is not its creation".to_owned());
                break;
            }
            let earlier = state.clone();
            apply(&mut state, &recorded.event);
            if let Some(after) = &state {
                breaches.extend(rules::state(after));
                breaches.extend(rules::postings(earlier.as_ref(), after, recorded));
            }
        }
        if state.as_ref() != Some(stored) {
            breaches.push("3: the stored state is not what its transitions make".to_owned());
        }
        self.report.open += stored.open.len() as u64;
        for what in breaches {
            self.breach(format!("{}: invariant {what}", stored.id));
        }
    }

    fn count(&mut self, event: &Event, postings: usize) {
        self.report.transitions += 1;
        self.report.postings += postings as u64;
        match event {
            Event::Authorized { .. } => self.report.authorizations += 1,
            Event::Sold { .. } => {
                self.report.authorizations += 1;
                self.report.captures += 1;
            }
            Event::Captured { .. } => self.report.captures += 1,
            Event::RefundIntended { .. } => self.report.refunds += 1,
            _moves_nothing_new => {}
        }
    }

    fn claim(&mut self, claim: &Claim, before: Option<Written>, latest: Latest) {
        let (subject, told) = answer_of(claim);
        let key = digest(&RowKey::Claim(claim.key.clone()));
        let known = self.claims.insert(key, (latest, payment_of(subject))).map(|(latest, _)| latest);
        let mut broken = Vec::new();
        if !Self::follows(known, before.as_ref(), latest) {
            broken.push("3: claimed twice");
        }
        let earlier = match before.map(|written| written.row) {
            Some(Row::Claim(earlier)) => Some(earlier),
            Some(_) | None => None,
        };
        if let Some(earlier) = &earlier {
            let (of, before) = answer_of(earlier);
            if earlier.key != claim.key
                || earlier.digest != claim.digest
                || payment_of(of) != payment_of(subject)
            {
                broken.push("3: a claim replaces that of another request");
            }
            if before.is_some() && before != told && !aged(earlier, claim) {
                broken.push("6: two final answers");
            }
        }
        let final_before = earlier.is_some_and(|earlier| answer_of(&earlier).1.is_some());
        self.report.claims += u64::from(told.is_some() && !final_before);
        for what in broken {
            self.breach(format!("key {}: invariant {what}", claim.key.key));
        }
    }
}

/// Whether all that changed is that the answer's bytes went, as they do with age.
fn aged(earlier: &Claim, now: &Claim) -> bool {
    earlier.clone().aged() == *now
}
