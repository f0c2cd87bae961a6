//! What can go wrong, where, and which of these pairs can be reached at all.

/// Everything that the simulation does to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The client hangs up before its answer.
    HangUp,
    /// The same request under the same key, twice at once.
    RaceSameKey,
    /// Two operations of one payment at once, under two keys.
    RaceOther,
    /// A key that is in use, with another body.
    OtherBody,
    /// The acquirer takes no connection: nothing leaves.
    Refused,
    /// The message is lost on its way.
    RequestLost,
    /// The message comes after its sender stopped waiting.
    RequestLate,
    /// The network delivers the message twice.
    RequestTwice,
    /// The answer takes long, but comes in time.
    AnswerSlow,
    /// The answer is lost.
    AnswerLost,
    /// The answer comes after its deadline, possibly after the reversal.
    AnswerLate,
    /// The answer comes twice.
    AnswerTwice,
    /// The connection breaks while the answer is awaited.
    Reset,
    /// The answer can't be read.
    Garbled,
    /// The acquirer approves for another amount.
    OtherAmount,
    /// The acquirer takes it, and decides later.
    Undecided,
    /// The acquirer wants the customer to act first.
    Challenged,
    /// Only a part of the message arrives before the link breaks.
    TornRequest,
    /// Only a part of the answer arrives before the link breaks.
    TornAnswer,
    /// The acquirer is down for a while.
    Outage,
    /// The host refuses the sign-on, or does not answer it.
    SignOnFails,
    /// The host does not answer the echo.
    EchoLost,
    /// The customer fails the challenge.
    ChallengeFailed,
    /// The customer goes away.
    ChallengeLeft,
    /// The customer answers the challenge twice at once.
    ChallengeTwice,
    /// An operator settles a message, with what the acquirer's book says, while the engine works on it.
    OperatorSettles,
    /// The process is killed; what it wrote is there.
    Killed,
    /// The machine loses power: what was not synced is lost or torn.
    PowerLost,
    /// The power goes in the middle of a write.
    TornWrite,
    /// A sync reports an error.
    SyncFailed,
    /// A write finds the disk full.
    DiskFull,
    /// The wall clock is set ahead.
    ClockAhead,
    /// The wall clock is set back.
    ClockBack,
    /// The wall clock is set ahead by eight days: every hold has run out.
    WeekAhead,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 34] = [
        Fault::HangUp,
        Fault::RaceSameKey,
        Fault::RaceOther,
        Fault::OtherBody,
        Fault::Refused,
        Fault::RequestLost,
        Fault::RequestLate,
        Fault::RequestTwice,
        Fault::AnswerSlow,
        Fault::AnswerLost,
        Fault::AnswerLate,
        Fault::AnswerTwice,
        Fault::Reset,
        Fault::Garbled,
        Fault::OtherAmount,
        Fault::Undecided,
        Fault::Challenged,
        Fault::TornRequest,
        Fault::TornAnswer,
        Fault::Outage,
        Fault::SignOnFails,
        Fault::EchoLost,
        Fault::ChallengeFailed,
        Fault::ChallengeLeft,
        Fault::ChallengeTwice,
        Fault::OperatorSettles,
        Fault::Killed,
        Fault::PowerLost,
        Fault::TornWrite,
        Fault::SyncFailed,
        Fault::DiskFull,
        Fault::ClockAhead,
        Fault::ClockBack,
        Fault::WeekAhead,
    ];

    /// Those of which the wire draws at most one a message.
    pub const WIRE: [Fault; 15] = [
        Fault::Refused,
        Fault::RequestLost,
        Fault::RequestLate,
        Fault::RequestTwice,
        Fault::AnswerSlow,
        Fault::AnswerLost,
        Fault::AnswerLate,
        Fault::AnswerTwice,
        Fault::Reset,
        Fault::Garbled,
        Fault::OtherAmount,
        Fault::Undecided,
        Fault::Challenged,
        Fault::TornRequest,
        Fault::TornAnswer,
    ];

    /// Those of which a commit draws at most one.
    pub const COMMIT: [Fault; 8] = [
        Fault::Killed,
        Fault::PowerLost,
        Fault::TornWrite,
        Fault::SyncFailed,
        Fault::DiskFull,
        Fault::ClockAhead,
        Fault::ClockBack,
        Fault::WeekAhead,
    ];

    /// Those that can strike between two steps.
    pub const BETWEEN: [Fault; 5] =
        [Fault::Killed, Fault::PowerLost, Fault::ClockAhead, Fault::ClockBack, Fault::WeekAhead];

    /// What the customer does instead of passing a challenge.
    pub const CUSTOMER: [Fault; 3] = [Fault::ChallengeFailed, Fault::ChallengeLeft, Fault::ChallengeTwice];
}

/// Where an operation stands when a fault strikes. The numbers are those of the design's steps; what lies before the claim
/// (head, body, key, limits, parameters) is the edge's, which this simulation does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// S6: its key is being claimed.
    Claim,
    /// S7: it is scored.
    Score,
    /// S8: its intent is being made durable.
    Intend,
    /// S9: its intent is durable, its message is leaving.
    Send,
    /// S10: its message has left, no answer has come.
    Wait,
    /// S11: its answer has come.
    Parse,
    /// S12: its outcome is being made durable.
    Record,
    /// S13: its outcome is durable, nobody was told.
    Answer,
    /// The process starts again.
    Recover,
    /// Somebody outside acts: the customer on the challenge's page, or an operator.
    Act,
}

impl Stage {
    /// All of them.
    pub const ALL: [Stage; 10] = [
        Stage::Claim,
        Stage::Score,
        Stage::Intend,
        Stage::Send,
        Stage::Wait,
        Stage::Parse,
        Stage::Record,
        Stage::Answer,
        Stage::Recover,
        Stage::Act,
    ];
}

/// What the operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    Authorize,
    Sale,
    Increment,
    Capture,
    Void,
    Refund,
    /// Undoing a message of unknown outcome.
    Reverse,
    /// Giving back the rest of a hold.
    Release,
    /// Asking what became of a message.
    Inquire,
    /// Anything that asks no acquirer.
    Plain,
    /// The link itself: sign-on and echo.
    Link,
}

use Deed as D;

/// What clients ask for, where an acquirer is asked in turn.
const ASKED: &[Deed] = &[D::Authorize, D::Sale, D::Increment, D::Capture, D::Void, D::Refund];
/// The same, and what asks no acquirer.
const KEYED: &[Deed] = &[D::Authorize, D::Sale, D::Increment, D::Capture, D::Void, D::Refund, D::Plain];
/// What needs a durable intent.
const MOVES: &[Deed] =
    &[D::Authorize, D::Sale, D::Increment, D::Capture, D::Void, D::Refund, D::Reverse, D::Release];
/// What goes over the wire.
const MESSAGES: &[Deed] = &[
    D::Authorize,
    D::Sale,
    D::Increment,
    D::Capture,
    D::Void,
    D::Refund,
    D::Reverse,
    D::Release,
    D::Inquire,
];
/// What is written down when an answer comes, or none.
const RECORDED: &[Deed] = &[
    D::Authorize,
    D::Sale,
    D::Increment,
    D::Capture,
    D::Void,
    D::Refund,
    D::Reverse,
    D::Release,
    D::Inquire,
    D::Plain,
];
/// What can be for another amount.
const AMOUNTS: &[Deed] = &[D::Authorize, D::Sale, D::Increment, D::Capture, D::Refund];
/// What an acquirer can leave undecided.
const DECIDED: &[Deed] = &[D::Authorize, D::Sale, D::Refund];
/// What the customer can be asked to act for.
const PAID: &[Deed] = &[D::Authorize, D::Sale];
/// What goes over a link that speaks ISO 8583: it has no message to raise a hold, nor to ask what became of another.
const FRAMED: &[Deed] = &[D::Authorize, D::Sale, D::Capture, D::Void, D::Refund, D::Reverse, D::Release];
/// What a link says for itself.
const LINK: &[Deed] = &[D::Link];
/// The start of a process as a whole.
const START: &[Deed] = &[D::Plain];

/// Which deeds a fault can strike at a stage, or why none.
#[derive(Debug, Clone, Copy)]
pub enum Reach {
    Deeds(&'static [Deed]),
    Never(&'static str),
}

const NOT_ITS_PLACE: Reach = Reach::Never("the fault belongs to other steps");
const NO_AWAIT: Reach = Reach::Never("scoring neither waits nor writes: nothing can come between");

/// The table of pairs.
pub const fn reach(fault: Fault, stage: Stage) -> Reach {
    match (fault, stage) {
        (_, Stage::Score) => NO_AWAIT,
        (Fault::HangUp, Stage::Claim | Stage::Record | Stage::Answer) => Reach::Deeds(KEYED),
        (Fault::HangUp, Stage::Intend | Stage::Wait) => Reach::Deeds(ASKED),
        (Fault::HangUp, Stage::Send | Stage::Parse) => Reach::Never(
            "the flow does not wait there, so that a hang-up counts for the step before or after",
        ),
        (Fault::HangUp, Stage::Recover) => Reach::Never("a process that starts has no clients"),
        (Fault::HangUp, Stage::Act) => Reach::Never("customers and operators have no key to come back under"),
        (Fault::RaceSameKey | Fault::OtherBody, Stage::Claim) => Reach::Deeds(KEYED),
        (Fault::RaceOther, Stage::Claim) => Reach::Deeds(&[D::Capture, D::Void, D::Refund]),
        (Fault::RaceSameKey | Fault::OtherBody | Fault::RaceOther, _) => NOT_ITS_PLACE,
        (Fault::Refused | Fault::RequestLost | Fault::RequestTwice | Fault::Outage, Stage::Send) => {
            Reach::Deeds(MESSAGES)
        }
        (Fault::RequestLate, Stage::Send) => Reach::Deeds(MOVES),
        (Fault::AnswerSlow | Fault::AnswerLost | Fault::AnswerLate | Fault::Reset, Stage::Wait) => {
            Reach::Deeds(MESSAGES)
        }
        (Fault::AnswerTwice, Stage::Wait) => Reach::Deeds(ASKED),
        (Fault::Garbled, Stage::Parse) => Reach::Deeds(MESSAGES),
        (Fault::OtherAmount, Stage::Parse) => Reach::Deeds(AMOUNTS),
        (Fault::Undecided, Stage::Wait) => Reach::Deeds(DECIDED),
        (Fault::Challenged, Stage::Wait) => Reach::Deeds(PAID),
        (Fault::TornRequest, Stage::Send) | (Fault::TornAnswer, Stage::Wait) => Reach::Deeds(FRAMED),
        (Fault::SignOnFails, Stage::Send) | (Fault::EchoLost, Stage::Wait) => Reach::Deeds(LINK),
        (Fault::ChallengeFailed | Fault::ChallengeLeft | Fault::ChallengeTwice, Stage::Act) => {
            Reach::Deeds(PAID)
        }
        (Fault::OperatorSettles, Stage::Act) => Reach::Deeds(MOVES),
        (
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
            | Fault::Challenged
            | Fault::TornRequest
            | Fault::TornAnswer
            | Fault::SignOnFails
            | Fault::EchoLost
            | Fault::ChallengeFailed
            | Fault::ChallengeLeft
            | Fault::ChallengeTwice
            | Fault::OperatorSettles
            | Fault::Outage,
            _,
        ) => NOT_ITS_PLACE,
        (Fault::TornWrite | Fault::SyncFailed | Fault::DiskFull, Stage::Intend) => Reach::Deeds(MOVES),
        (Fault::TornWrite | Fault::SyncFailed | Fault::DiskFull, Stage::Record) => Reach::Deeds(RECORDED),
        (Fault::TornWrite | Fault::SyncFailed | Fault::DiskFull, Stage::Recover) => Reach::Deeds(START),
        (Fault::TornWrite | Fault::SyncFailed | Fault::DiskFull, _) => {
            Reach::Never("nothing is written there")
        }
        (
            Fault::Killed | Fault::PowerLost | Fault::ClockAhead | Fault::ClockBack | Fault::WeekAhead,
            Stage::Claim,
        ) => Reach::Deeds(KEYED),
        (
            Fault::Killed | Fault::PowerLost | Fault::ClockAhead | Fault::ClockBack | Fault::WeekAhead,
            Stage::Intend | Stage::Send,
        ) => Reach::Deeds(MOVES),
        (
            Fault::Killed | Fault::PowerLost | Fault::ClockAhead | Fault::ClockBack | Fault::WeekAhead,
            Stage::Wait | Stage::Parse,
        ) => Reach::Deeds(MESSAGES),
        (
            Fault::Killed | Fault::PowerLost | Fault::ClockAhead | Fault::ClockBack | Fault::WeekAhead,
            Stage::Record | Stage::Answer,
        ) => Reach::Deeds(RECORDED),
        (
            Fault::Killed | Fault::PowerLost | Fault::ClockAhead | Fault::ClockBack | Fault::WeekAhead,
            Stage::Recover,
        ) => Reach::Deeds(START),
        (
            Fault::Killed | Fault::PowerLost | Fault::ClockAhead | Fault::ClockBack | Fault::WeekAhead,
            Stage::Act,
        ) => Reach::Deeds(PAID),
    }
}

/// A fault at a step.
pub type Pair = (Fault, Stage, Deed);

/// All pairs that can be reached.
pub fn reachable() -> Vec<Pair> {
    let mut pairs = Vec::new();
    for fault in Fault::ALL {
        for stage in Stage::ALL {
            if let Reach::Deeds(deeds) = reach(fault, stage) {
                pairs.extend(deeds.iter().map(|deed| (fault, stage, *deed)));
            }
        }
    }
    pairs
}

/// Whether a pair stands in the table.
pub fn is_reachable((fault, stage, deed): Pair) -> bool {
    matches!(reach(fault, stage), Reach::Deeds(deeds) if deeds.contains(&deed))
}

/// The pairs that can't be reached, with the reason.
pub fn unreachable() -> Vec<(Fault, Stage, &'static str)> {
    let each = |fault| Stage::ALL.map(|stage| (fault, stage));
    let why = |(fault, stage)| match reach(fault, stage) {
        Reach::Never(why) => Some((fault, stage, why)),
        Reach::Deeds(_) => None,
    };
    Fault::ALL.into_iter().flat_map(each).filter_map(why).collect()
}
