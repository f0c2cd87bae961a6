//! The audit finds each planted inconsistency under its own invariant, and nothing in what is consistent.

use loadtest::audit::{Evidence, audit, book, client, store};
use serde_json::{Value, json};

fn of<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the form of a line")
}

fn client_line(op: &str, (key, payment): (&str, &str), (amount, state): (i64, &str)) -> client::Line {
    let object = if op == "refund" { "re_1" } else { payment };
    of(json!({"at": 1, "merchant": "m", "op": op, "key": key, "payment": payment, "amount_minor": amount,
        "currency": "usd", "attempt": 1, "status": 200, "state": state, "object": object, "final": true,
        "digest": format!("digest of {key}")}))
}

fn book_line(op: &str, reference: &str, amount: i64, (id, original): (u64, u64)) -> book::Line {
    of(json!({"at": 1, "op": op, "reference": reference, "amount_minor": amount, "currency": "usd",
        "result": "approved", "id": id, "original": original}))
}

/// An authorization of 1,000 of which 700 were captured and 200 refunded, one that was voided, one that was declined, and one
/// that was reversed before its second attempt was approved.
fn consistent() -> Evidence {
    let held = json!([{"account": "Held", "currency": "usd", "amount_minor": 1000},
        {"account": "HeldContra", "currency": "usd", "amount_minor": -1000}]);
    let captured = json!([{"account": "Receivable", "currency": "usd", "amount_minor": 700},
        {"account": "MerchantPending", "currency": "usd", "amount_minor": -700},
        {"account": "HeldContra", "currency": "usd", "amount_minor": 1000},
        {"account": "Held", "currency": "usd", "amount_minor": -1000}]);
    let refunded = json!([{"account": "Refunds", "currency": "usd", "amount_minor": 200},
        {"account": "Receivable", "currency": "usd", "amount_minor": -200}]);
    let one = json!({"payment": "pi_1", "merchant": "m", "mode": "test", "currency": "usd", "amount_minor": 1000,
        "status": "succeeded", "later": "fields are left alone",
        "attempts": [{"reference": 11, "acquirer": "bank", "authorized_minor": 1000, "captured_minor": 700,
            "state": "authorized"}],
        "refunds": [{"id": "re_1", "reference": "000000000012", "amount_minor": 200, "state": "succeeded"}],
        "events": [{"seq": 1, "kind": "Created", "postings": []}, {"seq": 2, "kind": "Authorized", "postings": held},
            {"seq": 3, "kind": "Captured", "postings": captured}, {"seq": 4, "kind": "Refunded", "postings": refunded}],
        "claims": [{"key": "k1", "status": 200}, {"key": "k2", "status": 200}, {"key": "k3", "status": 200}]});
    let voided = json!({"payment": "pi_2", "merchant": "m", "mode": "test", "currency": "usd", "amount_minor": 500,
        "status": "canceled",
        "attempts": [{"reference": 21, "acquirer": "bank", "authorized_minor": 500, "state": "voided"}],
        "events": [{"seq": 1, "kind": "Created"}, {"seq": 2, "kind": "Voided"}],
        "claims": [{"key": "k4", "status": 200}, {"key": "k5", "status": 200}]});
    let declined = json!({"payment": "pi_3", "merchant": "m", "mode": "test", "currency": "usd", "amount_minor": 300,
        "status": "requires_payment_method",
        "attempts": [{"reference": 31, "acquirer": "bank", "state": "failed"}],
        "events": [{"seq": 1, "kind": "Created"}], "claims": [{"key": "k6", "status": 402}]});
    let again = json!({"payment": "pi_4", "merchant": "m", "mode": "test", "currency": "usd", "amount_minor": 400,
        "status": "requires_capture",
        "attempts": [{"reference": 41, "acquirer": "bank", "state": "failed"},
            {"reference": 42, "acquirer": "bank", "authorized_minor": 400, "state": "authorized"}],
        "events": [{"seq": 1, "kind": "Created"}, {"seq": 2, "kind": "Authorized"}],
        "claims": [{"key": "k7", "status": 200}]});
    let mut decline = client_line("authorize", ("k6", "pi_3"), (300, ""));
    decline.status = Some(402);
    let mut lost = client_line("authorize", ("k7", "pi_4"), (400, ""));
    (lost.payment, lost.status, lost.is_final, lost.lost) = (None, None, false, Some("reset".to_owned()));
    Evidence {
        client: vec![
            client_line("authorize", ("k1", "pi_1"), (1_000, "requires_capture")),
            client_line("capture", ("k2", "pi_1"), (700, "succeeded")),
            client_line("refund", ("k3", "pi_1"), (200, "succeeded")),
            client_line("authorize", ("k4", "pi_2"), (500, "requires_capture")),
            client_line("void", ("k5", "pi_2"), (500, "canceled")),
            decline,
            lost,
            client_line("authorize", ("k7", "pi_4"), (400, "requires_capture")),
            client_line("authorize", ("k7", "pi_4"), (400, "requires_capture")),
        ],
        book: Some(vec![
            book_line("authorize", "000000000011", 1_000, (1, 0)),
            book_line("capture", "000000000011", 700, (2, 1)),
            book_line("reverse", "000000000011", 300, (3, 1)),
            book_line("refund", "000000000012", 200, (4, 0)),
            book_line("authorize", "000000000021", 500, (5, 0)),
            book_line("void", "000000000021", 500, (6, 5)),
            book_line("authorize", "000000000041", 400, (7, 0)),
            book_line("reverse", "000000000041", 400, (8, 7)),
            book_line("authorize", "000000000042", 400, (9, 0)),
        ]),
        gateway: vec![of(one), of(voided), of(declined), of(again)],
    }
}

#[test]
fn a_sale_that_was_reversed_is_clean() {
    let mut evidence = consistent();
    let book = book(&mut evidence);
    book.push(book_line("authorize", "000000000031", 300, (30, 0)));
    book.push(book_line("capture", "000000000031", 300, (30, 0)));
    assert!(!audit(&evidence).clean(), "it stands");
    let book = self::book(&mut evidence);
    book.push(book_line("reverse", "000000000031", 300, (31, 30)));
    // Acknowledged again, with nothing left to take back.
    book.push(book_line("reverse", "000000000031", 300, (32, 30)));
    let findings = audit(&evidence);
    assert!(findings.clean(), "{}", findings.text(&evidence));
}

#[test]
fn a_message_that_went_elsewhere_is_known_and_may_not_stand() {
    let mut evidence = consistent();
    evidence.gateway[3].rerouted.push(store::Rerouted { reference: "43".into(), acquirer: "other".into() });
    // Declined softly by the one that was asked first.
    let line = book_line("authorize", "000000000043", 400, (34, 0));
    book(&mut evidence).push(book::Line { result: "declined".into(), ..line });
    let findings = audit(&evidence);
    assert!(findings.clean(), "{}", findings.text(&evidence));
}

/// What is wrong, the invariant that it breaks, and how it is planted.
type Plant = (&'static str, u8, fn(&mut Evidence));

fn book(evidence: &mut Evidence) -> &mut Vec<book::Line> {
    evidence.book.as_mut().expect("there is one")
}

const PLANTS: &[Plant] = &[
    ("more captured than authorized", 1, |e| e.gateway[0].attempts[0].authorized_minor = 699),
    ("pending captures count", 1, |e| e.gateway[0].attempts[0].pending_minor = 301),
    ("more refunded than captured", 1, |e| e.gateway[0].refunds[0].amount_minor = 701),
    ("a pending refund counts", 1, |e| {
        let more =
            store::Refund { state: "pending".into(), amount_minor: 501, ..e.gateway[0].refunds[0].clone() };
        e.gateway[0].refunds.push(more);
    }),
    ("a void after a capture", 1, |e| e.gateway[1].attempts[0].captured_minor = 1),
    ("postings that do not sum to zero", 2, |e| e.gateway[0].events[1].postings[0].amount_minor = 999),
    ("postings in another currency", 2, |e| e.gateway[0].events[1].postings[0].currency = "eur".into()),
    ("a balance that is not what was captured", 2, |e| e.gateway[0].events[2].postings.truncate(0)),
    ("one key, two payments in the store", 3, |e| e.gateway[3].claims[0].key = "k1".into()),
    ("one key, two payments told", 3, |e| e.client[8].payment = Some("pi_2".into())),
    ("two approvals that stand", 3, |e| {
        book(e).remove(7);
    }),
    ("an approval that the store failed", 4, |e| {
        book(e).push(book_line("authorize", "000000000031", 300, (20, 0)));
    }),
    ("a success that the book does not have", 4, |e| {
        book(e).remove(8);
    }),
    ("a success of another amount", 4, |e| book(e)[8].amount_minor = 399),
    ("an approval in another currency", 4, |e| book(e)[8].currency = "eur".into()),
    ("a hold that was released under an open payment", 4, |e| {
        book(e).push(book_line("reverse", "000000000042", 400, (21, 9)));
    }),
    ("a void that did not reach the acquirer", 4, |e| {
        book(e).remove(5);
    }),
    ("an approval of a message that another acquirer was asked in place of", 4, |e| {
        e.gateway[2].rerouted.push(store::Rerouted { reference: "32".into(), acquirer: "other".into() });
        book(e).push(book_line("authorize", "000000000032", 300, (33, 0)));
    }),
    ("approved by both acquirers that were asked", 3, |e| {
        e.gateway[3].rerouted.push(store::Rerouted { reference: "43".into(), acquirer: "other".into() });
        book(e).push(book_line("authorize", "000000000043", 400, (34, 0)));
    }),
    ("an approval that the store never recorded", 4, |e| {
        book(e).push(book_line("authorize", "000000000099", 50, (22, 0)));
    }),
    ("a message before its intent", 5, |e| {
        book(e).push(book::Line { result: "declined".into(), ..book_line("refund", "77", 50, (23, 0)) });
    }),
    ("a capture made twice", 5, |e| {
        book(e).push(book_line("capture", "000000000011", 700, (24, 1)));
    }),
    ("a capture that the book does not have", 5, |e| {
        book(e).remove(1);
    }),
    ("a capture that was undone", 5, |e| {
        book(e).push(book_line("reverse", "000000000011", 700, (25, 2)));
    }),
    ("a refund made twice", 5, |e| {
        book(e).push(book_line("refund", "000000000012", 200, (26, 0)));
    }),
    ("a refund that failed, and was made", 5, |e| e.gateway[0].refunds[0].state = "failed".into()),
    ("an authorization sent twice as a first", 5, |e| {
        book(e).insert(7, book_line("authorize", "000000000041", 400, (27, 0)));
        book(e)[8].amount_minor = 800;
    }),
    ("two final answers for one key", 6, |e| e.client[8].digest = "other bytes".into()),
    ("a final answer that the store does not claim", 6, |e| e.gateway[0].claims.truncate(2)),
    ("a final answer of another status", 6, |e| e.gateway[0].claims[0].status = Some(402)),
    ("a final answer that the store has none of", 6, |e| e.gateway[0].claims[0].status = None),
    ("a key claimed twice by a payment", 6, |e| e.gateway[0].claims[1].key = "k1".into()),
    ("an acknowledged payment that is gone", 7, |e| {
        e.gateway.remove(1);
    }),
    ("an acknowledged authorization that is gone", 7, |e| e.gateway[3].attempts[1].authorized_minor = 0),
    ("an acknowledged capture that is gone", 7, |e| e.gateway[0].attempts[0].captured_minor = 699),
    ("a payment that was shown as paid, and is not", 7, |e| {
        e.client.push(client_line("retrieve", ("", "pi_4"), (400, "succeeded")));
    }),
    ("an acknowledged void that is undone", 7, |e| e.gateway[1].status = "requires_capture".into()),
    ("an acknowledged refund that is gone", 7, |e| e.gateway[0].refunds.truncate(0)),
    ("an acknowledged refund that failed", 7, |e| e.gateway[0].refunds[0].state = "failed".into()),
    ("a decline that was an approval", 7, |e| {
        e.gateway[2].attempts[0].state = "authorized".into();
        e.gateway[2].attempts[0].authorized_minor = 300;
    }),
    ("a payment that stays unknown", 8, |e| e.gateway[3].status = "processing".into()),
    ("an attempt that stays open", 8, |e| e.gateway[3].attempts[0].state = "open".into()),
    ("a capture that stays pending", 8, |e| e.gateway[3].attempts[1].pending_minor = 100),
    ("a refund that stays pending", 8, |e| e.gateway[0].refunds[0].state = "pending".into()),
    ("a gap in the events", 9, |e| {
        e.gateway[0].events.remove(2);
    }),
    ("events that begin at zero", 9, |e| e.gateway[3].events.iter_mut().for_each(|event| event.seq -= 1)),
    ("no event at all", 9, |e| e.gateway[3].events.clear()),
];

#[test]
fn what_is_consistent_is_clean() {
    let evidence = consistent();
    let findings = audit(&evidence);
    assert!(findings.clean(), "{}", findings.text(&evidence));
    let checked: Vec<u8> = findings.checks.keys().copied().collect();
    assert_eq!(checked, [1, 2, 3, 4, 5, 6, 7, 8, 9], "every invariant was looked at");
}

#[test]
fn each_planted_inconsistency_is_found() {
    for (what, invariant, plant) in PLANTS {
        let mut evidence = consistent();
        plant(&mut evidence);
        let findings = audit(&evidence);
        let found = findings.breaches.iter().any(|breach| breach.invariant == *invariant);
        assert!(found, "{what}: invariant {invariant} not among {:?}", findings.breaches);
    }
}

#[test]
fn a_breach_comes_with_three_histories() {
    let mut evidence = consistent();
    book(&mut evidence).push(book_line("refund", "000000000012", 200, (26, 0)));
    let text = audit(&evidence).text(&evidence);
    for part in [
        "BREACH of invariant 5",
        "what clients saw",
        "\"key\":\"k3\"",
        "the acquirer's book",
        "the gateway's store",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    assert!(text.contains("\"reference\":\"12\""), "{text}");
}

#[test]
fn without_a_book_the_rest_is_still_audited() {
    let mut evidence = consistent();
    evidence.book = None;
    let findings = audit(&evidence);
    assert!(findings.clean(), "{}", findings.text(&evidence));
    assert!(findings.text(&evidence).contains("no book was given"));
    evidence.gateway[0].events.remove(0);
    assert!(!audit(&evidence).clean());
}
