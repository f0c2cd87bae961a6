//! A payment on its way to the store: its state, and what happened to it since it was read.

use crate::engine::Stamp;
use gateway_core::Write;
use gateway_core::event::{Told, ToldEvent};
use gateway_core::id::EventId;
use gateway_core::journal::{Batch, Expect, PaymentRow, ReviewRef, Row, Version, Versioned};
use gateway_core::ledger::postings;
use gateway_core::payment::{Event, Payment, Recorded, advance, announce, apply};
use std::sync::Arc;

/// A payment, the version it was read at, and the transitions that are not stored yet.
pub struct Draft {
    payment: Option<Arc<Payment>>,
    base: Option<Version>,
    recorded: Vec<Recorded>,
    told: Told,
}

impl Draft {
    /// For a payment that does not exist yet.
    pub fn new() -> Self {
        Self { payment: None, base: None, recorded: Vec::new(), told: Told::default() }
    }

    /// For a stored payment; `None` if the row is not one.
    pub fn of(stored: Versioned) -> Option<Self> {
        let Row::Payment(row) = stored.row else { return None };
        let payment = Some(row.payment);
        Some(Self { payment, base: Some(stored.version), recorded: Vec::new(), told: Told::default() })
    }

    /// The payment with everything recorded so far.
    ///
    /// # Panics
    /// Before its creation was recorded.
    pub fn payment(&self) -> &Payment {
        self.payment.as_deref().expect("a draft holds a payment from its first transition on")
    }

    /// Whether anything happened since it was read or stored.
    pub fn is_clean(&self) -> bool {
        self.recorded.is_empty()
    }

    /// Whether the store has nothing of it yet.
    pub const fn is_new(&self) -> bool {
        self.base.is_none()
    }

    /// Moves the payment by transitions that the domain decided.
    pub fn record(&mut self, events: Vec<Event>, stamp: &Stamp<'_>) {
        self.recorded.reserve(events.len());
        for event in events {
            let postings = self.payment.as_deref().map_or_else(Vec::new, |before| postings(before, &event));
            self.move_by(&event);
            let after = self.payment.as_deref().expect("a transition leaves a payment");
            for (kind, shown) in announce(after, &event) {
                if self.told.events.is_empty() {
                    // One draft is one request's, or nobody's.
                    self.told.request_id = stamp.request_id;
                    self.told.idempotency_key.clone_from(&stamp.idempotency_key);
                }
                let id = EventId(stamp.ids.next());
                self.told.events.push(ToldEvent { id, kind, version: after.version, shown });
            }
            self.recorded.push(Recorded { seq: after.version, at: stamp.now, event, postings });
        }
    }

    fn move_by(&mut self, event: &Event) {
        match &mut self.payment {
            // Whoever had it, the batch that wrote it, is done with it by now: nothing is copied.
            Some(payment) => advance(Arc::make_mut(payment), event),
            None => {
                let mut created = None;
                apply(&mut created, event);
                self.payment = created.map(Arc::new);
            }
        }
    }

    /// Adds what happened to a batch. The draft then stands at the version that this write makes.
    pub fn write_into(&mut self, batch: &mut Batch) {
        if self.recorded.is_empty() {
            return;
        }
        let review = self.review_row();
        let Some(payment) = self.payment.clone() else { return };
        let (events, told) = (std::mem::take(&mut self.recorded), std::mem::take(&mut self.told));
        let row = Row::Payment(Box::new(PaymentRow { payment, events, told }));
        match self.base {
            None => batch.insert(row),
            Some(version) => batch.replace(version, row),
        };
        batch.writes.extend(review);
        self.base = Some(Version(self.base.map_or(1, |v| v.0 + 1)));
    }
}

impl Draft {
    /// The reference that lists a review, when it was opened or closed since the payment was read.
    fn review_row(&self) -> Option<Write> {
        let changed = |r: &Recorded| match &r.event {
            Event::ReviewOpened { .. } => Some(Expect::Absent),
            Event::ReviewClosed { .. } => Some(Expect::Version(Version(1))),
            _leaves_it => None,
        };
        let payment = self.payment();
        let review = payment.attempt()?.review.as_ref()?;
        // Opened and closed in one write: the row is new all the same.
        let expect = self.recorded.iter().find_map(changed)?;
        let (id, tenant, open) = (review.id, payment.tenant, review.is_open());
        Some(Write { expect, row: Row::Review(ReviewRef { id, tenant, payment: payment.id, open }) })
    }
}

impl Default for Draft {
    fn default() -> Self {
        Self::new()
    }
}
