//! Setup intents: saving a card for later, without a payment.

pub mod confirmation;

use super::method_data::{check_metadata, merge_metadata};
use super::payment_intents::customer_of;
use super::{Reading, Writing, page};
use crate::engine::Engine;
use crate::exchange::Reply;
use crate::flow::{Call, Fault};
use crate::render::related::Related;
use crate::render::setup::{self, Notes, Shown};
use bumpalo::Bump;
use confirmation::{Draft, bring, confirm as confirm_card, stored, text};
use gateway_api::error::ApiError;
use gateway_api::objects::More;
use gateway_api::params::{self, CardOptions, decode};
use gateway_api::{Expand, WireEnum};
use gateway_core::card::Cvc;
use gateway_core::claim::Subject;
use gateway_core::event::EventKind;
use gateway_core::id::{CustomerId, PaymentMethodId, SetupIntentId};
use gateway_core::journal::{Batch, First, Query, Row, Urgency};
use gateway_core::record::{KeyKind, SetupIntent, SetupStatus};
use gateway_core::time::Timestamp;

/// What may be expanded on a setup intent.
const EXPANDABLE: &[&str] = &["customer", "payment_method", "latest_attempt", "mandate"];

/// Reads what is to be shown whole, and the card of the last failure, which always is.
async fn related(
    engine: &Engine,
    intents: impl Iterator<Item = &SetupIntent>,
    expand: &Expand,
) -> Result<Related, ApiError> {
    let names = |word: &str| expand.paths().any(|path| path.split('.').any(|name| name == word));
    let (customers, methods) = (names("customer"), names("payment_method"));
    let mut related = Related::default();
    for intent in intents {
        if let Some(id) = intent.customer.filter(|_| customers) {
            related.add_customer(engine, intent.tenant, id).await?;
        }
        let used = intent.payment_method.filter(|_| methods);
        for id in used.into_iter().chain(Notes::of(intent).failed_method()) {
            related.add_method(engine, intent.tenant, id).await?;
        }
    }
    Ok(related)
}

/// Stores what happened, and answers with it.
async fn finish(
    call: &Call,
    draft: Draft,
    (expand, refusal): (&Expand, Option<ApiError>),
) -> Result<Reply, Fault> {
    let related = related(&call.engine, std::iter::once(&draft.intent), expand).await?;
    let shown = text(&call.engine, (draft.shown(), &related), expand.root());
    let reply = match refusal {
        Some(error) => Reply::from(error.with_setup_intent(shown)),
        None => Reply::json(200, shown),
    };
    let mut batch = Batch::new(Urgency::New);
    draft.write_into(&mut batch);
    call.finish(batch, Subject::Other, reply).await
}

/// Stores a refusal under the request's key, and answers it.
async fn refuse(call: &Call, intent: &SetupIntent, (done, allowed): (&str, &str)) -> Result<Reply, Fault> {
    let related = related(&call.engine, std::iter::once(intent), &Expand::default()).await?;
    let shown = Shown { intent, method: None };
    let json = text(&call.engine, (shown, &related), gateway_api::expand::Level::default());
    let error = ApiError::setup_intent_unexpected_state(done, setup::status(intent.status), allowed);
    let reply = Reply::from(error.with_setup_intent(json));
    call.finish(Batch::new(Urgency::New), Subject::Other, reply).await
}

/// Whether the card is still to be chosen and confirmed.
const fn is_open(status: SetupStatus) -> bool {
    match status {
        SetupStatus::RequiresPaymentMethod
        | SetupStatus::RequiresConfirmation
        | SetupStatus::RequiresAction => true,
        SetupStatus::Processing | SetupStatus::Succeeded | SetupStatus::Canceled => false,
    }
}

const OPEN: &str = "requires_payment_method, requires_confirmation or requires_action";

fn keep_options(intent: &mut SetupIntent, (options, return_url): (Option<&CardOptions>, Option<&str>)) {
    let mut notes = Notes::of(intent);
    notes.keep("return_url", return_url);
    let wanted = options.and_then(|options| options.request_three_d_secure).map(WireEnum::as_str);
    notes.keep("request_three_d_secure", wanted);
    notes.store(intent);
}

/// POST /v1/setup_intents.
pub async fn create(writing: &Writing<'_>, params: &params::CreateSetupIntent<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let customer = customer_of(call, params.customer).await?;
    let brought = bring(call, (params.payment_method, params.payment_method_data.as_ref()), customer).await?;
    let mut draft = Draft::new(new(call, params, customer)?);
    let cvc: Option<Cvc> = brought.and_then(|brought| draft.take(brought));
    draft.tell(&call.engine, &call.stamp(), EventKind::SetupIntentCreated);
    let refusal = if params.confirm { confirm_card(call, &mut draft, cvc).await? } else { None };
    finish(call, draft, (&params.expand, refusal)).await
}

fn new(
    call: &Call,
    params: &params::CreateSetupIntent<'_>,
    customer: Option<CustomerId>,
) -> Result<SetupIntent, ApiError> {
    let id = SetupIntentId(call.engine.ids.next());
    let mut secret = [0u8; 16];
    call.engine.random.fill(&mut secret);
    let mut metadata = Vec::new();
    merge_metadata(&mut metadata, &params.metadata);
    check_metadata(&metadata)?;
    let mut intent = SetupIntent {
        id,
        tenant: call.caller.tenant,
        created: Timestamp(id.0.ms()),
        status: SetupStatus::RequiresPaymentMethod,
        customer,
        payment_method: None,
        description: params.description.map(str::to_owned),
        usage: params.usage.as_str().to_owned(),
        metadata,
        client_secret: format!("{id}_secret_{}", crypto::hex::encode(&secret)),
        cancellation_reason: None,
        last_error: String::new(),
    };
    keep_options(&mut intent, (params.card_options.as_ref(), params.return_url));
    if let Some(automatic) = params.automatic_payment_methods {
        let mut notes = Notes::of(&intent);
        let redirects = automatic.allow_redirects.map_or("always", WireEnum::as_str);
        notes.keep_automatic(automatic.enabled, redirects);
        notes.store(&mut intent);
    }
    Ok(intent)
}

/// A publishable key proves with the client secret that it belongs to this intent.
fn check_secret(kind: KeyKind, intent: &SetupIntent, given: Option<&str>) -> Result<(), ApiError> {
    let Some(given) = given.or((kind == KeyKind::Publishable).then_some("")) else { return Ok(()) };
    let same = crypto::mac::same(given.as_bytes(), intent.client_secret.as_bytes());
    let missing = || ApiError::resource_missing("setupintent", &intent.id.to_string(), "intent");
    same.then_some(()).ok_or_else(missing)
}

/// GET /v1/setup_intents/{id}.
pub async fn retrieve(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::RetrievePaymentIntent<'_> = decode(reading.params)?;
    params.expand.check_known(EXPANDABLE)?;
    let (_version, intent) = stored(reading.engine, reading.caller.tenant, reading.id).await?;
    check_secret(reading.caller.kind, &intent, params.client_secret)?;
    let related = related(reading.engine, std::iter::once(&intent), &params.expand).await?;
    let shown = Shown { intent: &intent, method: None };
    Ok(Reply::json(200, text(reading.engine, (shown, &related), params.expand.root())))
}

/// POST /v1/setup_intents/{id}.
pub async fn update(writing: &Writing<'_>, params: &params::UpdateSetupIntent<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let found = stored(&call.engine, call.caller.tenant, writing.id).await?;
    let mut draft = Draft::of(found);
    let card = (params.payment_method, params.payment_method_data.as_ref());
    let changes_card = card.0.is_some() || card.1.is_some() || params.customer.is_some();
    if changes_card && !is_open(draft.intent.status) {
        return refuse(call, &draft.intent, ("updated", OPEN)).await;
    }
    let customer = customer_of(call, params.customer).await?.or(draft.intent.customer);
    draft.intent.customer = customer;
    if let Some(brought) = bring(call, card, customer).await? {
        // Another card has to be confirmed anew.
        if draft.intent.status == SetupStatus::RequiresAction {
            draft.intent.status = SetupStatus::RequiresConfirmation;
        }
        draft.take(brought);
    }
    draft.intent.description = params.description.map(str::to_owned).apply(draft.intent.description.take());
    merge_metadata(&mut draft.intent.metadata, &params.metadata);
    check_metadata(&draft.intent.metadata)?;
    keep_options(&mut draft.intent, (params.card_options.as_ref(), None));
    finish(call, draft, (&params.expand, None)).await
}

/// POST /v1/setup_intents/{id}/confirm.
pub async fn confirm(writing: &Writing<'_>, params: &params::ConfirmSetupIntent<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let found = stored(&call.engine, call.caller.tenant, writing.id).await?;
    check_secret(call.caller.kind, &found.1, params.client_secret)?;
    let mut draft = Draft::of(found);
    if !is_open(draft.intent.status) {
        return refuse(call, &draft.intent, ("confirmed", OPEN)).await;
    }
    let card = (params.payment_method, params.payment_method_data.as_ref());
    let brought = bring(call, card, draft.intent.customer).await?;
    let cvc = brought.and_then(|brought| draft.take(brought));
    keep_options(&mut draft.intent, (params.card_options.as_ref(), params.return_url));
    let refusal = confirm_card(call, &mut draft, cvc).await?;
    finish(call, draft, (&params.expand, refusal)).await
}

/// POST /v1/setup_intents/{id}/cancel.
pub async fn cancel(writing: &Writing<'_>, params: &params::CancelSetupIntent) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let mut draft = Draft::of(stored(&call.engine, call.caller.tenant, writing.id).await?);
    if !is_open(draft.intent.status) {
        return refuse(call, &draft.intent, ("canceled", OPEN)).await;
    }
    draft.intent.status = SetupStatus::Canceled;
    draft.intent.cancellation_reason = params.cancellation_reason.map(|reason| reason.as_str().to_owned());
    draft.tell(&call.engine, &call.stamp(), EventKind::SetupIntentCanceled);
    finish(call, draft, (&params.expand, None)).await
}

/// GET /v1/setup_intents.
pub async fn list(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::ListSetupIntents<'_> = decode(reading.params)?;
    params.expand.check_listed(EXPANDABLE)?;
    let read_id = |text: &str| text.parse::<SetupIntentId>().ok().map(|id| id.0);
    let asked = page::ask(&params.page, &params.created, read_id, "setupintent")?;
    let filter = filter(&params)?;
    let (intents, more) = select(&reading, asked, filter).await?;
    let related = related(reading.engine, intents.iter().map(AsRef::as_ref), &params.expand).await?;
    let texts = Bump::new();
    let public_url = &reading.engine.settings.public_url;
    let r = crate::render::Renderer { texts: &texts, related: &related, public_url };
    let level = params.expand.descend("data");
    let data =
        intents.iter().map(|intent| setup::intent(&r, Shown { intent, method: None }, level)).collect();
    Ok(Reply::json(200, page::list("/v1/setup_intents", data, more)))
}

/// Whose intents, and of which card.
#[derive(Clone, Copy)]
struct Filter {
    customer: Option<CustomerId>,
    method: Option<PaymentMethodId>,
}

fn filter(params: &params::ListSetupIntents<'_>) -> Result<Filter, ApiError> {
    let customer = match params.customer {
        None => None,
        Some(text) => {
            Some(text.parse().map_err(|_| ApiError::resource_missing("customer", text, "customer"))?)
        }
    };
    let method = match params.payment_method {
        None => None,
        Some(text) => Some(
            text.parse().map_err(|_| ApiError::resource_missing("PaymentMethod", text, "payment_method"))?,
        ),
    };
    Ok(Filter { customer, method })
}

/// So many intents are read at a time where the first page does not fill the list.
const NEXT_PAGES: usize = 256;

/// Reads on until the page is full or there is no more, since the store knows nothing of cards: a list that stopped early
/// would say that there is no more.
async fn select(
    reading: &Reading<'_>,
    asked: page::Asked,
    filter: Filter,
) -> Result<(Vec<Box<SetupIntent>>, More), ApiError> {
    let (tenant, customer) = (reading.caller.tenant, filter.customer);
    let mut range = asked.range;
    let mut kept: Vec<Box<SetupIntent>> = Vec::new();
    loop {
        let rows = page::query(reading.engine, &Query::SetupIntents { tenant, customer, range }).await?;
        let full = rows.len() >= range.limit;
        for row in rows {
            let Row::SetupIntent(intent) = row.row else { continue };
            match range.first {
                First::Newest => range.below = Some(intent.id.0),
                First::Oldest => range.above = Some(intent.id.0),
            }
            if filter.method.is_none_or(|wanted| intent.payment_method == Some(wanted)) {
                kept.push(intent);
            }
        }
        if !full || kept.len() > asked.limit {
            return Ok(page::cut(&asked, kept));
        }
        range.limit = range.limit.max(NEXT_PAGES);
    }
}
