//! Whatever is written, `serde_json` writes the same.

use super::{Unwritable, write, write_text};
use crate::objects::{Charge, Expandable, Metadata, Outcome, PaymentIntent, PaymentMethod, Shipping};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Number, Value};
use std::collections::BTreeMap;

fn written<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = b"before".to_vec();
    write(value, &mut out).expect("it can be written");
    out.split_off("before".len())
}

fn assert_same<T: Serialize>(value: &T) {
    let reference = serde_json::to_vec(value).expect("it can be written");
    assert_eq!(String::from_utf8_lossy(&written(value)), String::from_utf8_lossy(&reference));
}

/// Text with everything in it that is escaped, and much that is not.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,40}", "[\u{0}-\u{1f}\"\\\\/a-z\u{7f}é€💳]{0,40}", any::<String>()]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| Number::from_f64(number).map_or(Value::Null, Value::from)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..6).prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_is_written_as_by_serde_json(value in value()) {
        assert_same(&value);
    }

    #[test]
    fn any_text_is_written_as_by_serde_json(text in text()) {
        let mut out = Vec::new();
        write_text(&mut out, &text);
        prop_assert_eq!(out, serde_json::to_vec(&text).expect("text can be written"));
    }

    #[test]
    fn objects_are_written_as_by_serde_json(
        (id, words) in (text(), prop::option::of(text())),
        amount in any::<i64>(),
        (flag, number) in (any::<bool>(), any::<u8>()),
        pairs in prop::collection::vec((text(), text()), 0..4),
    ) {
        let map: BTreeMap<String, String> = pairs.iter().cloned().collect();
        let charge = || Charge {
            id: &id,
            amount,
            captured: flag,
            description: words.as_deref(),
            metadata: Metadata::Map(&map),
            outcome: words.as_deref().map(|kind| Outcome {
                kind,
                risk_score: flag.then_some(number),
                ..Outcome::default()
            }),
            ..Charge::default()
        };
        let intent = PaymentIntent {
            id: &id,
            amount,
            canceled_at: flag.then_some(amount),
            latest_charge: Some(if flag { Expandable::object(charge()) } else { Expandable::Id(&id) }),
            payment_method: words.as_deref().map(|_| Expandable::object(PaymentMethod::default())),
            payment_method_types: &["card", &id],
            shipping: words.as_deref().map(|name| Shipping { name: Some(name), ..Shipping::default() }),
            metadata: Metadata::Pairs(&pairs),
            ..PaymentIntent::default()
        };
        assert_same(&intent);
        assert_same(&charge());
    }
}

#[test]
fn every_byte_is_escaped_wherever_it_stands() {
    for byte in 0..128_u8 {
        for (before, after) in (0..20).flat_map(|before| (0..20).map(move |after| (before, after))) {
            let text = ["a".repeat(before), char::from(byte).to_string(), "é".repeat(after)].concat();
            assert_same(&text);
        }
    }
}

#[derive(Serialize)]
struct Pair(u8, &'static str);

#[derive(Serialize)]
enum Variant {
    Unit,
    Number(u8),
}

#[test]
fn what_serde_has_beside_objects_is_the_same_too() {
    let raw = serde_json::value::RawValue::from_string("{ \"a\" : [1] }".to_owned()).expect("JSON");
    assert_same(&(raw, Pair(1, "a"), 'é', 1.5_f32, [(); 2]));
    assert_same(&(Variant::Unit, Some(()), None::<u8>, i8::MIN, u16::MAX));
}

#[test]
fn what_no_object_has_is_refused() {
    let mut out = Vec::new();
    assert_eq!(write(&Variant::Number(1), &mut out), Err(Unwritable));
    assert_eq!(write(&BTreeMap::from([(1, 2)]), &mut out), Err(Unwritable));
}
