//! From a score and the rules that matched to a verdict, with the reasons for it.

/// What happens to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It goes on.
    Accept,
    /// It is authorized, and its capture waits for a person.
    Review,
    /// It is never sent to an acquirer.
    Block,
}

/// The coarse level that merchants see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RiskLevel {
    /// Below the first threshold.
    Normal,
    /// At or above the threshold of review.
    Elevated,
    /// At or above the threshold of blocking.
    Highest,
}

impl RiskLevel {
    /// The level's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            RiskLevel::Normal => "normal",
            RiskLevel::Elevated => "elevated",
            RiskLevel::Highest => "highest",
        }
    }
}

/// Scores, of 0 to 100, from which on a payment is reviewed or blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    review: u8,
    block: u8,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds { review: 65, block: 75 }
    }
}

impl Thresholds {
    /// Thresholds with `review` not above `block`. 101 switches a threshold off.
    ///
    /// # Errors
    /// They are in the wrong order, or above 101.
    pub fn new(review: u8, block: u8) -> Result<Self, String> {
        if review > block || block > 101 {
            return Err(format!("review at {review} and block at {block}: need review <= block <= 101"));
        }
        Ok(Thresholds { review, block })
    }

    /// Level of a score.
    pub fn level(self, risk_score: u8) -> RiskLevel {
        if risk_score >= self.block {
            RiskLevel::Highest
        } else if risk_score >= self.review {
            RiskLevel::Elevated
        } else {
            RiskLevel::Normal
        }
    }
}

/// What a rule or a list wants. The order is the order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Let it through, whatever the score and the other rules say.
    Allow,
    /// Refuse it.
    Block,
    /// Have a person look at it.
    Review,
}

/// A rule that matched a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleHit {
    /// What it wants.
    pub action: Action,
    /// Its name.
    pub rule: String,
}

/// Why a verdict is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The score reached the threshold of blocking.
    HighestScore,
    /// The score reached the threshold of review.
    ElevatedScore,
    /// A rule matched, by its name.
    Rule(String),
}

impl Reason {
    /// Stable code for records and answers.
    pub fn code(&self) -> String {
        match self {
            Reason::HighestScore => "highest_risk_score".to_owned(),
            Reason::ElevatedScore => "elevated_risk_score".to_owned(),
            Reason::Rule(rule) => format!("rule:{rule}"),
        }
    }
}

/// A verdict with its level and reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// What happens to the payment.
    pub verdict: Verdict,
    /// Level of the score alone.
    pub level: RiskLevel,
    /// Reasons, the decisive one first; empty where nothing spoke against the payment.
    pub reasons: Vec<Reason>,
}

/// Decides: rules that allow come first, then rules that block, then rules that ask for review, then the score.
pub fn judge(risk_score: u8, thresholds: Thresholds, hits: &[RuleHit]) -> Ruling {
    let level = thresholds.level(risk_score);
    let rules = |action: Action| {
        let matching = hits.iter().filter(move |hit| hit.action == action);
        matching.map(|hit| Reason::Rule(hit.rule.clone())).collect::<Vec<_>>()
    };
    let allowed = rules(Action::Allow);
    if !allowed.is_empty() {
        return Ruling { verdict: Verdict::Accept, level, reasons: allowed };
    }
    let (mut blocks, mut reviews) = (rules(Action::Block), rules(Action::Review));
    match level {
        RiskLevel::Highest => blocks.push(Reason::HighestScore),
        RiskLevel::Elevated => reviews.push(Reason::ElevatedScore),
        RiskLevel::Normal => {}
    }
    let verdict = match (blocks.is_empty(), reviews.is_empty()) {
        (false, _) => Verdict::Block,
        (true, false) => Verdict::Review,
        (true, true) => Verdict::Accept,
    };
    blocks.append(&mut reviews);
    Ruling { verdict, level, reasons: blocks }
}
