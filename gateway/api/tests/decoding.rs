//! Properties of the decoder: any tree survives the way through a form body, and no bytes make it panic.

use gateway_api::endpoints::ENDPOINTS;
use gateway_api::form::{Encoding, Params, Redaction};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// A tree to send: at most three levels, with names that need encoding among them.
#[derive(Debug, Clone)]
enum Tree {
    Leaf(String),
    Branch(BTreeMap<String, Tree>),
}

fn tree() -> impl Strategy<Value = BTreeMap<String, Tree>> {
    let name = "[a-z_é %&=+.]{1,8}";
    let leaf = "[^\0]{0,12}".prop_map(Tree::Leaf);
    let node = leaf.prop_recursive(3, 24, 4, move |inner| {
        prop::collection::btree_map(name, inner, 1..4).prop_map(Tree::Branch)
    });
    prop::collection::btree_map(name, node, 0..6)
}

fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'_' | b'.' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => write!(out, "%{byte:02X}").expect("a string takes all text"),
        }
    }
}

fn to_form(prefix: &str, tree: &Tree, out: &mut String) {
    match tree {
        Tree::Leaf(value) => {
            if !out.is_empty() {
                out.push('&');
            }
            out.push_str(prefix);
            out.push('=');
            encode(value, out);
        }
        Tree::Branch(entries) => {
            for (name, inner) in entries {
                let mut path = format!("{prefix}[");
                encode(name, &mut path);
                path.push(']');
                to_form(&path, inner, out);
            }
        }
    }
}

fn to_json(tree: &Tree) -> serde_json::Value {
    match tree {
        Tree::Leaf(value) => value.clone().into(),
        Tree::Branch(entries) => entries
            .iter()
            .map(|(name, inner)| (name.clone(), to_json(inner)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

fn canonical(params: &Params<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    params.canonical(&mut out, &mut |_, _| Redaction::Keep);
    out
}

/// What a form body of plain letters says, read in the plainest way: values by the names on the way to them; nothing for a body that
/// is refused.
fn read_plainly(body: &str) -> Option<BTreeMap<Vec<String>, String>> {
    let mut read = BTreeMap::new();
    for pair in body.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let path = path_of(name, &read)?;
        let within = |longer: &[String], shorter: &[String]| longer.starts_with(shorter);
        if read.keys().any(|other: &Vec<String>| within(other, &path) || within(&path, other)) {
            return None;
        }
        read.insert(path, value.to_owned());
    }
    Some(read)
}

fn path_of(name: &str, read: &BTreeMap<Vec<String>, String>) -> Option<Vec<String>> {
    let Some((head, brackets)) = name.split_once('[') else {
        return (!name.is_empty() && !name.contains(']')).then(|| vec![name.to_owned()]);
    };
    let mut path = vec![head.to_owned()];
    let inner: Vec<&str> = brackets.strip_suffix(']')?.split("][").collect();
    for (position, name) in inner.iter().enumerate() {
        let last = position + 1 == inner.len();
        if name.contains(['[', ']']) || (name.is_empty() && !last) {
            return None;
        }
        let entries =
            read.keys().filter(|other| other.starts_with(&path)).filter_map(|other| other.get(path.len()));
        let next = entries.collect::<BTreeSet<_>>().len().to_string();
        path.push(if name.is_empty() { next } else { (*name).to_owned() });
    }
    (!head.is_empty() && !head.contains(']')).then_some(path)
}

/// The same as a JSON object.
fn nested(read: &BTreeMap<Vec<String>, String>) -> serde_json::Value {
    let mut object = serde_json::json!({});
    for (path, value) in read {
        let place = path.iter().fold(&mut object, |place, name| &mut place[name.as_str()]);
        *place = value.as_str().into();
    }
    object
}

proptest! {
    #[test]
    fn a_form_is_read_as_it_would_be_plainly(
        body in "((a|b)?(\\[(a|b|bb|\\[|\\]|)\\]){0,3}(=[xy]{0,2})?&){0,6}"
    ) {
        let read = Params::from_body(Encoding::Form, body.as_bytes());
        let Some(plainly) = read_plainly(&body) else {
            prop_assert!(read.is_err());
            return Ok(());
        };
        let json = nested(&plainly).to_string();
        let by_json = Params::from_body(Encoding::Json, json.as_bytes()).expect(&json);
        prop_assert_eq!(canonical(&read.expect(&body)), canonical(&by_json));
    }

    #[test]
    fn the_order_of_pairs_means_nothing(
        pairs in prop::collection::btree_set("[a-c]{1,2}(\\[[a-c]{1,2}\\]){0,2}", 0..24)
            .prop_flat_map(|names| Just(names.into_iter().collect::<Vec<_>>()).prop_shuffle())
    ) {
        let mut sorted = pairs.clone();
        sorted.sort();
        let body = |names: &[String]| names.iter().map(|name| format!("{name}=1")).collect::<Vec<_>>().join("&");
        let (given, sorted) = (body(&pairs), body(&sorted));
        let read = |body: &str| {
            Params::from_body(Encoding::Form, body.as_bytes()).map(|params| canonical(&params)).ok()
        };
        prop_assert_eq!(read(&given), read(&sorted));
    }

    #[test]
    fn a_tree_is_the_same_by_form_and_by_json(tree in tree()) {
        let mut body = String::new();
        for (name, inner) in &tree {
            let mut prefix = String::new();
            encode(name, &mut prefix);
            to_form(&prefix, inner, &mut body);
        }
        let json = to_json(&Tree::Branch(tree.clone())).to_string();
        let by_form = Params::from_body(Encoding::Form, body.as_bytes()).expect(&body);
        let by_json = Params::from_body(Encoding::Json, json.as_bytes()).expect(&json);
        prop_assert_eq!(canonical(&by_form), canonical(&by_json));
    }

    #[test]
    fn different_trees_have_different_canonical_forms(left in tree(), right in tree()) {
        let json = |tree: &BTreeMap<String, Tree>| to_json(&Tree::Branch(tree.clone()));
        let (left, right) = (json(&left), json(&right));
        let (a, b) = (left.to_string(), right.to_string());
        let bytes = |text: &str| {
            canonical(&Params::from_body(Encoding::Json, text.as_bytes()).expect("a valid object"))
        };
        prop_assert_eq!(bytes(&a) == bytes(&b), left == right);
    }

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..400)) {
        try_everything(&body);
    }

    #[test]
    fn no_almost_valid_body_makes_it_panic(body in "([a-e]{0,2}(\\[[a-c0-2]{0,2}\\]?){0,10}=?(%[0-9A-F]{1,2}|[a-z+]){0,4}&?){0,30}") {
        try_everything(body.as_bytes());
    }

    #[test]
    fn no_almost_valid_json_makes_it_panic(body in "\\{(\"(amount|expand|metadata|card|created)\":(\\{\"[a-c]\":1\\}|\\[1,2\\]|null|-?[0-9]{1,25}|\"[a-z0-9]{0,3}\"),?){0,5}\\}?") {
        try_everything(body.as_bytes());
    }
}

fn try_everything(body: &[u8]) {
    for encoding in [Encoding::Form, Encoding::Json] {
        let Ok(params) = Params::from_body(encoding, body) else { continue };
        canonical(&params);
        for endpoint in ENDPOINTS {
            if let Err(error) = endpoint.operation.check_params(&params) {
                assert!((400..=402).contains(&error.status), "{error}");
                serde_json::from_slice::<serde_json::Value>(&error.to_json()).expect("the envelope is JSON");
            }
        }
    }
}
