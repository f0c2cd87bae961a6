//! Random commands and answers, to the domain and to a reference model: they must agree after every step.

mod reference;

use crate::scene::{START, Say, Scene, usd};
use gateway_core::acquirer::FinalCapture::{No, Yes};
use gateway_core::acquirer::{DeclineCode, Transmission};
use gateway_core::payment::{AUTHORIZATION_LIFE_MS, CancellationReason, CaptureMethod, Command, RiskVerdict};
use gateway_core::{Currency, Refusal};
use proptest::prelude::*;
use reference::{Model, Taken, What, Word};
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

struct Pair {
    scene: Scene,
    model: Model,
    /// Every number that was ever given to a message.
    numbers: BTreeSet<u64>,
}

impl Pair {
    fn new(manual: bool) -> Self {
        let method = if manual { CaptureMethod::Manual } else { CaptureMethod::Automatic };
        Self { scene: Scene::new(method), model: Model::new(manual, START), numbers: BTreeSet::from([0]) }
    }

    fn pick(&self, pick: usize, old: bool) -> u64 {
        let numbers: Vec<u64> = if old {
            self.numbers.iter().copied().collect()
        } else {
            self.model.wires.keys().copied().collect()
        };
        if numbers.is_empty() { 7 } else { numbers[pick % numbers.len()] }
    }

    fn amount_of(&self, number: u64) -> i64 {
        match self.model.wires.get(&number).map(|wire| wire.what) {
            Some(What::Take { minor, .. }) => minor,
            Some(What::Raise(total)) => total,
            Some(What::Back(refund)) => {
                let of = |r: &&gateway_core::payment::Refund| r.trace.reference == refund;
                self.scene.payment.refunds.iter().find(of).map_or(0, |r| r.amount_minor)
            }
            Some(What::Pay | What::Drop { .. } | What::Undo { .. } | What::Rest) | None => self.model.amount,
        }
    }

    /// The act as a command, and what the model makes of it. `None` if it only turns a knob.
    fn both(&mut self, act: Act) -> Option<(Command, Taken)> {
        let (scene, model, own) = (&self.scene, &mut self.model, self.scene.reference());
        Some(match act {
            Act::Confirm => (scene.confirm(), model.confirm(own)),
            Act::Block => (
                Command::Block {
                    at: scene.now,
                    risk: crate::scene::risk(RiskVerdict::Block),
                    decision: None,
                },
                model.block(),
            ),
            Act::Card => (crate::table::update_card(), model.give_card()),
            Act::Amount(minor) => (crate::table::update_amount(usd(minor)), model.change_amount(minor)),
            Act::Capture(minor, last) => {
                (scene.capture(minor, if last { Yes } else { No }), model.capture(own, minor, last))
            }
            Act::Cancel => (scene.cancel(CancellationReason::Duplicate), model.cancel(own)),
            Act::Expire => (scene.expire(), model.expire(own)),
            Act::Increment(total) => (scene.increment(total), model.increment(own, total)),
            Act::Refund(minor) => (scene.refund(minor), model.refund(own, minor)),
            Act::Reroute(pick) => {
                let from = self.pick(pick, false);
                (self.scene.reroute(from, "bank-b"), self.model.reroute(from, own))
            }
            Act::Reverse(pick) => {
                let of = self.pick(pick, false);
                (self.scene.reverse(of), self.model.reverse(of, own))
            }
            Act::Retry(pick) => {
                let of = self.pick(pick, false);
                (self.scene.retry(of), self.model.retry(of))
            }
            Act::Hear { pick, old, kind, off, repeat } => {
                self.hear(self.pick(pick, old), (kind, off), repeat)
            }
            Act::TakesPartial(takes) => {
                (self.scene.accept_partial, model.takes_partial) = (takes, takes);
                return None;
            }
            Act::Wait(ms) => {
                model.now += ms;
                self.scene.now = self.scene.now.plus_ms(ms);
                return None;
            }
        })
    }

    fn hear(&mut self, number: u64, (kind, off): (u8, i64), repeat: bool) -> (Command, Taken) {
        let minor = self.amount_of(number) + off;
        let foreign = Currency::EUR;
        let (say, word) = match kind {
            0 => (Say::Yes(minor), Word::Yes { minor, dollars: true }),
            1 => (Say::No(DeclineCode::DoNotHonor), Word::No),
            2 => (Say::Unknown, Word::Unknown),
            3 => (Say::NotSent, Word::NotSent),
            4 => (Say::NotFound, Word::NotFound),
            5 => (Say::Wait, Word::Wait { ask: false }),
            6 => (Say::Ask, Word::Wait { ask: true }),
            _last => (Say::YesIn(minor, foreign), Word::Yes { minor, dollars: false }),
        };
        let transmission = if repeat { Transmission::Repeat } else { Transmission::First };
        let command = self.scene.conclude(number, say, transmission);
        let taken = self.model.hear(number, word, (repeat, self.scene.spare()));
        (command, taken)
    }

    fn step(&mut self, act: Act) -> Result<(), Refusal> {
        self.scene.step += 1;
        let before: BTreeSet<u64> = self.model.wires.keys().copied().collect();
        let Some((command, taken)) = self.both(act) else { return Ok(()) };
        let status = self.scene.payment.status();
        let outcome = self.scene.run(command);
        assert_eq!(outcome.is_ok(), taken.is_some(), "{act:?} at {status:?}: {outcome:?}");
        self.numbers.extend(self.model.wires.keys());
        let p = &self.scene.payment;
        let open: BTreeSet<u64> = p.open.iter().map(|o| o.trace.reference).collect();
        let wires: BTreeSet<u64> = self.model.wires.keys().copied().collect();
        assert_eq!(open, wires, "outstanding after {act:?}");
        assert_eq!(p.status().as_str(), self.model.status(), "status after {act:?}");
        assert_eq!(p.capturable_minor(), self.model.capturable(), "capturable after {act:?}");
        assert_eq!(p.captured_minor(), self.model.captured(), "captured after {act:?}");
        assert_eq!(p.refunded_or_reserved_minor(), self.model.reserved(), "refunds after {act:?}");
        assert_eq!(p.amount.minor, self.model.amount, "amount after {act:?}");
        let silent = !matches!(act, Act::Hear { .. } | Act::Reverse(_) | Act::Cancel | Act::Reroute(_));
        assert!(!silent || before.is_subset(&open), "{act:?} loses nothing that is outstanding");
        outcome
    }
}

thread_local! {
    static REACHED: Cell<[u32; 3]> = const { Cell::new([0; 3]) };
}

fn note(payment: &gateway_core::Payment, taken: u32) {
    REACHED.with(|cell| {
        let [steps, succeeded, refunds] = cell.get();
        let done = u32::from(payment.captured_minor() > 0);
        cell.set([steps + taken, succeeded + done, refunds + u32::from(payment.refunded_minor() > 0)]);
    });
}

#[test]
fn the_domain_agrees_with_the_model() {
    const CASES: u32 = 4000;
    let config = ProptestConfig { max_shrink_iters: 4000, ..ProptestConfig::with_cases(CASES) };
    proptest!(config, |(manual in prop::bool::weighted(0.75), acts in proptest::collection::vec(act(), 30..90))| {
        let mut pair = Pair::new(manual);
        let taken = acts.into_iter().filter(|act| pair.step(*act).is_ok()).count();
        note(&pair.scene.payment, u32::try_from(taken).expect("few"));
    });
    let [steps, captured, refunded] = REACHED.with(Cell::get);
    println!(
        "{CASES} payments, {steps} transitions taken, {captured} with money captured, {refunded} with money refunded"
    );
    assert!(
        steps > CASES * 10 && captured > CASES / 5 && refunded > CASES / 20,
        "the walk reaches what it is about"
    );
}
