//! Asking again for what was answered for good.

use crate::audit::record::Writer;
use crate::load::{Action, After, Job, Workload};
use crate::wire::{Answer, Loss};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Requests that have a final answer, from all threads of a load.
pub type Keepsakes = Arc<Mutex<Vec<Job>>>;

/// Takes what was gathered.
pub fn take(keepsakes: &Keepsakes) -> Vec<Job> {
    std::mem::take(&mut *keepsakes.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Sends each request once more. What comes is written into the history, where the audit compares the bytes.
pub struct Replays {
    left: VecDeque<Job>,
    last: Job,
    history: Option<Writer>,
}

impl Replays {
    /// Of these requests; `None` if there are none.
    pub fn new(jobs: Vec<Job>, history: Writer) -> Option<Self> {
        let last = jobs.last()?.clone();
        Some(Self { left: jobs.into(), last, history: Some(history) })
    }
}

impl Workload for Replays {
    fn due(&mut self) -> Job {
        let job = self.left.pop_front().unwrap_or_else(|| self.last.clone());
        Job { action: Action::Duplicate, attempt: job.attempt + 1, hang_up_after: None, ..job }
    }

    fn done(&mut self, job: &Job, result: &Result<Answer, Loss>) -> After {
        if let Some(history) = &mut self.history {
            history.write(job, result);
        }
        After::Done
    }

    fn close(&mut self) {
        self.history = None;
    }
}
