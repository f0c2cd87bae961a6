//! Why a payment would go where, in words; and whether a recorded choice comes out the same again.

use super::bandit::Tally;
use super::cost::NO_FEE_KNOWN;
use super::policy::Plan;
use super::rank::{Seen, rank};
use super::{Acquirers, Question};
use gateway_core::means::MeansKind;
use gateway_core::payment::{Routed, Standing, Strategy};
use gateway_core::tenant::Mode;
use serde::{Deserialize, Serialize};

/// A rule that was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    pub rule: String,
    /// The first of its conditions that the payment does not meet.
    pub because_of: String,
}

/// An acquirer that may take the payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub acquirer: String,
    /// `ready`, `connecting`, `down`, `full` or `open` (its circuit breaker).
    pub standing: String,
    /// Whether one attempt may come as far as this one.
    pub asked: bool,
    /// What put it here.
    pub because: String,
}

/// Where a payment would go, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The digest of the policy, in hexadecimal.
    pub policy: String,
    pub skipped: Vec<Skipped>,
    /// The rule that decides; `None`: none fits, so the settings above the rules do.
    pub rule: Option<String>,
    pub strategy: String,
    /// The number that was drawn, counted, or taken from the card.
    pub draw: u64,
    /// The first choice first.
    pub candidates: Vec<Candidate>,
}

/// What becomes of a recorded choice when it is made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Whether the policy is the one that decided then.
    pub same_policy: bool,
    /// The order that was recorded.
    pub recorded: Vec<String>,
    /// The order that comes out now, of the same numbers. `None`: the candidates are not the same any more.
    pub again: Option<Vec<String>>,
}

impl Acquirers {
    /// Says where a payment would go now. It takes no turn and leaves no trace: for strategies that draw, this is one of
    /// the orders that may come out.
    pub fn explain(&self, question: &Question<'_>) -> Explanation {
        let policy = self.policy.load();
        let (number, rule) = policy.rule(question);
        let plan = rule.plan(question.mode, question.means);
        let before = if number == 0 { policy.rules.len() } else { usize::from(number) - 1 };
        let skipped = policy.rules[..before].iter().filter_map(|rule| {
            let because_of = rule.misfit(question)?.to_owned();
            Some(Skipped { rule: rule.name.clone(), because_of })
        });
        let seen = self.see(&policy, plan, question);
        let draw = match plan.strategy {
            Strategy::Weighted => plan.coming_turn(),
            Strategy::Priority
            | Strategy::Cost
            | Strategy::Hash
            | Strategy::LeastInFlight
            | Strategy::Random
            | Strategy::Bandit => self.draw(plan, question),
        };
        let tries = usize::try_from(policy.settings.tries).unwrap_or(1);
        let candidates = rank(plan.strategy, draw, &seen).into_iter().enumerate().map(|(at, place)| {
            let one = seen[place];
            Candidate {
                acquirer: self.acquirer(plan.candidates[place].0).name().to_owned(),
                standing: one.standing.as_str().to_owned(),
                asked: at < tries,
                because: because(plan, (place, &one)),
            }
        });
        Explanation {
            policy: format!("{:016x}", policy.digest),
            skipped: skipped.collect(),
            rule: (number > 0).then(|| rule.name.clone()),
            strategy: plan.strategy.as_str().to_owned(),
            draw,
            candidates: candidates.collect(),
        }
    }

    /// Makes a recorded choice again, of the numbers that were recorded, for a payment of this mode and by this means.
    pub fn replay(&self, routed: &Routed, (mode, means): (Mode, MeansKind)) -> Replay {
        let policy = self.policy.load();
        let rule = match usize::from(routed.rule) {
            0 => Some(&policy.otherwise),
            number => policy.rules.get(number - 1),
        };
        let seen = rule.and_then(|rule| {
            let plan = rule.plan(mode, means);
            let whole = plan.candidates.len() == routed.ranked.len();
            let look = |(index, weight): &(usize, u32)| {
                let held = &self.held[*index];
                let ranked = routed.ranked.iter().find(|one| one.acquirer == held.target.acquirer.name())?;
                let (standing, measure) = (ranked.standing, ranked.measure);
                Some((held, Seen { name: held.name, weight: *weight, standing, measure }))
            };
            plan.candidates.iter().map(look).collect::<Option<Vec<_>>>().filter(|_| whole)
        });
        let again = seen.map(|seen| {
            let numbers: Vec<Seen> = seen.iter().map(|(_, one)| *one).collect();
            let name = |place: usize| seen[place].0.target.acquirer.name().to_owned();
            rank(routed.strategy, routed.draw, &numbers).into_iter().map(name).collect()
        });
        Replay {
            same_policy: policy.digest == routed.policy,
            recorded: routed.ranked.iter().map(|one| one.acquirer.to_string()).collect(),
            again,
        }
    }
}

fn because(plan: &Plan, (place, one): (usize, &Seen)) -> String {
    let by_strategy = match plan.strategy {
        Strategy::Priority => format!("number {} of the order", place + 1),
        Strategy::Weighted | Strategy::Random => {
            let all: u32 = plan.candidates.iter().map(|(_, weight)| weight).sum();
            format!("weight {} of {all}", one.weight)
        }
        Strategy::LeastInFlight => format!("load {} (messages times microseconds)", one.measure),
        Strategy::Hash => format!("by the card's fingerprint, with weight {}", one.weight),
        Strategy::Cost if one.measure == NO_FEE_KNOWN => "no line of the fee table fits".to_owned(),
        Strategy::Cost => {
            format!("a fee of {}.{:02} minor units", one.measure / 100, one.measure % 100)
        }
        Strategy::Bandit => {
            let Tally { approved, declined } = Tally::unpack(one.measure);
            format!("approved {approved} and declined {declined} of what is remembered")
        }
    };
    match one.standing {
        Standing::Ready => by_strategy,
        Standing::Connecting => format!("its link is being made; {by_strategy}"),
        Standing::Down => format!("its link is down; {by_strategy}"),
        Standing::Full => format!("as many messages are in flight as may be; {by_strategy}"),
        Standing::Open => format!("its circuit breaker is open; {by_strategy}"),
    }
}
