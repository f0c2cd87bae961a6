//! Idempotency against a small reference model: the whole application, as two processes over one store, and requests that come
//! first, come again, come while the first runs, come with other parameters, and come to a process that dies.

#[path = "../sim/lab/clock.rs"]
#[allow(dead_code, reason = "the wall clock stays right here")]
mod clock;
#[path = "../sim/lab/random.rs"]
#[allow(dead_code, reason = "the engine's port is all that is needed")]
mod random;

mod bank;
mod process;
mod reference;
mod system;

use proptest::test_runner::Config;
use proptest_state_machine::prop_state_machine;
use system::Keys;

prop_state_machine! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(192) })]

    #[test]
    fn each_key_is_first_once_and_answers_alike_for_ever(sequential 8..40 => Keys);
}

/// The walk reaches every verdict, or it proves little.
#[test]
fn the_walk_comes_to_every_verdict() {
    use proptest::strategy::{Strategy, ValueTree};
    use proptest::test_runner::{RngSeed, TestRunner};
    use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
    use reference::Model;
    let config = Config { failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..Config::default() };
    let mut runner = TestRunner::new(config.clone());
    for _case in 0..12 {
        let tree = Model::sequential_strategy(40..60).new_tree(&mut runner).expect("a walk can be drawn");
        let (model, acts, seen) = tree.current();
        Keys::test_sequential(config.clone(), model, acts, seen);
    }
    let reached = system::REACHED.take();
    for verdict in ["first", "in flight", "elsewhere", "replay", "mismatch", "raced", "died", "silent"] {
        assert!(reached.get(verdict).is_some_and(|times| *times >= 5), "{verdict}: {reached:?}");
    }
    println!("{reached:?}");
}
