//! How a table of cases is run: steps, and after each the payment in a line or the refusal.

use crate::scene::{Say, Scene, risk};
use gateway_core::acquirer::{Able, FinalCapture, Transmission};
use gateway_core::payment::{
    CancellationReason, CaptureMethod, Command, InstrumentChange, RiskVerdict, Settlement,
};
use gateway_core::{Money, Refusal, Timestamp};
use std::sync::Arc;

/// What happens next. The n-th step's message has the number 10n, a reversal or release that its answer causes 10n + 5.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Confirm,
    Block,
    Reroute(u64, &'static str),
    /// Without an amount: all of it.
    Capture(Option<i64>, FinalCapture),
    Cancel,
    Expire,
    Increment(i64),
    /// Without an amount: all that remains.
    Refund(Option<i64>),
    Reverse(u64),
    Retry(u64),
    /// An operator's word.
    Settle(u64, Settlement),
    /// An answer to the first sending of a message.
    Hear(u64, Say),
    /// An answer to its repetition, or to an inquiry.
    HearAgain(u64, Say),
    Describe(&'static str),
    Amount(Money),
    Method(CaptureMethod),
    Card,
    /// The card is taken back.
    NoCard,
    /// Time passes, in milliseconds.
    Wait(i64),
    /// The acquirer can do this much: partial captures, several captures, increments.
    Able(Able, Able, Able),
    /// The merchant takes approvals for less.
    TakesPartial,
}

/// A name, when money is taken, and the steps with what is seen after each: the payment's line, or the refusal after `!`.
pub type Case = (&'static str, CaptureMethod, &'static [(Step, &'static str)]);

fn update(amount: Option<Money>, method: Option<CaptureMethod>, words: Option<&str>) -> Command {
    let details =
        gateway_core::payment::Details { description: words.map(str::to_owned), ..Default::default() };
    Command::Update {
        amount,
        capture_method: method,
        details: details.into(),
        instrument: InstrumentChange::Keep,
    }
}

/// Another amount.
pub fn update_amount(amount: Money) -> Command {
    update(Some(amount), None, None)
}

/// Another card.
pub fn update_card() -> Command {
    change_card(InstrumentChange::Set(Box::new(crate::scene::instrument())))
}

fn change_card(instrument: InstrumentChange) -> Command {
    Command::Update { amount: None, capture_method: None, details: Arc::default(), instrument }
}

fn command(scene: &mut Scene, step: Step) -> Option<Command> {
    Some(match step {
        Step::Confirm => scene.confirm(),
        Step::Block => Command::Block { at: scene.now, risk: risk(RiskVerdict::Block), decision: None },
        Step::Reroute(from, acquirer) => scene.reroute(from, acquirer),
        Step::Capture(amount, last) => scene.capture(amount, last),
        Step::Cancel => scene.cancel(CancellationReason::RequestedByCustomer),
        Step::Expire => scene.expire(),
        Step::Increment(total) => scene.increment(total),
        Step::Refund(amount) => scene.refund(amount),
        Step::Reverse(reference) => scene.reverse(reference),
        Step::Retry(reference) => scene.retry(reference),
        Step::Settle(reference, word) => scene.settle(reference, word),
        Step::Hear(reference, say) => scene.conclude(reference, say, Transmission::First),
        Step::HearAgain(reference, say) => scene.conclude(reference, say, Transmission::Repeat),
        Step::Describe(words) => update(None, None, Some(words)),
        Step::Amount(amount) => update_amount(amount),
        Step::Method(method) => update(None, Some(method), None),
        Step::Card => update_card(),
        Step::NoCard => change_card(InstrumentChange::Clear),
        Step::Wait(ms) => {
            scene.now = Timestamp(scene.now.0 + ms);
            return None;
        }
        Step::Able(partial, multiple, incremental) => {
            scene.abilities.partial_capture = partial;
            scene.abilities.multiple_capture = multiple;
            scene.abilities.incremental = incremental;
            return None;
        }
        Step::TakesPartial => {
            scene.accept_partial = true;
            return None;
        }
    })
}

/// Takes one step: the payment's line after it, or the refusal.
pub fn take(scene: &mut Scene, step: Step) -> String {
    scene.step += 1;
    let before = (scene.payment.clone(), scene.history.len());
    let outcome: Result<(), Refusal> = match command(scene, step) {
        Some(command) => scene.run(command),
        None => Ok(()),
    };
    match outcome {
        Ok(()) => scene.line(),
        Err(refusal) => {
            assert_eq!(before, (scene.payment.clone(), scene.history.len()), "a refusal changes nothing");
            format!("! {refusal:?}")
        }
    }
}

/// Runs every case of a table and reports all that differ.
pub fn run(cases: &[Case]) {
    let mut differ = Vec::new();
    for (name, method, steps) in cases {
        let mut scene = Scene::new(*method);
        for (number, (step, wanted)) in steps.iter().enumerate() {
            let seen = take(&mut scene, *step);
            if seen != *wanted {
                differ.push(format!(
                    "{name}, step {}: {step:?}\n   wanted {wanted}\n   seen   {seen}",
                    number + 1
                ));
            }
        }
    }
    assert!(differ.is_empty(), "{} lines differ:\n{}", differ.len(), differ.join("\n"));
}
