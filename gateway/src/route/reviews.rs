//! Reviews: authorized payments whose capture waits for a person.

use super::{Reading, Writing, page};
use crate::engine::Engine;
use crate::exchange::Reply;
use crate::flow::draft::Draft;
use crate::flow::{Fault, answer, approve as approve_flow, in_turn, load, read};
use crate::render::related::Related;
use crate::render::{Renderer, review};
use bumpalo::Bump;
use gateway_api::error::ApiError;
use gateway_api::params::{self, decode};
use gateway_core::id::{PaymentId, ReviewId};
use gateway_core::journal::{Query, Row, RowKey};
use gateway_core::tenant::Tenant;

/// What may be expanded on a review.
const EXPANDABLE: &[&str] = &["charge", "payment_intent"];

fn missing(text: &str) -> ApiError {
    ApiError::resource_missing("review", text, "id")
}

/// The payment that a review belongs to.
async fn payment_of(engine: &Engine, tenant: Tenant, text: &str) -> Result<(ReviewId, PaymentId), ApiError> {
    let id: ReviewId = text.parse().map_err(|_| missing(text))?;
    match read(engine, &RowKey::Review(tenant, id)).await?.map(|stored| stored.row) {
        Some(Row::Review(found)) => Ok((id, found.payment)),
        Some(_) | None => Err(missing(text)),
    }
}

/// Whether the review is that of the payment's latest attempt: an older one can't wait any more.
fn is_latest(draft: &Draft, id: ReviewId) -> bool {
    let review = draft.payment().attempt().and_then(|attempt| attempt.review.as_ref());
    review.is_some_and(|review| review.id == id)
}

/// GET /v1/reviews/{id}.
pub async fn retrieve(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::Retrieve = decode(reading.params)?;
    params.expand.check_known(EXPANDABLE)?;
    let (id, payment) = payment_of(reading.engine, reading.caller.tenant, reading.id).await?;
    let found = read(reading.engine, &RowKey::Payment(reading.caller.tenant, payment)).await?;
    let draft = found.and_then(Draft::of).ok_or_else(|| missing(reading.id))?;
    let p = draft.payment();
    let of = |a: &&gateway_core::payment::Attempt| a.review.as_ref().is_some_and(|review| review.id == id);
    let attempt = p.attempts.iter().find(of).ok_or_else(|| missing(reading.id))?;
    let paths: Vec<&str> = params.expand.paths().collect();
    let related = Related::of_payments(reading.engine, std::iter::once(p), &paths).await?;
    let texts = Bump::new();
    let r = Renderer { texts: &texts, related: &related, public_url: &reading.engine.settings.public_url };
    let shown = review::review(&r, (p, attempt), params.expand.root());
    Ok(Reply::json(200, gateway_api::objects::to_json(&shown)))
}

/// GET /v1/reviews: those that wait.
pub async fn list(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::ListReviews<'_> = decode(reading.params)?;
    let read_id = |text: &str| text.parse::<ReviewId>().ok().map(|id| id.0);
    let asked = page::ask(&params.page, &params.created, read_id, "review")?;
    let tenant = reading.caller.tenant;
    let rows = page::query(reading.engine, &Query::Reviews { tenant, range: asked.range }).await?;
    let (rows, more) = page::cut(&asked, rows);
    let mut drafts = Vec::with_capacity(rows.len());
    for stored in rows {
        let Row::Review(reference) = stored.row else { continue };
        let found = read(reading.engine, &RowKey::Payment(tenant, reference.payment)).await?;
        drafts.extend(found.and_then(Draft::of).filter(|draft| is_latest(draft, reference.id)));
    }
    let paths: Vec<&str> = params.expand.paths().collect();
    let related = Related::of_payments(reading.engine, drafts.iter().map(Draft::payment), &paths).await?;
    let texts = Bump::new();
    let r = Renderer { texts: &texts, related: &related, public_url: &reading.engine.settings.public_url };
    let level = params.expand.descend("data");
    let data = drafts
        .iter()
        .filter_map(|draft| Some(review::review(&r, (draft.payment(), draft.payment().attempt()?), level)))
        .collect();
    Ok(Reply::json(200, page::list("/v1/reviews", data, more)))
}

/// POST /v1/reviews/{id}/approve.
pub async fn approve(writing: &Writing<'_>, params: &params::Retrieve) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let (id, payment) = payment_of(&call.engine, call.caller.tenant, writing.id).await?;
    in_turn(call, payment, || async {
        let draft = load(call, payment, writing.id, "id").await?;
        let render = call.render(&params.expand);
        if !is_latest(&draft, id) {
            let refusal = gateway_core::Refusal::ReviewClosed;
            return answer::refuse(call, draft, refusal, render).await;
        }
        approve_flow::approve(call, draft, render).await
    })
    .await
}
