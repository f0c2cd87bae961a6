//! Which payments a rule or a fee is for.

use super::settings::When;
use gateway_core::card::{Brand, CardFacts};
use gateway_core::id::MerchantId;
use gateway_core::means::MeansKind;
use gateway_core::money::{Currency, Money};
use gateway_core::record::Metadata;
use gateway_core::tenant::Mode;

/// Every brand, to read its word.
const BRANDS: [Brand; 8] = [
    Brand::Visa,
    Brand::Mastercard,
    Brand::Amex,
    Brand::Discover,
    Brand::Diners,
    Brand::Jcb,
    Brand::UnionPay,
    Brand::Unknown,
];

/// Digits of an issuer's range.
const BIN_DIGITS: usize = 6;

/// What is known of a payment when its acquirer is chosen.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub mode: Mode,
    pub merchant: MerchantId,
    pub amount: Money,
    /// What pays.
    pub means: MeansKind,
    /// The card, if it is one.
    pub card: Option<&'a CardFacts>,
    pub metadata: &'a Metadata,
}

/// A brand by the dialect's word.
pub(super) fn brand(word: &str) -> Option<Brand> {
    BRANDS.into_iter().find(|brand| brand.as_str() == word)
}

/// Conditions, read once. Empty lists and `None` fit everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Matcher {
    currencies: Vec<Currency>,
    bins: Vec<(u32, u32)>,
    brands: Vec<Brand>,
    countries: Vec<[u8; 2]>,
    merchants: Vec<MerchantId>,
    amount_from: i64,
    amount_below: Option<i64>,
    metadata: Vec<(String, String)>,
    means: Vec<MeansKind>,
}

impl Matcher {
    /// Reads conditions.
    ///
    /// # Errors
    /// The first that can't be read, and what to write instead.
    pub(super) fn of(when: &When) -> Result<Self, String> {
        let currency = |code: &String| {
            Currency::parse(code).ok_or_else(|| format!("currency {code:?}: write an ISO 4217 code, as usd"))
        };
        let scheme = |word: &String| {
            let words: Vec<_> = BRANDS.iter().map(|brand| brand.as_str()).collect();
            brand(word).ok_or_else(|| format!("brand {word:?}: there are {}", words.join(", ")))
        };
        let merchant =
            |id: &String| id.parse().map_err(|_| format!("merchant {id:?}: write its id, as acct_..."));
        let kind = |word: &String| {
            let words = MeansKind::ALL.map(MeansKind::as_str).join(", ");
            MeansKind::parse(word).ok_or_else(|| format!("payment_method {word:?}: there are {words}"))
        };
        Ok(Self {
            means: when.payment_method.iter().map(kind).collect::<Result<_, _>>()?,
            currencies: when.currency.iter().map(currency).collect::<Result<_, _>>()?,
            bins: when.bin.iter().map(|text| bins(text)).collect::<Result<_, _>>()?,
            brands: when.brand.iter().map(scheme).collect::<Result<_, _>>()?,
            countries: when.country.iter().map(|code| country(code)).collect::<Result<_, _>>()?,
            merchants: when.merchant.iter().map(merchant).collect::<Result<_, _>>()?,
            amount_from: when.amount_from.unwrap_or(i64::MIN),
            amount_below: when.amount_below,
            metadata: when.metadata.clone().into_iter().collect(),
        })
    }

    /// `None` if it fits, else the first condition that does not.
    pub(super) fn misfit(&self, question: &Question<'_>) -> Option<&'static str> {
        let card = question.card;
        let minor = question.amount.minor;
        let bin_fits = |(from, to): &(u32, u32)| card.is_some_and(|card| (*from..=*to).contains(&card.bin));
        let says = |(key, value): &(String, String)| {
            question.metadata.iter().any(|(held, text)| held == key && text == value)
        };
        let country = |code: &[u8; 2]| card.is_some_and(|card| card.country.as_ref() == Some(code));
        let conditions = [
            ("currency", fits(&self.currencies, |code| *code == question.amount.currency)),
            ("bin", fits(&self.bins, bin_fits)),
            ("brand", fits(&self.brands, |brand| card.is_some_and(|card| *brand == card.brand))),
            ("country", fits(&self.countries, country)),
            ("merchant", fits(&self.merchants, |id| *id == question.merchant)),
            ("amount", minor >= self.amount_from && self.amount_below.is_none_or(|below| minor < below)),
            ("metadata", self.metadata.iter().all(says)),
            ("payment_method", fits(&self.means, |means| *means == question.means)),
        ];
        conditions.into_iter().find(|(_, holds)| !holds).map(|(what, _)| what)
    }
}

fn fits<T>(wanted: &[T], one: impl Fn(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(one)
}

/// Two capital letters.
pub(super) fn country(code: &str) -> Result<[u8; 2], String> {
    let legal = code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase());
    let read = legal.then(|| code.as_bytes().try_into().ok()).flatten();
    read.ok_or_else(|| format!("country {code:?}: write two capital letters, as DE"))
}

/// `424242`, `42` or `51-55`: the first digits of a card, as a range of six.
fn bins(text: &str) -> Result<(u32, u32), String> {
    let wrong = || format!("bin {text:?}: write 1 to {BIN_DIGITS} digits, or two such numbers as 51-55");
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let read = |digits: &str, filler: char| {
        let legal = (1..=BIN_DIGITS).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        let whole: String = digits.chars().chain(std::iter::repeat(filler)).take(BIN_DIGITS).collect();
        if legal { whole.parse().map_err(|_| wrong()) } else { Err(wrong()) }
    };
    let (from, to): (u32, u32) = (read(from, '0')?, read(to, '9')?);
    if from <= to { Ok((from, to)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_prefixes_and_ranges_of_prefixes() {
        let cases = [
            ("424242", Some((424_242, 424_242))),
            ("42", Some((420_000, 429_999))),
            ("51-55", Some((510_000, 559_999))),
            ("222100-272099", Some((222_100, 272_099))),
            ("4", Some((400_000, 499_999))),
            ("", None),
            ("55-51", None),
            ("4242424", None),
            ("42x", None),
            ("4-", None),
        ];
        for (text, expected) in cases {
            assert_eq!(bins(text).ok(), expected, "{text}");
        }
    }
}
