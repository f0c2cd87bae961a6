//! What a seed draws before it begins: which faults are on, how often they strike, and who takes part.

use super::faults::Fault;
use super::random::Dice;
use gateway::routing::settings::{Fee, Routing, When};
use gateway_core::payment::Strategy;
use rust_decimal::Decimal;
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

/// How the gateway speaks to an acquirer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// Through the acquirer port, which the laboratory fills: anything that an adapter may answer.
    Port,
    /// ISO 8583: the adapter that is shipped, over streams of memory.
    Iso8583,
}

/// One acquirer as drawn.
#[derive(Debug, Clone, Copy)]
pub struct BankDraw {
    pub speaks: Speaks,
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
    /// Which of them is asked.
    pub routing: Routing,
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
        | Fault::Undecided
        | Fault::TornRequest
        | Fault::TornAnswer => dice.between(5, 80),
        Fault::Challenged => dice.between(20, 200),
        Fault::ChallengeFailed | Fault::ChallengeLeft | Fault::ChallengeTwice => dice.between(100, 300),
        Fault::SignOnFails | Fault::EchoLost => dice.between(50, 400),
        Fault::OperatorSettles => dice.between(100, 900),
        Fault::Outage => dice.between(50, 300),
        Fault::Killed | Fault::PowerLost => dice.between(1, 4),
        Fault::TornWrite | Fault::SyncFailed | Fault::DiskFull => dice.between(1, 3),
        Fault::ClockAhead | Fault::ClockBack => dice.between(1, 3),
        Fault::WeekAhead => dice.between(1, 2),
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
        let banks: Vec<BankDraw> = (0..dice.between(1, 3)).map(|_| bank(dice)).collect();
        // An ISO 8583 host recognises a repeat for a day, and can't be asked about it later: what is under way then waits for an
        // operator (a weak spot that is named).
        if banks.iter().any(|bank| bank.speaks == Speaks::Iso8583) {
            rates.remove(&Fault::WeekAhead);
        }
        Self {
            rates,
            banks,
            routing: routing(dice),
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

fn routing(dice: &mut Dice) -> Routing {
    let strategies = [
        Strategy::Priority,
        Strategy::Weighted,
        Strategy::LeastInFlight,
        Strategy::Hash,
        Strategy::Random,
        Strategy::Cost,
        Strategy::Bandit,
    ];
    let fee = |acquirer: &str, percent: u64| Fee {
        acquirer: acquirer.to_owned(),
        when: When { currency: vec!["usd".to_owned()], ..When::default() },
        percent: Decimal::from(percent),
        fixed_minor: Decimal::ONE_HUNDRED,
    };
    // Of one that is always there; what the others charge is not known.
    let fees = vec![fee("bank-a", dice.between(0, 3))];
    Routing { strategy: dice.pick(&strategies), tries: dice.between(1, 3) as u32, fees, ..Routing::default() }
}

fn bank(dice: &mut Dice) -> BankDraw {
    BankDraw {
        speaks: if dice.per_mille(300) { Speaks::Iso8583 } else { Speaks::Port },
        unseen: dice.pick(&[Unseen::NotFound, Unseen::Remembered, Unseen::Acknowledged]),
        inquiry: dice.per_mille(600),
        timeout_ms: dice.pick(&[1_000, 2_500, 5_000]),
        max_delay_ms: dice.pick(&[6_000, 12_000]),
        declines: dice.between(0, 150),
    }
}
