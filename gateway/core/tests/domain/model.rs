//! Random commands and answers, to the domain and to a reference model, as a state machine of proptest: they must agree after every step,
//! and a walk on which they do not is shortened to what it takes.

mod reference;

use crate::scene::{START, Say, Scene, usd};
use gateway_core::Currency;
use gateway_core::acquirer::FinalCapture::{No, Yes};
use gateway_core::acquirer::{DeclineCode, Transmission};
use gateway_core::payment::{AUTHORIZATION_LIFE_MS, CancellationReason, CaptureMethod, Command, RiskVerdict};
use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use reference::{Model, Taken, Word};
use std::cell::Cell;
use std::collections::BTreeSet;

/// One random act. Which message it is about is picked among those outstanding, or among all there ever were.
#[derive(Debug, Clone, Copy)]
enum Act {
    Confirm,
    Block,
    Card,
    Amount(i64),
    TakesPartial(bool),
    Capture(Option<i64>, bool),
    Cancel,
    Expire,
    Increment(i64),
    Refund(Option<i64>),
    Reroute(usize),
    Reverse(usize),
    Retry(usize),
    Hear { pick: usize, old: bool, kind: u8, off: i64, repeat: bool },
    Wait(i64),
}

fn part() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![2 => Just(None), 5 => (1i64..700).prop_map(Some), 1 => (-2i64..2000).prop_map(Some)]
}

fn hear() -> impl Strategy<Value = Act> {
    let kind = prop_oneof![16 => Just(0u8), 2 => Just(1), 1 => Just(4), 6 => 2u8..8];
    let off = prop_oneof![20 => Just(0i64), 1 => -500i64..500];
    (0usize..64, prop::bool::weighted(0.12), kind, off, prop::bool::ANY)
        .prop_map(|(pick, old, kind, off, repeat)| Act::Hear { pick, old, kind, off, repeat })
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        10 => Just(Act::Confirm),
        1 => Just(Act::Block),
        6 => Just(Act::Card),
        1 => (40i64..3000).prop_map(Act::Amount),
        1 => prop::bool::ANY.prop_map(Act::TakesPartial),
        8 => (part(), prop::bool::weighted(0.3)).prop_map(|(minor, last)| Act::Capture(minor, last)),
        1 => Just(Act::Cancel),
        2 => Just(Act::Expire),
        4 => (500i64..4000).prop_map(Act::Increment),
        6 => part().prop_map(Act::Refund),
        1 => (0usize..64).prop_map(Act::Reroute),
        3 => (0usize..64).prop_map(Act::Reverse),
        2 => (0usize..64).prop_map(Act::Retry),
        40 => hear(),
        3 => prop_oneof![4 => Just(1), 8 => Just(60_000), 3 => Just(AUTHORIZATION_LIFE_MS)].prop_map(Act::Wait),
    ]
}

/// The reference's side of a walk, and what its last act was about.
#[derive(Debug, Clone)]
struct Walk {
    model: Model,
    /// Numbers of messages follow from the number of the step.
    step: u64,
    /// Every number that was ever given to a message.
    numbers: BTreeSet<u64>,
    /// The message that the last act was about, and the amount that was said of it.
    picked: (u64, i64),
    taken: Taken,
    /// What was outstanding before it.
    before: BTreeSet<u64>,
}

impl Walk {
    fn new(manual: bool) -> Self {
        Self {
            model: Model::new(manual, START),
            step: 0,
            numbers: BTreeSet::from([0]),
            picked: (0, 0),
            taken: None,
            before: BTreeSet::new(),
        }
    }

    fn outstanding(&self) -> BTreeSet<u64> {
        self.model.wires.keys().copied().collect()
    }

    fn pick(&self, pick: usize, old: bool) -> u64 {
        let numbers: Vec<u64> = if old {
            self.numbers.iter().copied().collect()
        } else {
            self.model.wires.keys().copied().collect()
        };
        if numbers.is_empty() { 7 } else { numbers[pick % numbers.len()] }
    }

    /// The message that an act is about.
    fn subject(&self, act: Act) -> (u64, i64) {
        match act {
            Act::Reroute(pick) | Act::Reverse(pick) | Act::Retry(pick) => (self.pick(pick, false), 0),
            Act::Hear { pick, old, off, .. } => {
                let number = self.pick(pick, old);
                (number, self.model.amount_of(number) + off)
            }
            _about_the_payment => (0, 0),
        }
    }

    fn judge(&mut self, act: Act) -> Taken {
        let (own, spare) = (numbered(self.step), numbered(self.step) + 5);
        let (number, minor) = self.picked;
        let model = &mut self.model;
        match act {
            Act::Confirm => model.confirm(own),
            Act::Block => model.block(),
            Act::Card => model.give_card(),
            Act::Amount(minor) => model.change_amount(minor),
            Act::Capture(minor, last) => model.capture(own, minor, last),
            Act::Cancel => model.cancel(own),
            Act::Expire => model.expire(own),
            Act::Increment(total) => model.increment(own, total),
            Act::Refund(minor) => model.refund(own, minor),
            Act::Reroute(_) => model.reroute(number, own),
            Act::Reverse(_) => model.reverse(number, own),
            Act::Retry(_) => model.retry(number),
            Act::Hear { kind, repeat, .. } => model.hear(number, said(kind, minor).1, (repeat, spare)),
            Act::TakesPartial(takes) => {
                model.takes_partial = takes;
                None
            }
            Act::Wait(ms) => {
                model.now += ms;
                None
            }
        }
    }
}

/// The number of the message that a step sends; what follows from the answer has one five higher.
const fn numbered(step: u64) -> u64 {
    step * 10
}

/// An answer in the domain's words and in the model's.
fn said(kind: u8, minor: i64) -> (Say, Word) {
    match kind {
        0 => (Say::Yes(minor), Word::Yes { minor, dollars: true }),
        1 => (Say::No(DeclineCode::DoNotHonor), Word::No),
        2 => (Say::Unknown, Word::Unknown),
        3 => (Say::NotSent, Word::NotSent),
        4 => (Say::NotFound, Word::NotFound),
        5 => (Say::Wait, Word::Wait { ask: false }),
        6 => (Say::Ask, Word::Wait { ask: true }),
        _last => (Say::YesIn(minor, Currency::EUR), Word::Yes { minor, dollars: false }),
    }
}

impl ReferenceStateMachine for Walk {
    type State = Walk;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Walk> {
        prop::bool::weighted(0.75).prop_map(Walk::new).boxed()
    }

    fn transitions(_walk: &Walk) -> BoxedStrategy<Act> {
        act().boxed()
    }

    fn apply(mut walk: Walk, act: &Act) -> Walk {
        walk.step += 1;
        walk.before = walk.outstanding();
        walk.picked = walk.subject(*act);
        walk.taken = walk.judge(*act);
        walk.numbers.extend(walk.model.wires.keys());
        walk
    }
}

/// The domain's side.
struct Domain {
    scene: Scene,
    taken: u32,
}

impl Domain {
    /// The act as a command. `None` if it only turns a knob.
    fn command(&mut self, act: Act, (number, minor): (u64, i64)) -> Option<Command> {
        let scene = &mut self.scene;
        Some(match act {
            Act::Confirm => scene.confirm(),
            Act::Block => {
                Command::Block { at: scene.now, risk: crate::scene::risk(RiskVerdict::Block), decision: None }
            }
            Act::Card => crate::table::update_card(),
            Act::Amount(minor) => crate::table::update_amount(usd(minor)),
            Act::Capture(minor, last) => scene.capture(minor, if last { Yes } else { No }),
            Act::Cancel => scene.cancel(CancellationReason::Duplicate),
            Act::Expire => scene.expire(),
            Act::Increment(total) => scene.increment(total),
            Act::Refund(minor) => scene.refund(minor),
            Act::Reroute(_) => scene.reroute(number, "bank-b"),
            Act::Reverse(_) => scene.reverse(number),
            Act::Retry(_) => scene.retry(number),
            Act::Hear { kind, repeat, .. } => {
                let transmission = if repeat { Transmission::Repeat } else { Transmission::First };
                scene.conclude(number, said(kind, minor).0, transmission)
            }
            Act::TakesPartial(takes) => {
                scene.accept_partial = takes;
                return None;
            }
            Act::Wait(ms) => {
                scene.now = scene.now.plus_ms(ms);
                return None;
            }
        })
    }

    fn agrees(&self, walk: &Walk, act: Act) {
        let (p, model) = (&self.scene.payment, &walk.model);
        let open: BTreeSet<u64> = p.open.iter().map(|o| o.trace.reference).collect();
        assert_eq!(open, walk.outstanding(), "outstanding after {act:?}");
        assert_eq!(p.status().as_str(), model.status(), "status after {act:?}");
        assert_eq!(p.capturable_minor(), model.capturable(), "capturable after {act:?}");
        assert_eq!(p.captured_minor(), model.captured(), "captured after {act:?}");
        assert_eq!(p.refunded_or_reserved_minor(), model.reserved(), "refunds after {act:?}");
        assert_eq!(p.amount.minor, model.amount, "amount after {act:?}");
        let silent = !matches!(act, Act::Hear { .. } | Act::Reverse(_) | Act::Cancel | Act::Reroute(_));
        assert!(!silent || walk.before.is_subset(&open), "{act:?} loses nothing that is outstanding");
    }
}

impl StateMachineTest for Domain {
    type SystemUnderTest = Domain;
    type Reference = Walk;

    fn init_test(walk: &Walk) -> Domain {
        let method = if walk.model.manual { CaptureMethod::Manual } else { CaptureMethod::Automatic };
        Domain { scene: Scene::new(method), taken: 0 }
    }

    fn apply(mut domain: Domain, walk: &Walk, act: Act) -> Domain {
        domain.scene.step += 1;
        assert_eq!((domain.scene.step, domain.scene.reference()), (walk.step, numbered(walk.step)));
        let Some(command) = domain.command(act, walk.picked) else { return domain };
        let status = domain.scene.payment.status();
        let outcome = domain.scene.run(command);
        assert_eq!(outcome.is_ok(), walk.taken.is_some(), "{act:?} at {status:?}: {outcome:?}");
        domain.taken += u32::from(outcome.is_ok());
        domain.agrees(walk, act);
        domain
    }

    fn teardown(domain: Domain, _walk: Walk) {
        let payment = &domain.scene.payment;
        REACHED.with(|cell| {
            let [walks, steps, captured, refunded] = cell.get();
            let (money, back) = (payment.captured_minor() > 0, payment.refunded_minor() > 0);
            cell.set([
                walks + 1,
                steps + domain.taken,
                captured + u32::from(money),
                refunded + u32::from(back),
            ]);
        });
    }
}

thread_local! {
    /// Walks, transitions taken, walks on which money was captured, and on which it was refunded.
    static REACHED: Cell<[u32; 4]> = const { Cell::new([0; 4]) };
}

prop_state_machine! {
    #![proptest_config(Config { failure_persistence: None, max_shrink_iters: 4000, ..Config::with_cases(CASES) })]

    fn walk_together(sequential 30..90 => Domain);
}

const CASES: u32 = 4000;

/// The walks agree, and they reach what they are about.
#[test]
fn the_domain_agrees_with_the_model() {
    walk_together();
    let [walks, steps, captured, refunded] = REACHED.with(Cell::get);
    println!(
        "{walks} payments, {steps} transitions taken, {captured} with money captured, {refunded} with money refunded"
    );
    // Waiting, and changing what the merchant takes, are no transitions.
    assert!(
        walks >= CASES && steps > CASES * 8 && captured > CASES / 5 && refunded > CASES / 20,
        "the walk reaches what it is about"
    );
}
