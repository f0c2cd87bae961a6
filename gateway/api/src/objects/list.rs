//! Pages of objects, and what is left of a deleted one.

use super::object_name;
use serde::Serialize;

object_name!(ListName = "list");
object_name!(SearchResultName = "search_result");

/// One page, newest first.
#[derive(Debug, Clone, Serialize)]
pub struct List<'a, T> {
    pub object: ListName,
    pub data: Vec<T>,
    /// Whether there are more in the direction of paging.
    pub has_more: bool,
    /// The path of the list, like `/v1/charges`: SDKs fetch the next page from it.
    pub url: &'a str,
}

impl<'a, T> List<'a, T> {
    /// A page of the list at `url`.
    pub fn new(url: &'a str, data: Vec<T>, more: More) -> Self {
        Self { object: ListName, data, has_more: more == More::Yes, url }
    }
}

/// Whether a page is followed by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    Yes,
    No,
}

/// One page of a search.
#[derive(Debug, Clone, Serialize)]
pub struct SearchResult<'a, T> {
    pub object: SearchResultName,
    pub data: Vec<T>,
    pub has_more: bool,
    /// What to send as `page` for the next one.
    pub next_page: Option<&'a str>,
    pub url: &'a str,
}

impl<'a, T> SearchResult<'a, T> {
    /// A page of the search at `url`; there is more exactly when `next_page` is given.
    pub fn new(url: &'a str, data: Vec<T>, next_page: Option<&'a str>) -> Self {
        Self { object: SearchResultName, data, has_more: next_page.is_some(), next_page, url }
    }
}

/// The answer to a deletion, and to reading what was deleted.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Deleted<'a> {
    pub id: &'a str,
    /// The kind of object that it was: `customer`.
    pub object: &'a str,
    deleted: bool,
}

impl<'a> Deleted<'a> {
    /// What is left of the object of this kind and id.
    pub fn new(object: &'static str, id: &'a str) -> Self {
        Self { id, object, deleted: true }
    }
}
