//! Bodies of requests. What is accepted means the same in both encodings, and keeps the limits; what is refused is told in a
//! whole envelope that shows no card number.

use gateway_api::endpoints::ENDPOINTS;
use gateway_api::form::{
    Encoding, MAX_BODY_BYTES, MAX_DEPTH, MAX_ENTRIES, MAX_NAME_BYTES, MAX_PAIRS, Redaction,
};
use gateway_api::{ApiError, Params};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A form body.
pub fn form(data: &[u8]) -> bool {
    body(Encoding::Form, data)
}

/// A JSON body.
pub fn json(data: &[u8]) -> bool {
    body(Encoding::Json, data)
}

fn body(encoding: Encoding, data: &[u8]) -> bool {
    let params = match Params::from_body(encoding, data) {
        Ok(params) => params,
        Err(refusal) => {
            told(&refusal);
            return false;
        }
    };
    let canonical = canonical(&params);
    let tree = Tree::read(&mut &canonical[..]);
    assert!(tree.leaves() <= MAX_PAIRS, "{} values were taken", tree.leaves());
    tree.keeps_limits(0);
    if let Some(other) = tree.as_form() {
        means_the_same(Encoding::Form, &other, &canonical);
    }
    if let Some(other) = tree.as_json() {
        means_the_same(Encoding::Json, &other, &canonical);
    }
    for endpoint in ENDPOINTS {
        if let Err(refusal) = endpoint.operation.check_params(&params) {
            told(&refusal);
        }
    }
    true
}

fn canonical(params: &Params<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    params.canonical(&mut out, &mut |_, _| Redaction::Keep);
    out
}

fn means_the_same(encoding: Encoding, body: &str, expected: &[u8]) {
    if body.len() > MAX_BODY_BYTES {
        return;
    }
    let params = Params::from_body(encoding, body.as_bytes());
    let params = params.unwrap_or_else(|refusal| panic!("{body:?} is refused: {refusal}"));
    assert_eq!(canonical(&params), expected, "{body:?}");
}

/// A refusal is an error of the dialect, and shows nothing that it should not.
fn told(refusal: &ApiError) {
    assert!((400..600).contains(&refusal.status), "{refusal}");
    let text = String::from_utf8(refusal.to_json()).expect("an envelope is text");
    let whole: serde_json::Value = serde_json::from_str(&text).expect("an envelope is JSON");
    assert!(whole["error"]["message"].as_str().is_some_and(|words| words.len() > 5), "{text}");
    for words in ["message", "param"] {
        let words = whole["error"][words].as_str().unwrap_or_default();
        assert!(!words.contains(char::is_control), "a control character in {words:?}");
    }
    for run in text.split(|letter: char| !letter.is_ascii_digit()) {
        let could_be_a_card = (12..=19).contains(&run.len()) && check_digit_holds(run);
        assert!(!could_be_a_card, "{run} in {text}");
    }
}

fn check_digit_holds(digits: &str) -> bool {
    let weigh = |(place, digit): (usize, u8)| {
        let doubled = u32::from(digit - b'0') << (place % 2);
        if doubled > 9 { doubled - 9 } else { doubled }
    };
    digits.bytes().rev().enumerate().map(weigh).sum::<u32>().is_multiple_of(10)
}

/// What a branch begins with, less the number of its entries; a value begins with its length, which is below.
const BRANCH: usize = 1 << 15;

/// The parameters, read back from their canonical form.
enum Tree {
    Leaf(String),
    Branch(BTreeMap<String, Tree>),
}

impl Tree {
    fn read(bytes: &mut &[u8]) -> Self {
        let tree = Self::branch(bytes);
        assert!(bytes.is_empty(), "{} bytes stand behind the canonical form", bytes.len());
        tree
    }

    fn branch(bytes: &mut &[u8]) -> Self {
        let count = number(bytes).checked_sub(BRANCH).expect("a branch begins here");
        let mut entries = BTreeMap::new();
        for _ in 0..count {
            let [length] = take(bytes, 1) else { unreachable!("one was taken") };
            let name = text(bytes, usize::from(*length));
            let entry = match number(&mut &**bytes) {
                BRANCH.. => Self::branch(bytes),
                length => {
                    number(bytes);
                    Self::Leaf(text(bytes, length))
                }
            };
            let twice = format!("{name:?} stands there twice");
            assert!(entries.insert(name, entry).is_none(), "{twice}");
        }
        Self::Branch(entries)
    }

    fn leaves(&self) -> usize {
        match self {
            Self::Leaf(_) => 1,
            Self::Branch(entries) => entries.values().map(Self::leaves).sum(),
        }
    }

    fn keeps_limits(&self, depth: usize) {
        assert!(depth <= MAX_DEPTH, "nested {depth} deep");
        let Self::Branch(entries) = self else { return };
        assert!(entries.len() <= MAX_ENTRIES, "{} entries", entries.len());
        for (name, entry) in entries {
            assert!(name.len() <= MAX_NAME_BYTES, "a name of {} bytes", name.len());
            entry.keeps_limits(depth + 1);
        }
    }

    /// As a form body; nothing if a form can't say it.
    fn as_form(&self) -> Option<String> {
        let mut out = String::new();
        self.write_form(&mut Vec::new(), &mut out).then_some(out)
    }

    fn write_form<'t>(&'t self, path: &mut Vec<&'t str>, out: &mut String) -> bool {
        match self {
            Self::Leaf(value) => {
                for (place, name) in path.iter().enumerate() {
                    let (open, close) = if place == 0 { ("", "") } else { ("[", "]") };
                    out.push_str(open);
                    escape(name, out);
                    out.push_str(close);
                }
                out.push('=');
                escape(value, out);
                out.push('&');
                true
            }
            // Neither an empty object nor a name with brackets in it can be said.
            Self::Branch(entries) => {
                let said = !entries.is_empty() || path.is_empty();
                said && entries.iter().all(|(name, entry)| {
                    path.push(name);
                    let sayable = !name.is_empty() && !name.contains(['[', ']']);
                    let written = sayable && entry.write_form(path, out);
                    path.pop();
                    written
                })
            }
        }
    }

    /// As a JSON body.
    fn as_json(&self) -> Option<String> {
        serde_json::to_string(&self.value()).ok()
    }

    fn value(&self) -> serde_json::Value {
        match self {
            Self::Leaf(value) => serde_json::Value::String(value.clone()),
            Self::Branch(entries) => {
                entries.iter().map(|(name, entry)| (name.clone(), entry.value())).collect()
            }
        }
    }
}

fn take<'b>(bytes: &mut &'b [u8], count: usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at_checked(count).expect("the canonical form is whole");
    *bytes = rest;
    taken
}

fn number(bytes: &mut &[u8]) -> usize {
    let two = take(bytes, 2).try_into().expect("two were taken");
    usize::from(u16::from_be_bytes(two))
}

fn text(bytes: &mut &[u8], length: usize) -> String {
    String::from_utf8(take(bytes, length).to_vec()).expect("parameters are text")
}

fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a string takes all text");
        }
    }
}
