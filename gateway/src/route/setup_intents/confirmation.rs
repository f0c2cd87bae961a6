//! What happens to a setup intent: its card is verified, challenged, saved or refused, and the merchant is told.

use crate::cards;
use crate::engine::{Engine, Stamp};
use crate::flow::{Call, Fault, commit, read};
use crate::render::event::told;
use crate::render::related::Related;
use crate::render::setup::{self, Notes, Shown};
use crate::render::{Renderer, decline};
use crate::route::customers;
use crate::route::method_data::make;
use crate::route::payment_methods::attachment::{self, Found, check, find, verify};
use bumpalo::Bump;
use gateway_acquirers::test_cards::{Behaviour, behaviour};
use gateway_api::error::{ApiError, ErrorType};
use gateway_api::expand::Level;
use gateway_api::objects;
use gateway_api::params::PaymentMethodData;
use gateway_core::acquirer::ChallengeResult;
use gateway_core::card::Cvc;
use gateway_core::event::EventKind;
use gateway_core::id::{CustomerId, SetupIntentId};
use gateway_core::journal::{Batch, Expect, Row, RowKey, Urgency, Version, Write};
use gateway_core::record::{PaymentMethod, SetupIntent, SetupStatus};
use gateway_core::tenant::{Mode, Tenant};

/// A card that a request brings, with the rows that must be written along.
pub struct Brought {
    pub found: Found,
    pub rows: Vec<Write>,
}

/// The card that a request names or brings; none if it does neither.
///
/// # Errors
/// 404 for one that does not exist, 400 for one that can't be this customer's.
pub async fn bring(
    call: &Call,
    (named, data): (Option<&str>, Option<&PaymentMethodData<'_>>),
    customer: Option<CustomerId>,
) -> Result<Option<Brought>, Fault> {
    if let Some(data) = data {
        let (method, rows, cvc) = make(call, data, "payment_method_data[card]").await?;
        check(&method, customer)?;
        let rows = rows.into_iter().filter(|write| !matches!(write.row, Row::PaymentMethod(_))).collect();
        let found = Found { method, expect: Expect::Absent, is_new: true, cvc };
        return Ok(Some(Brought { found, rows }));
    }
    let Some(name) = named else { return Ok(None) };
    let found = find(call, name).await?;
    check(&found.method, customer)?;
    Ok(Some(Brought { found, rows: Vec::new() }))
}

/// A card on the way through an intent.
struct Held {
    method: PaymentMethod,
    expect: Expect,
    /// As it is stored, to see whether it must be written.
    stored: Option<PaymentMethod>,
}

/// A setup intent on its way to the store.
pub struct Draft {
    pub intent: SetupIntent,
    expect: Expect,
    held: Option<Held>,
    rows: Vec<Write>,
    events: Vec<Row>,
}

impl Draft {
    /// For an intent that does not exist yet.
    pub fn new(intent: SetupIntent) -> Self {
        Self { intent, expect: Expect::Absent, held: None, rows: Vec::new(), events: Vec::new() }
    }

    /// For a stored one.
    pub fn of((version, intent): (Version, SetupIntent)) -> Self {
        Self { expect: Expect::Version(version), ..Self::new(intent) }
    }

    /// The intent and the card at hand.
    pub fn shown(&self) -> Shown<'_> {
        Shown { intent: &self.intent, method: self.held.as_ref().map(|held| &held.method) }
    }

    /// Puts a card into the intent; the code for its verification comes back.
    pub fn take(&mut self, brought: Brought) -> Option<Cvc> {
        let Brought { found: Found { method, expect, is_new, cvc }, rows } = brought;
        self.intent.payment_method = Some(method.id);
        if self.intent.status == SetupStatus::RequiresPaymentMethod {
            self.intent.status = SetupStatus::RequiresConfirmation;
        }
        let stored = (!is_new).then(|| method.clone());
        self.held = Some(Held { method, expect, stored });
        self.rows.extend(rows);
        cvc
    }

    /// Reads the card that the intent has already.
    async fn hold(&mut self, engine: &Engine) -> Result<(), ApiError> {
        let Some(id) = self.intent.payment_method.filter(|_| self.held.is_none()) else { return Ok(()) };
        let (expect, method) = attachment::stored(engine, self.intent.tenant, &id.to_string()).await?;
        self.held = Some(Held { stored: Some(method.clone()), method, expect });
        Ok(())
    }

    /// Tells the merchant what the intent is now.
    pub fn tell(&mut self, engine: &Engine, stamp: &Stamp<'_>, kind: EventKind) {
        let text = text(engine, (self.shown(), &Related::default()), Level::default());
        self.events.push(told(stamp, self.intent.tenant, kind, text));
    }

    /// Adds everything that changed to a batch.
    pub fn write_into(self, batch: &mut Batch) {
        if let Some(Held { method, expect, stored }) = self.held
            && stored.as_ref() != Some(&method)
        {
            batch.writes.push(Write { expect, row: Row::PaymentMethod(Box::new(method)) });
        }
        batch.writes.extend(self.rows);
        batch.writes.push(Write { expect: self.expect, row: Row::SetupIntent(Box::new(self.intent)) });
        for event in self.events {
            batch.insert(event);
        }
    }

    /// The card is saved, and the customer's if there is one.
    async fn succeed(&mut self, engine: &Engine, stamp: &Stamp<'_>) -> Result<(), ApiError> {
        if let (Some(id), Some(held)) = (self.intent.customer, &mut self.held)
            && held.method.customer.is_none()
        {
            let text = id.to_string();
            let (version, owner) = customers::living(engine, self.intent.tenant, (&text, "customer")).await?;
            held.method.customer = Some(id);
            self.events.push(attachment::event(
                engine,
                stamp,
                (&held.method, EventKind::PaymentMethodAttached),
            ));
            // Written as it is, so that a deletion at the same moment can't leave the card behind.
            let row = Row::Customer(Box::new(owner));
            self.rows.push(Write { expect: Expect::Version(version), row });
        }
        self.intent.status = SetupStatus::Succeeded;
        self.tell(engine, stamp, EventKind::SetupIntentSucceeded);
        Ok(())
    }

    /// The card was refused: the intent waits for another.
    fn fail(&mut self, engine: &Engine, stamp: &Stamp<'_>, (error, code): (&ApiError, Option<&str>)) {
        let mut notes = Notes::of(&self.intent);
        if let Some(method) = self.intent.payment_method.take() {
            notes.fail(error, (method, code));
        }
        notes.store(&mut self.intent);
        self.intent.status = SetupStatus::RequiresPaymentMethod;
        self.tell(engine, stamp, EventKind::SetupIntentSetupFailed);
    }
}

/// A setup intent as JSON.
pub fn text(engine: &Engine, (shown, related): (Shown<'_>, &Related), level: Level<'_>) -> String {
    let texts = Bump::new();
    let r = Renderer { texts: &texts, related, public_url: &engine.settings.public_url };
    objects::to_json(&setup::intent(&r, shown, level))
}

/// Has the intent's card verified; the 402 if it was refused. The intent has moved either way, and is not stored yet.
///
/// # Errors
/// 400 without a card, 503 if no acquirer could tell.
pub async fn confirm(call: &Call, draft: &mut Draft, cvc: Option<Cvc>) -> Result<Option<ApiError>, Fault> {
    let engine = &*call.engine;
    draft.hold(engine).await?;
    let Some(held) = &draft.held else {
        return Err(ApiError::parameter_missing("payment_method").into());
    };
    check(&held.method, draft.intent.customer)?;
    let mut notes = Notes::of(&draft.intent);
    notes.clear_error();
    let refusal = verify(engine, &held.method, cvc).await?;
    let challenge = asks_for_challenge(engine, &held.method);
    notes.store(&mut draft.intent);
    let stamp = call.stamp();
    match refusal {
        Some(decline) => {
            let error = ApiError::declined(decline::word(decline.code));
            draft.fail(engine, &stamp, (&error, None));
            return Ok(Some(error));
        }
        None if challenge => {
            draft.intent.status = SetupStatus::RequiresAction;
            draft.tell(engine, &stamp, EventKind::SetupIntentRequiresAction);
        }
        None => draft.succeed(engine, &stamp).await?,
    }
    Ok(None)
}

/// Whether it is the published card that needs authentication: real ones are never challenged on a page of ours.
fn asks_for_challenge(engine: &Engine, method: &PaymentMethod) -> bool {
    method.tenant.mode == Mode::Test
        && method.means.sealed().is_some_and(|sealed| {
            cards::open(engine, method.tenant, sealed, None)
                .is_ok_and(|card| behaviour(card.pan.expose()) == Behaviour::Challenge)
        })
}

/// A stored intent.
///
/// # Errors
/// 404 if there is none, 503 if the store can't tell.
pub async fn stored(engine: &Engine, tenant: Tenant, text: &str) -> Result<(Version, SetupIntent), ApiError> {
    let missing = || ApiError::resource_missing("setupintent", text, "intent");
    let id: SetupIntentId = text.parse().map_err(|_| missing())?;
    let found = read(engine, &RowKey::SetupIntent(tenant, id)).await?.ok_or_else(missing)?;
    match found.row {
        Row::SetupIntent(intent) => Ok((found.version, *intent)),
        _other => Err(missing()),
    }
}

/// How often an answered challenge is tried again after a lost race.
const TRIES: usize = 20;

/// Takes up what the customer did on the challenge page. Once it was taken up, more of it changes nothing.
///
/// # Errors
/// The store can't take it now; the challenge is as it was.
pub async fn answered(
    engine: &Engine,
    (tenant, id): (Tenant, SetupIntentId),
    result: ChallengeResult,
) -> Result<(), Fault> {
    for _try in 0..TRIES {
        match answer_once(engine, (tenant, id), result).await {
            Err(Fault::Stale) => tokio::task::yield_now().await,
            ended => return ended,
        }
    }
    Err(ApiError::lock_timeout().into())
}

async fn answer_once(
    engine: &Engine,
    (tenant, id): (Tenant, SetupIntentId),
    result: ChallengeResult,
) -> Result<(), Fault> {
    let mut draft = Draft::of(stored(engine, tenant, &id.to_string()).await?);
    if draft.intent.status != SetupStatus::RequiresAction {
        return Ok(());
    }
    draft.hold(engine).await?;
    let stamp = engine.stamp();
    let usable = draft.held.as_ref().is_some_and(|held| check(&held.method, draft.intent.customer).is_ok());
    match result {
        ChallengeResult::Passed if usable => match draft.succeed(engine, &stamp).await {
            // The customer was deleted meanwhile: there is nobody to save the card for.
            Err(error) if error.status == 404 => fail_challenge(engine, &stamp, &mut draft),
            Err(error) => return Err(error.into()),
            Ok(()) => {}
        },
        ChallengeResult::Passed | ChallengeResult::Failed => fail_challenge(engine, &stamp, &mut draft),
    }
    let mut batch = Batch::new(Urgency::Outcome);
    draft.write_into(&mut batch);
    commit(engine, batch).await.map(drop)
}

fn fail_challenge(engine: &Engine, stamp: &Stamp<'_>, draft: &mut Draft) {
    let message =
        "The cardholder did not pass the authentication. Provide a payment method and confirm again.";
    let error = ApiError::new(400, ErrorType::InvalidRequest, message);
    draft.fail(engine, stamp, (&error, Some("setup_intent_authentication_failure")));
}
