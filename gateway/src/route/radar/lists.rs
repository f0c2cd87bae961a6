//! Value lists.

use crate::engine::Engine;
use crate::exchange::Reply;
use crate::flow::{Call, Fault, read};
use crate::route::method_data::{check_metadata, merge_metadata};
use crate::route::{Reading, Writing, page};
use crate::scoring::lists::{MAX_LISTS, plain};
use gateway_api::error::ApiError;
use gateway_api::objects::{self, Deleted, List, Metadata, More};
use gateway_api::params::{self, ItemType, decode};
use gateway_core::claim::Subject;
use gateway_core::id::ValueListId;
use gateway_core::journal::{Batch, First, Query, Range, Row, RowKey, Urgency, Version, Versioned};
use gateway_core::risk::{ListKind, ValueList, ValueListItem};
use gateway_core::tenant::Tenant;
use gateway_core::time::Timestamp;

/// Who makes lists here: there are no people, only keys.
pub const MADE_BY: &str = "api";
/// Values that a list shows of itself.
const SHOWN: usize = 10;

const fn kind(word: ItemType) -> ListKind {
    match word {
        ItemType::CardBin => ListKind::CardBin,
        ItemType::CardFingerprint => ListKind::CardFingerprint,
        ItemType::CaseSensitiveString => ListKind::CaseSensitiveString,
        ItemType::Country => ListKind::Country,
        ItemType::CustomerId => ListKind::CustomerId,
        ItemType::Email => ListKind::Email,
        ItemType::IpAddress => ListKind::IpAddress,
        ItemType::String => ListKind::String,
    }
}

/// A list that is not deleted, with the version that a change of it must find.
///
/// # Errors
/// 404 if there is none, 503 if the store can't tell.
pub async fn living(
    engine: &Engine,
    tenant: Tenant,
    (text, param): (&str, &'static str),
) -> Result<(Version, ValueList), ApiError> {
    let missing = || ApiError::resource_missing("value list", text, param);
    let id: ValueListId = text.parse().map_err(|_| missing())?;
    match read(engine, &RowKey::ValueList(tenant, id)).await? {
        Some(Versioned { version, row: Row::ValueList(list) }) if !list.deleted => Ok((version, *list)),
        Some(_) | None => Err(missing()),
    }
}

/// A list with its newest values.
struct Shown {
    list: ValueList,
    items: Vec<ValueListItem>,
    more: More,
}

async fn gather(engine: &Engine, list: ValueList) -> Result<Shown, ApiError> {
    let range = Range { above: None, below: None, first: First::Newest, limit: SHOWN + 1 };
    let query = Query::ValueListItems { tenant: list.tenant, list: list.id, range };
    let mut items = super::items::found(page::query(engine, &query).await?);
    let more = if items.len() > SHOWN { More::Yes } else { More::No };
    items.truncate(SHOWN);
    Ok(Shown { list, items, more })
}

fn json(shown: &Shown) -> String {
    let list = &shown.list;
    let (id, url) = (list.id.to_string(), format!("/v1/radar/value_list_items?value_list={}", list.id));
    let ids: Vec<String> = shown.items.iter().map(|item| item.id.to_string()).collect();
    let items =
        shown.items.iter().zip(&ids).map(|(item, item_id)| super::items::object(item, (item_id, &id)));
    objects::to_json(&objects::ValueList {
        id: &id,
        object: Default::default(),
        alias: &list.alias,
        created: list.created.unix_seconds(),
        created_by: MADE_BY,
        item_type: list.kind.as_str(),
        list_items: List::new(&url, items.collect(), shown.more),
        livemode: list.tenant.mode.is_live(),
        metadata: Metadata::Pairs(&list.metadata),
        name: &list.name,
    })
}

/// Stores a list, and lets the scorer know.
async fn store(call: &Call, version: Option<Version>, list: ValueList) -> Result<Reply, Fault> {
    let shown = gather(&call.engine, list.clone()).await?;
    let reply = if list.deleted {
        Reply::json(200, objects::to_json(&Deleted::new("radar.value_list", &list.id.to_string())))
    } else {
        Reply::json(200, json(&shown))
    };
    let mut batch = Batch::new(Urgency::New);
    let row = Row::ValueList(Box::new(list.clone()));
    match version {
        None => batch.insert(row),
        Some(version) => batch.replace(version, row),
    };
    let reply = call.finish(batch, Subject::Other, reply).await?;
    call.engine.scoring.lists.put(&list);
    Ok(reply)
}

/// An alias names one list.
fn check_alias(call: &Call, alias: &str, own: Option<ValueListId>) -> Result<usize, ApiError> {
    let (named, count) = call.engine.scoring.lists.named(call.caller.tenant, alias);
    if named.is_some_and(|id| Some(id) != own) {
        let message = format!("There is a value list with the alias {alias} already.");
        return Err(ApiError::invalid_parameter("alias", message));
    }
    Ok(count)
}

/// POST /v1/radar/value_lists.
pub async fn create(writing: &Writing<'_>, params: &params::CreateValueList<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(&[])?;
    if check_alias(call, params.alias, None)? >= MAX_LISTS {
        let message = format!("There can be at most {MAX_LISTS} value lists: delete one first.");
        return Err(ApiError::invalid_request(message).into());
    }
    let id = ValueListId(call.engine.ids.next());
    let mut metadata = Vec::new();
    merge_metadata(&mut metadata, &params.metadata);
    check_metadata(&metadata)?;
    let list = ValueList {
        id,
        tenant: call.caller.tenant,
        created: Timestamp(id.0.ms()),
        alias: params.alias.to_owned(),
        name: params.name.to_owned(),
        kind: kind(params.item_type),
        metadata,
        deleted: false,
    };
    store(call, None, list).await
}

/// POST /v1/radar/value_lists/{id}.
pub async fn update(writing: &Writing<'_>, params: &params::UpdateValueList<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(&[])?;
    let (version, mut list) = living(&call.engine, call.caller.tenant, (writing.id, "id")).await?;
    if let Some(alias) = params.alias {
        check_alias(call, alias, Some(list.id))?;
        list.alias = alias.to_owned();
    }
    if let Some(name) = params.name {
        list.name = name.to_owned();
    }
    merge_metadata(&mut list.metadata, &params.metadata);
    check_metadata(&list.metadata)?;
    store(call, Some(version), list).await
}

/// DELETE /v1/radar/value_lists/{id}.
pub async fn delete(writing: &Writing<'_>, _params: &params::Retrieve) -> Result<Reply, Fault> {
    let call = writing.call;
    let (version, mut list) = living(&call.engine, call.caller.tenant, (writing.id, "id")).await?;
    list.deleted = true;
    store(call, Some(version), list).await
}

/// GET /v1/radar/value_lists/{id}.
pub async fn retrieve(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::Retrieve = decode(reading.params)?;
    params.expand.check_known(&[])?;
    let (_version, list) = living(reading.engine, reading.caller.tenant, (reading.id, "id")).await?;
    Ok(Reply::json(200, json(&gather(reading.engine, list).await?)))
}

/// GET /v1/radar/value_lists. A tenant has few lists, so the filters are applied to all of them.
pub async fn list(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::ListValueLists<'_> = decode(reading.params)?;
    params.expand.check_known(&[])?;
    let read_id = |text: &str| text.parse::<ValueListId>().ok().map(|id| id.0);
    let mut asked = page::ask(&params.page, &params.created, read_id, "value list")?;
    let limit = asked.range.limit;
    asked.range.limit = MAX_LISTS;
    let tenant = reading.caller.tenant;
    let lists = &reading.engine.scoring.lists;
    let rows = page::query(reading.engine, &Query::ValueLists { tenant, range: asked.range }).await?;
    let contains = |list: &ValueList| {
        params
            .contains
            .is_none_or(|value| plain(list.kind, value).is_some() && lists.held(tenant, list.id, value).0)
    };
    let found = rows.into_iter().filter_map(|stored| match stored.row {
        Row::ValueList(list) => Some(*list),
        _other => None,
    });
    let found = found.filter(|list| params.alias.is_none_or(|alias| list.alias == alias) && contains(list));
    let (found, more) = page::cut(&asked, found.take(limit).collect());
    let mut data = Vec::with_capacity(found.len());
    for list in found {
        let text = json(&gather(reading.engine, list).await?);
        data.extend(serde_json::value::RawValue::from_string(text).ok());
    }
    Ok(Reply::json(200, page::list("/v1/radar/value_lists", data, more)))
}
