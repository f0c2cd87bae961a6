//! Refunds.

use super::method_data::{check_metadata, merge_metadata};
use super::payment_intents::{find, id_of};
use super::{Reading, Writing, page};
use crate::exchange::Reply;
use crate::flow::draft::Draft;
use crate::flow::{Fault, answer, in_turn, load, read, refund as refund_flow};
use crate::render::related::Related;
use crate::render::{Renderer, refund};
use bumpalo::Bump;
use gateway_api::WireEnum;
use gateway_api::error::ApiError;
use gateway_api::objects::More;
use gateway_api::params::{self, decode};
use gateway_core::claim::Subject;
use gateway_core::id::{ChargeId, PaymentId, RefundId};
use gateway_core::journal::{Batch, Query, Row, RowKey, Urgency};
use gateway_core::payment::{Command, RefundRequest, RefundState, decide};
use gateway_core::tenant::Tenant;

/// What may be expanded on a refund.
const EXPANDABLE: &[&str] =
    &["charge", "payment_intent", "balance_transaction", "failure_balance_transaction"];

fn missing(text: &str) -> ApiError {
    ApiError::resource_missing("refund", text, "id")
}

/// The payment that a refund belongs to.
async fn payment_of(
    engine: &crate::engine::Engine,
    tenant: Tenant,
    text: &str,
) -> Result<(RefundId, PaymentId), ApiError> {
    let id: RefundId = text.parse().map_err(|_| missing(text))?;
    match read(engine, &RowKey::Refund(tenant, id)).await?.map(|stored| stored.row) {
        Some(Row::Refund(found)) => Ok((id, found.payment)),
        Some(_) | None => Err(missing(text)),
    }
}

/// POST /v1/refunds.
#[inline]
pub async fn create(writing: &Writing<'_>, params: &params::CreateRefund<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let (payment, text, param) = target(params)?;
    in_turn(call, payment, || async {
        let draft = load(call, payment, text, param).await?;
        if let Some(currency) =
            params.currency.filter(|c| c.as_str() != draft.payment().amount.currency.code())
        {
            let message = format!("The payment's currency is not {}.", currency.as_str());
            return Err(ApiError::invalid_parameter("currency", message).into());
        }
        check_charge(&draft, params.charge)?;
        let id = RefundId(call.engine.ids.next());
        let mut metadata = Vec::new();
        merge_metadata(&mut metadata, &params.metadata);
        let request = RefundRequest {
            id,
            at: gateway_core::Timestamp(id.0.ms()),
            amount_minor: params.amount,
            reason: params.reason.map(|reason| reason.as_str().to_owned()),
            metadata,
        };
        refund_flow::refund(call, draft, request, call.render(&params.expand)).await
    })
    .await
}

fn target<'p>(params: &params::CreateRefund<'p>) -> Result<(PaymentId, &'p str, &'static str), ApiError> {
    match (params.payment_intent, params.charge) {
        (Some(text), _) => Ok((id_of(text, "payment_intent")?, text, "payment_intent")),
        (None, Some(text)) => {
            let charge: ChargeId =
                text.parse().map_err(|_| ApiError::resource_missing("charge", text, "charge"))?;
            Ok((charge.payment, text, "charge"))
        }
        (None, None) => Err(ApiError::parameter_missing("charge")),
    }
}

/// A charge that is named must be the one of the payment that took its money.
fn check_charge(draft: &Draft, named: Option<&str>) -> Result<(), ApiError> {
    let Some(text) = named else { return Ok(()) };
    let missing = || ApiError::resource_missing("charge", text, "charge");
    let charge: ChargeId = text.parse().map_err(|_| missing())?;
    let p = draft.payment();
    if charge.payment != p.id || p.attempt_numbered(charge.attempt).is_none() {
        return Err(missing());
    }
    // A payment's money was taken by its latest attempt; those before it failed.
    let is_latest = p.attempt().is_some_and(|latest| latest.number == charge.attempt);
    is_latest.then_some(()).ok_or_else(|| ApiError::charge_not_refundable(text))
}

/// GET /v1/refunds/{id}.
pub async fn retrieve(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::Retrieve = decode(reading.params)?;
    params.expand.check_known(EXPANDABLE)?;
    let (id, payment) = payment_of(reading.engine, reading.caller.tenant, reading.id).await?;
    let found = read(reading.engine, &RowKey::Payment(reading.caller.tenant, payment)).await?;
    let draft = found.and_then(Draft::of).ok_or_else(|| missing(reading.id))?;
    let p = draft.payment();
    let paths: Vec<&str> = params.expand.paths().collect();
    let related = Related::of_payments(reading.engine, std::iter::once(p), &paths).await?;
    let texts = Bump::new();
    let r = Renderer { texts: &texts, related: &related, public_url: &reading.engine.settings.public_url };
    let subject = Subject::Refund { payment, refund: id.0 };
    Ok(Reply::json(200, answer::body(&r, p, subject, params.expand.root())))
}

/// A refund on a list: its payment, and its place in it.
type Listed = (usize, usize);

/// GET /v1/refunds.
pub async fn list(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::ListRefunds<'_> = decode(reading.params)?;
    params.expand.check_listed(EXPANDABLE)?;
    let read_id = |text: &str| text.parse::<RefundId>().ok().map(|id| id.0);
    let asked = page::ask(&params.page, &params.created, read_id, "refund")?;
    let (drafts, rows, more) = match (params.payment_intent, params.charge) {
        (None, None) => of_tenant(&reading, &asked).await?,
        (payment, charge) => of_payment(&reading, &asked, (payment, charge)).await?,
    };
    let paths: Vec<&str> = params.expand.paths().collect();
    let related = Related::of_payments(reading.engine, drafts.iter().map(Draft::payment), &paths).await?;
    let texts = Bump::new();
    let r = Renderer { texts: &texts, related: &related, public_url: &reading.engine.settings.public_url };
    let level = params.expand.descend("data");
    let data = rows
        .iter()
        .map(|(draft, at)| {
            let p = drafts[*draft].payment();
            refund::refund(&r, (p, &p.refunds[*at]), level)
        })
        .collect();
    Ok(Reply::json(200, page::list("/v1/refunds", data, more)))
}

async fn of_tenant(
    reading: &Reading<'_>,
    asked: &page::Asked,
) -> Result<(Vec<Draft>, Vec<Listed>, More), ApiError> {
    let tenant = reading.caller.tenant;
    let query = Query::Refunds { tenant, range: asked.range };
    let found = page::query(reading.engine, &query).await?;
    let (found, more) = page::cut(asked, found);
    let (mut drafts, mut rows): (Vec<Draft>, Vec<Listed>) = (Vec::new(), Vec::new());
    for stored in found {
        let Row::Refund(reference) = stored.row else { continue };
        let known = drafts.iter().position(|draft| draft.payment().id == reference.payment);
        let index = match known {
            Some(index) => index,
            None => {
                let row = read(reading.engine, &RowKey::Payment(tenant, reference.payment)).await?;
                drafts.extend(row.and_then(Draft::of));
                drafts.len().saturating_sub(1)
            }
        };
        let at =
            drafts.get(index).and_then(|d| d.payment().refunds.iter().position(|r| r.id == reference.id));
        rows.extend(at.map(|at| (index, at)));
    }
    Ok((drafts, rows, more))
}

async fn of_payment(
    reading: &Reading<'_>,
    asked: &page::Asked,
    (payment, charge): (Option<&str>, Option<&str>),
) -> Result<(Vec<Draft>, Vec<Listed>, More), ApiError> {
    let charge: Option<ChargeId> = match charge {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| ApiError::resource_missing("charge", text, "charge"))?),
    };
    let text = payment.map(str::to_owned).or(charge.map(|id| id.payment.to_string())).unwrap_or_default();
    let draft = find(reading, &text).await?;
    let range = asked.range;
    let within = |id: RefundId| range.above.is_none_or(|a| id.0 > a) && range.below.is_none_or(|b| id.0 < b);
    let refunds = draft.payment().refunds.iter().enumerate();
    let mut rows: Vec<Listed> = refunds
        .filter(|(_, one)| within(one.id) && charge.is_none_or(|charge| charge.attempt == one.attempt))
        .map(|(at, _)| (0, at))
        .collect();
    if range.first == gateway_core::journal::First::Newest {
        rows.reverse();
    }
    let (rows, more) = page::cut(asked, rows);
    Ok((vec![draft], rows, more))
}

/// POST /v1/refunds/{id}.
#[inline]
pub async fn update(writing: &Writing<'_>, params: &params::UpdateRefund<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let (id, payment) = payment_of(&call.engine, call.caller.tenant, writing.id).await?;
    in_turn(call, payment, || async {
        let mut draft = load(call, payment, writing.id, "id").await?;
        let stored = draft.payment().refunds.iter().find(|one| one.id == id);
        let mut metadata = stored.map(|one| one.metadata.clone()).ok_or_else(|| missing(writing.id))?;
        merge_metadata(&mut metadata, &params.metadata);
        check_metadata(&metadata)?;
        let render = call.render(&params.expand);
        match decide(draft.payment(), Command::UpdateRefund { refund: id, metadata }) {
            Ok(events) => draft.record(events, &call.stamp()),
            Err(refusal) => return answer::refuse(call, draft, refusal, render).await,
        }
        let subject = Subject::Refund { payment, refund: id.0 };
        let reply = answer::render(&call.engine, draft.payment(), (&[], subject), &render).await?;
        let mut batch = Batch::new(Urgency::New);
        draft.write_into(&mut batch);
        call.finish(batch, subject, reply).await
    })
    .await
}

/// POST /v1/refunds/{id}/cancel. Card refunds can't be taken back once they are sent, and they are sent at once.
pub async fn cancel(writing: &Writing<'_>, _params: &params::CancelRefund) -> Result<Reply, Fault> {
    let call = writing.call;
    let (id, payment) = payment_of(&call.engine, call.caller.tenant, writing.id).await?;
    let draft = load(call, payment, writing.id, "id").await?;
    let state = draft.payment().refunds.iter().find(|one| one.id == id).map(|one| &one.state);
    let status = match state {
        Some(RefundState::Pending) => "on its way to the card",
        Some(RefundState::Succeeded) => "paid out",
        Some(RefundState::Failed(_)) => "failed",
        None => return Err(missing(writing.id).into()),
    };
    Err(ApiError::invalid_request(format!("This refund can't be canceled: it is {status}.")).into())
}
