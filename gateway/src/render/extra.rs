//! What a payment says that is only shown again: kept as one JSON object in its record.

use super::Renderer;
use gateway_api::form::Change;
use gateway_api::json;
use gateway_api::objects::{Address, BillingDetails, Shipping};
use gateway_api::params::{AddressInput, BillingDetailsInput, ShippingInput};
use serde::Serialize;
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

/// Billing details of which none were stored before, with the keys in the order of a [`Map`].
#[derive(Serialize)]
struct NewBilling<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<NewAddress<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_id: Option<&'a str>,
}

#[derive(Serialize)]
struct NewAddress<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line1: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line2: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
}

impl<'a> From<AddressInput<'a>> for NewAddress<'a> {
    fn from(input: AddressInput<'a>) -> Self {
        Self {
            city: input.city.set(),
            country: input.country.set(),
            line1: input.line1.set(),
            line2: input.line2.set(),
            postal_code: input.postal_code.set(),
            state: input.state.set(),
        }
    }
}

/// Billing details as they are stored at first, without a map of them.
fn new_billing(input: &BillingDetailsInput<'_>) -> String {
    let billing = NewBilling {
        address: input.address.set().map(NewAddress::from),
        email: input.email.set(),
        name: input.name.set(),
        phone: input.phone.set(),
        tax_id: input.tax_id.set(),
    };
    let mut out = Vec::with_capacity(256);
    json::write(&billing, &mut out).expect("it has texts only");
    if out == b"{}" { String::new() } else { String::from_utf8(out).expect("JSON is UTF-8") }
}

/// Merges billing details into the stored ones.
pub fn merge_billing(stored: &str, input: &BillingDetailsInput<'_>) -> String {
    if stored.is_empty() {
        return new_billing(input);
    }
    merged_billing(stored, input)
}

fn merged_billing(stored: &str, input: &BillingDetailsInput<'_>) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn change() -> impl Strategy<Value = Option<Option<String>>> {
        prop::option::of(prop::option::of("[ -~é\n]{1,12}"))
    }

    fn of(change: &Option<Option<String>>) -> Change<&str> {
        match change {
            None => Change::Keep,
            Some(None) => Change::Clear,
            Some(Some(text)) => Change::Set(text),
        }
    }

    proptest! {
        #[test]
        fn new_billing_details_are_those_merged_into_none(
            address in prop::option::of(prop::option::of(prop::array::uniform6(change()))),
            texts in prop::array::uniform4(change()),
        ) {
            let [email, name, phone, tax_id] = texts.each_ref().map(of);
            let address = match &address {
                None => Change::Keep,
                Some(None) => Change::Clear,
                Some(Some(lines)) => {
                    let [city, country, line1, line2, postal_code, state] = lines.each_ref().map(of);
                    Change::Set(AddressInput { city, country, line1, line2, postal_code, state })
                }
            };
            let input = BillingDetailsInput { address, email, name, phone, tax_id };
            prop_assert_eq!(new_billing(&input), merged_billing("", &input));
        }
    }
}
