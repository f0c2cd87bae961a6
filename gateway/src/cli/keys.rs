//! `gateway merchant ...` and `gateway keys ...`.

use super::admin_client::{Ask, ask};
use super::args::{Keys, Kind, Merchant, Mode, Target};
use http::Method;
use serde_json::{Value, json};

pub(super) fn merchant(command: Merchant) -> Result<(), String> {
    match command {
        Merchant::Create { name, target } => {
            let body = Some(json!({ "name": name }));
            let made = ask(&target.admin, Ask { method: Method::POST, path: "/merchants", body })?;
            print_one(&made, &target, |made| format!("{}  {}", text(made, "id"), text(made, "name")));
        }
        Merchant::List { target } => {
            let found = ask(&target.admin, Ask { method: Method::GET, path: "/merchants", body: None })?;
            print_list(&found, &target, |row| format!("{}  {}", text(row, "id"), text(row, "name")));
        }
        Merchant::Set { id, retry_declines, partial_approval, target } => {
            let mut body = serde_json::Map::new();
            let chosen = [("retry_declines", retry_declines), ("partial_approval", partial_approval)];
            for (name, value) in chosen {
                body.extend(value.map(|value| (name.to_owned(), Value::from(value))));
            }
            let path = format!("/merchants/{}", checked(&id)?);
            let body = Some(Value::Object(body));
            let changed = ask(&target.admin, Ask { method: Method::POST, path: &path, body })?;
            print_one(&changed, &target, |changed| {
                format!(
                    "{}  retry_declines {}  partial_approval {}",
                    text(changed, "id"),
                    changed["retry_declines"],
                    changed["partial_approval"]
                )
            });
        }
    }
    Ok(())
}

pub(super) fn keys(command: Keys) -> Result<(), String> {
    match command {
        Keys::Create { merchant, mode, kind, scope, target } => {
            let body = Some(json!({
                "merchant": merchant,
                "mode": match mode { Mode::Test => "test", Mode::Live => "live" },
                "kind": match kind {
                    Kind::Secret => "secret",
                    Kind::Publishable => "publishable",
                    Kind::Restricted => "restricted",
                },
                "scopes": scope,
            }));
            let made = ask(&target.admin, Ask { method: Method::POST, path: "/keys", body })?;
            print_one(&made, &target, |made| {
                format!(
                    "{}\n(its id is {}; the key is not shown again)",
                    text(made, "secret"),
                    text(made, "id")
                )
            });
        }
        Keys::List { merchant, target } => {
            let path = format!("/keys?merchant={}", checked(&merchant)?);
            let found = ask(&target.admin, Ask { method: Method::GET, path: &path, body: None })?;
            print_list(&found, &target, |row| {
                let state = if row["revoked"].is_null() { "active" } else { "revoked" };
                format!("{}  {:<4}  {:<11}  {state}", text(row, "id"), text(row, "mode"), text(row, "kind"))
            });
        }
        Keys::Revoke { id, target } => {
            let path = format!("/keys/{}", checked(&id)?);
            let revoked = ask(&target.admin, Ask { method: Method::DELETE, path: &path, body: None })?;
            print_one(&revoked, &target, |revoked| format!("{} is revoked", text(revoked, "id")));
        }
    }
    Ok(())
}

/// An id goes into a path, so it must be one.
pub(super) fn checked(id: &str) -> Result<&str, String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !id.is_empty() && id.bytes().all(legal) {
        return Ok(id);
    }
    Err(format!("{id:?} is not an id: ids are letters, digits and one underscore, as acct_... and mk_..."))
}

pub(super) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or("-")
}

pub(super) fn print_one(object: &Value, target: &Target, line: impl Fn(&Value) -> String) {
    if target.json {
        println!("{object}");
    } else {
        println!("{}", line(object));
    }
}

pub(super) fn print_list(found: &Value, target: &Target, line: impl Fn(&Value) -> String) {
    if target.json {
        println!("{found}");
        return;
    }
    let rows = found["data"].as_array().map_or(&[][..], Vec::as_slice);
    for row in rows {
        println!("{}", line(row));
    }
}
