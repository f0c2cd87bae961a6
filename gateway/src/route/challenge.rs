//! The challenge: a page of our own on which the holder of the published card 4000002760003184 passes or fails the
//! authentication, and the owner of a simulated wallet approves a payment or not; and the code of a real wallet, to be scanned. Its
//! address holds whose payment it is, and the client secret, which is all the right it takes to be here.

mod back;
mod html;

use super::setup_intents::confirmation;
use crate::engine::Engine;
use crate::exchange::{Exchange, Reply};
use crate::flow::{read, resolve};
use crate::render::qr;
use crate::render::related::Related;
use crate::render::setup::Notes;
use crate::render::{CHALLENGES, Renderer, challenge_path, extra, payment};
use bumpalo::Bump;
use gateway_api::error::ApiError;
use gateway_core::acquirer::{ChallengeResult, CustomerAction, Trace};
use gateway_core::id::{PaymentId, SetupIntentId};
use gateway_core::journal::{Row, RowKey};
use gateway_core::means::Wallet;
use gateway_core::payment::{Open, Payment, Stage, Status};
use gateway_core::record::{SetupIntent, SetupStatus};
use gateway_core::tenant::{Mode, Tenant};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{error, warn};

/// Longest client secret that is looked up.
const MAX_SECRET_BYTES: usize = 128;
/// A passed or failed challenge is waited for at most so long.
const CONCLUDE_WITHIN: Duration = Duration::from_secs(10);
/// And looked at again after this, then after four times as long, and so on: who does not know yet is not hammered.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What a client secret opens.
enum Challenged {
    Payment(Box<Payment>),
    Setup(Box<SetupIntent>),
}

/// Where it stands.
enum Standing {
    /// The customer is to act.
    Waiting,
    Succeeded,
    Failed,
    /// Not known yet.
    Pending,
}

impl Standing {
    /// The word in `redirect_status`.
    const fn word(&self) -> &'static str {
        match self {
            Standing::Succeeded => "succeeded",
            Standing::Waiting | Standing::Pending => "pending",
            Standing::Failed => "failed",
        }
    }
}

/// The message that waits for the customer, and what they are to do.
fn asked(p: &Payment) -> Option<(&Open, &CustomerAction)> {
    let asks =
        |open: &&Open| open.asks_customer() && matches!(open.stage, Stage::Accepted { action: Some(_), .. });
    let open = p.outstanding().find(asks)?;
    let Stage::Accepted { action: Some(action), .. } = &open.stage else { return None };
    Some((open, action))
}

/// The message that waits for the customer on a page of ours.
fn waiting(p: &Payment) -> Option<&Open> {
    match asked(p)? {
        (open, CustomerAction::Redirect { url: None } | CustomerAction::QrCode { text: None }) => Some(open),
        (
            _elsewhere,
            CustomerAction::Redirect { url: Some(_) } | CustomerAction::QrCode { text: Some(_) },
        ) => None,
    }
}

/// What the code holds that the customer is to scan, if that is what they are to do; `page` is the address of the page itself.
fn code<'p>(p: &'p Payment, page: &'p str) -> Option<&'p str> {
    match asked(p)?.1 {
        CustomerAction::QrCode { text } => Some(text.as_deref().unwrap_or(page)),
        CustomerAction::Redirect { .. } => None,
    }
}

impl Challenged {
    fn standing(&self) -> Standing {
        match self {
            Challenged::Payment(p) if waiting(p).is_some() || code(p, "").is_some() => Standing::Waiting,
            Challenged::Payment(p) => match p.status() {
                Status::Succeeded | Status::RequiresCapture => Standing::Succeeded,
                Status::Processing => Standing::Pending,
                Status::RequiresPaymentMethod
                | Status::RequiresConfirmation
                | Status::RequiresAction
                | Status::Canceled => Standing::Failed,
            },
            Challenged::Setup(intent) => match intent.status {
                SetupStatus::RequiresAction => Standing::Waiting,
                SetupStatus::Succeeded => Standing::Succeeded,
                SetupStatus::Processing => Standing::Pending,
                SetupStatus::RequiresPaymentMethod
                | SetupStatus::RequiresConfirmation
                | SetupStatus::Canceled => Standing::Failed,
            },
        }
    }

    fn return_url(&self) -> Option<String> {
        match self {
            Challenged::Payment(p) => {
                let more = extra::parse(&p.details.extra);
                more.get("return_url").and_then(serde_json::Value::as_str).map(str::to_owned)
            }
            Challenged::Setup(intent) => Notes::of(intent).return_url().map(str::to_owned),
        }
    }

    const fn tenant(&self) -> Tenant {
        match self {
            Challenged::Payment(p) => p.tenant,
            Challenged::Setup(intent) => intent.tenant,
        }
    }
}

/// The client secret of a payment.
fn secret_of(p: &Payment) -> String {
    let (texts, related) = (Bump::new(), Related::default());
    payment::client_secret(&Renderer { texts: &texts, related: &related, public_url: "" }, p).to_owned()
}

/// Where a page is: whose payment, and the secret that opens it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place<'e> {
    tenant: Tenant,
    secret: &'e str,
}

/// Finds what a secret opens: nothing of anybody else's is looked at.
async fn find(engine: &Engine, Place { tenant, secret }: Place<'_>) -> Result<Option<Challenged>, ApiError> {
    if secret.len() > MAX_SECRET_BYTES {
        return Ok(None);
    }
    let Some((id, _random)) = secret.split_once("_secret_") else { return Ok(None) };
    let payment = id.parse().map(|id: PaymentId| RowKey::Payment(tenant, id));
    let Ok(key) = payment.or_else(|_| id.parse().map(|id: SetupIntentId| RowKey::SetupIntent(tenant, id)))
    else {
        return Ok(None);
    };
    Ok(read(engine, &key).await?.and_then(|found| opened(found.row, secret)))
}

/// The object, if the secret is the one of it.
fn opened(row: Row, secret: &str) -> Option<Challenged> {
    let (challenged, expected) = match row {
        Row::Payment(row) => {
            let expected = secret_of(&row.payment);
            (Challenged::Payment(Box::new(std::sync::Arc::unwrap_or_clone(row.payment))), expected)
        }
        Row::SetupIntent(intent) => {
            let expected = intent.client_secret.clone();
            (Challenged::Setup(intent), expected)
        }
        _other => return None,
    };
    crypto::mac::same(secret.as_bytes(), expected.as_bytes()).then_some(challenged)
}

/// In which form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Picture {
    Png,
    Svg,
}

/// What is asked of the page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Show,
    /// The picture of a code.
    Picture(Picture),
    Answer(ChallengeResult),
}

/// Reads method and path: `/challenge/MERCHANT/MODE/SECRET`, and `/pass`, `/fail`, `/qr.png` or `/qr.svg` after it. No place: no page
/// is there.
fn parse<'e>(method: &str, path: &'e str) -> Result<(Option<Place<'e>>, Asked), &'static str> {
    let rest = path.strip_prefix(CHALLENGES).unwrap_or_default();
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (place, asked) = match rest.rsplit_once('/') {
        Some((place, "pass")) => (place, Asked::Answer(ChallengeResult::Passed)),
        Some((place, "fail")) => (place, Asked::Answer(ChallengeResult::Failed)),
        Some((place, "qr.png")) => (place, Asked::Picture(Picture::Png)),
        Some((place, "qr.svg")) => (place, Asked::Picture(Picture::Svg)),
        Some(_) | None => (rest, Asked::Show),
    };
    match (method, asked) {
        ("GET" | "HEAD", Asked::Show | Asked::Picture(_)) | ("POST", Asked::Answer(_)) => {
            Ok((place_of(place), asked))
        }
        (_, Asked::Show | Asked::Picture(_)) => Err("GET"),
        (_, Asked::Answer(_)) => Err("POST"),
    }
}

fn place_of(text: &str) -> Option<Place<'_>> {
    let mut parts = text.splitn(3, '/');
    let merchant = parts.next()?.parse().ok()?;
    let mode = match parts.next()? {
        "test" => Mode::Test,
        "live" => Mode::Live,
        _other => return None,
    };
    let secret = parts.next().filter(|secret| !secret.contains('/'))?;
    Some(Place { tenant: Tenant { merchant, mode }, secret })
}

/// Answers a request for a challenge page.
pub async fn serve(engine: &Arc<Engine>, exchange: &Exchange) -> Reply {
    let (place, asked) = match parse(exchange.method.as_str(), &exchange.path) {
        Ok(parsed) => parsed,
        Err(allowed) => return not_allowed(engine).with_header("allow", allowed),
    };
    let Some(place) = place else { return gone(engine) };
    let secret = place.secret;
    let found = match find(engine, place).await {
        Ok(found) => found,
        Err(_logged) => return unavailable(engine),
    };
    let Some(challenged) = found else { return gone(engine) };
    match (asked, challenged.standing()) {
        (Asked::Show, Standing::Waiting) => show(engine, (&challenged, secret)),
        (Asked::Picture(form), Standing::Waiting) => {
            picture(engine, (&challenged, secret), form).unwrap_or_else(|| gone(engine))
        }
        (Asked::Show | Asked::Picture(_), Standing::Succeeded | Standing::Failed | Standing::Pending) => {
            gone(engine)
        }
        (Asked::Answer(result), Standing::Waiting) => take_up(engine, (challenged, secret), result).await,
        // Answered before: a second click leads to the same place.
        (Asked::Answer(_), Standing::Succeeded | Standing::Failed | Standing::Pending) => {
            lead_back(engine, (&challenged, secret))
        }
    }
}

fn told(engine: &Engine, status: u16, (title, text): (&str, &str)) -> Reply {
    html::page(
        status,
        &html::Page { title, text, picture: None, forms: None, leads_to: None },
        &nonce(engine),
    )
}

fn nonce(engine: &Engine) -> String {
    let mut bytes = [0u8; 16];
    engine.random.fill(&mut bytes);
    crypto::hex::encode(&bytes)
}

fn gone(engine: &Engine) -> Reply {
    told(
        engine,
        404,
        ("This page has expired", "Nothing waits to be authenticated here. Return to the shop."),
    )
}

fn not_allowed(engine: &Engine) -> Reply {
    told(engine, 405, ("This is not possible", "Open the page again from the shop."))
}

fn unavailable(engine: &Engine) -> Reply {
    let text = "The authentication could not be taken up now. Go back and try again in a moment.";
    told(engine, 503, ("Try again in a moment", text)).with_header("retry-after", "1")
}

/// Pixels a dot of a code that is shown by itself.
const PICTURE_SCALE: usize = 8;

/// The picture of the payment's code; `None` if it has none.
fn picture(engine: &Engine, (challenged, secret): (&Challenged, &str), form: Picture) -> Option<Reply> {
    let Challenged::Payment(p) = challenged else { return None };
    let page = format!("{}{}", engine.settings.public_url, challenge_path(p.tenant, secret));
    let text = code(p, &page)?;
    Some(match form {
        Picture::Png => html::picture("image/png", qr::png(text, PICTURE_SCALE)?),
        Picture::Svg => html::picture("image/svg+xml", qr::svg(text)?.into_bytes()),
    })
}

/// What the page is called, and what its buttons say.
fn words(challenged: &Challenged) -> (&'static str, html::Buttons) {
    let wallet = match challenged {
        Challenged::Payment(p) => p.attempt().and_then(|attempt| attempt.instrument.means.wallet()),
        Challenged::Setup(_) => None,
    };
    let approve = html::Buttons { yes: "Approve payment", no: "Decline payment" };
    match wallet {
        Some(Wallet::Alipay) => ("Pay with Alipay", approve),
        Some(Wallet::WechatPay) => ("Pay with WeChat Pay", approve),
        None => (
            "Card authentication",
            html::Buttons { yes: "Complete authentication", no: "Fail authentication" },
        ),
    }
}

fn show(engine: &Engine, (challenged, secret): (&Challenged, &str)) -> Reply {
    let merchant = engine.merchants.merchant(challenged.tenant().merchant);
    let merchant = merchant.map_or_else(|| "The merchant".to_owned(), |merchant| merchant.name.clone());
    let text = match challenged {
        Challenged::Payment(p) => {
            let attempt = asked(p).and_then(|(open, _)| p.attempt_numbered(open.attempt));
            let amount = attempt.map_or(p.amount.minor, |attempt| attempt.amount_minor);
            let amount = gateway_core::Money::new(amount, p.amount.currency).to_string().to_uppercase();
            let verb = match attempt.and_then(|attempt| attempt.instrument.means.wallet()) {
                Some(Wallet::Alipay | Wallet::WechatPay) => "approve",
                None => "authenticate",
            };
            format!("{merchant} asks you to {verb} a payment of {amount}.")
        }
        Challenged::Setup(_) => {
            format!("{merchant} asks you to authenticate your card, to save it for later.")
        }
    };
    let path = challenge_path(challenged.tenant(), secret);
    let (pass, fail) = (format!("{path}/pass"), format!("{path}/fail"));
    let leads_to = challenged.return_url().and_then(|url| back::source(&url));
    let (scanned, ours) = match challenged {
        Challenged::Payment(p) => (code(p, "").is_some(), waiting(p).is_some()),
        Challenged::Setup(_) => (false, true),
    };
    let (title, buttons) = words(challenged);
    let drawn = format!("{path}/qr.svg");
    let page = html::Page {
        title,
        text: &text,
        picture: scanned.then_some(&*drawn),
        forms: ours.then_some((&*pass, &*fail, buttons)),
        leads_to: leads_to.as_deref(),
    };
    html::page(200, &page, &nonce(engine))
}

/// Takes up an answer in a task of its own: a customer who closes the page stops nothing.
async fn take_up(
    engine: &Arc<Engine>,
    (challenged, secret): (Challenged, &str),
    result: ChallengeResult,
) -> Reply {
    let (own, text, tenant) = (Arc::clone(engine), secret.to_owned(), challenged.tenant());
    let task = engine.tasks.spawn(async move {
        match &challenged {
            Challenged::Payment(p) => conclude(&own, p, result).await,
            Challenged::Setup(intent) => conclude_setup(&own, intent, result).await,
        }
        find(&own, Place { tenant, secret: &text }).await
    });
    match task.await {
        Ok(Ok(Some(after))) => lead_back(engine, (&after, secret)),
        Ok(Ok(None)) => gone(engine),
        Ok(Err(_logged)) => unavailable(engine),
        Err(ended) => {
            error!(panicked = ended.is_panic(), "an answer to a challenge ended without an outcome");
            unavailable(engine)
        }
    }
}

/// Tells the acquirer, and has the outcome asked for and recorded the way every open message's is.
async fn conclude(engine: &Arc<Engine>, p: &Payment, result: ChallengeResult) {
    let Some(open) = waiting(p) else { return };
    let trace: Trace = open.trace;
    let Some(acquirer) = engine.acquirers.named(&open.acquirer) else {
        warn!(acquirer = open.acquirer.as_str(), payment = %p.id, "its acquirer is not configured");
        return;
    };
    acquirer.challenge_answered(trace, result);
    let deadline = Instant::now() + CONCLUDE_WITHIN.min(engine.settings.wait);
    let mut pause = LOOK_AGAIN;
    // Of those who click twice, or in two windows, one asks.
    let watch = engine.outstanding.watch(trace.reference);
    loop {
        if watch.is_some() {
            resolve::look(engine, p.tenant, p.id).await;
        }
        match read(engine, &RowKey::Payment(p.tenant, p.id)).await.map(|found| found.map(|f| f.row)) {
            Ok(Some(Row::Payment(row))) if waiting(&row.payment).is_none() => return,
            Ok(_) | Err(_) if Instant::now() + pause > deadline => return,
            Ok(_) | Err(_) => tokio::time::sleep(pause).await,
        }
        pause *= 4;
    }
}

async fn conclude_setup(engine: &Engine, intent: &SetupIntent, result: ChallengeResult) {
    if let Err(fault) = confirmation::answered(engine, (intent.tenant, intent.id), result).await {
        warn!(?fault, intent = %intent.id, "an answer to a challenge could not be stored");
    }
}

/// Sends the customer back to the shop, or says how it went if there is no way back.
fn lead_back(engine: &Engine, (challenged, secret): (&Challenged, &str)) -> Reply {
    let standing = challenged.standing();
    let (id, name, secret_name) = match challenged {
        Challenged::Payment(p) => (p.id.to_string(), "payment_intent", "payment_intent_client_secret"),
        Challenged::Setup(intent) => (intent.id.to_string(), "setup_intent", "setup_intent_client_secret"),
    };
    let wallet = matches!(challenged, Challenged::Payment(p)
        if p.attempt().is_some_and(|attempt| attempt.instrument.means.wallet().is_some()));
    let outcome = [(name, id.as_str()), (secret_name, secret), ("redirect_status", standing.word())];
    let location = challenged.return_url().and_then(|url| back::with_outcome(&url, &outcome));
    if let Some(location) = location {
        return html::redirect(&location);
    }
    match standing {
        Standing::Succeeded => {
            let title = if wallet { "Payment approved" } else { "Authentication complete" };
            told(engine, 200, (title, "You can close this page and return to the shop."))
        }
        Standing::Failed if wallet => {
            told(engine, 200, ("Payment not approved", "Nothing was paid. Return to the shop to try again."))
        }
        Standing::Failed => told(
            engine,
            200,
            ("Authentication failed", "The card was not authenticated. Return to the shop to try again."),
        ),
        Standing::Waiting | Standing::Pending => told(
            engine,
            200,
            (
                "Nearly there",
                "The outcome is not known yet; the shop will learn it. You can close this page.",
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_methods_say_what_is_asked() {
        let (passed, failed) =
            (Asked::Answer(ChallengeResult::Passed), Asked::Answer(ChallengeResult::Failed));
        let merchant = gateway_core::id::MerchantId(gateway_core::id::Id(7));
        let tenant = Tenant { merchant, mode: Mode::Live };
        let place = Some(Place { tenant, secret: "pi_1_secret_2" });
        let page = challenge_path(tenant, "pi_1_secret_2");
        assert!(parse("GET", &page) == Ok((place, Asked::Show)));
        assert!(parse("HEAD", &format!("{page}/")) == Ok((place, Asked::Show)));
        assert!(parse("POST", &format!("{page}/pass")) == Ok((place, passed)));
        assert!(parse("POST", &format!("{page}/fail")) == Ok((place, failed)));
        assert!(parse("GET", &format!("{page}/pass")) == Err("POST"), "a link must not pass a challenge");
        assert!(parse("POST", &page) == Err("GET"));
        assert!(parse("GET", &format!("{page}/qr.svg")) == Ok((place, Asked::Picture(Picture::Svg))));
        assert!(parse("POST", &format!("{page}/qr.png")) == Err("GET"));
        assert!(parse("GET", &format!("{page}/other")) == Ok((None, Asked::Show)));
        for nowhere in
            ["/challenge/pi_1_secret_2", "/challenge/acct_x/test/s", "/challenge/", "/challenge/a/b/c/d"]
        {
            assert!(parse("GET", nowhere) == Ok((None, Asked::Show)), "{nowhere}");
        }
    }
}
