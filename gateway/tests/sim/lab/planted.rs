//! Bugs that are planted on purpose: the ports misbehave as if the engine had them. Each shows that the auditor can fail.

/// The fifteen pitfalls, by their numbers. Where a pitfall lies inside the engine, the port next to it does what the engine
/// would make it do; `gateway/docs/simulation.md` says for each what stands for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// 1. A client that hangs up takes its flow with it.
    FlowDiesWithClient,
    /// 2. A commit is acknowledged before it is written, so the message leaves before its intent is durable.
    SentBeforeDurable,
    /// 3. An unknown outcome is told as a decline.
    UnknownIsDeclined,
    /// 4. An inquiry authorizes again, under new numbers.
    AskedByPayingAgain,
    /// 5. Late answers are given to whichever message is outstanding, by the trace number alone.
    LateAnswerAstray,
    /// 6. A claim without a final answer is forgotten.
    ClaimForgotten,
    /// 7. A sync returns before the disk has anything.
    SyncThatIsNone,
    /// 8. Reads come from a replica that lags, and writes replace whatever is there.
    BlindWrites,
    /// 9. What is under way is not reserved.
    NothingReserved,
    /// 10. Replays are rendered anew.
    ReplayRenderedAnew,
    /// 11. Events are written after the outcome, in a commit of their own.
    EventsAfterwards,
    /// 12. Recovery without backoff.
    Storm,
    /// 13. A card number is written into the payment.
    CardInClear,
    /// 14. Amounts go through a number with 24 significant bits, as a float would have them.
    AmountAsFloat,
    /// 15. A harness that hurts nothing.
    NoFaults,
}

impl Planted {
    /// In the order of their numbers.
    pub const ALL: [Planted; 15] = [
        Planted::FlowDiesWithClient,
        Planted::SentBeforeDurable,
        Planted::UnknownIsDeclined,
        Planted::AskedByPayingAgain,
        Planted::LateAnswerAstray,
        Planted::ClaimForgotten,
        Planted::SyncThatIsNone,
        Planted::BlindWrites,
        Planted::NothingReserved,
        Planted::ReplayRenderedAnew,
        Planted::EventsAfterwards,
        Planted::Storm,
        Planted::CardInClear,
        Planted::AmountAsFloat,
        Planted::NoFaults,
    ];

    /// The one of this number, from 1.
    pub fn numbered(number: usize) -> Option<Self> {
        Self::ALL.get(number.checked_sub(1)?).copied()
    }
}
