//! Events: what happened, newest first, for those who missed the webhook or have none.

use super::{Reading, page};
use crate::exchange::Reply;
use crate::flow::read;
use crate::render::event::{Past, render};
use gateway_api::error::ApiError;
use gateway_api::objects::More;
use gateway_api::params::{self, decode};
use gateway_core::event::{EventKind, PublicEvent};
use gateway_core::id::{EventId, Id};
use gateway_core::journal::{First, Query, Range, Row, RowKey, Versioned};
use serde_json::value::RawValue;

const LIST_URL: &str = "/v1/events";

/// GET /v1/events/{id}.
pub async fn retrieve(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::Retrieve = decode(reading.params)?;
    params.expand.check_known(&[])?;
    let missing = || ApiError::resource_missing("event", reading.id, "id");
    let id: EventId = reading.id.parse().map_err(|_| missing())?;
    let found = read(reading.engine, &RowKey::Event(reading.caller.tenant, id)).await?;
    let Some(Row::Event(event)) = found.map(|stored| stored.row) else { return Err(missing()) };
    let mut past = Past::default();
    past.add(reading.engine, &event).await?;
    let shown = render(&reading.engine.settings.public_url, &event, &past)?;
    Ok(Reply::json(200, shown.get().to_owned()))
}

/// GET /v1/events.
pub async fn list(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::ListEvents<'_> = decode(reading.params)?;
    params.expand.check_listed(&[])?;
    let read_id = |text: &str| text.parse::<EventId>().ok().map(|id| id.0);
    let asked = page::ask(&params.page, &params.created, read_id, "event")?;
    let Some(kinds) = wanted(&params) else {
        return Ok(Reply::json(200, page::list::<Box<RawValue>>(LIST_URL, Vec::new(), More::No)));
    };
    let events = if kinds.len() > 1 {
        of_kinds(&reading, &kinds, asked.range).await?
    } else {
        query(&reading, kinds, asked.range).await?
    };
    let (events, more) = page::cut(&asked, events);
    let mut past = Past::default();
    for event in &events {
        past.add(reading.engine, event).await?;
    }
    let public_url = &reading.engine.settings.public_url;
    let data = events.iter().map(|event| render(public_url, event, &past)).collect::<Result<Vec<_>, _>>()?;
    Ok(Reply::json(200, page::list(LIST_URL, data, more)))
}

async fn query(
    reading: &Reading<'_>,
    kinds: Vec<EventKind>,
    range: Range,
) -> Result<Vec<Box<PublicEvent>>, ApiError> {
    let query = Query::Events { tenant: reading.caller.tenant, kinds, range };
    let rows = page::query(reading.engine, &query).await?;
    let event = |stored: Versioned| if let Row::Event(event) = stored.row { Some(event) } else { None };
    Ok(rows.into_iter().filter_map(event).collect())
}

/// Several types, each found by itself: a walk over all events would be as long as the merchant's history where none of the
/// types ever happened. The newest event of all is looked up first, and none above it is shown: types are asked one after the
/// other, and an event between two answers must not be skipped by whoever goes on from the page's last one.
async fn of_kinds(
    reading: &Reading<'_>,
    kinds: &[EventKind],
    range: Range,
) -> Result<Vec<Box<PublicEvent>>, ApiError> {
    let newest = Range { first: First::Newest, limit: 1, ..range };
    let Some(newest) = query(reading, Vec::new(), newest).await?.pop() else { return Ok(Vec::new()) };
    let range = Range { below: Some(Id(newest.id.0.0.saturating_add(1))), ..range };
    let mut events = Vec::new();
    for kind in kinds {
        events.extend(query(reading, vec![*kind], range).await?);
    }
    events.sort_unstable_by_key(|event| event.id);
    if range.first == First::Newest {
        events.reverse();
    }
    events.truncate(range.limit);
    Ok(events)
}

/// The types that pass, all being none; `None` if no event of ours can pass.
fn wanted(params: &params::ListEvents<'_>) -> Option<Vec<EventKind>> {
    if params.types.is_empty() {
        return Some(Vec::new());
    }
    let kinds: Vec<_> =
        EventKind::ALL.iter().copied().filter(|kind| params.wants_type(kind.as_str())).collect();
    // All of them are no filter.
    let kinds = if kinds.len() == EventKind::ALL.len() { None } else { Some(kinds) };
    kinds.map_or(Some(Vec::new()), |some| (!some.is_empty()).then_some(some))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_api::form::Params;

    fn of(query: &str) -> Option<Vec<EventKind>> {
        let params = Params::from_query(query).unwrap();
        wanted(&decode(&params).unwrap())
    }

    #[test]
    fn types_select_kinds_and_an_unknown_type_selects_nothing() {
        use EventKind as K;
        assert_eq!(of(""), Some(Vec::new()));
        assert_eq!(of("type=charge.refunded"), Some(vec![K::ChargeRefunded]));
        let customers = vec![K::CustomerCreated, K::CustomerUpdated, K::CustomerDeleted];
        assert_eq!(of("type=customer.*"), Some(customers));
        assert_eq!(
            of("types[]=refund.failed&types[]=charge.failed"),
            Some(vec![K::ChargeFailed, K::RefundFailed])
        );
        assert_eq!(of("type=invoice.paid"), None);
        assert_eq!(of("type=*"), Some(Vec::new()), "all of them are no filter");
    }
}
