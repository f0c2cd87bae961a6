//! `gateway payment ...`: messages that no acquirer answers.

use super::admin_client::{Ask, ask};
use super::args::{Outcome, Payment};
use super::keys::{checked, print_list, print_one, text};
use http::Method;
use serde_json::json;

pub(super) fn payment(command: Payment) -> Result<(), String> {
    match command {
        Payment::Stuck { target } => {
            let found = ask(&target.admin, Ask { method: Method::GET, path: "/messages/stuck", body: None })?;
            print_list(&found, &target, |row| {
                format!(
                    "{}  {}  {:<9}  {:>10} {}  {:<8}  {} tries  {}",
                    text(row, "payment"),
                    text(row, "reference"),
                    text(row, "message"),
                    row["amount_minor"],
                    text(row, "currency"),
                    text(row, "state"),
                    row["tries"],
                    text(row, "acquirer"),
                )
            });
        }
        Payment::Settle { id, reference, outcome, reason, acquirer_reference, target } => {
            let path = format!("/messages/{}/settle", checked(&reference)?);
            let body = json!({
                "payment": id,
                "outcome": match outcome {
                    Outcome::Approved => "approved",
                    Outcome::Declined => "declined",
                },
                "reason": reason,
                "acquirer_reference": acquirer_reference,
            });
            let ask_for = Ask { method: Method::POST, path: &path, body: Some(body) };
            let settled = ask(&target.admin, ask_for)?;
            print_one(&settled, &target, |settled| {
                format!("{} is {} now", text(settled, "payment"), text(settled, "status"))
            });
        }
    }
    Ok(())
}
