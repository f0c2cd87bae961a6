//! Payment intents: authorize, capture, void, and everything around them.

use super::method_data::{Chosen, check_metadata, choose, merge_metadata};
use super::method_types::{self, Moment};
use super::{Reading, Writing, page};
use crate::exchange::Reply;
use crate::flow::authorize::{Attempting, authorize};
use crate::flow::draft::Draft;
use crate::flow::{
    self, Call, Fault, answer, cancel::cancel as cancel_flow, capture as capture_flow, in_turn, load, read,
};
use crate::render::related::Related;
use crate::render::{Renderer, extra, payment};
use crate::scoring::facts::{Circumstances, Said, email_of};
use bumpalo::Bump;
use gateway_api::WireEnum;
use gateway_api::error::ApiError;
use gateway_api::form::Change;
use gateway_api::params::{self, CardOptions, OffSession, SetupFutureUsage, decode};
use gateway_core::acquirer::{CustomerPresence, FinalCapture};
use gateway_core::claim::Subject;
use gateway_core::id::{CustomerId, PaymentId};
use gateway_core::journal::{Batch, Query, Row, RowKey, Urgency};
use gateway_core::money::{Currency, Money};
use gateway_core::payment::{
    CancellationReason, CaptureMethod, Command, Create, Details, InstrumentChange, Status,
    create as decide_create, decide,
};
use gateway_core::record::KeyKind;
use serde_json::{Map, Value};
use std::sync::Arc;

/// What may be expanded on an intent.
const EXPANDABLE: &[&str] = &["customer", "latest_charge", "payment_method", "review", "charges", "invoice"];

/// Reads an id of a payment intent, or says that there is none.
pub fn id_of(text: &str, param: &'static str) -> Result<PaymentId, ApiError> {
    text.parse().map_err(|_| ApiError::resource_missing("payment_intent", text, param))
}

/// A customer that a request names.
pub async fn customer_of(call: &Call, named: Option<&str>) -> Result<Option<CustomerId>, Fault> {
    let Some(text) = named else { return Ok(None) };
    let missing = || ApiError::resource_missing("customer", text, "customer");
    let id = text.parse().map_err(|_| missing())?;
    match read(&call.engine, &RowKey::Customer(call.caller.tenant, id)).await?.map(|stored| stored.row) {
        Some(Row::Customer(customer)) if !customer.deleted => Ok(Some(id)),
        Some(_) | None => Err(missing().into()),
    }
}

const fn capture_method(word: params::CaptureMethod) -> CaptureMethod {
    match word {
        params::CaptureMethod::Automatic => CaptureMethod::Automatic,
        params::CaptureMethod::AutomaticAsync => CaptureMethod::AutomaticAsync,
        params::CaptureMethod::Manual => CaptureMethod::Manual,
    }
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn change(stored: &mut Option<String>, change: Change<&str>) {
    match change {
        Change::Keep => {}
        Change::Clear => *stored = None,
        Change::Set(text) => *stored = Some(text.to_owned()),
    }
}

fn put(map: &mut Map<String, Value>, key: &str, value: Option<&str>) {
    map.extend(value.map(|text| (key.to_owned(), Value::from(text))));
}

fn put_card_options(map: &mut Map<String, Value>, options: Option<&CardOptions>) {
    let Some(options) = options else { return };
    let mut stored = match map.remove("card_options") {
        Some(Value::Object(stored)) => stored,
        Some(_) | None => Map::new(),
    };
    extra::set(&mut stored, "capture_method", options.capture_method.map(WireEnum::as_str));
    put(&mut stored, "request_three_d_secure", options.request_three_d_secure.map(WireEnum::as_str));
    put(&mut stored, "request_multicapture", options.request_multicapture.map(WireEnum::as_str));
    let increment = options.request_incremental_authorization.map(WireEnum::as_str);
    put(&mut stored, "request_incremental_authorization", increment);
    put(
        &mut stored,
        "request_extended_authorization",
        options.request_extended_authorization.map(WireEnum::as_str),
    );
    put(&mut stored, "request_overcapture", options.request_overcapture.map(WireEnum::as_str));
    put(&mut stored, "setup_future_usage", options.setup_future_usage.map(WireEnum::as_str));
    if !stored.is_empty() {
        map.insert("card_options".to_owned(), Value::Object(stored));
    }
}

/// The capture method that counts, after `map` took the card's options: theirs before the intent's own, on creation, update
/// and confirmation alike. The intent's own is kept aside, for when the option is unset.
fn settle_capture_method(
    map: &mut Map<String, Value>,
    own: Option<params::CaptureMethod>,
    current: CaptureMethod,
) -> CaptureMethod {
    const OWN: &str = "own_capture_method";
    let word = |value: Option<&Value>| value.and_then(Value::as_str).and_then(params::CaptureMethod::parse);
    let option = word(map.get("card_options").and_then(|stored| stored.get("capture_method")));
    let kept = word(map.remove(OWN).as_ref());
    let own_now = own.or(kept);
    let Some(option) = option else { return own_now.map_or(current, capture_method) };
    map.insert(OWN.to_owned(), Value::from(own_now.map_or(current.as_str(), WireEnum::as_str)));
    capture_method(option)
}

fn details(
    call: &Call,
    params: &params::CreatePaymentIntent<'_>,
    customer: Option<CustomerId>,
) -> Result<(Details, CaptureMethod), ApiError> {
    let mut more = Map::new();
    extra::change_shipping(&mut more, &params.shipping.map_or(Change::Keep, Change::Set));
    put(&mut more, "return_url", params.return_url);
    if params.confirmation_method == params::ConfirmationMethod::Manual {
        put(&mut more, "confirmation_method", Some("manual"));
    }
    if let Some(automatic) = params.automatic_payment_methods {
        let mut stored = Map::new();
        stored.insert("enabled".to_owned(), Value::from(automatic.enabled));
        put(
            &mut stored,
            "allow_redirects",
            Some(automatic.allow_redirects.map_or("always", WireEnum::as_str)),
        );
        more.insert("automatic_payment_methods".to_owned(), Value::Object(stored));
    }
    method_types::keep(call, &mut more, (&params.method_types, params.automatic_payment_methods))?;
    put_card_options(&mut more, params.card_options.as_ref());
    let own = Some(params.capture_method);
    let capture_method = settle_capture_method(&mut more, own, CaptureMethod::Automatic);
    let mut metadata = Vec::new();
    merge_metadata(&mut metadata, &params.metadata);
    check_metadata(&metadata)?;
    let details = Details {
        customer,
        description: owned(params.description),
        receipt_email: owned(params.receipt_email),
        statement_descriptor: owned(params.statement_descriptor),
        statement_descriptor_suffix: owned(params.statement_descriptor_suffix),
        setup_future_usage: params.setup_future_usage.and_then(usage).map(str::to_owned),
        metadata,
        extra: extra::unparse(more),
    };
    Ok((details, capture_method))
}

const fn usage(word: SetupFutureUsage) -> Option<&'static str> {
    match word {
        SetupFutureUsage::OffSession => Some("off_session"),
        SetupFutureUsage::OnSession => Some("on_session"),
        SetupFutureUsage::None => None,
    }
}

const fn presence(off_session: OffSession, error_on_action: bool) -> CustomerPresence {
    match off_session {
        OffSession::No if !error_on_action => CustomerPresence::Present,
        OffSession::No | OffSession::Yes | OffSession::OneOff | OffSession::Recurring => {
            CustomerPresence::Absent
        }
    }
}

/// What the request says of the payer beside the card.
fn circumstances(call: &Call, draft: &Draft, origin: &params::OriginInput<'_>) -> Circumstances {
    let p = draft.payment();
    let billing = p.instrument.as_ref().map_or("", |instrument| instrument.billing_details.as_str());
    let email = email_of(p.details.receipt_email.as_deref(), billing);
    let said = Said { ip_address: origin.ip_address, device: origin.session, email: email.as_deref() };
    Circumstances::of(said, &call.engine.vault)
}

/// POST /v1/payment_intents.
#[inline]
pub async fn create(writing: &Writing<'_>, params: &params::CreatePaymentIntent<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let currency =
        Currency::parse(params.currency.as_str()).ok_or_else(|| unknown_currency(&params.currency))?;
    let customer = customer_of(call, params.customer).await?;
    let brought = (params.payment_method, params.payment_method_data.as_ref());
    let mut chosen = choose(call, brought, customer).await?;
    let given = chosen.as_mut().filter(|_| params.confirm);
    let number = given.and_then(|chosen| chosen.number_payment(&call.engine.vault));
    let id = number.unwrap_or_else(|| PaymentId(call.engine.ids.next()));
    let (details, wanted) = details(call, params, customer)?;
    let (instrument, rows, cvc) = split(chosen);
    let presence = presence(params.off_session, params.error_on_requires_action);
    let moment = if params.confirm { Moment::Confirmed(presence) } else { Moment::Stored };
    method_types::check(instrument.as_ref(), (&details, wanted), moment)?;
    let amount = Money::new(params.amount, currency);
    let draft = begin(call, (id, amount, wanted), details, instrument)?;
    let render = call.render(&params.expand);
    if params.confirm {
        let customer = presence;
        let circumstances = circumstances(call, &draft, &params.origin);
        // Nobody knows it yet, but the resolver looks at what is due of it, should an answer take long.
        let wait = call.engine.settings.wait;
        let Some(_turn) = call.engine.turns.wait(draft.payment().id, wait).await else {
            return Err(Fault::Stale);
        };
        return authorize(call, Attempting { draft, rows, cvc, customer, circumstances, render }).await;
    }
    save(call, draft, rows, render).await
}

fn unknown_currency(code: &params::CurrencyCode) -> ApiError {
    let message = format!("Invalid currency: {}. Send a code of ISO 4217, like usd.", code.as_str());
    ApiError::invalid_parameter("currency", message)
}

fn split(
    chosen: Option<Chosen>,
) -> (Option<gateway_core::payment::Instrument>, Vec<gateway_core::Write>, Option<gateway_core::card::Cvc>) {
    match chosen {
        Some(chosen) => (Some(chosen.instrument), chosen.rows, chosen.cvc),
        None => (None, Vec::new(), None),
    }
}

fn begin(
    call: &Call,
    (id, amount, capture_method): (PaymentId, Money, CaptureMethod),
    details: Details,
    instrument: Option<gateway_core::payment::Instrument>,
) -> Result<Draft, Fault> {
    let mut secret = [0u8; 16];
    call.engine.random.fill(&mut secret);
    let at = gateway_core::Timestamp(id.0.ms());
    let tenant = call.caller.tenant;
    let new = Create { id, tenant, at, amount, capture_method, details, instrument, secret };
    let events = decide_create(new).map_err(answer::before_any_payment)?;
    let mut draft = Draft::new();
    draft.record(events, &call.stamp());
    Ok(draft)
}

/// Stores a payment that asks no acquirer, and answers with it.
async fn save(
    call: &Call,
    mut draft: Draft,
    rows: Vec<gateway_core::Write>,
    render: gateway_core::claim::RenderSpec,
) -> Result<Reply, Fault> {
    let subject = Subject::Payment(draft.payment().id);
    let reply = answer::render(&call.engine, draft.payment(), (&[], subject), &render).await?;
    let mut batch = Batch::new(Urgency::New);
    batch.writes = rows;
    draft.write_into(&mut batch);
    call.finish(batch, subject, reply).await
}

/// GET /v1/payment_intents/{id}.
pub async fn retrieve(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::RetrievePaymentIntent<'_> = decode(reading.params)?;
    params.expand.check_known(EXPANDABLE)?;
    let draft = find(&reading, reading.id).await?;
    let p = draft.payment();
    let texts = Bump::new();
    let paths: Vec<&str> = params.expand.paths().collect();
    let related = Related::of_payments(reading.engine, std::iter::once(p), &paths).await?;
    let r = Renderer { texts: &texts, related: &related, public_url: &reading.engine.settings.public_url };
    if let Some(secret) = params.client_secret.or((reading.caller.kind == KeyKind::Publishable).then_some(""))
        && !crypto::mac::same(secret.as_bytes(), payment::client_secret(&r, p).as_bytes())
    {
        return Err(ApiError::resource_missing("payment_intent", reading.id, "intent"));
    }
    Ok(Reply::json(200, answer::body(&r, p, Subject::Payment(p.id), params.expand.root())))
}

/// Reads a payment of the caller's.
pub async fn find(reading: &Reading<'_>, text: &str) -> Result<Draft, ApiError> {
    let id = id_of(text, "intent")?;
    let found = flow::read(reading.engine, &RowKey::Payment(reading.caller.tenant, id)).await?;
    found.and_then(Draft::of).ok_or_else(|| ApiError::resource_missing("payment_intent", text, "intent"))
}

/// GET /v1/payment_intents.
pub async fn list(reading: Reading<'_>) -> Result<Reply, ApiError> {
    let params: params::ListPaymentIntents<'_> = decode(reading.params)?;
    params.expand.check_listed(EXPANDABLE)?;
    let read_id = |text: &str| text.parse::<PaymentId>().ok().map(|id| id.0);
    let asked = page::ask(&params.page, &params.created, read_id, "payment_intent")?;
    let customer = match params.customer {
        None => None,
        Some(text) => {
            Some(text.parse().map_err(|_| ApiError::resource_missing("customer", text, "customer"))?)
        }
    };
    let query = Query::Payments { tenant: reading.caller.tenant, customer, range: asked.range };
    let rows = page::query(reading.engine, &query).await?;
    let drafts: Vec<Draft> = rows.into_iter().filter_map(Draft::of).collect();
    let (drafts, more) = page::cut(&asked, drafts);
    let paths: Vec<&str> = params.expand.paths().collect();
    let related = Related::of_payments(reading.engine, drafts.iter().map(Draft::payment), &paths).await?;
    let texts = Bump::new();
    let r = Renderer { texts: &texts, related: &related, public_url: &reading.engine.settings.public_url };
    let level = params.expand.descend("data");
    let data = drafts.iter().map(|draft| payment::intent(&r, draft.payment(), level)).collect();
    Ok(Reply::json(200, page::list("/v1/payment_intents", data, more)))
}

/// POST /v1/payment_intents/{id}.
#[inline]
pub async fn update(writing: &Writing<'_>, params: &params::UpdatePaymentIntent<'_>) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let id = id_of(writing.id, "intent")?;
    in_turn(call, id, || async {
        let mut draft = load(call, id, writing.id, "intent").await?;
        let customer = customer_of(call, params.customer).await?.or(draft.payment().details.customer);
        let named = (params.payment_method.set(), params.payment_method_data.as_ref());
        let (instrument, rows, _cvc) = split(choose(call, named, customer).await?);
        let command = updated(call, (&draft, params), customer, instrument)?;
        match decide(draft.payment(), command) {
            Ok(events) => draft.record(events, &call.stamp()),
            Err(refusal) => return answer::refuse(call, draft, refusal, call.render(&params.expand)).await,
        }
        save(call, draft, rows, call.render(&params.expand)).await
    })
    .await
}

fn updated(
    call: &Call,
    (draft, params): (&Draft, &params::UpdatePaymentIntent<'_>),
    customer: Option<CustomerId>,
    instrument: Option<gateway_core::payment::Instrument>,
) -> Result<Command, ApiError> {
    let p = draft.payment();
    let mut details = (*p.details).clone();
    details.customer = customer;
    change(&mut details.description, params.description);
    change(&mut details.receipt_email, params.receipt_email);
    change(&mut details.statement_descriptor, params.statement_descriptor);
    change(&mut details.statement_descriptor_suffix, params.statement_descriptor_suffix);
    match params.setup_future_usage {
        Change::Keep => {}
        Change::Clear => details.setup_future_usage = None,
        Change::Set(word) => details.setup_future_usage = usage(word).map(str::to_owned),
    }
    merge_metadata(&mut details.metadata, &params.metadata);
    check_metadata(&details.metadata)?;
    let mut more = extra::parse(&details.extra);
    extra::change_shipping(&mut more, &params.shipping);
    method_types::keep(call, &mut more, (&params.method_types, None))?;
    put_card_options(&mut more, params.card_options.as_ref());
    let wanted = settle_capture_method(&mut more, params.capture_method, p.capture_method);
    let capture_method = (wanted != p.capture_method).then_some(wanted);
    details.extra = extra::unparse(more);
    method_types::check(instrument.as_ref().or(p.instrument.as_deref()), (&details, wanted), Moment::Stored)?;
    let currency = match &params.currency {
        None => p.amount.currency,
        Some(code) => Currency::parse(code.as_str()).ok_or_else(|| unknown_currency(code))?,
    };
    let wanted = Money::new(params.amount.unwrap_or(p.amount.minor), currency);
    let amount = (wanted != p.amount).then_some(wanted);
    Ok(Command::Update {
        amount,
        capture_method,
        details: Arc::new(details),
        instrument: match (instrument, params.payment_method) {
            (Some(instrument), _) => InstrumentChange::Set(Box::new(instrument)),
            (None, Change::Clear) => InstrumentChange::Clear,
            (None, Change::Keep | Change::Set(_)) => InstrumentChange::Keep,
        },
    })
}

/// POST /v1/payment_intents/{id}/confirm.
#[inline]
pub async fn confirm(
    writing: &Writing<'_>,
    params: &params::ConfirmPaymentIntent<'_>,
) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let id = id_of(writing.id, "intent")?;
    in_turn(call, id, || async {
        let mut draft = load(call, id, writing.id, "intent").await?;
        check_secret(call, &draft, params.client_secret, writing.id)?;
        let render = call.render(&params.expand);
        let named = (params.payment_method, params.payment_method_data.as_ref());
        let (instrument, rows, cvc) = split(choose(call, named, draft.payment().details.customer).await?);
        let customer = presence(params.off_session, params.error_on_requires_action);
        let command = confirmed(&draft, params, (instrument, customer))?;
        if let Some(command) = command {
            match decide(draft.payment(), command) {
                Ok(events) => draft.record(events, &call.stamp()),
                Err(refusal) => {
                    let refusal = as_confirm(refusal);
                    return answer::refuse(call, draft, refusal, render).await;
                }
            }
        }
        let circumstances = circumstances(call, &draft, &params.origin);
        authorize(call, Attempting { draft, rows, cvc, customer, circumstances, render }).await
    })
    .await
}

/// A refused change within a confirmation is a refused confirmation.
const fn as_confirm(refusal: gateway_core::Refusal) -> gateway_core::Refusal {
    use gateway_core::refusal::{Operation, Refusal};
    match refusal {
        Refusal::UnexpectedState { status, .. } => {
            Refusal::UnexpectedState { status, operation: Operation::Confirm }
        }
        other => other,
    }
}

/// A publishable key proves with the client secret that it belongs to this payment.
fn check_secret(call: &Call, draft: &Draft, given: Option<&str>, text: &str) -> Result<(), ApiError> {
    let needed = call.caller.kind == KeyKind::Publishable;
    let Some(given) = given.or(needed.then_some("")) else { return Ok(()) };
    let (texts, related) = (Bump::new(), Related::default());
    let r = Renderer { texts: &texts, related: &related, public_url: "" };
    let same = crypto::mac::same(given.as_bytes(), payment::client_secret(&r, draft.payment()).as_bytes());
    same.then_some(()).ok_or_else(|| ApiError::resource_missing("payment_intent", text, "intent"))
}

/// What a confirmation changes before it charges; nothing, if it brings nothing new.
fn confirmed(
    draft: &Draft,
    params: &params::ConfirmPaymentIntent<'_>,
    (instrument, presence): (Option<gateway_core::payment::Instrument>, CustomerPresence),
) -> Result<Option<Command>, ApiError> {
    let p = draft.payment();
    let mut details = (*p.details).clone();
    change(&mut details.receipt_email, params.receipt_email);
    match params.setup_future_usage {
        Change::Keep => {}
        Change::Clear => details.setup_future_usage = None,
        Change::Set(word) => details.setup_future_usage = usage(word).map(str::to_owned),
    }
    let mut more = extra::parse(&details.extra);
    extra::change_shipping(&mut more, &params.shipping);
    put(&mut more, "return_url", params.return_url);
    put_card_options(&mut more, params.card_options.as_ref());
    let wanted = settle_capture_method(&mut more, params.capture_method, p.capture_method);
    let capture_method = (wanted != p.capture_method).then_some(wanted);
    details.extra = extra::unparse(more);
    // What is confirmed already has left this question behind: its state refuses the confirmation.
    if matches!(p.status(), Status::RequiresPaymentMethod | Status::RequiresConfirmation) {
        let pays = instrument.as_ref().or(p.instrument.as_deref());
        method_types::check(pays, (&details, wanted), Moment::Confirmed(presence))?;
    }
    if details == *p.details && capture_method.is_none() && instrument.is_none() {
        return Ok(None);
    }
    let instrument = instrument.map_or(InstrumentChange::Keep, |one| InstrumentChange::Set(Box::new(one)));
    Ok(Some(Command::Update { amount: None, capture_method, details: Arc::new(details), instrument }))
}

/// POST /v1/payment_intents/{id}/capture.
#[inline]
pub async fn capture(
    writing: &Writing<'_>,
    params: &params::CapturePaymentIntent<'_>,
) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let id = id_of(writing.id, "intent")?;
    let last = if params.final_capture { FinalCapture::Yes } else { FinalCapture::No };
    in_turn(call, id, || async {
        let draft = load(call, id, writing.id, "intent").await?;
        let capture = capture_flow::Capture {
            amount_minor: params.amount_to_capture,
            last,
            subject: Subject::Payment(id),
            render: call.render(&params.expand),
        };
        capture_flow::capture(call, draft, capture).await
    })
    .await
}

/// POST /v1/payment_intents/{id}/cancel.
#[inline]
pub async fn cancel(writing: &Writing<'_>, params: &params::CancelPaymentIntent) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let id = id_of(writing.id, "intent")?;
    let reason = match params.cancellation_reason {
        None => CancellationReason::Unspecified,
        Some(params::CancellationReason::Abandoned) => CancellationReason::Abandoned,
        Some(params::CancellationReason::Duplicate) => CancellationReason::Duplicate,
        Some(params::CancellationReason::Fraudulent) => CancellationReason::Fraudulent,
        Some(params::CancellationReason::RequestedByCustomer) => CancellationReason::RequestedByCustomer,
    };
    in_turn(call, id, || async {
        let draft = load(call, id, writing.id, "intent").await?;
        cancel_flow(call, draft, reason, call.render(&params.expand)).await
    })
    .await
}

/// POST /v1/payment_intents/{id}/increment_authorization.
#[inline]
pub async fn increment(
    writing: &Writing<'_>,
    params: &params::IncrementAuthorization<'_>,
) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(EXPANDABLE)?;
    let id = id_of(writing.id, "intent")?;
    in_turn(call, id, || async {
        let mut draft = load(call, id, writing.id, "intent").await?;
        let mut details = (*draft.payment().details).clone();
        change(&mut details.description, params.description);
        change(&mut details.statement_descriptor, params.statement_descriptor);
        merge_metadata(&mut details.metadata, &params.metadata);
        check_metadata(&details.metadata)?;
        let changed = details != *draft.payment().details;
        let details = Arc::new(details);
        let command = Command::Update {
            amount: None,
            capture_method: None,
            details,
            instrument: InstrumentChange::Keep,
        };
        if changed && let Ok(events) = decide(draft.payment(), command) {
            draft.record(events, &call.stamp());
        }
        crate::flow::increment::increment(call, draft, params.amount, call.render(&params.expand)).await
    })
    .await
}
