//! The model: of each key which request came first, where it runs, and how it ended. It shares no code with the engine.

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;
use std::collections::BTreeMap;

/// Keys of a walk.
pub const KEYS: u8 = 4;
/// Processes over the store.
pub const PROCESSES: usize = 2;

/// Where the operation of a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Its message waits at the bank; the process that sent it waits, too.
    Running { process: usize },
    /// It was approved or declined.
    Final { approved: bool },
}

/// A key that was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Which parameters came first.
    pub body: u8,
    pub phase: Phase,
}

/// All keys that were claimed.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub lives: BTreeMap<u8, Life>,
}

/// What a request under a key is to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It runs.
    First,
    /// It waits for the one that runs in its process.
    Wait,
    /// It runs in the other process: told that it is not known yet.
    Elsewhere,
    /// The answer of then.
    Replay {
        approved: bool,
    },
    Mismatch,
}

/// One act of the world.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    /// A request comes to a process.
    Ask { process: usize, key: u8, body: u8 },
    /// Two come to both processes in the same moment, under a key that is free.
    AskBoth { key: u8, bodies: (u8, u8) },
    /// One that is wrong in itself.
    AskBadly { process: usize, key: u8 },
    /// The bank answers what waits under a key.
    Decide { key: u8, approve: bool },
    /// Every answer that is awaited is lost, and time passes.
    Silence,
    /// A process is killed and started again, and time passes.
    Crash { process: usize },
}

/// How the bank decides a key's message when nobody hears it.
pub const fn unheard(key: u8) -> bool {
    key.is_multiple_of(2)
}

impl Model {
    /// What a request gets.
    pub fn judge(&self, process: usize, key: u8, body: u8) -> Verdict {
        match self.lives.get(&key) {
            None => Verdict::First,
            Some(life) if life.body != body => Verdict::Mismatch,
            Some(life) => match life.phase {
                Phase::Final { approved } => Verdict::Replay { approved },
                Phase::Running { process: running } if running == process => Verdict::Wait,
                Phase::Running { .. } => Verdict::Elsewhere,
            },
        }
    }

    fn running(&self) -> Vec<u8> {
        let runs = |life: &Life| matches!(life.phase, Phase::Running { .. });
        self.lives.iter().filter(|(_, life)| runs(life)).map(|(key, _)| *key).collect()
    }

    fn begin(&mut self, process: usize, key: u8, body: u8) {
        self.lives.entry(key).or_insert(Life { body, phase: Phase::Running { process } });
    }

    fn end(&mut self, key: u8, approved: bool) {
        if let Some(life) = self.lives.get_mut(&key) {
            life.phase = Phase::Final { approved };
        }
    }
}

fn asks() -> impl Strategy<Value = Act> {
    (0..PROCESSES, 0..KEYS, prop_oneof![4 => Just(0u8), 1 => Just(1u8)])
        .prop_map(|(process, key, body)| Act::Ask { process, key, body })
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Act> {
        let badly = (0..PROCESSES, 0..KEYS).prop_map(|(process, key)| Act::AskBadly { process, key });
        let crash = (0..PROCESSES).prop_map(|process| Act::Crash { process });
        let calm = prop_oneof![
            14 => asks(),
            1 => badly,
            1 => Just(Act::Silence),
            1 => crash,
        ];
        let free: Vec<u8> = (0..KEYS).filter(|key| !state.lives.contains_key(key)).collect();
        let running = state.running();
        let mut all = vec![(16, calm.boxed())];
        if !free.is_empty() {
            let both = (proptest::sample::select(free), 0u8..2, 0u8..2);
            let both = both.prop_map(|(key, one, other)| Act::AskBoth { key, bodies: (one, other) });
            all.push((2, both.boxed()));
        }
        if !running.is_empty() {
            let decide = (proptest::sample::select(running), prop::bool::weighted(0.7));
            all.push((4, decide.prop_map(|(key, approve)| Act::Decide { key, approve }).boxed()));
        }
        proptest::strategy::Union::new_weighted(all).boxed()
    }

    fn preconditions(state: &Self, act: &Act) -> bool {
        match act {
            Act::Decide { key, .. } => state.running().contains(key),
            Act::AskBoth { key, .. } => !state.lives.contains_key(key),
            Act::Ask { .. } | Act::AskBadly { .. } | Act::Silence | Act::Crash { .. } => true,
        }
    }

    fn apply(mut state: Self, act: &Act) -> Self {
        match *act {
            Act::Ask { process, key, body } => state.begin(process, key, body),
            // One thread runs both: the first to come is the first to commit.
            Act::AskBoth { key, bodies } => state.begin(0, key, bodies.0),
            Act::AskBadly { .. } => {}
            Act::Decide { key, approve } => state.end(key, approve),
            // What is not known is asked for, by whichever process looks first.
            Act::Silence | Act::Crash { .. } => {
                for key in state.running() {
                    state.end(key, unheard(key));
                }
            }
        }
        state
    }
}
