//! Idempotency: who may run an operation, and what its key answers from then on.

use crate::id::{Id, PaymentId};
use crate::tenant::Tenant;
use crate::time::Timestamp;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Longest key that is taken, in bytes.
pub const MAX_KEY_LEN: usize = 255;

/// A key in its space.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClaimKey {
    pub tenant: Tenant,
    pub key: SmolStr,
}

/// A keyed digest over method, path and sorted parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestDigest(#[serde(with = "serde_bytes")] pub [u8; 32]);

/// The process that runs a claimed operation. A claim of a dead owner may be taken over at a higher epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Drawn at the process's start.
    pub process: u64,
    pub epoch: u32,
}

/// How an answer is to be rendered when it becomes final, possibly after a crash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct RenderSpec {
    /// `Stripe-Version` of the request; empty for the default.
    pub api_version: SmolStr,
    /// Paths to expand.
    pub expand: Vec<String>,
}

/// What an operation makes or changes, which renders its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// Answer with the payment intent.
    Payment(PaymentId),
    /// Answer with the charge of this attempt.
    Charge { payment: PaymentId, attempt: u16 },
    /// Answer with the refund.
    Refund { payment: PaymentId, refund: Id },
    /// Any other object: its answer is final in the commit that makes it.
    Other,
    /// Answer with the review of the payment's latest attempt.
    Review(PaymentId),
}

/// Where a claimed operation stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClaimState {
    /// Its intent is durable, its answer is not known: rendered from the object's present state until it is.
    Provisional { subject: Subject, render: RenderSpec, owner: Owner },
    /// The one final answer. The bytes may age out; then the object's present state is rendered under the same status.
    Final {
        subject: Subject,
        status: u16,
        /// Shared with the answer that is on its way: a body is the largest thing that an operation holds.
        body: Option<Bytes>,
        render: RenderSpec,
    },
}

/// A claimed key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub key: ClaimKey,
    pub digest: RequestDigest,
    pub created: Timestamp,
    pub state: ClaimState,
}

/// What a request with a key that is already claimed gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody has it: run.
    First,
    /// Give the final answer again.
    Replay,
    /// Its answer is not known yet.
    InFlight,
    /// The key belongs to another request.
    Mismatch,
}

/// Judges a request against what its key holds.
pub fn judge(existing: Option<&Claim>, digest: &RequestDigest) -> Verdict {
    match existing {
        None => Verdict::First,
        Some(claim) if claim.digest != *digest => Verdict::Mismatch,
        Some(claim) => match claim.state {
            ClaimState::Provisional { .. } => Verdict::InFlight,
            ClaimState::Final { .. } => Verdict::Replay,
        },
    }
}

impl Claim {
    /// The same claim without its reply's bytes, as it is kept after they aged out.
    pub fn aged(mut self) -> Self {
        if let ClaimState::Final { body, .. } = &mut self.state {
            *body = None;
        }
        self
    }
}
