//! The real thing beside the model: after every act what requests got is what the model says, and the bank's book knows one payment
//! a key.

use super::bank::Bank;
use super::clock::SimClock;
use super::process::{Ground, Process};
use super::random::Drawn;
use super::reference::{Act, Model, PROCESSES, Phase, Verdict};
use bytes::Bytes;
use gateway::exchange::Reply;
use gateway_store::Memory;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

thread_local! {
    /// How often each verdict was come to.
    pub static REACHED: RefCell<BTreeMap<&'static str, u32>> = const { RefCell::new(BTreeMap::new()) };
}

fn reached(what: &'static str) {
    REACHED.with_borrow_mut(|counts| *counts.entry(what).or_default() += 1);
}

/// Everything that is ready to run has run by then, and no deadline has passed.
const A_MOMENT: Duration = Duration::from_millis(20);
/// What is not known has been asked for by then.
const A_WHILE: Duration = Duration::from_secs(30);

/// A request without an answer yet.
struct Pending {
    process: usize,
    key: u8,
    reply: JoinHandle<Reply>,
}

/// The system under test.
pub struct System {
    runtime: Runtime,
    ground: Ground,
    processes: Vec<Option<Process>>,
    secret: String,
    pending: Vec<Pending>,
    /// The final answer of each key, as it was first given.
    finals: BTreeMap<u8, (u16, Bytes)>,
    before: Model,
}

/// What the state machine test is called.
pub struct Keys;

fn state_of(reply: &Reply) -> String {
    let value: Value = serde_json::from_slice(&reply.body).expect("answers are JSON");
    value["status"].as_str().unwrap_or_default().to_owned()
}

fn is_mismatch(reply: &Reply) -> bool {
    let value: Value = serde_json::from_slice(&reply.body).expect("answers are JSON");
    reply.status == 400 && value["error"]["type"] == "idempotency_error"
}

fn is_replay(reply: &Reply) -> bool {
    reply.headers.iter().any(|(name, _)| name == "idempotent-replayed")
}

impl System {
    fn new() -> Self {
        let builder = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = builder.expect("a runtime needs nothing but memory");
        let (ground, processes, secret) = runtime.block_on(async {
            let ground = Ground {
                store: Arc::new(Memory::new()),
                bank: Arc::new(Bank::default()),
                clock: Arc::new(SimClock::new()),
                random: Arc::new(Drawn::new(1, 1)),
            };
            let first = Process::start(&ground).await;
            let secret = first.key().await;
            let mut processes = vec![Some(first)];
            for _other in 1..PROCESSES {
                processes.push(Some(Process::start(&ground).await));
            }
            (ground, processes, secret)
        });
        let (pending, finals, before) = (Vec::new(), BTreeMap::new(), Model::default());
        Self { runtime, ground, processes, secret, pending, finals, before }
    }

    fn pass(&self, time: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(time).await });
    }

    fn spawn(&self, process: usize, key: u8, body: Option<u8>) -> Pending {
        let serving = self.processes[process].as_ref().expect("it was started again");
        let _inside = self.runtime.enter();
        let reply = serving.pay(&self.secret, key, body);
        Pending { process, key, reply }
    }

    fn got(&self, pending: Pending) -> Reply {
        assert!(pending.reply.is_finished(), "a request of key {} should have its answer", pending.key);
        self.runtime.block_on(pending.reply).expect("no request panics")
    }

    /// A final answer: always the same one, and what the model says.
    fn is_final(&mut self, key: u8, reply: &Reply, approved: bool) {
        assert_eq!(reply.status, if approved { 200 } else { 402 }, "{:?}", reply.body);
        assert!(!approved || state_of(reply) == "succeeded", "{:?}", reply.body);
        let known = self.finals.entry(key).or_insert_with(|| (reply.status, reply.body.clone()));
        assert_eq!((known.0, &known.1), (reply.status, &reply.body), "key {key} answers otherwise");
    }

    fn ask(&mut self, process: usize, key: u8, body: u8) {
        let verdict = self.before.judge(process, key, body);
        let pending = self.spawn(process, key, Some(body));
        self.pass(A_MOMENT);
        match verdict {
            Verdict::First | Verdict::Wait => {
                assert!(!pending.reply.is_finished(), "a request of key {key} should wait");
                reached(if verdict == Verdict::First { "first" } else { "in flight" });
                self.pending.push(pending);
            }
            Verdict::Elsewhere => {
                let reply = self.got(pending);
                assert!(reply.status == 200 && !is_replay(&reply), "{:?}", reply.body);
                assert_eq!(state_of(&reply), "processing");
                reached("elsewhere");
            }
            Verdict::Replay { approved } => {
                let reply = self.got(pending);
                assert!(is_replay(&reply), "{:?}", reply.body);
                self.is_final(key, &reply, approved);
                reached("replay");
            }
            Verdict::Mismatch => {
                let reply = self.got(pending);
                assert!(is_mismatch(&reply), "{:?}", reply.body);
                reached("mismatch");
            }
        }
    }

    fn ask_both(&mut self, key: u8, (one, other): (u8, u8)) {
        let first = self.spawn(0, key, Some(one));
        let second = self.spawn(1, key, Some(other));
        self.pass(A_MOMENT);
        assert!(!first.reply.is_finished(), "the first of two should run");
        let loser = self.got(second);
        let told = if one == other { state_of(&loser) == "processing" } else { is_mismatch(&loser) };
        assert!(told, "{:?}", loser.body);
        self.pending.push(first);
        reached("raced");
    }

    /// All that waited under a key have its final answer.
    fn decided(&mut self, key: u8, approved: bool) {
        self.ground.bank.decide(key, approved);
        self.pass(A_MOMENT);
        let (answered, rest) = std::mem::take(&mut self.pending).into_iter().partition(|one| one.key == key);
        self.pending = rest;
        let answered: Vec<Pending> = answered;
        assert!(!answered.is_empty(), "somebody waits");
        for one in answered {
            let reply = self.got(one);
            self.is_final(key, &reply, approved);
        }
    }

    /// Time passes; whoever waited was told that it is not known, or how it ended.
    fn resolved(&mut self, after: &Model) {
        self.pass(A_WHILE);
        for one in std::mem::take(&mut self.pending) {
            let key = one.key;
            let reply = self.got(one);
            // Or that its process could not write down what another had written already: no answer, ask again.
            if reply.status == 500 || (reply.status == 200 && state_of(&reply) == "processing") {
                continue;
            }
            match after.lives.get(&key).map(|life| life.phase) {
                Some(Phase::Final { approved }) => self.is_final(key, &reply, approved),
                other => panic!("key {key} is {other:?}"),
            }
        }
    }

    fn crash(&mut self, process: usize) {
        self.pending.retain(|one| {
            let dies = one.process == process;
            if dies {
                one.reply.abort();
            }
            !dies
        });
        let victim = self.processes[process].take().expect("it was started again");
        self.runtime.block_on(victim.kill());
        self.processes[process] = Some(self.runtime.block_on(Process::start(&self.ground)));
    }
}

impl StateMachineTest for Keys {
    type SystemUnderTest = System;
    type Reference = Model;

    fn init_test(_model: &Model) -> System {
        System::new()
    }

    fn apply(mut system: System, after: &Model, act: <Model as ReferenceStateMachine>::Transition) -> System {
        match act {
            Act::Ask { process, key, body } => system.ask(process, key, body),
            Act::AskBoth { key, bodies } => system.ask_both(key, bodies),
            Act::AskBadly { process, key } => {
                let pending = system.spawn(process, key, None);
                system.pass(A_MOMENT);
                let reply = system.got(pending);
                assert!(
                    reply.status == 400 && !is_mismatch(&reply) && !is_replay(&reply),
                    "{:?}",
                    reply.body
                );
            }
            Act::Decide { key, approve } => system.decided(key, approve),
            Act::Silence => {
                system.resolved(after);
                reached("silent");
            }
            Act::Crash { process } => {
                system.crash(process);
                system.resolved(after);
                reached("died");
            }
        }
        system.before = after.clone();
        system
    }

    fn check_invariants(system: &System, model: &Model) {
        for key in 0..super::reference::KEYS {
            let life = model.lives.get(&key);
            assert_eq!(system.ground.bank.asked(key), usize::from(life.is_some()), "payments of key {key}");
            if let Some(Phase::Final { approved }) = life.map(|life| life.phase) {
                assert_eq!(system.ground.bank.approved(key), Some(approved), "key {key}");
            }
        }
        let claims = system.processes.iter().flatten().map(Process::claims).sum::<usize>();
        let running = model.lives.values().filter(|life| matches!(life.phase, Phase::Running { .. }));
        assert_eq!(claims, running.count(), "operations that run");
    }
}
