//! Customers: who pays, and which cards are theirs.

use super::method_data::{check_metadata, merge_metadata};
use super::payment_methods::attachment::{self, Attachment, Prepared, prepare};
use super::payment_methods::release;
use super::{Reading, Writing, page};
use crate::engine::{Engine, Stamp};
use crate::exchange::Reply;
use crate::flow::{Call, Fault, commit, read};
use crate::render::event::told;
use crate::render::related::Related;
use crate::render::{Renderer, customer, extra};
use bumpalo::Bump;
use gateway_api::Expand;
use gateway_api::error::ApiError;
use gateway_api::expand::Level;
use gateway_api::form::Change;
use gateway_api::objects::{self, Deleted};
use gateway_api::params::{self, decode};
use gateway_core::claim::Subject;
use gateway_core::event::EventKind;
use gateway_core::id::{CustomerId, PaymentMethodId};
use gateway_core::journal::{Batch, Expect, First, Query, Range, Row, RowKey, Urgency, Version, Versioned};
use gateway_core::record::Customer;
use gateway_core::tenant::Tenant;
use gateway_core::time::Timestamp;
use serde_json::{Map, Value};

/// What may be expanded on a customer. All but the first are always null here.
const EXPANDABLE: &[&str] = &[
    "invoice_settings",
    "cash_balance",
    "default_source",
    "discount",
    "sources",
    "subscriptions",
    "tax",
    "tax_ids",
    "test_clock",
];

/// A customer, also a deleted one, with the version that a change of it must find.
///
/// # Errors
/// 404 if there never was one, 503 if the store can't tell.
pub async fn stored(
    engine: &Engine,
    tenant: Tenant,
    (text, param): (&str, &'static str),
) -> Result<(Version, Customer), ApiError> {
    let missing = || ApiError::resource_missing("customer", text, param);
    let id: CustomerId = text.parse().map_err(|_| missing())?;
    match read(engine, &RowKey::Customer(tenant, id)).await? {
        Some(Versioned { version, row: Row::Customer(found) }) => Ok((version, *found)),
        Some(_) | None => Err(missing()),
    }
}

/// As [`stored`], but not a deleted one.
///
/// # Errors
/// 404 if there is none, or no longer.
pub async fn living(
    engine: &Engine,
    tenant: Tenant,
    (text, param): (&str, &'static str),
) -> Result<(Version, Customer), ApiError> {
    let (version, found) = stored(engine, tenant, (text, param)).await?;
    let missing = || ApiError::resource_missing("customer", text, param);
    (!found.deleted).then_some((version, found)).ok_or_else(missing)
}

/// Reads the default payment methods that are to be shown whole.
async fn related(
    engine: &Engine,
    customers: impl Iterator<Item = &Customer>,
    expand: &Expand,
) -> Result<Related, ApiError> {
    let mut related = Related::default();
    if !expand.paths().any(|path| path.ends_with("invoice_settings.default_payment_method")) {
        return Ok(related);
    }
    for one in customers {
        if let Some(id) = one.default_payment_method {
            related.add_method(engine, one.tenant, id).await?;
        }
    }
    Ok(related)
}

fn text(engine: &Engine, (shown, related): (&Customer, &Related), level: Level<'_>) -> String {
    let texts = Bump::new();
    let r = Renderer { texts: &texts, related, public_url: &engine.settings.public_url };
    objects::to_json(&customer::customer(&r, shown, level))
}

fn event(engine: &Engine, stamp: &Stamp<'_>, (shown, kind): (&Customer, EventKind)) -> Row {
    told(stamp, shown.tenant, kind, text(engine, (shown, &Related::default()), Level::default()))
}

async fn answer(call: &Call, shown: &Customer, expand: &Expand) -> Result<Reply, ApiError> {
    let related = related(&call.engine, std::iter::once(shown), expand).await?;
    Ok(Reply::json(200, text(&call.engine, (shown, &related), expand.root())))
}

fn new(call: &Call) -> Customer {
    let id = CustomerId(call.engine.ids.next());
    Customer {
        id,
        tenant: call.caller.tenant,
        created: Timestamp(id.0.ms()),
        name: None,
        email: None,
        phone: None,
        description: None,
        metadata: Vec::new(),
        extra: String::new(),
        default_payment_method: None,
        deleted: false,
    }
}

fn put(map: &mut Map<String, Value>, key: &str, change: Change<&str>) {
    match change {
        Change::Keep => {}
        Change::Clear => drop(map.remove(key)),
        Change::Set(text) => drop(map.insert(key.to_owned(), Value::from(text))),
    }
}

/// Takes over everything that a request says of a customer, but for the default payment method, which has to be looked up.
fn change(stored: &mut Customer, params: &params::UpdateCustomer<'_>) -> Result<(), ApiError> {
    let fields = [
        (&mut stored.name, params.name),
        (&mut stored.email, params.email),
        (&mut stored.phone, params.phone),
        (&mut stored.description, params.description),
    ];
    for (field, change) in fields {
        *field = change.map(str::to_owned).apply(field.take());
    }
    let mut more = extra::parse(&stored.extra);
    extra::change_address(&mut more, &params.address);
    extra::change_shipping(&mut more, &params.shipping);
    put(&mut more, "business_name", params.business_name);
    put(&mut more, "individual_name", params.individual_name);
    if let Some(locales) = &params.preferred_locales {
        more.insert("preferred_locales".to_owned(), Value::from(locales.clone()));
    }
    stored.extra = extra::unparse(more);
    merge_metadata(&mut stored.metadata, &params.metadata);
    check_metadata(&stored.metadata)
}

/// A default must be the customer's own.
async fn owned(call: &Call, text: &str, customer: CustomerId) -> Result<PaymentMethodId, ApiError> {
    let param = "invoice_settings[default_payment_method]";
    let missing = || ApiError::resource_missing("PaymentMethod", text, param);
    let (_expect, method) =
        attachment::stored(&call.engine, call.caller.tenant, text).await.map_err(|error| {
            // Only its absence is about this parameter; a store that can't tell is not.
            if error.status == 404 { missing() } else { error }
        })?;
    if method.customer != Some(customer) {
        let message = "Attach the PaymentMethod to this customer before making it their default.";
        return Err(ApiError::invalid_parameter(param, message));
    }
    Ok(method.id)
}

/// POST /v1/customers.
pub async fn create(writing: &Writing<'_>, params: &params::CreateCustomer<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.fields.expand.check_known(EXPANDABLE)?;
    let mut made = new(call);
    change(&mut made, &params.fields)?;
    let mut batch = Batch::new(Urgency::New);
    let attachment = match params.payment_method {
        None => None,
        Some(name) => match prepare(call, name, made.id).await? {
            Prepared::Ready(attachment) => Some(attachment),
            // As in the dialect: no card, no customer.
            Prepared::Declined(error) => return call.finish(batch, Subject::Other, Reply::from(error)).await,
        },
    };
    made.default_payment_method = first_default(params, attachment.as_deref())?;
    let reply = answer(call, &made, &params.fields.expand).await?;
    let stamp = call.stamp();
    batch.insert(event(&call.engine, &stamp, (&made, EventKind::CustomerCreated)));
    if let Some(attachment) = attachment {
        attachment.write_into(&mut batch, &call.engine, &stamp);
    }
    batch.insert(Row::Customer(Box::new(made)));
    call.finish(batch, Subject::Other, reply).await
}

/// A new customer has no card but the one that comes along, under the name by which it comes.
fn first_default(
    params: &params::CreateCustomer<'_>,
    attachment: Option<&Attachment>,
) -> Result<Option<PaymentMethodId>, ApiError> {
    let Change::Set(wanted) = params.fields.default_payment_method else { return Ok(None) };
    match attachment {
        Some(attachment) if params.payment_method == Some(wanted) => Ok(Some(attachment.method.id)),
        Some(_) | None => {
            let message = "A new customer's default has to be the PaymentMethod sent as payment_method.";
            Err(ApiError::invalid_parameter("invoice_settings[default_payment_method]", message))
        }
    }
}

/// GET /v1/customers/{id}.
pub async fn retrieve(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::Retrieve = decode(reading.params)?;
    params.expand.check_known(EXPANDABLE)?;
    let (_version, found) = stored(reading.engine, reading.caller.tenant, (reading.id, "id")).await?;
    if found.deleted {
        return Ok(deleted(found.id));
    }
    let related = related(reading.engine, std::iter::once(&found), &params.expand).await?;
    Ok(Reply::json(200, text(reading.engine, (&found, &related), params.expand.root())))
}

fn deleted(id: CustomerId) -> Reply {
    Reply::json(200, objects::to_json(&Deleted::new("customer", &id.to_string())))
}

/// POST /v1/customers/{id}.
pub async fn update(writing: &Writing<'_>, params: &params::UpdateCustomer<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let (version, before) = living(&call.engine, call.caller.tenant, (writing.id, "id")).await?;
    let mut after = before.clone();
    change(&mut after, params)?;
    match params.default_payment_method {
        Change::Keep => {}
        Change::Clear => after.default_payment_method = None,
        Change::Set(name) => after.default_payment_method = Some(owned(call, name, after.id).await?),
    }
    let reply = answer(call, &after, &params.expand).await?;
    let mut batch = Batch::new(Urgency::New);
    if after != before {
        batch.insert(event(&call.engine, &call.stamp(), (&after, EventKind::CustomerUpdated)));
        batch.replace(version, Row::Customer(Box::new(after)));
    }
    call.finish(batch, Subject::Other, reply).await
}

/// DELETE /v1/customers/{id}. Deleting once more changes nothing and answers the same.
pub async fn delete(writing: &Writing<'_>, _params: &params::Retrieve) -> Result<Reply, Fault> {
    let call = writing.call;
    let (version, mut found) = stored(&call.engine, call.caller.tenant, (writing.id, "id")).await?;
    let reply = deleted(found.id);
    if found.deleted {
        return Ok(reply);
    }
    let mut batch = detach_all(call, found.id).await?;
    batch.insert(event(&call.engine, &call.stamp(), (&found, EventKind::CustomerDeleted)));
    found.deleted = true;
    found.default_payment_method = None;
    batch.replace(version, Row::Customer(Box::new(found)));
    call.finish(batch, Subject::Other, reply).await
}

/// How many cards are read, and detached in one commit.
const PAGE: usize = 200;

/// Detaches a customer's cards, but for the last page of them, whose detachment is left in the batch that is returned. However many there
/// are, no commit grows with them; should the process end in between, the customer lives on, with fewer cards.
async fn detach_all(call: &Call, customer: CustomerId) -> Result<Batch, Fault> {
    let tenant = call.caller.tenant;
    let mut range = Range { above: None, below: None, first: First::Oldest, limit: PAGE };
    loop {
        let query = Query::PaymentMethods { tenant, customer, range };
        let found = page::query(&call.engine, &query).await?;
        let full = found.len() >= PAGE;
        let mut batch = Batch::new(Urgency::New);
        for Versioned { version, row } in found {
            let Row::PaymentMethod(mut method) = row else { continue };
            range.above = Some(method.id.0);
            release(&mut method);
            let kind = EventKind::PaymentMethodDetached;
            batch.insert(attachment::event(&call.engine, &call.stamp(), (&method, kind)));
            let expect = Expect::Version(version);
            batch.writes.push(gateway_core::Write { expect, row: Row::PaymentMethod(method) });
        }
        if !full {
            return Ok(batch);
        }
        commit(&call.engine, batch).await?;
    }
}

/// GET /v1/customers.
pub async fn list(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::ListCustomers<'_> = decode(reading.params)?;
    params.expand.check_listed(EXPANDABLE)?;
    let read_id = |text: &str| text.parse::<CustomerId>().ok().map(|id| id.0);
    let asked = page::ask(&params.page, &params.created, read_id, "customer")?;
    let email = params.email.map(str::to_owned);
    let query = Query::Customers { tenant: reading.caller.tenant, email, range: asked.range };
    let rows = page::query(reading.engine, &query).await?;
    let found: Vec<Box<Customer>> = rows
        .into_iter()
        .filter_map(|stored| if let Row::Customer(one) = stored.row { Some(one) } else { None })
        .collect();
    let (found, more) = page::cut(&asked, found);
    let related = related(reading.engine, found.iter().map(AsRef::as_ref), &params.expand).await?;
    let texts = Bump::new();
    let r = Renderer { texts: &texts, related: &related, public_url: &reading.engine.settings.public_url };
    let level = params.expand.descend("data");
    let data = found.iter().map(|one| customer::customer(&r, one, level)).collect();
    Ok(Reply::json(200, page::list("/v1/customers", data, more)))
}
