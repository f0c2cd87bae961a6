//! A payment's row comes back as it was written, whatever of it is written once.

use crate::scene::{Say, Scene, instrument};
use gateway_core::acquirer::Transmission;
use gateway_core::event::{EventKind, PublicEvent, Shown, Snapshot, Told, ToldEvent};
use gateway_core::id::{EventId, Id, RequestId};
use gateway_core::journal::PaymentRow;
use gateway_core::payment::{CaptureMethod, Event, Payment, Recorded, Stage};
use std::sync::Arc;

/// The row as bytes, after they were read again.
fn written(row: &PaymentRow) -> Vec<u8> {
    let bytes = postcard::to_stdvec(row).expect("a row can be written");
    let (read, rest) = postcard::take_from_bytes::<PaymentRow>(&bytes).expect("and read");
    assert_eq!(&read, row);
    assert!(rest.is_empty());
    bytes
}

/// A row that tells of its last transition.
fn row(payment: Arc<Payment>, events: Vec<Recorded>) -> PaymentRow {
    let told = |recorded: &Recorded| ToldEvent {
        id: EventId(Id(7)),
        kind: EventKind::ChargeRefunded,
        version: recorded.seq,
        shown: Shown::Charge { attempt: 1 },
    };
    let told = events.last().map(told).into_iter().collect();
    PaymentRow { payment, events, told: Told { request_id: None, idempotency_key: None, events: told } }
}

/// A row of a payment alone.
fn alone(payment: Arc<Payment>) -> PaymentRow {
    row(payment, Vec::new())
}

/// Checked after every step of every case: the last transitions alone, as they are written, and all of them while they are few.
pub fn comes_back(payment: &Payment, history: &[Recorded], last: usize) {
    let last = history.len() - last;
    let check = |from: usize| {
        written(&row(Arc::new(payment.clone()), history[from..].to_vec()));
    };
    check(last);
    if (1..6).contains(&last) {
        check(0);
    }
}

/// A new payment with its card and first attempt, as one write brings it.
fn intended() -> PaymentRow {
    let mut scene = Scene::new(CaptureMethod::Manual);
    scene.run(scene.confirm()).expect("it may be confirmed");
    PaymentRow { told: Told::default(), ..row(Arc::new(scene.payment), scene.history) }
}

#[test]
fn what_stands_in_a_row_twice_is_written_once() {
    let row = intended();
    let payment_alone = alone(Arc::clone(&row.payment));
    // Three transitions: number, time, kind and no postings; and that no decision was kept.
    let transitions = 3 * (1 + 6 + 1 + 1) + 1;
    assert_eq!(written(&row).len(), written(&payment_alone).len() + transitions);
    let card = postcard::to_stdvec(&instrument()).expect("it can be written").len();
    let mut cardless = row.payment.as_ref().clone();
    cardless.instrument = None;
    let cardless = alone(Arc::new(cardless));
    assert_eq!(
        written(&cardless).len(),
        written(&payment_alone).len(),
        "the attempt's card is the payment's"
    );
    assert!(written(&payment_alone).len() > card);
}

/// A way in which a row differs from what its transitions make.
type Change = (&'static str, fn(&mut Payment, &mut Event));

const CHANGES: &[Change] = &[
    ("details", |p, _| Arc::make_mut(&mut p.details).description = Some("other".to_owned())),
    ("amount", |p, _| p.amount.minor += 1),
    ("secret", |p, _| p.secret[3] ^= 1),
    ("created", |p, _| p.created.0 += 1),
    ("capture method", |p, _| p.capture_method = CaptureMethod::Automatic),
    ("another card", |p, _| p.instrument = Some(Arc::new(other_card()))),
    ("no card", |p, _| p.instrument = None),
    ("the attempt's card", |p, _| p.attempts[0].instrument = Arc::new(other_card())),
    ("the attempt", |p, _| p.attempts[0].increments = 3),
    ("no attempt", |p, _| p.attempts.clear()),
    ("the message", |p, _| p.open[0].stage = Stage::Unknown),
    ("no message", |p, _| p.open.clear()),
    ("the transition's card", |_, event| {
        if let Event::InstrumentSet(card) = event {
            *card = Arc::new(other_card());
        }
    }),
    ("the transition's attempt", |_, event| {
        if let Event::AuthorizationIntended { attempt, .. } = event {
            attempt.amount_minor += 1;
        }
    }),
];

fn other_card() -> gateway_core::payment::Instrument {
    gateway_core::payment::Instrument { billing_details: "{}".to_owned(), ..instrument() }
}

#[test]
fn what_differs_is_written_whole() {
    for (what, change) in CHANGES {
        let mut row = intended();
        let before = written(&row);
        for recorded in &mut row.events {
            change(Arc::make_mut(&mut row.payment), &mut recorded.event);
        }
        assert_ne!(written(&row), before, "{what}");
    }
}

/// Bytes behind a payment of whose transitions none is written: no transition, no request, no key, nothing told, and so no id.
const BEHIND_PAYMENT: usize = 5;

#[test]
fn a_row_that_refers_to_what_is_not_there_is_refused() {
    let row = intended();
    let mut bytes = written(&row);
    let payment = postcard::to_stdvec(&alone(row.payment));
    // The transitions of one payment behind another that has neither card nor attempt.
    let transitions = bytes.split_off(payment.expect("it can be written").len() - BEHIND_PAYMENT);
    let mut bare = intended();
    let payment = Arc::make_mut(&mut bare.payment);
    payment.instrument = None;
    payment.attempts.clear();
    bare.events.clear();
    let mut joined = written(&bare);
    joined.truncate(joined.len() - BEHIND_PAYMENT);
    joined.extend(transitions);
    assert!(postcard::from_bytes::<PaymentRow>(&joined).is_err());
}

#[test]
fn what_is_told_comes_back_with_its_ids_at_the_end() {
    let mut row = intended();
    let event = |id, version| ToldEvent {
        id: EventId(Id(id)),
        kind: EventKind::PaymentIntentCreated,
        version,
        shown: Shown::Refund { index: 3 },
    };
    row.told.request_id = Some(RequestId(Id(5)));
    row.told.idempotency_key = Some("key".into());
    row.told.events = vec![event(1 << 100, 1), event(2, 2), event(3, 99)];
    let bytes = written(&row);
    let ids: Vec<u8> = row.told.stored_ids().collect();
    assert_eq!((ids.len(), bytes.ends_with(&ids)), (48, true));
    assert!(postcard::from_bytes::<PaymentRow>(&bytes[..bytes.len() - 1]).is_err(), "an id that is cut off");
    let told: Vec<Option<PublicEvent>> = row.public_events().collect();
    let expected = PublicEvent {
        id: EventId(Id(2)),
        tenant: row.payment.tenant,
        kind: EventKind::PaymentIntentCreated,
        created: row.events[1].at,
        snapshot: Snapshot::Refund { payment: row.payment.id, version: 2, index: 3 },
        request_id: Some(RequestId(Id(5))),
        idempotency_key: Some("key".into()),
    };
    assert_eq!(told[1].as_ref(), Some(&expected));
    assert_eq!(row.event(EventId(Id(2))), told[1]);
    assert_eq!(
        (told[2].as_ref(), row.event(EventId(Id(9)))),
        (None, None),
        "of a transition that is not there; of no event"
    );
}

#[test]
fn an_approved_payment_comes_back() {
    let mut scene = Scene::new(CaptureMethod::Automatic);
    scene.run(scene.confirm()).expect("it may be confirmed");
    let reference = scene.payment.open[0].trace.reference;
    scene.run(scene.conclude(reference, Say::Yes(1000), Transmission::First)).expect("it was asked");
    comes_back(&scene.payment, &scene.history, 1);
}
