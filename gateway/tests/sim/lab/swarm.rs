//! What a seed draws before it begins: which faults are on, how often they strike, and who takes part.

use super::faults::Fault;
use super::random::Dice;
use std::collections::BTreeMap;

/// What an acquirer says to a reversal of a message that it never saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    /// "No such message", and forgets it: should the message come later, it is approved.
    NotFound,
    /// "Done", and remembers: should the message come later, it is refused.
    Remembered,
    /// "Done", and forgets: should the message come later, it is approved, and told as often as it takes.
    Acknowledged,
}

/// One acquirer as drawn.
#[derive(Debug, Clone, Copy)]
pub struct BankDraw {
    pub unseen: Unseen,
    /// Whether it answers inquiries.
    pub inquiry: bool,
    /// An answer is waited for so long.
    pub timeout_ms: u64,
    /// A message arrives within this, or never.
    pub max_delay_ms: u64,
    /// Of a thousand cards, so many are declined.
    pub declines: u64,
}

/// One seed's draw.
#[derive(Debug, Clone)]
pub struct Swarm {
    /// Times in a thousand, of the faults that are on.
    rates: BTreeMap<Fault, u64>,
    pub banks: Vec<BankDraw>,
    pub clients: u64,
    /// Payments a client makes.
    pub payments: u64,
    /// Commits between two checkpoints of the store.
    pub checkpoint_every: u64,
}

fn rate(fault: Fault, dice: &mut Dice) -> u64 {
    match fault {
        Fault::HangUp => dice.between(50, 300),
        Fault::RaceSameKey | Fault::RaceOther | Fault::OtherBody => dice.between(30, 150),
        Fault::Refused
        | Fault::RequestLost
        | Fault::RequestLate
        | Fault::RequestTwice
        | Fault::AnswerSlow
        | Fault::AnswerLost
        | Fault::AnswerLate
        | Fault::AnswerTwice
        | Fault::Reset
        | Fault::Garbled
        | Fault::OtherAmount
        | Fault::Undecided => dice.between(5, 80),
        Fault::Outage => dice.between(50, 300),
        Fault::Killed | Fault::PowerLost => dice.between(1, 4),
        Fault::TornWrite | Fault::SyncFailed | Fault::DiskFull => dice.between(1, 3),
        Fault::ClockAhead | Fault::ClockBack => dice.between(1, 3),
    }
}

impl Swarm {
    /// Draws one. Without `faults`, all are off.
    pub fn draw(dice: &mut Dice, faults: bool) -> Self {
        let share = dice.between(100, 700);
        let mut rates = BTreeMap::new();
        for fault in Fault::ALL {
            let (on, rate) = (dice.per_mille(share), rate(fault, dice));
            if on && faults {
                rates.insert(fault, rate);
            }
        }
        let banks = (0..dice.between(1, 2)).map(|_| bank(dice)).collect();
        Self {
            rates,
            banks,
            clients: dice.between(3, 9),
            payments: dice.between(12, 24),
            checkpoint_every: dice.between(20, 400),
        }
    }

    /// How often a fault strikes, in a thousand; 0 if it is off.
    pub fn rate(&self, fault: Fault) -> u64 {
        self.rates.get(&fault).copied().unwrap_or(0)
    }
}

fn bank(dice: &mut Dice) -> BankDraw {
    BankDraw {
        unseen: dice.pick(&[Unseen::NotFound, Unseen::Remembered, Unseen::Acknowledged]),
        inquiry: dice.per_mille(600),
        timeout_ms: dice.pick(&[1_000, 2_500, 5_000]),
        max_delay_ms: dice.pick(&[6_000, 12_000]),
        declines: dice.between(0, 150),
    }
}
