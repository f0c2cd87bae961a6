//! Clients: they ask, hang up, ask again under the same key, race each other, and remember what they were told.

mod challenge;
mod script;
mod wire;

use super::facts::{Asked, Memory, Told};
use super::faults::{Deed, Fault, Stage};
use super::machine::Machine;
use super::random::Dice;
use super::world::{Phase, World};
use gateway::exchange::Service;
pub use script::CARDS;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// A request as a client keeps it, to send it again.
#[derive(Debug, Clone)]
pub struct Request {
    /// Empty for reads.
    pub key: String,
    pub asked: Asked,
    pub payment: Option<String>,
    pub path: String,
    pub body: String,
    pub deed: Deed,
    /// Under a key that belongs to another request, on purpose.
    pub foreign: bool,
}

/// One client.
pub struct Client {
    pub machine: Arc<Machine>,
    pub world: Arc<World>,
    pub secret: Arc<str>,
    pub number: u64,
    pub dice: Dice,
    /// What was asked under a key, with whether the final answer came.
    pub requests: Vec<(Request, bool)>,
}

/// Whether an answer is the one that its key will always give.
pub fn is_final(asked: &Asked, told: &Told) -> bool {
    match told.status {
        // A refund that waits may be an answer for good, or for now: only a replay tells.
        200 => match told.view.state.as_deref() {
            Some("processing") => false,
            Some("pending") => told.replayed,
            _settled => *asked != Asked::Look,
        },
        400 | 402 => *asked != Asked::Look && told.view.code.as_deref() != Some("idempotency_error"),
        _try_again => false,
    }
}

impl Client {
    /// A client that has asked nothing.
    pub fn new(machine: &Arc<Machine>, secret: &Arc<str>, number: u64) -> Self {
        let world = Arc::clone(&machine.world);
        let dice = Dice::new(world.seed, 100 + number);
        let (machine, secret) = (Arc::clone(machine), Arc::clone(secret));
        Self { machine, world, secret, number, dice, requests: Vec::new() }
    }

    /// Sends a request once. Nothing comes back if the client hung up, or the process died.
    pub async fn send(&self, request: &Request, patience_ms: Option<u64>) -> Option<Told> {
        let live = self.machine.live().await;
        let began_ms = self.world.now_ms();
        if !request.key.is_empty() && !request.foreign {
            self.world.progress(&request.key, Stage::Claim, Some(request.deed));
        }
        let place = live.tasks.started();
        let exchange = wire::exchange(&self.world, &self.secret, request);
        let hang_up = async {
            match patience_ms {
                Some(patience_ms) => sleep(Duration::from_millis(patience_ms)).await,
                None => std::future::pending().await,
            }
        };
        let told = tokio::select! {
            biased;
            () = self.machine.over(live.life) => None,
            reply = live.api.call(Box::new(exchange)) => Some(wire::told(&reply)),
            () = hang_up => {
                if let Some((stage, deed)) = self.world.stands(&request.key) {
                    self.world.count((Fault::HangUp, stage, deed));
                }
                if self.machine.flows_die_with_clients() {
                    live.tasks.end(place..place + 1);
                }
                None
            }
        };
        self.remember(request, began_ms, told.clone());
        told
    }

    fn remember(&self, request: &Request, began_ms: u64, told: Option<Told>) {
        let ended_ms = self.world.now_ms();
        let status = told.as_ref().map(|told| (told.status, told.body.clone()));
        self.world.trace(("client", self.number, &request.key, status));
        let (key, asked, payment) = (request.key.clone(), request.asked.clone(), request.payment.clone());
        let foreign = request.foreign;
        self.world.notes().memories.push(Memory { key, asked, payment, began_ms, ended_ms, foreign, told });
    }

    /// How long the client waits before it hangs up, if it will.
    fn patience(&mut self) -> Option<u64> {
        if self.world.notes().phase != Phase::Hurt
            || !self.dice.per_mille(self.world.swarm.rate(Fault::HangUp))
        {
            return None;
        }
        Some(self.dice.pick(&[0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 200, 1_500]))
    }

    /// Sends a request under a key until there is an answer that is not "try again", a few times at most.
    pub async fn ask(&mut self, request: Request) -> Option<Told> {
        self.requests.push((request.clone(), false));
        for attempt in 0..6u64 {
            let patience = self.patience();
            let told = self.send_raced(&request, patience).await;
            match told {
                Some(told) if is_final(&request.asked, &told) => {
                    self.settled(&request.key);
                    return Some(told);
                }
                Some(told) if told.status == 200 => return Some(told),
                Some(_) | None => sleep(Duration::from_millis(20 + self.dice.below(400 << attempt))).await,
            }
        }
        None
    }

    /// Sends it, now and then twice at once, and now and then with another body under the same key meanwhile.
    async fn send_raced(&mut self, request: &Request, patience: Option<u64>) -> Option<Told> {
        let hurt = self.world.notes().phase == Phase::Hurt;
        let on = |fault| if hurt { self.world.swarm.rate(fault) } else { 0 };
        let (same, other) = (on(Fault::RaceSameKey), on(Fault::OtherBody));
        if self.dice.per_mille(same) {
            self.world.count((Fault::RaceSameKey, Stage::Claim, request.deed));
            let (first, second) =
                tokio::join!(biased; self.send(request, patience), self.send(request, None));
            return second.or(first);
        }
        if self.dice.per_mille(other) {
            self.world.count((Fault::OtherBody, Stage::Claim, request.deed));
            let foreign = wire::foreign(request);
            let (told, _) = tokio::join!(biased; self.send(request, patience), self.send(&foreign, None));
            return told;
        }
        self.send(request, patience).await
    }

    fn settled(&mut self, key: &str) {
        self.requests.iter_mut().filter(|(request, _)| request.key == key).for_each(|(_, done)| *done = true);
    }

    /// Asks again for every answer that is missing. True: none is missing any more.
    pub async fn chase(&mut self) -> bool {
        for at in 0..self.requests.len() {
            let (request, done) = self.requests[at].clone();
            if done {
                continue;
            }
            if let Some(told) = self.send(&request, None).await
                && (is_final(&request.asked, &told) || self.is_taken(&request, &told))
            {
                self.requests[at].1 = true;
            }
        }
        self.requests.iter().all(|(_, done)| *done)
    }

    /// Whether the key went to the other body that was sent under it.
    fn is_taken(&self, request: &Request, told: &Told) -> bool {
        let mismatch = told.view.code.as_deref() == Some("idempotency_error");
        let notes = self.world.notes();
        mismatch && notes.memories.iter().any(|memory| memory.foreign && memory.key == request.key)
    }

    /// Asks for every answer once more.
    pub async fn replay(&self) {
        for (request, _) in &self.requests {
            self.send(request, None).await;
        }
    }
}
