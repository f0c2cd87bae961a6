//! A payment's row as it is stored: what stands in it more than once is written once.
//!
//! An attempt charges the card that the payment names, and the transitions that made a payment hold the very details, card, attempt and
//! message that it then holds itself. Written out, a row would be twice as long, and be written, summed and read at twice the cost.
//! Whatever differs is written whole, so nothing is supposed of how a row came to be.

use super::event::{Event, Recorded};
use super::state::{
    Attempt, CancellationReason, CaptureMethod, Details, Instrument, Open, Payment, Refund, Refused,
};
use crate::event::{EventKind, Shown, Told, ToldEvent};
use crate::id::{EventId, Id, PaymentId, RequestId};
use crate::journal::PaymentRow;
use crate::ledger::Posting;
use crate::money::Money;
use crate::risk::Decision;
use crate::tenant::Tenant;
use crate::time::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;
use std::borrow::Cow;
use std::sync::Arc;

#[derive(Serialize, Deserialize)]
struct StoredRow<'a> {
    payment: StoredPayment<'a>,
    events: Vec<StoredTransition<'a>>,
    request_id: Option<RequestId>,
    idempotency_key: Option<Cow<'a, str>>,
    told: Vec<StoredTold>,
    /// The ids of what is told, one behind the other, and behind everything else: who writes the row may have to give it others.
    #[serde(borrow, with = "serde_bytes")]
    told_ids: Cow<'a, [u8]>,
}

#[derive(Serialize, Deserialize)]
struct StoredTold {
    kind: EventKind,
    version: u32,
    shown: Shown,
}

/// Bytes of one of the ids at a row's end.
const ID_LEN: usize = size_of::<u128>();

impl Told {
    /// The ids of what is told as they stand at the end of the payment's row.
    pub fn stored_ids(&self) -> impl DoubleEndedIterator<Item = u8> + '_ {
        self.events.iter().flat_map(|told| told.id.0.0.to_be_bytes())
    }

    fn whole(stored: &[StoredTold], ids: &[u8]) -> Result<Vec<ToldEvent>, Missing> {
        let (ids, rest) = ids.as_chunks::<ID_LEN>();
        if ids.len() != stored.len() || !rest.is_empty() {
            return Err(Missing);
        }
        let event = |(told, id): (&StoredTold, &[u8; ID_LEN])| ToldEvent {
            id: EventId(Id(u128::from_be_bytes(*id))),
            kind: told.kind,
            version: told.version,
            shown: told.shown,
        };
        Ok(stored.iter().zip(ids).map(event).collect())
    }
}

#[derive(Serialize, Deserialize)]
struct StoredPayment<'a> {
    id: PaymentId,
    tenant: Tenant,
    version: u32,
    created: Timestamp,
    amount: Money,
    capture_method: CaptureMethod,
    details: Cow<'a, Details>,
    instrument: StoredInstrument<'a>,
    attempts: Cow<'a, [Attempt]>,
    refunds: Cow<'a, [Refund]>,
    open: Cow<'a, [Open]>,
    refused: Cow<'a, [Refused]>,
    late_approvals: u16,
    canceled: Option<(Timestamp, CancellationReason)>,
    #[serde(with = "serde_bytes")]
    secret: [u8; 16],
}

/// What the next attempt will charge.
#[derive(Serialize, Deserialize)]
enum StoredInstrument<'a> {
    None,
    /// What the last attempt did.
    OfLastAttempt,
    Other(Cow<'a, Instrument>),
}

#[derive(Serialize, Deserialize)]
struct StoredTransition<'a> {
    seq: u32,
    at: Timestamp,
    event: StoredEvent<'a>,
    postings: Cow<'a, [Posting]>,
}

#[derive(Serialize, Deserialize)]
enum StoredEvent<'a> {
    /// Written whole.
    Other(Cow<'a, Event>),
    /// The payment was created as it is.
    Created,
    /// The payment's own card was set.
    InstrumentSet,
    /// The payment's last attempt and its last message were intended.
    AuthorizationIntended { decision: Option<Cow<'a, Decision>> },
}

impl StoredTold {
    const fn of(told: &ToldEvent) -> Self {
        Self { kind: told.kind, version: told.version, shown: told.shown }
    }
}

impl<'a> StoredPayment<'a> {
    fn of(payment: &'a Payment) -> Self {
        Self {
            id: payment.id,
            tenant: payment.tenant,
            version: payment.version,
            created: payment.created,
            amount: payment.amount,
            capture_method: payment.capture_method,
            details: Cow::Borrowed(&payment.details),
            instrument: StoredInstrument::of(payment),
            attempts: Cow::Borrowed(&payment.attempts),
            refunds: Cow::Borrowed(&payment.refunds),
            open: Cow::Borrowed(&payment.open),
            refused: Cow::Borrowed(&payment.refused),
            late_approvals: payment.late_approvals,
            canceled: payment.canceled,
            secret: payment.secret,
        }
    }

    fn whole(self) -> Result<Payment, Missing> {
        let attempts = self.attempts.into_owned();
        Ok(Payment {
            id: self.id,
            tenant: self.tenant,
            version: self.version,
            created: self.created,
            amount: self.amount,
            capture_method: self.capture_method,
            details: Arc::new(self.details.into_owned()),
            instrument: self.instrument.whole(attempts.last())?,
            attempts,
            refunds: self.refunds.into_owned(),
            open: self.open.into_owned(),
            refused: self.refused.into_owned(),
            late_approvals: self.late_approvals,
            canceled: self.canceled,
            secret: self.secret,
        })
    }
}

/// A row refers to a part of the payment that is not there: it is not one that was written.
struct Missing;

impl<'a> StoredInstrument<'a> {
    fn of(payment: &'a Payment) -> Self {
        match (&payment.instrument, payment.attempts.last()) {
            (None, _) => Self::None,
            (Some(instrument), Some(last)) if *instrument == last.instrument => Self::OfLastAttempt,
            (Some(instrument), _) => Self::Other(Cow::Borrowed(instrument)),
        }
    }

    fn whole(self, last: Option<&Attempt>) -> Result<Option<Arc<Instrument>>, Missing> {
        match self {
            Self::None => Ok(None),
            Self::OfLastAttempt => Ok(Some(Arc::clone(&last.ok_or(Missing)?.instrument))),
            Self::Other(instrument) => Ok(Some(Arc::new(instrument.into_owned()))),
        }
    }
}

impl<'a> StoredTransition<'a> {
    fn of(payment: &Payment, recorded: &'a Recorded) -> Self {
        let Recorded { seq, at, event, postings } = recorded;
        let event = StoredEvent::of(payment, event);
        Self { seq: *seq, at: *at, event, postings: Cow::Borrowed(postings) }
    }

    fn whole(self, payment: &Payment) -> Result<Recorded, Missing> {
        let event = self.event.whole(payment)?;
        Ok(Recorded { seq: self.seq, at: self.at, event, postings: self.postings.into_owned() })
    }
}

impl<'a> StoredEvent<'a> {
    fn of(payment: &Payment, event: &'a Event) -> Self {
        match event {
            Event::Created { id, tenant, at, amount, capture_method, details, secret }
                if (id, tenant, at) == (&payment.id, &payment.tenant, &payment.created)
                    && (amount, capture_method) == (&payment.amount, &payment.capture_method)
                    && (details, secret) == (&payment.details, &payment.secret) =>
            {
                Self::Created
            }
            Event::InstrumentSet(instrument) if payment.instrument.as_ref() == Some(instrument) => {
                Self::InstrumentSet
            }
            Event::AuthorizationIntended { attempt, open, decision }
                if payment.attempts.last() == Some(&**attempt) && payment.open.last() == Some(&**open) =>
            {
                Self::AuthorizationIntended { decision: decision.as_deref().map(Cow::Borrowed) }
            }
            other => Self::Other(Cow::Borrowed(other)),
        }
    }

    fn whole(self, payment: &Payment) -> Result<Event, Missing> {
        Ok(match self {
            Self::Other(event) => event.into_owned(),
            Self::Created => Event::Created {
                id: payment.id,
                tenant: payment.tenant,
                at: payment.created,
                amount: payment.amount,
                capture_method: payment.capture_method,
                details: Arc::clone(&payment.details),
                secret: payment.secret,
            },
            Self::InstrumentSet => Event::InstrumentSet(payment.instrument.clone().ok_or(Missing)?),
            Self::AuthorizationIntended { decision } => Event::AuthorizationIntended {
                attempt: Box::new(payment.attempts.last().ok_or(Missing)?.clone()),
                open: Box::new(payment.open.last().ok_or(Missing)?.clone()),
                decision: decision.map(|decision| Box::new(decision.into_owned())),
            },
        })
    }
}

impl Serialize for PaymentRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let payment = &*self.payment;
        let events = self.events.iter().map(|recorded| StoredTransition::of(payment, recorded)).collect();
        let Told { request_id, idempotency_key, events: told } = &self.told;
        StoredRow {
            payment: StoredPayment::of(payment),
            events,
            request_id: *request_id,
            idempotency_key: idempotency_key.as_deref().map(Cow::Borrowed),
            told: told.iter().map(StoredTold::of).collect(),
            told_ids: Cow::Owned(self.told.stored_ids().collect()),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PaymentRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let StoredRow { payment, events, request_id, idempotency_key, told, told_ids } =
            StoredRow::deserialize(deserializer)?;
        let missing = |Missing| D::Error::custom("a part of a payment that is not there");
        let payment = payment.whole().map_err(missing)?;
        let events = events.into_iter().map(|stored| stored.whole(&payment));
        let events = events.collect::<Result<_, _>>().map_err(missing)?;
        let told = Told::whole(&told, &told_ids).map_err(missing)?;
        let told = Told { request_id, idempotency_key: idempotency_key.map(SmolStr::from), events: told };
        Ok(Self { payment: Arc::new(payment), events, told })
    }
}
