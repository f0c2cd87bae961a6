//! `gateway verify` over a store that an application has written: clean as it is, and told of whatever is planted in it.

use super::support::{Gateway, gateway_over, quick};
use gateway::verify::{Report, Verifier, write_history};
use gateway_core::claim::ClaimState;
use gateway_core::event::{EventKind, Shown, Told, ToldEvent};
use gateway_core::id::{EventId, Id};
use gateway_core::journal::{
    Batch, First, Journal, PaymentRow, Query, Range, Row, RowKey, Urgency, Versioned,
};
use gateway_core::ledger::{Account, Posting};
use gateway_core::payment::{Details, Event, Recorded, apply};
use gateway_core::{Currency, Money, Timestamp};
use gateway_store::{Embedded, Options};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn open(dir: &Path) -> Arc<Embedded> {
    let mut options = Options::new(Arc::new(gateway::world::SystemRandom));
    options.reserve_bytes = 0;
    Arc::new(gateway_store::open(dir, options, None).unwrap())
}

async fn over(store: &Arc<Embedded>) -> Gateway {
    let bank = gateway::app::simulated("simulated", gateway_acquirers::simulated::Settings::default());
    gateway_over(Arc::clone(store) as Arc<dyn Journal>, bank, quick()).await
}

/// A store with a payment of each kind, and a key that was answered.
async fn stocked(dir: &Path) {
    let store = open(dir);
    let g = over(&store).await;
    g.post_keyed("/v1/payment_intents", "amount=900&currency=usd", "answered").await.ok();
    g.pay(1000, "pm_card_chargeDeclined", "").await.refused(402, "card_declined");
    let paid = g.pay(2000, "pm_card_visa", "").await.ok();
    g.post("/v1/refunds", &format!("payment_intent={}&amount=500", paid.text("/id"))).await.ok();
    let voided = g.pay(3000, "pm_card_visa", "&capture_method=manual").await.ok();
    g.post(&format!("/v1/payment_intents/{}/cancel", voided.text("/id")), "").await.ok();
    let held = g.pay(4000, "pm_card_visa", "&capture_method=manual").await.ok();
    let part = "amount_to_capture=1500&final_capture=false";
    g.post(&format!("/v1/payment_intents/{}/capture", held.text("/id")), part).await.ok();
    assert!(g.app.shut_down(Duration::from_secs(5)).await);
    store.close();
}

fn verify(dir: &Path) -> Report {
    Verifier::read(dir).unwrap().report().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_application_wrote_is_counted_and_clean() {
    let dir = tempfile::tempdir().unwrap();
    stocked(dir.path()).await;
    let verifier = Verifier::read(dir.path()).unwrap();
    let report = verifier.report();
    assert_eq!(report.breaches, [""; 0]);
    let counts = [report.payments, report.authorizations, report.captures, report.refunds, report.open];
    assert_eq!(counts, [5, 3, 2, 1, 0]);
    assert!(report.claims >= 8 && report.events > 10 && report.postings > 6 && report.commits > 9);
    let mut out = Vec::new();
    write_history(&verifier, &mut out).unwrap();
    let lines: Vec<serde_json::Value> =
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    for line in &lines {
        let events = line["events"].as_array().unwrap();
        for (event, seq) in events.iter().zip(1..) {
            assert_eq!(event["seq"], seq, "{line}");
        }
        assert!(!line["claims"].as_array().unwrap().is_empty(), "{line}");
    }
    let minor = |line: &serde_json::Value| line["amount_minor"].as_i64().unwrap();
    let amounts: Vec<i64> = lines.iter().map(minor).collect();
    assert_eq!(amounts, [900, 1000, 2000, 3000, 4000], "in the order of their ids");
    assert_eq!(lines[0]["claims"][0], serde_json::json!({ "key": "answered", "status": 200 }));
}

/// The row after one more transition.
fn moved(row: PaymentRow, event: Event, postings: Vec<Posting>) -> PaymentRow {
    let mut payment = Some(Arc::unwrap_or_clone(row.payment));
    apply(&mut payment, &event);
    let payment = payment.unwrap();
    let events = vec![Recorded { seq: payment.version, at: Timestamp(0), event, postings }];
    PaymentRow { payment: Arc::new(payment), events, told: Told::default() }
}

fn usd(account: Account, minor: i64) -> Posting {
    Posting { account, amount: Money::new(minor, Currency::USD) }
}

fn updated() -> Event {
    Event::Updated { amount: None, capture_method: None, details: Details::default().into() }
}

/// Of the payment that was captured in part, whose hold still stands.
fn capturing(row: &PaymentRow, reference: u64) -> Event {
    let attempt = row.payment.attempt().unwrap();
    let mut trace = attempt.trace;
    trace.reference = reference;
    Event::CaptureIntended {
        open: Box::new(gateway_core::payment::Open {
            kind: gateway_core::payment::OpenKind::Capture {
                amount_minor: 10,
                last: gateway_core::acquirer::FinalCapture::No,
            },
            attempt: 1,
            acquirer: attempt.acquirer.clone(),
            trace,
            stage: gateway_core::payment::Stage::Sent,
            due: Timestamp(0),
            tries: 0,
            claim: None,
        }),
    }
}

/// What is planted, and what must be told of it. The payment is the last one, with a part captured.
type Plant = (&'static str, fn(PaymentRow) -> PaymentRow);

const PLANTS: &[Plant] = &[
    ("3: the stored state is not what its transitions make", |mut row| {
        Arc::make_mut(&mut row.payment).amount.minor += 1;
        row.events.clear();
        row
    }),
    ("9: transition", |row| {
        let mut row = moved(row, updated(), Vec::new());
        row.events[0].seq += 1;
        row
    }),
    ("9: pi_", |row| {
        let mut row = moved(row, updated(), Vec::new());
        let (kind, shown) = (EventKind::PaymentIntentSucceeded, Shown::Payment);
        row.told.events.push(ToldEvent { id: EventId(Id(1)), kind, version: 99, shown });
        row
    }),
    ("2: the postings of transition", |row| moved(row, updated(), vec![usd(Account::Held, 5)])),
    ("2: Held moved by 5", |row| {
        moved(row, updated(), vec![usd(Account::Held, 5), usd(Account::HeldContra, -5)])
    }),
    ("5: two messages at once", |row| {
        let (one, two) = (capturing(&row, 1), capturing(&row, 2));
        let mut first = moved(row, one, Vec::new());
        let events = first.events.clone();
        first = moved(first, two, Vec::new());
        first.events.splice(0..0, events);
        first
    }),
    ("5: two outstanding messages under one reference", |row| {
        let event = capturing(&row, 1);
        let again = event.clone();
        let mut first = moved(row, event, Vec::new());
        let events = first.events.clone();
        first = moved(first, again, Vec::new());
        first.events.splice(0..0, events);
        first
    }),
    ("1: canceled after a capture", |row| {
        let reason = gateway_core::payment::CancellationReason::Duplicate;
        moved(row, Event::Canceled { at: Timestamp(0), reason }, Vec::new())
    }),
    ("2: Receivable moved by 0", |row| {
        let event = capturing(&row, 1);
        let mut first = moved(row, event, Vec::new());
        let events = first.events.clone();
        let captured = Event::Captured {
            reference: 1,
            at: Timestamp(0),
            amount_minor: 10,
            last: gateway_core::acquirer::FinalCapture::No,
        };
        first = moved(first, captured, Vec::new());
        first.events.splice(0..0, events);
        first
    }),
];

async fn last_payment(store: &Embedded) -> Versioned {
    let merchants = store.query(&Query::Merchants).await.unwrap();
    let Row::Merchant(merchant) = &merchants[0].row else { panic!("a merchant") };
    let tenant = gateway_core::Tenant { merchant: merchant.id, mode: gateway_core::Mode::Test };
    let range = Range { above: None, below: None, first: First::Newest, limit: 1 };
    store.query(&Query::Payments { tenant, customer: None, range }).await.unwrap().remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn planted_breaches_are_told() {
    for (told, plant) in PLANTS {
        let dir = tempfile::tempdir().unwrap();
        stocked(dir.path()).await;
        let store = open(dir.path());
        let stored = last_payment(&store).await;
        let Row::Payment(row) = stored.row else { panic!("a payment") };
        let mut batch = Batch::new(Urgency::Outcome);
        batch.replace(stored.version, Row::Payment(Box::new(plant(*row))));
        store.commit(batch).await.unwrap();
        store.close();
        drop(store);
        let report = verify(dir.path());
        assert!(report.breaches.iter().any(|breach| breach.contains(told)), "{told}: {:?}", report.breaches);
        assert_eq!(report.breach_count, report.breaches.len() as u64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_final_answer_is_told() {
    let dir = tempfile::tempdir().unwrap();
    stocked(dir.path()).await;
    let store = open(dir.path());
    let Row::Payment(row) = last_payment(&store).await.row else { panic!("a payment") };
    let key = gateway_core::ClaimKey { tenant: row.payment.tenant, key: "answered".into() };
    let stored = store.read(&RowKey::Claim(key)).await.unwrap().unwrap();
    let Row::Claim(mut claim) = stored.row else { panic!("a claim") };
    let aged = claim.clone().aged();
    let mut batch = Batch::new(Urgency::Outcome);
    batch.replace(stored.version, Row::Claim(Box::new(aged)));
    store.commit(batch).await.unwrap();
    let ClaimState::Final { body, .. } = &mut claim.state else { panic!("final") };
    *body = Some(bytes::Bytes::from_static(b"{}"));
    drop(store);
    assert_eq!(verify(dir.path()).breaches, [""; 0], "bytes may go");
    let store = open(dir.path());
    let mut batch = Batch::new(Urgency::Outcome);
    batch.replace(gateway_core::journal::Version(stored.version.0 + 1), Row::Claim(claim));
    store.commit(batch).await.unwrap();
    drop(store);
    assert_eq!(verify(dir.path()).breaches, ["key answered: invariant 6: two final answers"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_an_error_and_no_report() {
    let dir = tempfile::tempdir().unwrap();
    stocked(dir.path()).await;
    let segment = dir.path().join("000000000001.segment");
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    assert!(Verifier::read(dir.path()).is_err());
}
