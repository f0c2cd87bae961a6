//! The file of a mix: how often each kind of request is made, and by whom.

use crate::failure::{Failure, Result};
use crate::load::Action;
use crate::random::Random;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A mix, as its TOML file has it; everything has a default.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mix {
    /// How often each action is made, relative to the others; those not named are not made.
    pub weights: BTreeMap<Action, u32>,
    /// Distinct cards.
    pub cards: u64,
    /// Skew of the cards (Zipf); 0 is uniform.
    pub card_skew: f64,
    /// Skew of the merchants (Zipf); 0 is uniform.
    pub merchant_skew: f64,
    /// How long a client waits that hangs up, in milliseconds.
    pub hang_up_ms: u64,
}

impl Default for Mix {
    fn default() -> Self {
        let weights = [
            (Action::Authorize, 50),
            (Action::Sale, 10),
            (Action::Capture, 15),
            (Action::Void, 4),
            (Action::Refund, 5),
            (Action::Retrieve, 10),
            (Action::Duplicate, 3),
            (Action::HangUp, 1),
            (Action::Decline, 2),
        ];
        Self { weights: weights.into(), cards: 200_000, card_skew: 0.8, merchant_skew: 0.8, hang_up_ms: 5 }
    }
}

impl Mix {
    /// Authorizations alone.
    pub fn authorizations() -> Self {
        Self { weights: [(Action::Authorize, 1)].into(), ..Self::default() }
    }

    /// Reads a mix.
    ///
    /// # Errors
    /// The file can't be read, or is no mix.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).map_err(|error| Failure::file("reading the mix", path, &error))?;
        let mix: Self = toml::from_str(&text)
            .map_err(|error| Failure::usage(format!("{} is no mix:\n{error}", path.display())))?;
        if mix.weights.values().all(|weight| *weight == 0) {
            return Err(Failure::usage(format!(
                "{}: every weight is zero, so nothing would be sent",
                path.display()
            )));
        }
        let skews = [mix.card_skew, mix.merchant_skew];
        if skews.iter().any(|skew| !(0.0..=10.0).contains(skew)) {
            return Err(Failure::usage(format!("{}: skews lie between 0 and 10", path.display())));
        }
        Ok(mix)
    }

    /// Whether an operator of wallets is needed.
    pub fn has_wallets(&self) -> bool {
        [Action::Alipay, Action::WechatPay]
            .iter()
            .any(|wallet| self.weights.get(wallet).is_some_and(|weight| *weight > 0))
    }

    /// Reads a mix for a trial that has acquirers of cards alone.
    ///
    /// # Errors
    /// As [`Mix::read`], or it has wallets.
    pub fn read_of_cards(path: &Path) -> Result<Self> {
        let mix = Self::read(path)?;
        if mix.has_wallets() {
            return Err(Failure::usage(format!(
                "{}: nobody takes wallets in this trial: leave alipay and wechat_pay out, or see `loadtest run`",
                path.display()
            )));
        }
        Ok(mix)
    }

    /// The action that is due next.
    pub fn draw(&self, random: &mut Random) -> Action {
        let total: u64 = self.weights.values().map(|weight| u64::from(*weight)).sum();
        let mut at = random.below(total);
        for (action, weight) in &self.weights {
            match at.checked_sub(u64::from(*weight)) {
                Some(rest) => at = rest,
                None => return *action,
            }
        }
        Action::Authorize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_come_as_often_as_they_weigh() {
        let mix = Mix::default();
        let mut random = Random::new(5, 5);
        let mut counts: BTreeMap<Action, u32> = BTreeMap::new();
        for _ in 0..100_000 {
            *counts.entry(mix.draw(&mut random)).or_insert(0) += 1;
        }
        for (action, weight) in &mix.weights {
            let expected = f64::from(*weight) * 1_000.0;
            let got = f64::from(counts[action]);
            assert!((got - expected).abs() < 6.0 * expected.sqrt(), "{action}: {got} of {expected}");
        }
    }

    #[test]
    fn files_are_checked() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("mix.toml");
        let read = |text: &str| {
            std::fs::write(&path, text).expect("writable");
            Mix::read(&path)
        };
        let mix = read("cards = 10\n[weights]\nauthorize = 3\nhang_up = 1\n").expect("a mix");
        assert_eq!((mix.cards, mix.weights[&Action::HangUp], mix.weights.len()), (10, 1, 2));
        for wrong in
            ["weights = 3", "[weights]\nsteal = 1", "[weights]\nvoid = 0", "card_skew = -1.0", "colour = 1"]
        {
            assert_eq!(read(wrong).expect_err(wrong).code(), 2, "{wrong}");
        }
    }

    #[test]
    fn the_published_mix_has_wallets_and_is_none_of_cards() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("mixes/wallets.toml");
        assert!(Mix::read(&path).expect("a mix").has_wallets());
        assert_eq!(Mix::read_of_cards(&path).expect_err("nobody takes them").code(), 2);
        assert!(!Mix::default().has_wallets());
    }
}
