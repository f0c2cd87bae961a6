//! What acquirers charge, by the fee table.

use super::rule::{Matcher, Question};
use super::settings::Fee;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Nothing is known of what an acquirer charges: whoever does say is asked first.
pub(super) const NO_FEE_KNOWN: u64 = u64::MAX;

/// One line of the fee table.
#[derive(Debug, Clone)]
struct Line {
    target: usize,
    fits: Matcher,
    percent: Decimal,
    fixed_minor: Decimal,
}

/// The fee table, read once.
#[derive(Debug, Clone, Default)]
pub(super) struct Fees(Vec<Line>);

impl Fees {
    /// Reads the table. `index` finds an acquirer by its name.
    ///
    /// # Errors
    /// A condition that can't be read.
    pub(super) fn of(fees: &[Fee], index: impl Fn(&str) -> Option<usize>) -> Result<Self, String> {
        let line = |fee: &Fee| {
            let target = index(&fee.acquirer).ok_or_else(|| format!("no acquirer {:?}", fee.acquirer))?;
            let fits = Matcher::of(&fee.when)?;
            Ok(Line { target, fits, percent: fee.percent, fixed_minor: fee.fixed_minor })
        };
        fees.iter().map(line).collect::<Result<_, String>>().map(Self)
    }

    /// What an acquirer would charge, in hundredths of a minor unit, rounded half to even.
    pub(super) fn fee(&self, target: usize, question: &Question<'_>) -> u64 {
        let line = self.0.iter().find(|line| line.target == target && line.fits.misfit(question).is_none());
        let Some(line) = line else { return NO_FEE_KNOWN };
        // A percentage of minor units is in hundredths of them.
        let share = Decimal::from(question.amount.minor).checked_mul(line.percent);
        let fixed = line.fixed_minor.checked_mul(Decimal::ONE_HUNDRED);
        let sum = share.zip(fixed).and_then(|(share, fixed)| share.checked_add(fixed));
        sum.and_then(|sum| sum.round().to_u64()).unwrap_or(NO_FEE_KNOWN)
    }
}
