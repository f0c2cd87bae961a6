//! Value lists and their values: what rules compare payments with.

use super::{List, Metadata, object_name};
use serde::Serialize;

object_name!(ValueListName = "radar.value_list");
object_name!(ValueListItemName = "radar.value_list_item");

/// A list of values.
#[derive(Debug, Clone, Serialize)]
pub struct ValueList<'a> {
    pub id: &'a str,
    pub object: ValueListName,
    pub alias: &'a str,
    pub created: i64,
    pub created_by: &'a str,
    /// `card_fingerprint`, `card_bin`, `email`, `ip_address`, `country`, `customer_id`, `string` or `case_sensitive_string`.
    pub item_type: &'a str,
    /// The newest of them.
    pub list_items: List<'a, ValueListItem<'a>>,
    pub livemode: bool,
    pub metadata: Metadata<'a>,
    pub name: &'a str,
}

/// A value of a list.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ValueListItem<'a> {
    pub id: &'a str,
    pub object: ValueListItemName,
    pub created: i64,
    pub created_by: &'a str,
    pub livemode: bool,
    pub value: &'a str,
    pub value_list: &'a str,
}
