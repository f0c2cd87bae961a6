//! What a payment says that is only shown again: kept as one JSON object in its record.

use super::Renderer;
use gateway_api::form::Change;
use gateway_api::objects::{Address, BillingDetails, Shipping};
use gateway_api::params::{AddressInput, BillingDetailsInput, ShippingInput};
use serde_json::{Map, Value};

/// The stored object; empty text for none.
pub fn parse(stored: &str) -> Map<String, Value> {
    if stored.is_empty() {
        return Map::new();
    }
    match serde_json::from_str(stored) {
        Ok(Value::Object(map)) => map,
        Ok(_) | Err(_) => Map::new(),
    }
}

/// The text to store.
pub fn unparse(map: Map<String, Value>) -> String {
    if map.is_empty() { String::new() } else { Value::Object(map).to_string() }
}

/// A text of the object.
pub fn text<'a>(r: &Renderer<'a>, map: &Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str).map(|text| &*r.texts.alloc_str(text))
}

/// Sets, unsets or keeps a text.
pub fn set(map: &mut Map<String, Value>, key: &str, value: Change<&str>) {
    match value {
        Change::Keep => {}
        Change::Clear => {
            map.remove(key);
        }
        Change::Set(text) => {
            map.insert(key.to_owned(), Value::from(text));
        }
    }
}

/// Merges an address into a stored one.
pub fn merge_address(map: &mut Map<String, Value>, input: &AddressInput<'_>) {
    set(map, "city", input.city);
    set(map, "country", input.country);
    set(map, "line1", input.line1);
    set(map, "line2", input.line2);
    set(map, "postal_code", input.postal_code);
    set(map, "state", input.state);
}

/// Takes an address, or drops it.
pub fn change_address(map: &mut Map<String, Value>, change: &Change<AddressInput<'_>>) {
    match change {
        Change::Keep => {}
        Change::Clear => {
            map.remove("address");
        }
        Change::Set(input) => {
            let mut address = match map.remove("address") {
                Some(Value::Object(stored)) => stored,
                Some(_) | None => Map::new(),
            };
            merge_address(&mut address, input);
            map.insert("address".to_owned(), Value::Object(address));
        }
    }
}

/// Merges billing details into the stored ones.
pub fn merge_billing(stored: &str, input: &BillingDetailsInput<'_>) -> String {
    let mut map = parse(stored);
    set(&mut map, "email", input.email);
    set(&mut map, "name", input.name);
    set(&mut map, "phone", input.phone);
    set(&mut map, "tax_id", input.tax_id);
    change_address(&mut map, &input.address);
    unparse(map)
}

/// Takes shipping, or drops it.
pub fn change_shipping(map: &mut Map<String, Value>, change: &Change<ShippingInput<'_>>) {
    match change {
        Change::Keep => {}
        Change::Clear => {
            map.remove("shipping");
        }
        Change::Set(input) => {
            let mut shipping = Map::new();
            let mut address = Map::new();
            merge_address(&mut address, &input.address);
            shipping.insert("address".to_owned(), Value::Object(address));
            shipping.insert("name".to_owned(), Value::from(input.name));
            for (key, value) in [
                ("carrier", input.carrier),
                ("phone", input.phone),
                ("tracking_number", input.tracking_number),
            ] {
                shipping.extend(value.map(|text| (key.to_owned(), Value::from(text))));
            }
            map.insert("shipping".to_owned(), Value::Object(shipping));
        }
    }
}

fn object<'m>(map: &'m Map<String, Value>, key: &str) -> Option<&'m Map<String, Value>> {
    map.get(key).and_then(Value::as_object)
}

/// The address under `address`, if there is one.
pub fn address<'a>(r: &Renderer<'a>, map: &Map<String, Value>) -> Option<Address<'a>> {
    let stored = object(map, "address")?;
    Some(Address {
        city: text(r, stored, "city"),
        country: text(r, stored, "country"),
        line1: text(r, stored, "line1"),
        line2: text(r, stored, "line2"),
        postal_code: text(r, stored, "postal_code"),
        state: text(r, stored, "state"),
    })
}

/// Stored billing details as they are shown.
pub fn billing<'a>(r: &Renderer<'a>, stored: &str) -> BillingDetails<'a> {
    if stored.is_empty() {
        return BillingDetails::default();
    }
    let map = parse(stored);
    BillingDetails {
        address: address(r, &map).unwrap_or_default(),
        email: text(r, &map, "email"),
        name: text(r, &map, "name"),
        phone: text(r, &map, "phone"),
        tax_id: text(r, &map, "tax_id"),
    }
}

/// Stored shipping as it is shown.
pub fn shipping<'a>(r: &Renderer<'a>, map: &Map<String, Value>) -> Option<Shipping<'a>> {
    let stored = object(map, "shipping")?;
    Some(Shipping {
        address: address(r, stored).unwrap_or_default(),
        carrier: text(r, stored, "carrier"),
        name: text(r, stored, "name"),
        phone: text(r, stored, "phone"),
        tracking_number: text(r, stored, "tracking_number"),
    })
}
