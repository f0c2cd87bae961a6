//! What is asked: a workload makes requests when they are due and learns from the answers.

use crate::load::Action;
use crate::wire::{Answer, Loss, Prepared};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A request that is due, and what the client knows of it.
#[derive(Debug, Clone)]
pub struct Job {
    pub action: Action,
    pub request: Prepared,
    /// How long the client waits before it hangs up, for those that do.
    pub hang_up_after: Option<Duration>,
    /// The workload's own note: which of its payments this is about.
    pub note: Note,
    /// 1 for the first time it is sent.
    pub attempt: u32,
}

/// What a history needs to know of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub merchant: String,
    /// What is done to the money: `authorize`, `sale`, `capture`, `void`, `refund` or `retrieve`.
    pub op: String,
    /// The idempotency key; empty for reads.
    pub key: String,
    /// The payment intent, where it is known before the answer.
    pub payment: Option<String>,
    pub amount_minor: i64,
    pub currency: String,
}

/// What is to be done after an answer.
#[derive(Debug)]
pub enum After {
    Done,
    /// This request is sent (again) after the delay, over the same connection.
    Again(Box<Job>, Duration),
}

/// A source of requests. Each of the client's threads has its own.
pub trait Workload {
    /// The request that is due now.
    fn due(&mut self) -> Job;

    /// An answer came, or it is known that none will.
    fn done(&mut self, job: &Job, result: &Result<Answer, Loss>) -> After;

    /// Nothing more is due; what was begun has ended.
    fn close(&mut self) {}
}

/// Makes the workload of a thread.
pub type Make<'a> = dyn Fn(usize) -> Box<dyn Workload> + Sync + 'a;
