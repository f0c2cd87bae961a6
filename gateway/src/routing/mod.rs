//! Which acquirer takes a payment: rules choose the candidates, a strategy orders them, and what is known of their health
//! decides who is left out for now. gateway/docs/routing.md tells it to operators.
//!
//! Architecture invariant: time comes from the clock port and chance from the random port, so a simulation replays every
//! choice; and what is chosen among several is recorded with the attempt, with all that it depended on. Only new
//! authorizations are ever held back: what concerns an existing hold goes to the acquirer that has it, whatever its state.

mod bandit;
mod breaker;
mod cost;
mod described;
mod draw;
mod explain;
mod health;
mod meters;
mod policy;
mod rank;
mod rule;
pub mod settings;
mod state;

pub use bandit::Segment;
pub use described::{Described, Facts};
pub use explain::{Candidate, Explanation, Replay, Skipped};
pub use rule::Question;
pub use state::State;

use crate::observe::Kind;
use arc_swap::ArcSwap;
use bandit::{Bandit, Tally};
use draw::name_hash;
use gateway_core::acquirer::{Acquirer, AcquirerRequest, Answer, Link, Permit, Transmission, Verb};
use gateway_core::card::CardFacts;
use gateway_core::means::MeansKind;
use gateway_core::payment::{Ranked, Rerouting, Routed, Standing, Strategy};
use gateway_core::ports::{Clock, Random};
use gateway_core::tenant::Mode;
pub use health::Place;
use health::{Gate, Health};
use policy::{Known, Plan, Policy};
use rank::{Seen, rank};
use settings::Routing;
use std::sync::Arc;

/// For an acquirer that the configuration no longer has.
const DEFAULT_TIMEOUT_MS: u64 = 10_000;

/// What the figures of routing mean.
pub const FIGURES: &[(Kind, &str, &str)] = meters::DESCRIPTIONS;

/// An acquirer, and the modes that it serves.
pub struct Target {
    pub acquirer: Arc<dyn Acquirer>,
    pub modes: Vec<Mode>,
    /// How long an answer may take, in milliseconds.
    pub timeout_ms: u64,
}

struct Held {
    target: Target,
    health: Health,
    /// Its name, hashed.
    name: u64,
}

/// The configured acquirers, and which of them is asked.
pub struct Acquirers {
    held: Vec<Held>,
    policy: ArcSwap<Policy>,
    bandit: Bandit,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// Whom to ask for one payment.
pub struct Route<'a> {
    /// The first choice first; as many as one attempt may ask.
    pub acquirers: Vec<Arc<dyn Acquirer>>,
    /// How it was chosen; `None` where there was no choice.
    pub routed: Option<Box<Routed>>,
    /// What its answer is learned for.
    pub segment: Option<Segment>,
    /// Kept at the first of them until it is asked: what is made durable first shall not find that there is no room.
    pub place: Option<Place<'a>>,
}

/// Why a payment can be asked of nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoute {
    /// No acquirer serves its mode, or takes its means.
    NoneServes,
    /// All have as many messages in flight as they may.
    AllFull,
}

impl Acquirers {
    /// These acquirers, in the order of the configuration, under these settings.
    ///
    /// # Errors
    /// What is wrong with the settings, and what to write instead.
    pub fn new(
        targets: Vec<Target>,
        settings: &Routing,
        (clock, random): (Arc<dyn Clock>, Arc<dyn Random>),
    ) -> Result<Self, String> {
        let policy = Policy::of(settings, &known(&targets))?;
        let held = |target: Target| Held {
            health: Health::new(target.acquirer.name()),
            name: name_hash(target.acquirer.name()),
            target,
        };
        Ok(Self {
            held: targets.into_iter().map(held).collect(),
            policy: ArcSwap::from_pointee(policy),
            bandit: Bandit::default(),
            clock,
            random,
        })
    }

    /// Other settings from now on. What is known of the acquirers stays.
    ///
    /// # Errors
    /// What is wrong with them; everything stays as it was.
    pub fn reload(&self, settings: &Routing) -> Result<(), String> {
        let known: Vec<Known<'_>> = self.held.iter().map(|held| known_of(&held.target)).collect();
        self.policy.store(Arc::new(Policy::of(settings, &known)?));
        Ok(())
    }

    /// The settings that decide now.
    pub fn settings(&self) -> Routing {
        self.policy.load().settings.clone()
    }

    /// Chooses for one payment.
    ///
    /// # Errors
    /// See [`NoRoute`]: nothing was done.
    pub fn choose(&self, question: &Question<'_>) -> Result<Route<'_>, NoRoute> {
        let policy = self.policy.load();
        let (number, rule) = policy.rule(question);
        let plan = rule.plan(question.mode, question.means);
        if plan.candidates.is_empty() {
            return Err(NoRoute::NoneServes);
        }
        // Who is full now was not when it was looked at; each time there is one less to lose a place at.
        for _ in 0..=plan.candidates.len() {
            let seen = self.see(&policy, plan, question);
            if seen.iter().all(|one| one.standing == Standing::Full) {
                return Err(NoRoute::AllFull);
            }
            if let Some(route) = self.route_of(&policy, (number, plan), (question, &seen)) {
                return Ok(route);
            }
        }
        Err(NoRoute::AllFull)
    }

    /// The route over what was seen; `None` if the first of it has no place any more.
    fn route_of(
        &self,
        policy: &Policy,
        (number, plan): (u16, &Plan),
        (question, seen): (&Question<'_>, &[Seen]),
    ) -> Option<Route<'_>> {
        let draw = if seen.len() > 1 { self.draw(plan, question) } else { 0 };
        let order = rank(plan.strategy, draw, seen);
        let place = match order.first() {
            Some(first) => {
                let index = plan.candidates[*first].0;
                let place = self.held[index].health.keep_place(policy.max_in_flight[index])?;
                self.held[index].health.meters.chosen();
                Some(place)
            }
            None => None,
        };
        let ranked = order.iter().map(|place| (plan.candidates[*place].0, seen[*place]));
        let routed = (seen.len() > 1).then(|| {
            let ranked = ranked.clone().map(|(index, one)| self.ranked(index, one)).collect();
            Box::new(Routed { policy: policy.digest, rule: number, strategy: plan.strategy, draw, ranked })
        });
        let tries = usize::try_from(policy.settings.tries).unwrap_or(1);
        let acquirers = ranked.take(tries).map(|(index, _)| Arc::clone(self.acquirer(index))).collect();
        let segment = (plan.strategy == Strategy::Bandit).then(|| policy.segment(question));
        Some(Route { acquirers, routed, segment, place })
    }

    fn acquirer(&self, index: usize) -> &Arc<dyn Acquirer> {
        &self.held[index].target.acquirer
    }

    fn ranked(&self, index: usize, seen: Seen) -> Ranked {
        let acquirer = self.acquirer(index).name().into();
        Ranked { acquirer, standing: seen.standing, measure: seen.measure }
    }

    fn draw(&self, plan: &Plan, question: &Question<'_>) -> u64 {
        match plan.strategy {
            Strategy::Priority | Strategy::Cost => 0,
            Strategy::Weighted => plan.turn(),
            Strategy::Hash => question.card.map_or_else(|| self.chance(), card_key),
            Strategy::LeastInFlight | Strategy::Random | Strategy::Bandit => self.chance(),
        }
    }

    fn chance(&self) -> u64 {
        let mut bytes = [0u8; 8];
        self.random.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// The candidates as they are now.
    fn see(&self, policy: &Policy, plan: &Plan, question: &Question<'_>) -> Vec<Seen> {
        let now_ns = self.clock.monotonic_ns();
        let measures = self.measures(policy, plan, (question, now_ns));
        let look = |((index, weight), measure): (&(usize, u32), u64)| {
            let held = &self.held[*index];
            let link = held.target.acquirer.link();
            let standing = held.health.standing(now_ns, link, policy.max_in_flight[*index]);
            Seen { name: held.name, weight: *weight, standing, measure }
        };
        plan.candidates.iter().zip(measures).map(look).collect()
    }

    fn measures(&self, policy: &Policy, plan: &Plan, (question, now_ns): (&Question<'_>, u64)) -> Vec<u64> {
        let indices = plan.candidates.iter().map(|(index, _)| *index);
        match plan.strategy {
            Strategy::Priority | Strategy::Weighted | Strategy::Hash | Strategy::Random => {
                vec![0; plan.candidates.len()]
            }
            Strategy::LeastInFlight => indices.map(|index| self.held[index].health.load(now_ns)).collect(),
            Strategy::Cost => indices.map(|index| policy.fees.fee(index, question)).collect(),
            Strategy::Bandit => {
                let targets: Vec<usize> = indices.collect();
                let tallies = self.bandit.tallies(&policy.segment(question), &targets);
                tallies.into_iter().map(Tally::pack).collect()
            }
        }
    }

    /// Whether a new authorization would be taken to this acquirer now.
    pub fn is_ready(&self, name: &str) -> bool {
        let policy = self.policy.load();
        let now_ns = self.clock.monotonic_ns();
        self.index(name).is_some_and(|index| {
            let held = &self.held[index];
            let link = held.target.acquirer.link();
            held.health.standing(now_ns, link, policy.max_in_flight[index]) == Standing::Ready
        })
    }

    /// Whether every acquirer has as many messages in flight as it may, so that no new authorization is taken to any.
    pub fn are_full(&self) -> bool {
        let policy = self.policy.load();
        let mut targets = self.held.iter().zip(&policy.max_in_flight);
        targets.all(|(held, most)| held.health.is_full(*most))
    }

    /// Sends one message, and notes how that went. A new authorization is held back, as not sent, by a circuit breaker
    /// that is open or a bulkhead that is full; everything else is sent regardless.
    pub async fn ask(&self, acquirer: &dyn Acquirer, permit: Permit, request: AcquirerRequest) -> Answer {
        self.ask_from(None, acquirer, (permit, request)).await
    }

    /// The same from the place that was kept for it.
    pub async fn ask_from(
        &self,
        place: Option<Place<'_>>,
        acquirer: &dyn Acquirer,
        (permit, request): (Permit, AcquirerRequest),
    ) -> Answer {
        let Some(index) = self.index(acquirer.name()) else { return acquirer.send(permit, request).await };
        let (policy, held) = (self.policy.load_full(), &self.held[index]);
        let is_new = matches!(request.verb, Verb::Authorize | Verb::Sale)
            && request.transmission == Transmission::First;
        let kept = place.filter(|place| place.is_at(&held.health));
        let gate = if is_new { Gate::Closed(kept) } else { Gate::Open };
        let (now_ns, link) = (self.clock.monotonic_ns(), acquirer.link());
        let boarded = held.health.board((gate, policy.max_in_flight[index]), now_ns, link, policy.breaker());
        let flight = match boarded {
            Ok(flight) => flight,
            Err(why) => return Answer::NotSent(why.as_str().to_owned()),
        };
        let answer = acquirer.send(permit, request).await;
        flight.land(&answer, self.clock.monotonic_ns(), || self.random.below(1_000));
        answer
    }

    /// What an acquirer said to a new authorization, for strategies that learn. Only what says something about the
    /// acquirer counts: an approval, a decline, or no answer at all.
    pub fn learn(&self, segment: Option<&Segment>, name: &str, answer: &Answer) {
        let (Some(segment), Some(index)) = (segment, self.index(name)) else { return };
        let approved = match answer {
            Answer::Approved(_) => true,
            Answer::Declined(_) | Answer::Unknown(_) => false,
            Answer::Pending(_) | Answer::NotSent(_) | Answer::NotFound => return,
        };
        self.bandit.learn(segment, (index, approved), self.policy.load().settings.memory);
    }

    /// A payment goes on to this acquirer.
    pub fn failed_over(&self, name: &str, why: Rerouting) {
        if let Some(index) = self.index(name) {
            self.held[index].health.meters.failed_over(why);
        }
    }

    /// Whether any acquirer takes payments of this mode by this means.
    pub fn serve(&self, mode: Mode, means: MeansKind) -> bool {
        !self.policy.load().otherwise.plan(mode, means).candidates.is_empty()
    }

    /// Those that take cards in a mode, for messages that any may answer. Links that are down come last: a request waits for them
    /// within its time if there is no other.
    pub fn route(&self, mode: Mode) -> Vec<Arc<dyn Acquirer>> {
        let policy = self.policy.load();
        let plan = policy.otherwise.plan(mode, MeansKind::Card);
        let mut route: Vec<_> =
            plan.candidates.iter().map(|(index, _)| Arc::clone(self.acquirer(*index))).collect();
        route.sort_by_key(|acquirer| match acquirer.link() {
            Link::Up => 0,
            Link::Connecting => 1,
            Link::Down => 2,
        });
        route
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.held.iter().position(|held| held.target.acquirer.name() == name)
    }

    /// The acquirer of this name; `None` if the configuration no longer has it.
    pub fn named(&self, name: &str) -> Option<Arc<dyn Acquirer>> {
        self.index(name).map(|index| Arc::clone(self.acquirer(index)))
    }

    /// How long an answer of this acquirer may take, in milliseconds.
    pub fn timeout_ms(&self, name: &str) -> u64 {
        self.index(name).map_or(DEFAULT_TIMEOUT_MS, |index| self.held[index].target.timeout_ms)
    }

    /// Whether one at least is signed on.
    pub fn any_up(&self) -> bool {
        self.all().any(|acquirer| acquirer.link() == Link::Up)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Acquirer>> {
        self.held.iter().map(|held| &held.target.acquirer)
    }
}

fn known_of(target: &Target) -> Known<'_> {
    let means = MeansKind::ALL.into_iter().filter(|means| target.acquirer.serves(*means)).collect();
    Known { name: target.acquirer.name(), modes: &target.modes, window: target.acquirer.window(), means }
}

fn known(targets: &[Target]) -> Vec<Known<'_>> {
    targets.iter().map(known_of).collect()
}

/// The card's fingerprint as a number: keyed, so it tells nothing without the key.
fn card_key(card: &CardFacts) -> u64 {
    let mut first = [0u8; 8];
    first.copy_from_slice(&card.fingerprint[..8]);
    u64::from_le_bytes(first)
}
