//! Events: what happened, newest first, for those who missed the webhook or have none.

use super::{Reading, page};
use crate::exchange::Reply;
use crate::flow::read;
use crate::render::event::{Past, render};
use gateway_api::error::ApiError;
use gateway_api::objects::More;
use gateway_api::params::{self, decode};
use gateway_core::event::{EventKind, PublicEvent};
use gateway_core::id::EventId;
use gateway_core::journal::{Query, Row, RowKey};
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
    let query = Query::Events { tenant: reading.caller.tenant, kinds, range: asked.range };
    let rows = page::query(reading.engine, &query).await?;
    let events: Vec<Box<PublicEvent>> = rows
        .into_iter()
        .filter_map(|stored| if let Row::Event(event) = stored.row { Some(event) } else { None })
        .collect();
    let (events, more) = page::cut(&asked, events);
    let mut past = Past::default();
    for event in &events {
        past.add(reading.engine, event).await?;
    }
    let public_url = &reading.engine.settings.public_url;
    let data = events.iter().map(|event| render(public_url, event, &past)).collect::<Result<Vec<_>, _>>()?;
    Ok(Reply::json(200, page::list(LIST_URL, data, more)))
}

/// The types that pass, all being none; `None` if no event of ours can pass.
fn wanted(params: &params::ListEvents<'_>) -> Option<Vec<EventKind>> {
    if params.types.is_empty() {
        return Some(Vec::new());
    }
    let kinds: Vec<_> =
        EventKind::ALL.iter().copied().filter(|kind| params.wants_type(kind.as_str())).collect();
    (!kinds.is_empty()).then_some(kinds)
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
        assert_eq!(of("type=*").map(|kinds| kinds.len()), Some(K::ALL.len()));
    }
}
