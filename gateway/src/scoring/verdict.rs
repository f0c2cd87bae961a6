//! One verdict from everything that was found: the card's own in test mode, windows, rules, lists, the score.

use gateway_acquirers::test_cards::Behaviour;
use gateway_core::payment::{RiskLevel, RiskOutcome, RiskVerdict};
use gateway_core::risk::OriginKeys;
use risk::guard::Watched;
use risk::verdict::{self as ruling, RuleHit, Thresholds, judge};

/// An outcome without a review and an origin yet.
pub fn outcome(verdict: RiskVerdict, (score, level): (u8, RiskLevel), reason: String) -> RiskOutcome {
    RiskOutcome { verdict, score, level, reason, origin: OriginKeys::default(), review: None }
}

/// What was found of a payment.
pub struct Verdict<'a> {
    /// The model's.
    pub score: u8,
    /// What a published test card does, whatever the model says.
    pub own: Option<Behaviour>,
    /// Development's showcase: the score moves nothing.
    pub spared: bool,
    pub hits: &'a [RuleHit],
}

impl Verdict<'_> {
    /// The outcome, and all reasons for it as codes. A window's refusal stands below rules that allow, and above everything else.
    pub fn rule(&self, thresholds: Thresholds, refused: Option<Watched>) -> (RiskOutcome, Vec<String>) {
        let score = self.own.map_or(self.score, |own| shown_score(own, self.score));
        let level = level(match self.own {
            Some(own) => shown_level(own),
            None => thresholds.level(score),
        });
        let silent = self.own.is_some() || self.spared;
        let heard = if silent { silenced() } else { thresholds };
        let ruled = judge(score, heard, self.hits);
        let mut reasons: Vec<String> = ruled.reasons.iter().map(ruling::Reason::code).collect();
        let allowed = self.hits.iter().any(|hit| hit.action == ruling::Action::Allow);
        let mut verdict = match ruled.verdict {
            ruling::Verdict::Accept => RiskVerdict::Accept,
            ruling::Verdict::Review => RiskVerdict::Review,
            ruling::Verdict::Block => RiskVerdict::Block,
        };
        if self.own == Some(Behaviour::BlockedAsFraud) {
            verdict = RiskVerdict::Block;
            reasons.insert(0, "highest_risk_level".to_owned());
        }
        if self.own == Some(Behaviour::ElevatedRisk) && reasons.is_empty() {
            reasons.push("elevated_risk_level".to_owned());
        }
        if let Some(window) = refused.filter(|_| !allowed) {
            verdict = RiskVerdict::Block;
            reasons.insert(0, window.code().to_owned());
        }
        let reason = reasons.first().cloned().unwrap_or_default();
        (outcome(verdict, (score, level), reason), reasons)
    }
}

/// Thresholds that no score reaches.
fn silenced() -> Thresholds {
    Thresholds::new(101, 101).expect("both thresholds may be off")
}

const fn level(level: ruling::RiskLevel) -> RiskLevel {
    match level {
        ruling::RiskLevel::Normal => RiskLevel::Normal,
        ruling::RiskLevel::Elevated => RiskLevel::Elevated,
        ruling::RiskLevel::Highest => RiskLevel::Highest,
    }
}

fn shown_score(own: Behaviour, score: u8) -> u8 {
    match own {
        Behaviour::BlockedAsFraud => score.max(90),
        Behaviour::ElevatedRisk => score.clamp(65, 74),
        Behaviour::Approve
        | Behaviour::Decline(_)
        | Behaviour::FailsToCharge
        | Behaviour::Challenge
        | Behaviour::Disputed => score.min(64),
    }
}

const fn shown_level(own: Behaviour) -> ruling::RiskLevel {
    match own {
        Behaviour::BlockedAsFraud => ruling::RiskLevel::Highest,
        Behaviour::ElevatedRisk => ruling::RiskLevel::Elevated,
        Behaviour::Approve
        | Behaviour::Decline(_)
        | Behaviour::FailsToCharge
        | Behaviour::Challenge
        | Behaviour::Disputed => ruling::RiskLevel::Normal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use risk::verdict::Action;

    fn ruled(
        own: Option<Behaviour>,
        score: u8,
        action: Option<Action>,
        window: bool,
    ) -> (RiskVerdict, String) {
        let hits: Vec<RuleHit> =
            action.map(|action| RuleHit { action, rule: "r".to_owned() }).into_iter().collect();
        let verdict = Verdict { score, own, spared: false, hits: &hits };
        let (outcome, _) = verdict.rule(Thresholds::default(), window.then_some(Watched::Range));
        (outcome.verdict, outcome.reason)
    }

    #[test]
    fn the_order_is_allow_then_windows_then_block_then_review_then_accept() {
        use RiskVerdict::{Accept, Block, Review};
        let plain = [
            (10, None, false, Accept, ""),
            (65, None, false, Review, "elevated_risk_score"),
            (75, None, false, Block, "highest_risk_score"),
            (99, Some(Action::Allow), true, Accept, "rule:r"),
            (10, None, true, Block, "card_testing:bin"),
            (10, Some(Action::Block), false, Block, "rule:r"),
            (10, Some(Action::Review), false, Review, "rule:r"),
            (80, Some(Action::Review), false, Block, "highest_risk_score"),
        ];
        for (score, action, window, verdict, reason) in plain {
            assert_eq!(ruled(None, score, action, window), (verdict, reason.to_owned()));
        }
    }

    #[test]
    fn a_published_card_is_judged_by_itself_and_by_rules() {
        use RiskVerdict::{Accept, Block, Review};
        assert_eq!(ruled(Some(Behaviour::Approve), 99, None, false), (Accept, String::new()));
        let elevated = ruled(Some(Behaviour::ElevatedRisk), 1, None, false);
        assert_eq!(elevated, (Accept, "elevated_risk_level".to_owned()));
        let blocked = ruled(Some(Behaviour::BlockedAsFraud), 1, Some(Action::Allow), false);
        assert_eq!(blocked, (Block, "highest_risk_level".to_owned()));
        let reviewed = ruled(Some(Behaviour::Approve), 1, Some(Action::Review), false);
        assert_eq!(reviewed, (Review, "rule:r".to_owned()));
    }
}
