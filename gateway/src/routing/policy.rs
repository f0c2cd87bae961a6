//! The settings, read once for the acquirers that there are.

use super::bandit::Segment;
use super::cost::Fees;
use super::rule::{Matcher, Question};
use super::settings::{Breaker, Routing, Trait};
use gateway_core::means::MeansKind;
use gateway_core::payment::Strategy;
use gateway_core::tenant::Mode;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Messages in flight to one acquirer, where nothing else is set.
const MAX_IN_FLIGHT: u32 = 4_096;
/// Of an acquirer with a window, so many times that: as many wait for a place as have one, so that nobody waits for longer than an answer
/// takes, and no place stays free.
const WINDOWS: usize = 2;

/// An acquirer, as much as a policy must know of it.
pub(super) struct Known<'a> {
    pub(super) name: &'a str,
    pub(super) modes: &'a [Mode],
    /// Messages that are under way to it at a time; 0 is no limit.
    pub(super) window: usize,
    /// The means of payment that it takes.
    pub(super) means: Vec<MeansKind>,
}

/// Candidates of payments of one mode and by one means, and what orders them.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) strategy: Strategy,
    /// Indices of acquirers, the first first, each with its weight.
    pub(super) candidates: Vec<(usize, u32)>,
    turns: AtomicU64,
}

impl Plan {
    /// The next turn, for strategies that take turns.
    pub(super) fn turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// The turn that comes next, which stays so.
    pub(super) fn coming_turn(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }
}

/// A rule, or the lines that decide where no rule does.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    fits: Matcher,
    /// For each means of payment, in their order.
    test: Vec<Plan>,
    live: Vec<Plan>,
}

impl Rule {
    pub(super) fn plan(&self, mode: Mode, means: MeansKind) -> &Plan {
        let plans = match mode {
            Mode::Test => &self.test,
            Mode::Live => &self.live,
        };
        &plans[means.index()]
    }

    /// Why it is not for this payment; `None` if it is.
    pub(super) fn misfit(&self, question: &Question<'_>) -> Option<&'static str> {
        let serves = |means| !self.plan(question.mode, means).candidates.is_empty();
        if !MeansKind::ALL.into_iter().any(serves) {
            return Some("mode");
        }
        if !serves(question.means) {
            return Some("payment_method");
        }
        self.fits.misfit(question)
    }
}

/// Messages in flight to an acquirer, where no setting says how many.
fn bulkhead(window: usize) -> u32 {
    match u32::try_from(window.saturating_mul(WINDOWS)) {
        Ok(0) | Err(_) => MAX_IN_FLIGHT,
        Ok(most) => most.min(MAX_IN_FLIGHT),
    }
}

/// Everything that decides where payments go, but the state of the acquirers.
#[derive(Debug)]
pub(super) struct Policy {
    /// The same for the same settings and acquirers.
    pub(super) digest: u64,
    pub(super) settings: Routing,
    pub(super) rules: Vec<Rule>,
    pub(super) otherwise: Rule,
    pub(super) fees: Fees,
    pub(super) max_in_flight: Vec<u32>,
}

impl Policy {
    /// Reads settings for these acquirers.
    ///
    /// # Errors
    /// What is wrong, where, and what to write instead.
    pub(super) fn of(settings: &Routing, known: &[Known<'_>]) -> Result<Self, String> {
        let names: Vec<&str> = known.iter().map(|one| one.name).collect();
        settings.check(&names).map_err(|(path, what)| format!("{path}: {what}"))?;
        let index = |name: &str| names.iter().position(|held| *held == name);
        let mut order: Vec<usize> = settings.order.iter().filter_map(|name| index(name)).collect();
        order.extend((0..known.len()).filter(|one| !settings.order.contains(&names[*one].to_owned())));
        let compiler = Compiler { settings, known };
        let otherwise = compiler.rule("", &order, (None, &BTreeMap::new()), Matcher::default());
        let rules = settings.rules.iter().map(|rule| {
            let chosen: Vec<usize> = rule.acquirers.iter().filter_map(|name| index(name)).collect();
            Ok(compiler.rule(&rule.name, &chosen, (rule.strategy, &rule.weights), Matcher::of(&rule.when)?))
        });
        let most = |one: &Known<'_>| {
            settings.max_in_flight.get(one.name).copied().unwrap_or_else(|| bulkhead(one.window))
        };
        Ok(Self {
            digest: digest(settings, &names),
            rules: rules.collect::<Result<_, String>>()?,
            otherwise,
            fees: Fees::of(&settings.fees, index)?,
            max_in_flight: known.iter().map(most).collect(),
            settings: settings.clone(),
        })
    }

    /// The rule that decides, with its number from 1; 0: none fits, and the lines above the rules decide.
    pub(super) fn rule(&self, question: &Question<'_>) -> (u16, &Rule) {
        let fitting = self.rules.iter().position(|rule| rule.misfit(question).is_none());
        match fitting {
            Some(position) => (u16::try_from(position + 1).unwrap_or(u16::MAX), &self.rules[position]),
            None => (0, &self.otherwise),
        }
    }

    pub(super) const fn breaker(&self) -> &Breaker {
        &self.settings.breaker
    }

    /// What this payment is learned from together with.
    pub(super) fn segment(&self, question: &Question<'_>) -> Segment {
        let mut segment = Segment { live: question.mode.is_live(), ..Segment::default() };
        for one in &self.settings.segment {
            match one {
                Trait::Currency => segment.currency = Some(question.amount.currency),
                Trait::Brand => segment.brand = question.card.map(|card| card.brand),
                Trait::Country => {
                    segment.country = question.card.map(|card| card.country.unwrap_or_default());
                }
                Trait::Bin => segment.bin = question.card.map(|card| card.bin),
                Trait::Merchant => segment.merchant = Some(question.merchant),
            }
        }
        segment
    }
}

struct Compiler<'a> {
    settings: &'a Routing,
    known: &'a [Known<'a>],
}

impl Compiler<'_> {
    fn rule(
        &self,
        name: &str,
        order: &[usize],
        (strategy, weights): (Option<Strategy>, &BTreeMap<String, u32>),
        fits: Matcher,
    ) -> Rule {
        let weight =
            |name: &str| weights.get(name).or_else(|| self.settings.weights.get(name)).copied().unwrap_or(1);
        let plan = |mode: Mode, means: MeansKind| Plan {
            strategy: strategy.unwrap_or(self.settings.strategy),
            candidates: order
                .iter()
                .filter(|index| self.known[**index].modes.contains(&mode))
                .filter(|index| self.known[**index].means.contains(&means))
                .map(|index| (*index, weight(self.known[*index].name)))
                .collect(),
            turns: AtomicU64::new(0),
        };
        let plans = |mode: Mode| MeansKind::ALL.into_iter().map(|means| plan(mode, means)).collect();
        Rule { name: name.to_owned(), fits, test: plans(Mode::Test), live: plans(Mode::Live) }
    }
}

/// A digest of the settings as they are written out, and of the acquirers' names.
fn digest(settings: &Routing, names: &[&str]) -> u64 {
    let text = serde_json::to_string(settings).expect("settings hold texts and numbers");
    let whole = format!("{text}\n{}", names.join(","));
    let hash = ring::digest::digest(&ring::digest::SHA256, whole.as_bytes());
    let mut first = [0u8; 8];
    first.copy_from_slice(&hash.as_ref()[..8]);
    u64::from_be_bytes(first)
}
