//! One key, one operation, one final answer: who runs, who waits, who gets what is stored.

use super::claims::{End, Entry, Ticket};
use super::draft::Draft;
use super::{Call, Fault, answer, read};
use crate::exchange::Reply;
use gateway_api::error::ApiError;
use gateway_core::claim::{Claim, ClaimState, RenderSpec, Subject, Verdict, judge};
use gateway_core::journal::{Row, RowKey, Version};
use gateway_core::ports::BoxFuture;
use tokio::time::Instant;

/// Marks a reply as given before.
fn replayed(reply: Reply) -> Reply {
    reply.with_header("idempotent-replayed", "true")
}

/// What runs under a key, as often as it has to be judged again. Boxed, so that a request carries the story of its own operation
/// only, instead of room for the longest.
pub type Run<'a> = dyn Fn() -> BoxFuture<'a, Result<Reply, Fault>> + Sync + 'a;

/// Runs `operation` under the call's key, unless it has run, or runs.
pub async fn run<'a>(call: &Call, operation: &Run<'a>) -> Reply {
    let deadline = Instant::now() + call.engine.settings.wait;
    loop {
        match call.engine.claims.enter(&call.claim, &call.digest) {
            Entry::Mismatch => return mismatch(call),
            Entry::Wait(end) => match wait(&end, deadline).await {
                Waited::Reply(reply) => return after_waiting(call, reply).await,
                Waited::Vacant => {}
                Waited::TooLong => return Reply::from(ApiError::idempotency_key_in_use(call.shown_key())),
            },
            Entry::Run(ticket) => {
                let reply = first_or_replay(call, operation, deadline).await;
                return finish(ticket, reply);
            }
        }
    }
}

fn finish(ticket: Ticket, reply: Reply) -> Reply {
    ticket.finish(&reply);
    reply
}

/// What somebody gets who waited for another request's reply. Only what is stored is a replay: a refusal is handed on as it
/// is, and a provisional answer is rendered as of now.
async fn after_waiting(call: &Call, reply: Reply) -> Reply {
    match stored(call).await {
        Ok(Some(stored)) => stored,
        Ok(None) => reply,
        Err(error) => Reply::from(error),
    }
}

fn mismatch(call: &Call) -> Reply {
    Reply::from(ApiError::idempotency_mismatch(call.shown_key()))
}

enum Waited {
    Reply(Reply),
    Vacant,
    TooLong,
}

async fn wait(end: &End, deadline: Instant) -> Waited {
    match tokio::time::timeout_at(deadline, end.reply()).await {
        Ok(Some(reply)) => Waited::Reply(reply),
        Ok(None) => Waited::Vacant,
        Err(_too_long) => Waited::TooLong,
    }
}

async fn first_or_replay<'a>(call: &Call, operation: &Run<'a>, deadline: Instant) -> Reply {
    loop {
        match stored(call).await {
            Ok(Some(reply)) => return reply,
            Ok(None) => {}
            Err(error) => return Reply::from(error),
        }
        match operation().await {
            Ok(reply) => return reply,
            Err(Fault::Refused(error)) => return Reply::from(error),
            Err(Fault::Stale) if Instant::now() >= deadline => return Reply::from(ApiError::lock_timeout()),
            Err(Fault::Stale) => tokio::task::yield_now().await,
        }
    }
}

/// What the key holds already.
async fn stored(call: &Call) -> Result<Option<Reply>, ApiError> {
    loop {
        let Some((claim, version)) = claim_of(call).await? else { return Ok(None) };
        match judge(Some(&claim), &call.digest) {
            Verdict::First => return Ok(None),
            Verdict::Mismatch => return Ok(Some(mismatch(call))),
            Verdict::Replay | Verdict::InFlight => {}
        }
        if let Some(reply) = reply_of(call, (claim, version)).await? {
            return Ok(Some(reply));
        }
    }
}

async fn claim_of(call: &Call) -> Result<Option<(Claim, Version)>, ApiError> {
    let found = read(&call.engine, &RowKey::Claim(call.claim.clone())).await?;
    Ok(found.and_then(|stored| match stored.row {
        Row::Claim(claim) => Some((*claim, stored.version)),
        _other => None,
    }))
}

/// What a claim answers; `None` if it was settled meanwhile.
async fn reply_of(call: &Call, (claim, version): (Claim, Version)) -> Result<Option<Reply>, ApiError> {
    match claim.state {
        ClaimState::Final { status, body: Some(body), .. } => Ok(Some(replayed(Reply::json(status, body)))),
        // The bytes aged out: the object's present state, under the status of then.
        ClaimState::Final { status, body: None, subject, render } => {
            let draft = subject_of(call, subject).await?;
            present(call, &draft, (status, subject), &render).await.map(|reply| Some(replayed(reply)))
        }
        // Not final: not marked as a replay, and rendered anew every time.
        ClaimState::Provisional { subject, render, .. } => {
            let draft = subject_of(call, subject).await?;
            // Payment and claim are settled in one commit, which may have come between the two reads: what the payment shows then
            // would look like the final answer, and be another.
            let unchanged = claim_of(call).await?.is_some_and(|(_, now)| now == version);
            if !unchanged {
                return Ok(None);
            }
            present(call, &draft, (200, subject), &render).await.map(Some)
        }
    }
}

/// The payment that a claim is about.
async fn subject_of(call: &Call, subject: Subject) -> Result<Draft, ApiError> {
    let payment = match subject {
        Subject::Payment(payment)
        | Subject::Review(payment)
        | Subject::Charge { payment, .. }
        | Subject::Refund { payment, .. } => payment,
        Subject::Other => return Err(ApiError::idempotency_key_in_use(call.shown_key())),
    };
    let found = read(&call.engine, &RowKey::Payment(call.caller.tenant, payment)).await?;
    found.and_then(Draft::of).ok_or_else(ApiError::internal)
}

async fn present(
    call: &Call,
    draft: &Draft,
    (status, subject): (u16, Subject),
    render: &RenderSpec,
) -> Result<Reply, ApiError> {
    answer::present(&call.engine, draft.payment(), (status, subject), render).await
}
