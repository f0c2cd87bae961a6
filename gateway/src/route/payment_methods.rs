//! Payment methods: cards that are kept, on their own or as a customer's.

pub mod attachment;

use super::method_data::{check_metadata, make, merge_metadata};
use super::{Reading, Writing, customers, page};
use crate::cards;
use crate::exchange::Reply;
use crate::flow::{Call, Fault};
use crate::render::extra;
use crate::render::related::Related;
use attachment::{Prepared, event, prepare, stored, text};
use gateway_api::Expand;
use gateway_api::error::ApiError;
use gateway_api::objects::{More, PaymentMethod as Shown};
use gateway_api::params::{self, CreatedFilter, decode};
use gateway_core::claim::Subject;
use gateway_core::event::EventKind;
use gateway_core::id::{CustomerId, PaymentMethodId};
use gateway_core::journal::{Batch, Query, Row, Urgency, Write};
use gateway_core::means::Means;
use gateway_core::record::PaymentMethod;
use gateway_core::time::Timestamp;

/// What may be expanded on a payment method.
const EXPANDABLE: &[&str] = &["customer"];

/// Reads the customers that are to be shown whole.
async fn related(
    engine: &crate::engine::Engine,
    methods: impl Iterator<Item = &PaymentMethod>,
    expand: &Expand,
) -> Result<Related, ApiError> {
    let mut related = Related::default();
    if expand.is_empty() {
        return Ok(related);
    }
    for method in methods {
        if let Some(id) = method.customer {
            related.add_customer(engine, method.tenant, id).await?;
        }
    }
    Ok(related)
}

async fn answer(call: &Call, method: &PaymentMethod, expand: &Expand) -> Result<Reply, ApiError> {
    let related = related(&call.engine, std::iter::once(method), expand).await?;
    Ok(Reply::json(200, text(&call.engine, (method, &related), expand.root())))
}

/// POST /v1/payment_methods.
pub async fn create(writing: &Writing<'_>, params: &params::CreatePaymentMethod<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let (method, rows, _cvc) = make(call, &params.data, "card").await?;
    let reply = answer(call, &method, &params.expand).await?;
    let mut batch = Batch::new(Urgency::New);
    batch.writes = rows;
    call.finish(batch, Subject::Other, reply).await
}

/// GET /v1/payment_methods/{id}.
pub async fn retrieve(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::Retrieve = decode(reading.params)?;
    params.expand.check_known(EXPANDABLE)?;
    let (_version, method) = stored(reading.engine, reading.caller.tenant, reading.id).await?;
    let related = related(reading.engine, std::iter::once(&method), &params.expand).await?;
    Ok(Reply::json(200, text(reading.engine, (&method, &related), params.expand.root())))
}

/// POST /v1/payment_methods/{id}.
pub async fn update(writing: &Writing<'_>, params: &params::UpdatePaymentMethod<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let (expect, before) = stored(&call.engine, call.caller.tenant, writing.id).await?;
    if before.customer.is_none() {
        let message = "Attach this PaymentMethod to a customer before updating it.";
        return Err(ApiError::payment_method_unexpected_state(message).into());
    }
    let after = updated(&before, params, call.engine.clock.now())?;
    let reply = answer(call, &after, &params.expand).await?;
    let mut batch = Batch::new(Urgency::New);
    if after != before {
        batch.insert(event(&call.engine, &call.stamp(), (&after, EventKind::PaymentMethodUpdated)));
        batch.writes.push(Write { expect, row: Row::PaymentMethod(Box::new(after)) });
    }
    call.finish(batch, Subject::Other, reply).await
}

fn updated(
    before: &PaymentMethod,
    params: &params::UpdatePaymentMethod<'_>,
    now: Timestamp,
) -> Result<PaymentMethod, ApiError> {
    let mut after = before.clone();
    if let Some(given) = &params.billing_details {
        after.billing_details = extra::merge_billing(&before.billing_details, given);
    }
    if params.exp_month.is_some() || params.exp_year.is_some() {
        let Means::Card { facts, .. } = &mut after.means else {
            return Err(ApiError::invalid_parameter("card", "This PaymentMethod is no card."));
        };
        facts.exp_month = params.exp_month.unwrap_or(facts.exp_month);
        facts.exp_year = params.exp_year.unwrap_or(facts.exp_year);
        cards::check_expiry(now, (facts.exp_month, facts.exp_year), "card")?;
    }
    merge_metadata(&mut after.metadata, &params.metadata);
    check_metadata(&after.metadata)?;
    Ok(after)
}

/// POST /v1/payment_methods/{id}/attach.
pub async fn attach(writing: &Writing<'_>, params: &params::AttachPaymentMethod<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let (version, customer) =
        customers::living(&call.engine, call.caller.tenant, (params.customer, "customer")).await?;
    let mut batch = Batch::new(Urgency::New);
    let attachment = match prepare(call, writing.id, customer.id).await? {
        Prepared::Ready(attachment) => attachment,
        Prepared::Declined(error) => return call.finish(batch, Subject::Other, Reply::from(error)).await,
    };
    let reply = answer(call, &attachment.method, &params.expand).await?;
    attachment.write_into(&mut batch, &call.engine, &call.stamp());
    // Written as it is, so that a deletion at the same moment can't leave the card behind.
    batch.replace(version, Row::Customer(Box::new(customer)));
    call.finish(batch, Subject::Other, reply).await
}

/// POST /v1/payment_methods/{id}/detach.
pub async fn detach(writing: &Writing<'_>, params: &params::DetachPaymentMethod) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let (expect, mut method) = stored(&call.engine, call.caller.tenant, writing.id).await?;
    let Some(owner) = method.customer else {
        let message = "This PaymentMethod is not attached to a customer, so it can't be detached.";
        return Err(ApiError::payment_method_unexpected_state(message).into());
    };
    release(&mut method);
    let reply = answer(call, &method, &params.expand).await?;
    let mut batch = Batch::new(Urgency::New);
    batch.insert(event(&call.engine, &call.stamp(), (&method, EventKind::PaymentMethodDetached)));
    forget_default(call, (owner, method.id), &mut batch).await?;
    batch.writes.push(Write { expect, row: Row::PaymentMethod(Box::new(method)) });
    call.finish(batch, Subject::Other, reply).await
}

/// Takes a card from its customer. It was theirs, so nobody else may have it.
pub fn release(method: &mut PaymentMethod) {
    method.customer = None;
    method.spent = true;
}

/// A detached card is nobody's default. The customer is written in any case: its default may be set at this moment.
async fn forget_default(
    call: &Call,
    (owner, method): (CustomerId, PaymentMethodId),
    batch: &mut Batch,
) -> Result<(), Fault> {
    let text = owner.to_string();
    let (version, mut customer) =
        customers::stored(&call.engine, call.caller.tenant, (&text, "customer")).await?;
    customer.default_payment_method = customer.default_payment_method.filter(|default| *default != method);
    batch.replace(version, Row::Customer(Box::new(customer)));
    Ok(())
}

/// GET /v1/payment_methods.
pub async fn list(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::ListPaymentMethods<'_> = decode(reading.params)?;
    let customer = params.customer.ok_or_else(|| ApiError::parameter_missing("customer"))?;
    page_of(&reading, &params, (customer, "customer", "/v1/payment_methods")).await
}

/// GET /v1/customers/{id}/payment_methods.
pub async fn list_of_customer(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::ListPaymentMethods<'_> = decode(reading.params)?;
    if params.customer.is_some() {
        return Err(ApiError::parameter_unknown(&["customer".to_owned()]));
    }
    let url = format!("/v1/customers/{}/payment_methods", reading.id);
    page_of(&reading, &params, (reading.id, "id", &url)).await
}

async fn page_of(
    reading: &Reading<'_>,
    params: &params::ListPaymentMethods<'_>,
    (customer, param, url): (&str, &'static str, &str),
) -> Result<Reply, ApiError> {
    params.expand.check_listed(EXPANDABLE)?;
    let (engine, tenant) = (reading.engine, reading.caller.tenant);
    let (_version, customer) = customers::living(engine, tenant, (customer, param)).await?;
    let read_id = |text: &str| text.parse::<PaymentMethodId>().ok().map(|id| id.0);
    let asked = page::ask(&params.page, &CreatedFilter::default(), read_id, "PaymentMethod")?;
    if params.kind.is_some_and(|kind| kind != "card") {
        return Ok(Reply::json(200, page::list::<Shown<'_>>(url, Vec::new(), More::No)));
    }
    let query = Query::PaymentMethods { tenant, customer: customer.id, range: asked.range };
    let rows = page::query(engine, &query).await?;
    let methods: Vec<Box<PaymentMethod>> = rows
        .into_iter()
        .filter_map(|stored| if let Row::PaymentMethod(method) = stored.row { Some(method) } else { None })
        .collect();
    let (methods, more) = page::cut(&asked, methods);
    let related = related(engine, methods.iter().map(AsRef::as_ref), &params.expand).await?;
    let texts = bumpalo::Bump::new();
    let public_url = &engine.settings.public_url;
    let r = crate::render::Renderer { texts: &texts, related: &related, public_url };
    let level = params.expand.descend("data");
    let data = methods.iter().map(|method| crate::render::card::method(&r, method, level)).collect();
    Ok(Reply::json(200, page::list(url, data, more)))
}
