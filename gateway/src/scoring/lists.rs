//! Value lists in memory, a book a tenant: asked on every payment, so never from the store. The routes change the store first, and then
//! the book.
//!
//! Lists whose alias ends in `_allowlist`, `_blocklist` or `_reviewlist` are rules of their own, as in the dialect; the others speak only
//! where a rule names them.

use super::facts::Facts;
use dashmap::DashMap;
use gateway_core::id::{ValueListId, ValueListItemId};
use gateway_core::journal::{First, Journal, Query, Range, Row, StoreError};
use gateway_core::risk::{ListKind, ValueList, ValueListItem};
use gateway_core::tenant::Tenant;
use risk::verdict::{Action, RuleHit};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

/// Values of one list at most.
pub const MAX_ITEMS: usize = 50_000;
/// Lists of one tenant at most.
pub const MAX_LISTS: usize = 200;
const PAGE: usize = 1_000;

struct List {
    alias: String,
    kind: ListKind,
    /// By value, as [`plain`] writes it.
    values: HashMap<String, ValueListItemId>,
}

/// The lists of one tenant.
#[derive(Default)]
pub struct Book {
    lists: HashMap<ValueListId, List>,
    by_alias: HashMap<String, ValueListId>,
}

/// All books.
#[derive(Default)]
pub struct Lists {
    books: DashMap<Tenant, Arc<RwLock<Book>>>,
}

/// A tenant's book as one payment asks it; nothing for a tenant without lists.
pub struct Open(Option<Arc<RwLock<Book>>>);

/// A value in the one form in which it is compared; `None` if it is not of its kind.
pub fn plain(kind: ListKind, value: &str) -> Option<String> {
    let value = value.trim();
    match kind {
        ListKind::CardFingerprint | ListKind::String | ListKind::Email => Some(value.to_lowercase()),
        ListKind::CaseSensitiveString | ListKind::CustomerId => Some(value.to_owned()),
        ListKind::Country => (value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic()))
            .then(|| value.to_ascii_uppercase()),
        ListKind::CardBin => {
            (value.len() == 6 && value.bytes().all(|byte| byte.is_ascii_digit())).then(|| value.to_owned())
        }
        ListKind::IpAddress => value.parse::<IpAddr>().ok().map(|address| address.to_canonical().to_string()),
    }
    .filter(|value| !value.is_empty())
}

/// The payment's own value of a kind.
fn value_of(kind: ListKind, facts: &Facts<'_>) -> Option<String> {
    let value = match kind {
        ListKind::CardFingerprint => facts.fingerprint(),
        ListKind::CardBin => facts.bin(),
        ListKind::Country => facts.country(),
        ListKind::CustomerId => facts.customer(),
        ListKind::Email => facts.circumstances.email.clone(),
        ListKind::IpAddress => facts.circumstances.ip_address.map(|address| address.to_string()),
        // A list of words has no value of its own in a payment.
        ListKind::CaseSensitiveString | ListKind::String => None,
    };
    value.and_then(|value| plain(kind, &value))
}

impl List {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        !self.values.is_empty()
            && value_of(self.kind, facts).is_some_and(|value| self.values.contains_key(&value))
    }

    fn action(&self) -> Option<Action> {
        let endings =
            [("_allowlist", Action::Allow), ("_blocklist", Action::Block), ("_reviewlist", Action::Review)];
        endings.into_iter().find(|(ending, _)| self.alias.ends_with(ending)).map(|(_, action)| action)
    }
}

impl Open {
    /// Whether the list of this alias holds the payment's value; `None` if there is no such list.
    pub fn holds(&self, alias: &str, facts: &Facts<'_>) -> Option<bool> {
        let book = self.0.as_ref()?.read().unwrap_or_else(PoisonError::into_inner);
        let list = book.lists.get(book.by_alias.get(alias)?)?;
        Some(list.holds(facts))
    }

    /// What the lists that are rules of their own say.
    pub fn hits(&self, facts: &Facts<'_>) -> Vec<RuleHit> {
        let Some(book) = &self.0 else { return Vec::new() };
        let book = book.read().unwrap_or_else(PoisonError::into_inner);
        let speaking = book.lists.values().filter_map(|list| Some((list, list.action()?)));
        let mut hits: Vec<RuleHit> = speaking
            .filter(|(list, _)| list.holds(facts))
            .map(|(list, action)| RuleHit { action, rule: list.alias.clone() })
            .collect();
        // The map has no order, and reasons must have one.
        hits.sort_by(|a, b| a.rule.cmp(&b.rule));
        hits
    }
}

impl Lists {
    /// Reads all lists of these tenants.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn load(
        &self,
        journal: &dyn Journal,
        tenants: impl Iterator<Item = Tenant> + Send,
    ) -> Result<(), StoreError> {
        for tenant in tenants {
            let range = Range { above: None, below: None, first: First::Oldest, limit: MAX_LISTS };
            for stored in journal.query(&Query::ValueLists { tenant, range }).await? {
                let Row::ValueList(list) = stored.row else { continue };
                self.put(&list);
                self.load_items(journal, &list).await?;
            }
        }
        Ok(())
    }

    async fn load_items(&self, journal: &dyn Journal, list: &ValueList) -> Result<(), StoreError> {
        let mut above = None;
        loop {
            let range = Range { above, below: None, first: First::Oldest, limit: PAGE };
            let query = Query::ValueListItems { tenant: list.tenant, list: list.id, range };
            let found = journal.query(&query).await?;
            let count = found.len();
            for stored in found {
                let Row::ValueListItem(item) = stored.row else { continue };
                above = Some(item.id.0);
                self.put_item(&item);
            }
            if count < PAGE {
                return Ok(());
            }
        }
    }

    /// The tenant's lists, for one payment.
    pub fn of(&self, tenant: Tenant) -> Open {
        Open(self.books.get(&tenant).map(|book| Arc::clone(&book)))
    }

    fn change<T>(&self, tenant: Tenant, change: impl FnOnce(&mut Book) -> T) -> T {
        let book = Arc::clone(&self.books.entry(tenant).or_default());
        let mut book = book.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut book)
    }

    /// Takes a list, or its new alias; forgets a deleted one.
    pub fn put(&self, list: &ValueList) {
        self.change(list.tenant, |book| {
            book.by_alias.retain(|_, id| *id != list.id);
            if list.deleted {
                book.lists.remove(&list.id);
                return;
            }
            book.by_alias.insert(list.alias.clone(), list.id);
            let values = book.lists.remove(&list.id).map(|known| known.values).unwrap_or_default();
            book.lists.insert(list.id, List { alias: list.alias.clone(), kind: list.kind, values });
        });
    }

    /// Takes a value; forgets a deleted one.
    pub fn put_item(&self, item: &ValueListItem) {
        self.change(item.tenant, |book| {
            let Some(list) = book.lists.get_mut(&item.list) else { return };
            let Some(value) = plain(list.kind, &item.value) else { return };
            if !item.deleted {
                list.values.insert(value, item.id);
            } else if list.values.get(&value) == Some(&item.id) {
                list.values.remove(&value);
            }
        });
    }

    /// The tenant's list of this alias, and how many it has.
    pub fn named(&self, tenant: Tenant, alias: &str) -> (Option<ValueListId>, usize) {
        self.change(tenant, |book| (book.by_alias.get(alias).copied(), book.lists.len()))
    }

    /// Whether the list holds this value, and how many it holds.
    pub fn held(&self, tenant: Tenant, list: ValueListId, value: &str) -> (bool, usize) {
        self.change(tenant, |book| match book.lists.get(&list) {
            Some(list) => {
                let value = plain(list.kind, value);
                (value.is_some_and(|value| list.values.contains_key(&value)), list.values.len())
            }
            None => (false, 0),
        })
    }
}
