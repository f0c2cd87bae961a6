//! The values of value lists.

use super::lists::{MADE_BY, living};
use crate::exchange::Reply;
use crate::flow::{Call, Fault, read};
use crate::route::{Reading, Writing, page};
use crate::scoring::lists::{MAX_ITEMS, plain};
use gateway_api::error::ApiError;
use gateway_api::objects::{self, Deleted};
use gateway_api::params::{self, decode};
use gateway_core::claim::Subject;
use gateway_core::id::{ValueListId, ValueListItemId};
use gateway_core::journal::{Batch, Query, Row, RowKey, Urgency, Version, Versioned};
use gateway_core::risk::ValueListItem;
use gateway_core::tenant::Tenant;
use gateway_core::time::Timestamp;

/// The values among rows.
pub fn found(rows: Vec<Versioned>) -> Vec<ValueListItem> {
    let items = rows.into_iter().filter_map(|stored| match stored.row {
        Row::ValueListItem(item) => Some(*item),
        _other => None,
    });
    items.collect()
}

/// A value as the wire shows it, given its id and its list's.
pub fn object<'a>(item: &'a ValueListItem, (id, list): (&'a str, &'a str)) -> objects::ValueListItem<'a> {
    objects::ValueListItem {
        id,
        created: item.created.unix_seconds(),
        created_by: MADE_BY,
        livemode: item.tenant.mode.is_live(),
        value: &item.value,
        value_list: list,
        ..objects::ValueListItem::default()
    }
}

fn json(item: &ValueListItem) -> String {
    objects::to_json(&object(item, (&item.id.to_string(), &item.list.to_string())))
}

async fn stored(
    engine: &crate::engine::Engine,
    tenant: Tenant,
    text: &str,
) -> Result<(Version, ValueListItem), ApiError> {
    let missing = || ApiError::resource_missing("value list item", text, "id");
    let id: ValueListItemId = text.parse().map_err(|_| missing())?;
    match read(engine, &RowKey::ValueListItem(tenant, id)).await? {
        Some(Versioned { version, row: Row::ValueListItem(item) }) if !item.deleted => Ok((version, *item)),
        Some(_) | None => Err(missing()),
    }
}

/// POST /v1/radar/value_list_items.
pub async fn create(writing: &Writing<'_>, params: &params::CreateValueListItem<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(&[])?;
    let tenant = call.caller.tenant;
    let (_version, list) = living(&call.engine, tenant, (params.value_list, "value_list")).await?;
    let Some(_plain) = plain(list.kind, params.value) else {
        let message = format!("{:?} is no {}.", params.value, list.kind.as_str());
        return Err(ApiError::invalid_parameter("value", message).into());
    };
    let (held, count) = call.engine.scoring.lists.held(tenant, list.id, params.value);
    if held {
        let message = format!("The list {} holds {:?} already.", list.alias, params.value);
        return Err(ApiError::invalid_parameter("value", message).into());
    }
    if count >= MAX_ITEMS {
        let message = format!("A value list holds at most {MAX_ITEMS} values.");
        return Err(ApiError::invalid_request(message).into());
    }
    let id = ValueListItemId(call.engine.ids.next());
    let (created, value) = (Timestamp(id.0.ms()), params.value.trim().to_owned());
    let item = ValueListItem { id, tenant, list: list.id, created, value, deleted: false };
    let reply = Reply::json(200, json(&item));
    store(call, (None, item), reply).await
}

async fn store(
    call: &Call,
    (version, item): (Option<Version>, ValueListItem),
    reply: Reply,
) -> Result<Reply, Fault> {
    let mut batch = Batch::new(Urgency::New);
    let row = Row::ValueListItem(Box::new(item.clone()));
    match version {
        None => batch.insert(row),
        Some(version) => batch.replace(version, row),
    };
    let reply = call.finish(batch, Subject::Other, reply).await?;
    call.engine.scoring.lists.put_item(&item);
    Ok(reply)
}

/// DELETE /v1/radar/value_list_items/{id}.
pub async fn delete(writing: &Writing<'_>, _params: &params::Retrieve) -> Result<Reply, Fault> {
    let call = writing.call;
    let (version, mut item) = stored(&call.engine, call.caller.tenant, writing.id).await?;
    item.deleted = true;
    let gone = objects::to_json(&Deleted::new("radar.value_list_item", &item.id.to_string()));
    store(call, (Some(version), item), Reply::json(200, gone)).await
}

/// GET /v1/radar/value_list_items/{id}.
pub async fn retrieve(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::Retrieve = decode(reading.params)?;
    params.expand.check_known(&[])?;
    let (_version, item) = stored(reading.engine, reading.caller.tenant, reading.id).await?;
    Ok(Reply::json(200, json(&item)))
}

/// Values that are looked at for a filter by value.
const LOOKED_AT: usize = MAX_ITEMS;

/// GET /v1/radar/value_list_items.
pub async fn list(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::ListValueListItems<'_> = decode(reading.params)?;
    params.expand.check_known(&[])?;
    let tenant = reading.caller.tenant;
    let (_version, list) = living(reading.engine, tenant, (params.value_list, "value_list")).await?;
    let read_id = |text: &str| text.parse::<ValueListItemId>().ok().map(|id| id.0);
    let asked = page::ask(&params.page, &params.created, read_id, "value list item")?;
    let mut range = asked.range;
    if params.value.is_some() {
        range.limit = LOOKED_AT;
    }
    let query = Query::ValueListItems { tenant, list: ValueListId(list.id.0), range };
    let mut items = found(page::query(reading.engine, &query).await?);
    if let Some(value) = params.value {
        let wanted = plain(list.kind, value);
        items.retain(|item| plain(list.kind, &item.value) == wanted);
    }
    let (items, more) = page::cut(&asked, items);
    let ids: Vec<String> = items.iter().map(|item| item.id.to_string()).collect();
    let list_id = list.id.to_string();
    let data = items.iter().zip(&ids).map(|(item, id)| object(item, (id, &list_id))).collect();
    Ok(Reply::json(200, page::list("/v1/radar/value_list_items", data, more)))
}
