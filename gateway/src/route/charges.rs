//! Charges: the attempts of payments, read by themselves, and captured by those who think in charges.

use super::method_data::{check_metadata, merge_metadata};
use super::payment_intents::find;
use super::{Reading, Writing, page};
use crate::exchange::Reply;
use crate::flow::draft::Draft;
use crate::flow::{Fault, answer, capture as capture_flow, in_turn, load};
use crate::render::related::Related;
use crate::render::{Renderer, charge, extra};
use bumpalo::Bump;
use gateway_api::WireEnum;
use gateway_api::error::ApiError;
use gateway_api::form::Change;
use gateway_api::objects::More;
use gateway_api::params::{self, decode};
use gateway_core::acquirer::FinalCapture;
use gateway_core::claim::Subject;
use gateway_core::id::{ChargeId, Id};
use gateway_core::journal::{Batch, First, Query, RowKey, Urgency};
use gateway_core::payment::{Attempt, AttemptState, Command, InstrumentChange, Payment, decide};
use serde_json::Value;
use std::sync::Arc;

/// What may be expanded on a charge.
const EXPANDABLE: &[&str] =
    &["customer", "payment_intent", "payment_method", "balance_transaction", "refunds", "review", "invoice"];

fn id_of(text: &str, param: &'static str) -> Result<ChargeId, ApiError> {
    text.parse().map_err(|_| ApiError::resource_missing("charge", text, param))
}

/// GET /v1/charges/{id}.
pub async fn retrieve(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::Retrieve = decode(reading.params)?;
    params.expand.check_known(EXPANDABLE)?;
    let id = id_of(reading.id, "id")?;
    let found =
        crate::flow::read(reading.engine, &RowKey::Payment(reading.caller.tenant, id.payment)).await?;
    let missing = || ApiError::resource_missing("charge", reading.id, "id");
    let draft = found.and_then(Draft::of).ok_or_else(missing)?;
    let p = draft.payment();
    p.attempt_numbered(id.attempt).ok_or_else(missing)?;
    let paths: Vec<&str> = params.expand.paths().collect();
    let related = Related::of_payments(reading.engine, std::iter::once(p), &paths).await?;
    let texts = Bump::new();
    let r = Renderer { texts: &texts, related: &related, public_url: &reading.engine.settings.public_url };
    let subject = Subject::Charge { payment: p.id, attempt: id.attempt };
    Ok(Reply::json(200, answer::body(&r, p, subject, params.expand.root())))
}

/// GET /v1/charges. Charges lie within payments, newest first; the id of a charge begins with its payment's letters.
pub async fn list(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::ListCharges<'_> = decode(reading.params)?;
    params.expand.check_listed(EXPANDABLE)?;
    let read_id = |text: &str| text.parse::<ChargeId>().ok().map(|id| id.payment.0);
    let mut asked = page::ask(&params.page, &params.created, read_id, "charge")?;
    let cursor: Option<ChargeId> = match params.page.cursor {
        Some(params::Cursor::After(text) | params::Cursor::Before(text)) => text.parse().ok(),
        None => None,
    };
    let drafts = match params.payment_intent {
        Some(text) => vec![find(&reading, text).await?],
        None => payments(&reading, &params, &mut asked, cursor).await?,
    };
    let newest = asked.range.first == First::Newest;
    let mut rows: Vec<(usize, u16)> = Vec::new();
    for (index, draft) in drafts.iter().enumerate() {
        let numbers = draft.payment().attempts.iter().map(|attempt| attempt.number);
        let of_payment: Vec<u16> = if newest { numbers.rev().collect() } else { numbers.collect() };
        rows.extend(of_payment.into_iter().map(|number| (index, number)));
    }
    rows.retain(|(index, number)| beyond(&drafts[*index], *number, cursor, newest));
    let (rows, more) = page::cut(&asked, rows);
    render_list(&reading, &params, (&drafts, rows, more)).await
}

/// Whether a charge lies behind the cursor, in the direction of reading.
fn beyond(draft: &Draft, number: u16, cursor: Option<ChargeId>, newest: bool) -> bool {
    let id = ChargeId { payment: draft.payment().id, attempt: number };
    match cursor {
        None => true,
        Some(cursor) if newest => id < cursor,
        Some(cursor) => id > cursor,
    }
}

/// Payments without an attempt have no charge. Where the first page does not fill the list, this many are read at a time.
const NEXT_PAGES: usize = 256;

async fn payments(
    reading: &Reading<'_>,
    params: &params::ListCharges<'_>,
    asked: &mut page::Asked,
    cursor: Option<ChargeId>,
) -> Result<Vec<Draft>, ApiError> {
    let customer = match params.customer {
        None => None,
        Some(text) => {
            Some(text.parse().map_err(|_| ApiError::resource_missing("customer", text, "customer"))?)
        }
    };
    let mut range = asked.range;
    // The cursor's own payment may hold more charges.
    if let Some(cursor) = cursor {
        match range.first {
            First::Newest => range.below = range.below.map(|id| reaching(id, cursor, 1)),
            First::Oldest => range.above = range.above.map(|id| reaching(id, cursor, -1)),
        }
    }
    let mut drafts: Vec<Draft> = Vec::new();
    let mut charges = 0;
    // To the end, if need be: a list that stopped early would say that there is no more.
    loop {
        let query = Query::Payments { tenant: reading.caller.tenant, customer, range };
        let found: Vec<Draft> =
            page::query(reading.engine, &query).await?.into_iter().filter_map(Draft::of).collect();
        let full = found.len() >= range.limit;
        charges += found.iter().map(|draft| draft.payment().attempts.len()).sum::<usize>();
        match (range.first, found.last().map(|draft| draft.payment().id.0)) {
            (First::Newest, Some(last)) => range.below = Some(last),
            (First::Oldest, Some(last)) => range.above = Some(last),
            (_, None) => {}
        }
        drafts.extend(found.into_iter().filter(|draft| !draft.payment().attempts.is_empty()));
        // One for the cursor's own, one to see whether there is more.
        if !full || charges > asked.limit + 1 {
            return Ok(drafts);
        }
        range.limit = range.limit.max(NEXT_PAGES);
    }
}

/// A bound that stands at the cursor's payment, moved so that the payment itself is within.
fn reaching(bound: Id, cursor: ChargeId, by: i8) -> Id {
    if bound == cursor.payment.0 { Id(bound.0.saturating_add_signed(by.into())) } else { bound }
}

async fn render_list(
    reading: &Reading<'_>,
    params: &params::ListCharges<'_>,
    (drafts, rows, more): (&[Draft], Vec<(usize, u16)>, More),
) -> Result<Reply, ApiError> {
    let paths: Vec<&str> = params.expand.paths().collect();
    let related = Related::of_payments(reading.engine, drafts.iter().map(Draft::payment), &paths).await?;
    let texts = Bump::new();
    let r = Renderer { texts: &texts, related: &related, public_url: &reading.engine.settings.public_url };
    let level = params.expand.descend("data");
    let data = rows
        .iter()
        .filter_map(|(index, number)| {
            let p = drafts[*index].payment();
            p.attempt_numbered(*number).map(|attempt| charge::charge(&r, (p, attempt), level))
        })
        .collect();
    Ok(Reply::json(200, page::list("/v1/charges", data, more)))
}

/// POST /v1/charges/{id}.
#[inline]
pub async fn update(writing: &Writing<'_>, params: &params::UpdateCharge<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let id = id_of(writing.id, "id")?;
    in_turn(call, id.payment, || async {
        let mut draft = load(call, id.payment, writing.id, "id").await?;
        let p = draft.payment();
        p.attempt_numbered(id.attempt)
            .ok_or_else(|| ApiError::resource_missing("charge", writing.id, "id"))?;
        let mut details = (*p.details).clone();
        if let Change::Set(text) = params.description {
            details.description = Some(text.to_owned());
        }
        if let Change::Set(text) = params.receipt_email {
            details.receipt_email = Some(text.to_owned());
        }
        let mut more = extra::parse(&details.extra);
        extra::change_shipping(&mut more, &params.shipping);
        if let Change::Set(report) = params.user_report {
            more.insert("user_report".to_owned(), Value::from(report.as_str()));
        }
        details.extra = extra::unparse(more);
        merge_metadata(&mut details.metadata, &params.metadata);
        check_metadata(&details.metadata)?;
        let details = Arc::new(details);
        let command = Command::Update {
            amount: None,
            capture_method: None,
            details,
            instrument: InstrumentChange::Keep,
        };
        let render = call.render(&params.expand);
        match decide(draft.payment(), command) {
            Ok(events) => draft.record(events, &call.stamp()),
            Err(refusal) => return answer::refuse(call, draft, refusal, render).await,
        }
        let subject = Subject::Charge { payment: id.payment, attempt: id.attempt };
        let reply = answer::render(&call.engine, draft.payment(), (&[], subject), &render).await?;
        let mut batch = Batch::new(Urgency::New);
        draft.write_into(&mut batch);
        call.finish(batch, subject, reply).await
    })
    .await
}

/// The flow captures what the payment holds, so the charge that is named must be the one that holds it.
fn check_capturable(p: &Payment, attempt: &Attempt, text: &str) -> Result<(), ApiError> {
    if attempt.closed && !attempt.captures.is_empty() {
        return Err(ApiError::charge_already_captured(text));
    }
    let is_latest = p.attempt().is_some_and(|latest| latest.number == attempt.number);
    match &attempt.state {
        AttemptState::Expired(_) => Err(ApiError::charge_expired_for_capture(text)),
        AttemptState::Failed(_) | AttemptState::Abandoned => Err(ApiError::charge_not_capturable(text)),
        AttemptState::Open | AttemptState::Authorized(_) | AttemptState::Voided(_) => {
            is_latest.then_some(()).ok_or_else(|| ApiError::charge_not_capturable(text))
        }
    }
}

/// POST /v1/charges/{id}/capture.
#[inline]
pub async fn capture(writing: &Writing<'_>, params: &params::CaptureCharge<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let id = id_of(writing.id, "id")?;
    in_turn(call, id.payment, || async {
        let draft = load(call, id.payment, writing.id, "id").await?;
        let missing = || ApiError::resource_missing("charge", writing.id, "id");
        let attempt = draft.payment().attempt_numbered(id.attempt).ok_or_else(missing)?;
        check_capturable(draft.payment(), attempt, writing.id)?;
        let capture = capture_flow::Capture {
            amount_minor: params.amount,
            last: FinalCapture::Yes,
            subject: Subject::Charge { payment: id.payment, attempt: id.attempt },
            render: call.render(&params.expand),
        };
        capture_flow::capture(call, draft, capture).await
    })
    .await
}
