//! The stories of the operations: what is decided, made durable, sent, recorded and answered, in that order.
//!
//! Architecture invariant: a flow runs in a task of its own ([`crate::tasks::Tasks`]) from its claim on, so that a client that
//! hangs up stops nothing; and it has two durable commits at most, one before the first byte leaves and one before the answer.

pub mod answer;
pub mod approve;
pub mod authorize;
pub mod cancel;
pub mod capture;
pub mod claims;
pub mod draft;
pub mod idempotency;
pub mod increment;
pub mod message;
pub mod methods;
pub mod refund;
pub mod resolve;
pub mod save_card;
pub mod send;
pub mod settlement;
pub mod sweep;
pub mod turns;

use crate::admit::Caller;
use crate::cards::PresentedCard;
use crate::engine::{Engine, Stamp};
use crate::exchange::Reply;
use draft::Draft;
use gateway_api::error::ApiError;
use gateway_core::SmolStr;
use gateway_core::claim::{Claim, ClaimKey, ClaimState, Owner, RenderSpec, RequestDigest, Subject};
use gateway_core::id::{PaymentId, RequestId};
use gateway_core::journal::{Batch, CommitError, Expect, Receipt, Row, RowKey, Urgency, Version, Versioned};
use std::future::Future;
use std::sync::Arc;
use tracing::error;

/// Why an operation ended without the reply it was on its way to.
#[derive(Debug)]
pub enum Fault {
    /// Refused before anything was stored under its key: the key is free again.
    Refused(ApiError),
    /// Something it had read was changed meanwhile, or its key was taken: judge again.
    Stale,
}

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

/// One POST that was admitted.
pub struct Call {
    pub engine: Arc<Engine>,
    pub caller: Caller,
    pub request_id: RequestId,
    pub claim: ClaimKey,
    /// What its commits are for.
    pub urgency: Urgency,
    pub digest: RequestDigest,
    /// The card that the request brought, if it brought one.
    pub card: Option<PresentedCard>,
    /// The key that the client sent, if it did.
    pub given_key: Option<SmolStr>,
    pub api_version: SmolStr,
}

impl Call {
    /// The key as the client knows it.
    pub fn shown_key(&self) -> &str {
        self.given_key.as_deref().unwrap_or(&self.claim.key)
    }

    /// A stamp of now.
    pub fn stamp(&self) -> Stamp<'_> {
        Stamp {
            now: self.engine.clock.now(),
            ids: &*self.engine.ids,
            request_id: Some(self.request_id),
            idempotency_key: self.given_key.clone(),
        }
    }

    fn claim_row(&self, state: ClaimState) -> Row {
        let (key, digest, created) = (self.claim.clone(), self.digest, self.engine.clock.now());
        Row::Claim(Box::new(Claim { key, digest, created, state }))
    }

    /// The claim of an operation that is about to ask an acquirer.
    pub fn provisional(&self, subject: Subject, render: RenderSpec) -> Row {
        let owner = Owner { process: self.engine.process, epoch: 1 };
        self.claim_row(ClaimState::Provisional { subject, render, owner })
    }

    /// The claim with its final answer.
    pub fn settled(&self, subject: Subject, render: RenderSpec, reply: &Reply) -> Row {
        let (status, body) = (reply.status, Some(reply.body.clone()));
        self.claim_row(ClaimState::Final { subject, status, body, render })
    }

    /// Stores the final answer of an operation that asked no acquirer, with what it changed, in one commit.
    ///
    /// # Errors
    /// Nothing was stored then.
    pub async fn finish(&self, mut batch: Batch, subject: Subject, reply: Reply) -> Result<Reply, Fault> {
        batch.insert(self.settled(subject, RenderSpec::default(), &reply));
        commit(&self.engine, batch).await?;
        Ok(reply)
    }

    /// How the answer is to be rendered, whenever it becomes final.
    pub fn render(&self, expand: &gateway_api::Expand) -> RenderSpec {
        RenderSpec {
            api_version: self.api_version.clone(),
            expand: expand.paths().map(str::to_owned).collect(),
        }
    }
}

/// Commits, and settles an unknown outcome of the commit itself by reading back.
///
/// # Errors
/// Nothing was written.
pub async fn commit(engine: &Engine, batch: Batch) -> Result<Receipt, Fault> {
    let probe = batch.writes.first().map(|write| write.row.key());
    match engine.journal.commit(batch).await {
        Ok(receipt) => Ok(receipt),
        Err(error) => Err(commit_fault(engine, probe, error).await?),
    }
}

async fn commit_fault(engine: &Engine, probe: Option<RowKey>, error: CommitError) -> Result<Fault, Fault> {
    match error {
        CommitError::Conflict { .. } => Ok(Fault::Stale),
        CommitError::Overloaded | CommitError::Full => Ok(Fault::Refused(ApiError::unavailable(1))),
        CommitError::Unavailable(why) => {
            error!(why, "the store takes no commit");
            Ok(Fault::Refused(ApiError::unavailable(1)))
        }
        CommitError::Unknown(why) => {
            error!(why, "the outcome of a commit is not known; reading back");
            Err(read_back(engine, probe).await)
        }
    }
}

/// Whether an unknown commit happened can only be seen; either way the operation judges again and finds its own claim.
async fn read_back(engine: &Engine, probe: Option<RowKey>) -> Fault {
    let Some(key) = probe else { return Fault::Stale };
    loop {
        match engine.journal.read(&key).await {
            Ok(_known_again) => return Fault::Stale,
            Err(_still_unknown) => tokio::time::sleep(engine.settings.resolve_every).await,
        }
    }
}

/// Reads a payment of the caller's.
///
/// # Errors
/// 404 if there is none, 503 if the store can't tell.
pub async fn load(call: &Call, id: PaymentId, text: &str, param: &'static str) -> Result<Draft, Fault> {
    let found = read(&call.engine, &RowKey::Payment(call.caller.tenant, id)).await?;
    let missing = || ApiError::resource_missing("payment_intent", text, param);
    Ok(found.and_then(Draft::of).ok_or_else(missing)?)
}

/// Reads a row.
///
/// # Errors
/// 503 if the store can't tell.
pub async fn read(engine: &Engine, key: &RowKey) -> Result<Option<Versioned>, ApiError> {
    engine.journal.read(key).await.map_err(|why| {
        error!(?why, "the store can't be read");
        ApiError::unavailable(1)
    })
}

/// Runs a change of one payment when its turn comes, and again if it lost a race against another process.
///
/// # Errors
/// 429 `lock_timeout` if its turn did not come in time.
pub async fn in_turn<F, Fut>(call: &Call, id: PaymentId, mut change: F) -> Result<Reply, Fault>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Reply, Fault>>,
{
    let wait = call.engine.settings.wait;
    let Some(_turn) = call.engine.turns.wait(id, wait).await else {
        return Err(Fault::Refused(ApiError::lock_timeout()));
    };
    change().await
}

/// What a row must be at, to be written after it was read.
pub const fn expecting(found: Option<&Versioned>) -> Expect {
    match found {
        Some(found) => Expect::Version(Version(found.version.0)),
        None => Expect::Absent,
    }
}
