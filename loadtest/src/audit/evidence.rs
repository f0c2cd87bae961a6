//! The witnesses' statements, read and found again.

use super::{book, client, store};
use crate::failure::{Failure, Result};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// What the witnesses say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    pub client: Vec<client::Line>,
    /// Absent if the acquirer keeps none: the simulated one in the gateway's own process is no witness.
    pub book: Option<Vec<book::Line>>,
    pub gateway: Vec<store::Payment>,
}

impl Evidence {
    /// Reads the three files.
    ///
    /// # Errors
    /// One can't be read, or a line is not of its form.
    pub fn read(client: &Path, book: Option<&Path>, gateway: &Path) -> Result<Self> {
        Ok(Self { client: lines(client)?, book: book.map(lines).transpose()?, gateway: lines(gateway)? })
    }

    /// Adds the book of another acquirer. References are the gateway's and never the same; a book's own names are, and are
    /// moved apart.
    ///
    /// # Errors
    /// It can't be read, or a line is not of its form.
    pub fn add_book(&mut self, path: &Path) -> Result<()> {
        let book = self.book.get_or_insert_default();
        // Names are counted or hashed: moved by a number that neither way of naming comes near.
        let salt = (book.len() as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let apart = |name: u64| if name == 0 { 0 } else { name ^ salt };
        let more: Vec<book::Line> = lines(path)?;
        book.extend(more.into_iter().map(|line| book::Line {
            id: apart(line.id),
            original: apart(line.original),
            ..line
        }));
        Ok(())
    }
}

fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let file = File::open(path).map_err(|error| Failure::file("reading", path, &error))?;
    let mut found = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| Failure::file("reading", path, &error))?;
        if line.trim().is_empty() {
            continue;
        }
        let value = serde_json::from_str(&line)
            .map_err(|error| Failure::failed(format!("{}:{}: {error}", path.display(), number + 1)))?;
        found.push(value);
    }
    Ok(found)
}

/// The evidence by what it is about. Maps that are walked are ordered, so that two audits print the same.
pub struct Index<'a> {
    pub evidence: &'a Evidence,
    pub payments: HashMap<&'a str, &'a store::Payment>,
    /// The book by reference.
    pub accounts: BTreeMap<&'a str, book::Account>,
    /// Which payment a reference is of, and what it stands for.
    pub references: HashMap<&'a str, (&'a store::Payment, Role)>,
    /// The client's lines by merchant and key.
    pub keys: BTreeMap<(&'a str, &'a str), Vec<&'a client::Line>>,
    /// Which payments claim a key, by merchant, mode and key.
    pub claims: BTreeMap<(&'a str, &'a str, &'a str), Vec<&'a store::Payment>>,
}

/// What a reference stands for in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Attempt,
    /// A message of an attempt that went on elsewhere: the acquirer may have seen it, and nothing of it may stand.
    Rerouted,
    Refund,
}

impl<'a> Index<'a> {
    /// Sorts the evidence.
    pub fn new(evidence: &'a Evidence) -> Self {
        let mut index = Self {
            evidence,
            payments: HashMap::new(),
            accounts: accounts(evidence.book.as_deref().unwrap_or_default()),
            references: HashMap::new(),
            keys: BTreeMap::new(),
            claims: BTreeMap::new(),
        };
        for payment in &evidence.gateway {
            index.payments.insert(&payment.payment, payment);
            for attempt in payment.attempts.iter().filter(|attempt| !attempt.acquirer.is_empty()) {
                index.references.insert(&attempt.reference, (payment, Role::Attempt));
            }
            for left in &payment.rerouted {
                index.references.insert(&left.reference, (payment, Role::Rerouted));
            }
            for refund in &payment.refunds {
                index.references.insert(&refund.reference, (payment, Role::Refund));
            }
            for claim in &payment.claims {
                let key = (payment.merchant.as_str(), payment.mode.as_str(), claim.key.as_str());
                index.claims.entry(key).or_default().push(payment);
            }
        }
        for line in evidence.client.iter().filter(|line| !line.key.is_empty()) {
            index.keys.entry((&line.merchant, &line.key)).or_default().push(line);
        }
        index
    }
}

fn accounts(lines: &[book::Line]) -> BTreeMap<&str, book::Account> {
    let mut names: HashMap<u64, &str> = HashMap::new();
    for line in lines.iter().filter(|line| line.id != 0) {
        // A sale is two lines of one name; what undoes it undoes both.
        let sale = names.insert(line.id, &line.op) == Some("authorize") && line.op == "capture";
        if sale {
            names.insert(line.id, "sale");
        }
    }
    let mut accounts: BTreeMap<&str, book::Account> = BTreeMap::new();
    for (number, line) in lines.iter().enumerate() {
        let original = names.get(&line.original).copied();
        accounts.entry(&line.reference).or_default().add(number, line, original);
    }
    accounts
}
