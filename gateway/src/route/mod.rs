//! The merchant API: one table of endpoints, one way through them.
//!
//! route -> admit -> (GET: read) or (POST: digest, claim, run in a task of its own) -> reply.

mod challenge;
mod charges;
mod customers;
mod events;
mod meters;
mod method_data;
mod method_types;
mod notifications;
pub mod page;
mod payment_intents;
mod payment_methods;
mod radar;
mod refunds;
mod reviews;
mod setup_intents;
mod tokens;

use crate::admit::limits::Remaining;
use crate::admit::queue::{Admission, Beginning};
use crate::admit::{Caller, Limits, key, view};
use crate::cards::PresentedCard;
use crate::engine::Engine;
use crate::exchange::{Arriving, Exchange, Reply, Service};
use crate::flow::{Call, idempotency};
use crate::observe::Operation as Meter;
use crate::text::cut;
use gateway_api::endpoints::{ENDPOINTS, Endpoint, Method, Operation};
use gateway_api::error::ApiError;
use gateway_api::form::{CardSecret, Encoding, Params, Redaction};
use gateway_api::params::decode;
use gateway_core::claim::{ClaimKey, MAX_KEY_LEN, RequestDigest};
use gateway_core::journal::Urgency;
use gateway_core::ports::BoxFuture;
use gateway_core::record::KeyKind;
use gateway_core::{SmolStr, format_smolstr};
use http::{HeaderName, header};
use meters::Meters;
use std::sync::Arc;
use std::time::Duration;
use tracing::error;

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
static API_VERSION: HeaderName = HeaderName::from_static("stripe-version");

/// What stands at one path: an endpoint a method.
#[derive(Default)]
struct Methods {
    get: Option<&'static Endpoint>,
    post: Option<&'static Endpoint>,
    delete: Option<&'static Endpoint>,
}

impl Methods {
    const fn slot(&mut self, method: Method) -> &mut Option<&'static Endpoint> {
        match method {
            Method::Get => &mut self.get,
            Method::Post => &mut self.post,
            Method::Delete => &mut self.delete,
        }
    }

    fn allowed(&self) -> String {
        let all = [self.get, self.post, self.delete];
        all.into_iter().flatten().map(|e| e.method.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// The merchant API.
pub struct Api {
    engine: Arc<Engine>,
    limits: Arc<Limits>,
    admission: Arc<Admission>,
    /// What is answered where there is no processor: made once.
    shed: Reply,
    routes: matchit::Router<Methods>,
    meters: Meters,
}

/// A routed, admitted request that only reads.
pub struct Reading<'a> {
    pub engine: &'a Arc<Engine>,
    pub caller: &'a Caller,
    /// The path's `{id}`; empty where there is none.
    pub id: &'a str,
    pub params: &'a Params<'a>,
}

/// A routed, admitted request that changes something, in its own task.
pub struct Writing<'a> {
    pub call: &'a Call,
    pub id: &'a str,
    pub params: &'a Params<'a>,
}

impl Api {
    /// The API over an engine, in the runtime that will serve it.
    pub fn new(engine: Arc<Engine>, limits: Arc<Limits>) -> Self {
        let mut by_path: Vec<(&'static str, Methods)> = Vec::new();
        for endpoint in ENDPOINTS {
            let at = by_path.iter().position(|(path, _)| *path == endpoint.path).unwrap_or_else(|| {
                by_path.push((endpoint.path, Methods::default()));
                by_path.len() - 1
            });
            *by_path[at].1.slot(endpoint.method) = Some(endpoint);
        }
        let mut routes = matchit::Router::new();
        for (path, methods) in by_path {
            routes.insert(path, methods).expect("the table has no two paths that overlap");
        }
        let processors = tokio::runtime::Handle::current().metrics().num_workers();
        let admission = Admission::new(Arc::clone(&engine.clock), processors, engine.settings.queue);
        let shed = Reply::from(ApiError::unavailable(1));
        Self { engine, limits, admission, shed, routes, meters: Meters::register() }
    }

    #[inline]
    async fn answer(&self, exchange: Box<Exchange>) -> Reply {
        let began = self.engine.clock.monotonic_ns();
        let (meter, reply) = self.serve(exchange).await;
        let took = self.engine.clock.monotonic_ns().saturating_sub(began);
        meter.answered(reply.status, Duration::from_nanos(took));
        reply
    }

    async fn serve(&self, exchange: Box<Exchange>) -> (&Meter, Reply) {
        if let Err(limited) = self.limits.address(exchange.peer) {
            return (&self.meters.unrouted, *limited);
        }
        if exchange.path.starts_with(crate::render::CHALLENGES) {
            return (&self.meters.challenge, boxed(|| challenge::serve(&self.engine, &exchange)).await);
        }
        if let Some(acquirer) = exchange.path.strip_prefix(notifications::PREFIX) {
            let reply = notifications::take(&self.engine, &exchange, acquirer);
            return (&self.meters.notification, reply);
        }
        let (endpoint, id) = match self.find(&exchange) {
            Ok(found) => found,
            Err(error) => return (&self.meters.unrouted, Reply::from(error)),
        };
        let meter = self.meters.of(endpoint.operation);
        let (caller, remaining) = match self.admit(&exchange, endpoint).await {
            Ok(admitted) => admitted,
            Err(refused) => return (meter, *refused),
        };
        let viewer = (caller.kind != KeyKind::Secret).then(|| caller.clone());
        let reply = self.run(exchange, endpoint, (id, caller)).await;
        let reply = match viewer {
            Some(viewer) => view::narrow(&viewer, reply),
            None => reply,
        };
        (meter, remaining.describe(reply))
    }

    async fn admit(
        &self,
        exchange: &Exchange,
        endpoint: &Endpoint,
    ) -> Result<(Caller, Remaining), Box<Reply>> {
        let refuse = |error: ApiError| Box::new(Reply::from(error));
        let caller = key::authenticate(exchange, &self.engine.merchants).await.map_err(refuse)?;
        key::permit(&caller, endpoint).map_err(refuse)?;
        key::speaks_for_itself(&caller, exchange).map_err(refuse)?;
        if endpoint.method != Method::Post && !exchange.body.is_empty() {
            // What stands in it might be meant, so it is not quietly left out.
            return Err(refuse(ApiError::body_unexpected(endpoint.method.as_str())));
        }
        let remaining = self.limits.key(caller.key_id)?;
        Ok((caller, remaining))
    }

    fn find(&self, exchange: &Exchange) -> Result<(&'static Endpoint, String), ApiError> {
        let method = exchange.method.as_str();
        let path = exchange.path.strip_suffix('/').unwrap_or(&exchange.path);
        let found = self.routes.at(path).map_err(|_| ApiError::unknown_route(method, path))?;
        let endpoint = match method {
            "GET" | "HEAD" => found.value.get,
            "POST" => found.value.post,
            "DELETE" => found.value.delete,
            _other => None,
        };
        let endpoint =
            endpoint.ok_or_else(|| ApiError::method_not_allowed(method, &found.value.allowed()))?;
        Ok((endpoint, decoded(found.params.get("id").unwrap_or_default())?))
    }

    async fn run(
        &self,
        exchange: Box<Exchange>,
        endpoint: &'static Endpoint,
        (id, caller): (String, Caller),
    ) -> Reply {
        let Some(slot) = self.admission.enter(urgency(endpoint.operation)).await else {
            return self.shed.clone();
        };
        let engine = Arc::clone(&self.engine);
        if endpoint.method == Method::Get {
            let reading = boxed(|| read(&engine, &exchange, endpoint.operation, (&id, &caller)));
            return Beginning::new(reading, slot).await.unwrap_or_else(Reply::from);
        }
        // From here on the work is its own: a client that hangs up drops this handler, not the task.
        let tasks = engine.tasks.clone();
        let work = Box::new(Work { engine, exchange, endpoint, id, caller });
        let flow = boxed(|| write(work));
        let task = tasks.spawn(Beginning::new(flow, slot));
        match task.await {
            Ok(reply) => reply,
            Err(ended) => {
                // Whatever was intended stays recorded as sent, so it is unknown and will be resolved: never "failed".
                // The words of a panic may hold anything, a card number too: the hook has told what may be told.
                let panicked = ended.is_panic();
                error!(panicked, operation = ?endpoint.operation, "a flow ended without an answer");
                metrics::counter!("tollgate_flow_panics_total").increment(1);
                Reply::from(ApiError::internal())
            }
        }
    }
}

/// Percent-decoding of a path segment. Ids need none, so anything odd is just an id that does not exist.
fn decoded(segment: &str) -> Result<String, ApiError> {
    if segment.len() > MAX_KEY_LEN || segment.chars().any(char::is_control) {
        return Err(ApiError::invalid_request("The path holds no identifier of ours."));
    }
    Ok(segment.to_owned())
}

impl Service for Api {
    /// Nobody who shows no key is given memory for a body, but on the pages that need none.
    fn refuses(&self, arriving: &Arriving<'_>) -> Option<Reply> {
        let keyless = [crate::render::CHALLENGES, notifications::PREFIX];
        let needs_none = keyless.iter().any(|prefix| arriving.path.starts_with(prefix));
        if needs_none || key::is_presented(arriving.headers) {
            return None;
        }
        match self.limits.address(arriving.peer) {
            Ok(()) => Some(Reply::from(ApiError::key_missing())),
            Err(limited) => Some(*limited),
        }
    }

    /// What most often is new work is told by its path; everything else comes to the queue in front of the flows. Who comes alone is let
    /// in even when all acquirers are full: its key may have an answer already.
    fn sheds(&self, method: &http::Method, path: &str) -> Option<Reply> {
        if !self.admission.is_busy() || !begins_a_payment(method, path) {
            return None;
        }
        if self.engine.acquirers.are_full() {
            self.meters.acquirers_full.increment(1);
        } else if !self.admission.sheds() {
            return None;
        }
        Some(self.shed.clone())
    }

    fn call(&self, exchange: Box<Exchange>) -> BoxFuture<'_, Reply> {
        boxed(|| self.answer(exchange))
    }
}

/// A payment's creation or confirmation.
fn begins_a_payment(method: &http::Method, path: &str) -> bool {
    method == http::Method::POST && (path == "/v1/payment_intents" || path.ends_with("/confirm"))
}

#[inline]
async fn read(
    engine: &Arc<Engine>,
    exchange: &Exchange,
    operation: Operation,
    (id, caller): (&str, &Caller),
) -> Result<Reply, ApiError> {
    let params = Params::from_query(exchange.query.as_deref().unwrap_or_default())?;
    view::check_expansions(caller, &params)?;
    let reading = Reading { engine, caller, id, params: &params };
    match operation {
        Operation::ListPaymentIntents => payment_intents::list(reading).await,
        Operation::RetrievePaymentIntent => payment_intents::retrieve(reading).await,
        Operation::ListCharges => charges::list(reading).await,
        Operation::RetrieveCharge => charges::retrieve(reading).await,
        Operation::ListRefunds => refunds::list(reading).await,
        Operation::RetrieveRefund => refunds::retrieve(reading).await,
        Operation::ListPaymentMethods => payment_methods::list(reading).await,
        Operation::RetrievePaymentMethod => payment_methods::retrieve(reading).await,
        Operation::RetrieveToken => tokens::retrieve(reading).await,
        Operation::ListSetupIntents => setup_intents::list(reading).await,
        Operation::RetrieveSetupIntent => setup_intents::retrieve(reading).await,
        Operation::ListCustomers => customers::list(reading).await,
        Operation::RetrieveCustomer => customers::retrieve(reading).await,
        Operation::ListCustomerPaymentMethods => payment_methods::list_of_customer(reading).await,
        Operation::ListReviews => reviews::list(reading).await,
        Operation::RetrieveReview => reviews::retrieve(reading).await,
        Operation::ListValueLists => radar::lists::list(reading).await,
        Operation::RetrieveValueList => radar::lists::retrieve(reading).await,
        Operation::ListValueListItems => radar::items::list(reading).await,
        Operation::RetrieveValueListItem => radar::items::retrieve(reading).await,
        Operation::ListEvents => events::list(reading).await,
        Operation::RetrieveEvent => events::retrieve(reading).await,
        _writes => Err(ApiError::internal()),
    }
}

/// What an operation begins with. In a box: a story that is given more than a pointer is not made in its place.
struct Work {
    engine: Arc<Engine>,
    exchange: Box<Exchange>,
    endpoint: &'static Endpoint,
    id: String,
    caller: Caller,
}

#[inline]
async fn write(work: Box<Work>) -> Reply {
    let Work { engine, exchange, endpoint, id, caller } = *work;
    match prepare(engine, &exchange, endpoint, caller) {
        Ok((call, params)) => {
            post(&Writing { call: &call, id: &id, params: &params }, endpoint.operation).await
        }
        Err(error) => Reply::from(error),
    }
}

fn prepare<'x>(
    engine: Arc<Engine>,
    exchange: &'x Exchange,
    endpoint: &Endpoint,
    caller: Caller,
) -> Result<(Call, Params<'x>), ApiError> {
    let params = if endpoint.method == Method::Delete {
        Params::from_query(exchange.query.as_deref().unwrap_or_default())?
    } else {
        let encoding = Encoding::of_content_type(exchange.header(header::CONTENT_TYPE))?;
        Params::from_body(encoding, &exchange.body)?
    };
    view::check_expansions(&caller, &params)?;
    // DELETE ignores the key: what is deleted stays deleted.
    let given_key = if endpoint.method == Method::Post { idempotency_key(exchange)? } else { None };
    let (digest, card) = digest(&engine, exchange, &params);
    let claim_key = given_key.clone().unwrap_or_else(|| format_smolstr!("auto_{}", exchange.request_id));
    let claim = ClaimKey { tenant: caller.tenant, key: in_space(caller.kind, claim_key) };
    let urgency = urgency(endpoint.operation);
    let api_version = cut(exchange.header(&API_VERSION).unwrap_or_default(), 64).into();
    let request_id = exchange.request_id;
    Ok((Call { engine, caller, request_id, claim, urgency, digest, card, given_key, api_version }, params))
}

/// Money that is held or was taken can be captured, given back and refunded for longer than new payments are taken.
const fn urgency(operation: Operation) -> Urgency {
    match operation {
        Operation::CapturePaymentIntent
        | Operation::CaptureCharge
        | Operation::CancelPaymentIntent
        | Operation::CreateRefund => Urgency::FollowUp,
        _new_work => Urgency::New,
    }
}

/// Publishable keys lie open in browsers, so they have a space of their own: else anybody could use up the shop's keys.
fn in_space(kind: KeyKind, key: SmolStr) -> SmolStr {
    match kind {
        KeyKind::Secret | KeyKind::Restricted => key,
        // No key that a client sends holds a line's end.
        KeyKind::Publishable => format_smolstr!("pk\n{key}"),
    }
}

/// The key of the request: bare, or quoted as the IETF draft has it.
fn idempotency_key(exchange: &Exchange) -> Result<Option<SmolStr>, ApiError> {
    let Some(value) = exchange.headers.get(&IDEMPOTENCY_KEY) else { return Ok(None) };
    let text = value.to_str().map_err(|_| ApiError::idempotency_key_invalid())?.trim();
    let bare = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
    let printable = bare.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if bare.is_empty() || bare.len() > MAX_KEY_LEN || !printable {
        return Err(ApiError::idempotency_key_invalid());
    }
    Ok(Some(bare.into()))
}

/// A keyed digest over method, path and parameters, made in one go; a card number enters as its fingerprint, a code not at all.
/// What was found out about the card is handed on.
fn digest(
    engine: &Engine,
    exchange: &Exchange,
    params: &Params<'_>,
) -> (RequestDigest, Option<PresentedCard>) {
    let mut message = Vec::with_capacity(1024);
    for field in [exchange.method.as_str(), &exchange.path] {
        message.extend_from_slice(&(field.len() as u32).to_be_bytes());
        message.extend_from_slice(field.as_bytes());
    }
    let mut card = None;
    params.canonical(&mut message, &mut |secret, value| match secret {
        CardSecret::VerificationCode => Redaction::Omit,
        CardSecret::Number => {
            let presented = PresentedCard::of(engine, value);
            let fingerprint = presented.as_ref().map_or([0; 16], PresentedCard::fingerprint);
            card = presented.or(card.take());
            Redaction::Replace(fingerprint)
        }
    });
    (RequestDigest(engine.vault.digest_request(&message)), card)
}

/// Makes a story in a box. The box is there before the story is, and those of many kilobytes are `#[inline]`: so it is made in its
/// place, of which it fills a few bytes at first, and not copied there whole, nor from each hand that it goes through to the next.
#[inline(always)]
fn boxed<'a, F: Future + Send + 'a>(make: impl FnOnce() -> F) -> BoxFuture<'a, F::Output> {
    let room = Box::<F>::new_uninit();
    let story: Box<F> = Box::write(room, make());
    Box::into_pin(story)
}

/// Runs one operation under its key. Bad parameters are refused before the key is looked at: they leave nothing behind.
async fn post(writing: &Writing<'_>, operation: Operation) -> Reply {
    macro_rules! run {
        ($operation:path) => {
            match decode(writing.params) {
                Ok(params) => {
                    idempotency::run(writing.call, &|| boxed(|| $operation(writing, &params))).await
                }
                Err(error) => Reply::from(error),
            }
        };
    }
    match operation {
        Operation::CreatePaymentIntent => run!(payment_intents::create),
        Operation::UpdatePaymentIntent => run!(payment_intents::update),
        Operation::ConfirmPaymentIntent => run!(payment_intents::confirm),
        Operation::CapturePaymentIntent => run!(payment_intents::capture),
        Operation::CancelPaymentIntent => run!(payment_intents::cancel),
        Operation::IncrementAuthorization => run!(payment_intents::increment),
        Operation::UpdateCharge => run!(charges::update),
        Operation::CaptureCharge => run!(charges::capture),
        Operation::CreateRefund => run!(refunds::create),
        Operation::UpdateRefund => run!(refunds::update),
        Operation::CancelRefund => run!(refunds::cancel),
        Operation::CreatePaymentMethod => run!(payment_methods::create),
        Operation::UpdatePaymentMethod => run!(payment_methods::update),
        Operation::AttachPaymentMethod => run!(payment_methods::attach),
        Operation::DetachPaymentMethod => run!(payment_methods::detach),
        Operation::CreateToken => run!(tokens::create),
        Operation::CreateSetupIntent => run!(setup_intents::create),
        Operation::UpdateSetupIntent => run!(setup_intents::update),
        Operation::ConfirmSetupIntent => run!(setup_intents::confirm),
        Operation::CancelSetupIntent => run!(setup_intents::cancel),
        Operation::CreateCustomer => run!(customers::create),
        Operation::UpdateCustomer => run!(customers::update),
        Operation::DeleteCustomer => run!(customers::delete),
        Operation::ApproveReview => run!(reviews::approve),
        Operation::CreateValueList => run!(radar::lists::create),
        Operation::UpdateValueList => run!(radar::lists::update),
        Operation::DeleteValueList => run!(radar::lists::delete),
        Operation::CreateValueListItem => run!(radar::items::create),
        Operation::DeleteValueListItem => run!(radar::items::delete),
        Operation::CreatePaymentEvaluation => run!(radar::evaluations::create),
        _reads => Reply::from(ApiError::internal()),
    }
}
