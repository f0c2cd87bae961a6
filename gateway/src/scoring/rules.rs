//! Rules in CEL over features, the request and value lists. Each is read and checked once, and asked on every payment.
//!
//! The cost of a rule is bounded by its text: it has no loops (`all`, `exists`, `map` and `filter` are refused), it names only what is
//! known here, and names are looked up only when the rule asks for them. A rule that can't be answered for a payment, because a feature has
//! no data for it, does not match.

use super::facts::Facts;
use super::lists::Open;
use cel::common::ast::{EntryExpr, Expr};
use cel::common::types::{CelBool, CelDouble, CelInt, CelString};
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, Env, IdedExpr, Program, Value};
use risk::features::{FeatureVector, is_missing, streaming_names};
use risk::verdict::{Action, RuleHit};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Longest rule, in bytes.
const MAX_TEXT: usize = 2_048;
/// Rules at most.
const MAX_RULES: usize = 200;
/// What a rule may name beside features and lists.
const NAMES: [&str; 14] = [
    "score",
    "amount",
    "currency",
    "mode",
    "merchant",
    "card.bin",
    "card.brand",
    "card.funding",
    "card.country",
    "card.fingerprint",
    "customer",
    "email",
    "ip_address",
    "payment_method",
];
/// `lists.ALIAS`: whether the merchant's list of that alias holds the payment's value.
const LISTS: &str = "lists.";
/// `metadata.KEY`: the payment's metadata.
const METADATA: &str = "metadata.";

/// `[[risk.rules]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Stands in reasons as `rule:NAME`.
    pub name: String,
    pub action: Does,
    /// CEL, as `amount > 50000 && card_count_1h >= 3.0`.
    pub when: String,
}

/// What a rule wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Does {
    Allow,
    Block,
    Review,
}

impl From<Does> for Action {
    fn from(does: Does) -> Self {
        match does {
            Does::Allow => Action::Allow,
            Does::Block => Action::Block,
            Does::Review => Action::Review,
        }
    }
}

struct Rule {
    name: String,
    action: Action,
    program: Program,
}

/// All rules, checked.
pub struct Rules {
    rules: Vec<Rule>,
    env: Arc<Env>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { rules: Vec::new(), env: Arc::new(Env::stdlib()) }
    }
}

/// What rules are asked about.
pub struct Asked<'a> {
    pub facts: &'a Facts<'a>,
    pub score: u8,
    pub features: &'a FeatureVector,
}

impl Rules {
    /// Reads and checks rules.
    ///
    /// # Errors
    /// The first rule that is wrong, by its name, and why.
    pub fn new(settings: &[Setting]) -> Result<Self, String> {
        let mut all = Self::default();
        if settings.len() > MAX_RULES {
            return Err(format!("{} rules: at most {MAX_RULES} are taken", settings.len()));
        }
        for setting in settings {
            let wrong = |why: String| format!("rule {:?}: {why}", setting.name);
            let named = !setting.name.is_empty()
                && setting.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            if !named || all.rules.iter().any(|rule| rule.name == setting.name) {
                return Err(wrong("give each rule a name of its own: letters, digits, - and _".to_owned()));
            }
            if setting.when.len() > MAX_TEXT {
                return Err(wrong(format!("its text is longer than {MAX_TEXT} bytes")));
            }
            let program = all.env.compile(&setting.when).map_err(|error| wrong(error.to_string()))?;
            check(program.expression()).map_err(wrong)?;
            all.rules.push(Rule { name: setting.name.clone(), action: setting.action.into(), program });
        }
        Ok(all)
    }

    /// The rules and lists that match.
    pub fn hits(&self, asked: &Asked<'_>, lists: &Open) -> Vec<RuleHit> {
        let mut hits = lists.hits(asked.facts);
        if self.rules.is_empty() {
            return hits;
        }
        let names = Names { asked, lists };
        let mut context = Context::with_env(Arc::clone(&self.env));
        context.set_variable_resolver(&names);
        for rule in &self.rules {
            if matches!(rule.program.execute(&context), Ok(Value::Bool(true))) {
                hits.push(RuleHit { action: rule.action, rule: rule.name.clone() });
            }
        }
        hits
    }
}

/// The name that an expression spells, as `card.bin`.
fn spelled(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => {
            Some(format!("{}.{}", spelled(&select.operand.expr)?, select.field))
        }
        _other => None,
    }
}

fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
        || [LISTS, METADATA].iter().any(|prefix| {
            name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && !rest.contains('.'))
        })
        || streaming_names().iter().any(|feature| feature == name)
}

/// Refuses what could run long, and what names nothing.
fn check(at: &IdedExpr) -> Result<(), String> {
    if let Some(name) = spelled(&at.expr) {
        return if is_known(&name) { Ok(()) } else { Err(unknown(&name)) };
    }
    match &at.expr {
        Expr::Comprehension(_) => Err("loops (all, exists, map, filter) are not taken".to_owned()),
        Expr::Struct(_) => Err("structures are not taken".to_owned()),
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).try_for_each(check),
        Expr::List(list) => list.elements.iter().try_for_each(check),
        Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
            EntryExpr::MapEntry(entry) => check(&entry.key).and_then(|()| check(&entry.value)),
            EntryExpr::StructField(field) => check(&field.value),
        }),
        Expr::Select(select) => check(&select.operand),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Ok(()),
    }
}

fn unknown(name: &str) -> String {
    format!(
        "{name:?} is no name that is known: there are {}, lists.ALIAS, metadata.KEY, and the features (card_count_1h and so on)",
        NAMES.join(", ")
    )
}

/// Looks names up when a rule asks for them.
struct Names<'a> {
    asked: &'a Asked<'a>,
    lists: &'a Open,
}

impl VariableResolver for Names<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let facts = self.asked.facts;
        let text = |text: &str| Some(CowVal::owned(CelString::from(text.to_owned())));
        let maybe = |text: Option<String>| Some(CowVal::owned(CelString::from(text.unwrap_or_default())));
        let card = || facts.card();
        // A wallet has no card: what asks for one can't be answered.
        let of_card = |text: Option<String>| text.map(|text| CowVal::owned(CelString::from(text)));
        match name {
            "score" => Some(CowVal::owned(CelInt::from(i64::from(self.asked.score)))),
            "amount" => Some(CowVal::owned(CelInt::from(facts.amount.minor))),
            "currency" => text(facts.amount.currency.code()),
            "mode" => maybe(facts.payment.map(|payment| payment.tenant.mode.as_str().to_owned())),
            "merchant" => maybe(facts.payment.map(|payment| payment.tenant.merchant.to_string())),
            "card.bin" => of_card(facts.bin()),
            "card.brand" => text(card()?.brand.as_str()),
            "card.funding" => text(card()?.funding.as_str()),
            "card.country" => of_card(card().map(|_| facts.country().unwrap_or_default())),
            "card.fingerprint" => of_card(facts.fingerprint()),
            "payment_method" => text(facts.instrument.means.kind().as_str()),
            "customer" => maybe(facts.customer()),
            "email" => maybe(facts.circumstances.email.clone()),
            "ip_address" => maybe(facts.circumstances.ip_address.map(|address| address.to_string())),
            other => self.other(other),
        }
    }
}

impl Names<'_> {
    fn other<'b>(&self, name: &str) -> Option<CowVal<'b, 'b>> {
        if let Some(alias) = name.strip_prefix(LISTS) {
            let holds = self.lists.holds(alias, self.asked.facts).unwrap_or(false);
            return Some(CowVal::owned(CelBool::from(holds)));
        }
        if let Some(key) = name.strip_prefix(METADATA) {
            let metadata = self.asked.facts.payment.map(|payment| payment.details.metadata.as_slice());
            let value = metadata.unwrap_or_default().iter().find(|(known, _)| known == key);
            let value = value.map(|(_, value)| value.clone()).unwrap_or_default();
            return Some(CowVal::owned(CelString::from(value)));
        }
        let place = streaming_names().iter().position(|feature| feature == name)?;
        let value = self.asked.features[place];
        (!is_missing(value)).then(|| CowVal::owned(CelDouble::from(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::Circumstances;
    use super::super::lists::Lists;
    use super::*;
    use gateway_core::card::{Brand, CardFacts, Funding, SealedCard};
    use gateway_core::id::{Id, MerchantId, PaymentMethodId};
    use gateway_core::means::{Means, Wallet};
    use gateway_core::payment::Instrument;
    use gateway_core::tenant::{Mode, Tenant};
    use gateway_core::{Currency, Money};
    use risk::features::{MISSING, STREAMING_LEN};

    fn rule(when: &str) -> Result<Rules, String> {
        Rules::new(&[Setting { name: "r".to_owned(), action: Does::Block, when: when.to_owned() }])
    }

    fn matches(when: &str) -> bool {
        let card = CardFacts {
            brand: Brand::Visa,
            funding: Funding::Credit,
            bin: 400_000,
            last4: *b"0077",
            exp_month: 12,
            exp_year: 2034,
            country: Some(*b"FR"),
            fingerprint: [7; 16],
            cvc_provided: true,
        };
        let sealed = SealedCard { key_version: 1, bytes: Vec::new() };
        asked(when, Means::Card { facts: card, sealed })
    }

    fn asked(when: &str, means: Means) -> bool {
        let instrument = Instrument { method: PaymentMethodId(Id(3)), means, billing_details: String::new() };
        let circumstances =
            Circumstances { email: Some("a@b.example".to_owned()), ..Circumstances::default() };
        let amount = Money::new(12_345, Currency::USD);
        let facts = Facts { payment: None, amount, instrument: &instrument, circumstances: &circumstances };
        let mut features = [MISSING; STREAMING_LEN];
        let place = |name: &str| streaming_names().iter().position(|known| known == name).unwrap();
        features[place("card_count_1h")] = 4u8.into();
        let asked = Asked { facts: &facts, score: 40, features: &features };
        let tenant = Tenant { merchant: MerchantId(Id(1)), mode: Mode::Test };
        !rule(when).unwrap().hits(&asked, &Lists::default().of(tenant)).is_empty()
    }

    #[test]
    fn rules_see_the_payment_its_features_and_its_lists() {
        let cases = [
            ("amount > 10000 && currency == 'usd'", true),
            ("amount > 20000", false),
            ("card.country in ['FR', 'DE'] && card.bin == '400000'", true),
            ("card_count_1h >= 3.0", true),
            ("card_count_1h >= 3", true),
            ("score > 50", false),
            ("email.endsWith('@b.example')", true),
            ("lists.nobody_made_it", false),
            ("!lists.nobody_made_it && customer == ''", true),
            ("metadata.order == ''", true),
            // No data: the rule can't be answered, so it does not match, either way round.
            ("address_count_1h > 1.0", false),
            ("address_count_1h <= 1.0", false),
            ("amount > 1 || address_count_1h > 1.0", true),
        ];
        for (when, expected) in cases {
            assert_eq!(matches(when), expected, "{when}");
        }
    }

    #[test]
    fn a_rule_about_the_card_matches_no_wallet() {
        let cases = [
            ("card.country in ['FR', 'DE']", false),
            ("card.country == ''", false),
            ("!(card.bin == '400000')", false),
            ("payment_method == 'alipay' && amount > 10000", true),
            ("payment_method == 'card'", false),
        ];
        for (when, expected) in cases {
            assert_eq!(asked(when, Means::Wallet(Wallet::Alipay)), expected, "{when}");
        }
        assert!(matches("payment_method == 'card'"));
    }

    #[test]
    fn what_could_run_long_or_names_nothing_is_refused_when_it_is_read() {
        let cases = [
            ("amount >", "rule \"r\""),
            ("[1, 2].exists(x, x > amount)", "loops"),
            ("amnt > 1", "\"amnt\" is no name"),
            ("card.pin == '1'", "\"card.pin\" is no name"),
            ("lists.a.b", "is no name"),
        ];
        for (when, why) in cases {
            let error = rule(when).err().unwrap_or_else(|| panic!("{when} was taken"));
            assert!(error.contains(why), "{when}: {error}");
        }
        let long = format!("amount > 1{}", " || amount > 1".repeat(200));
        assert!(rule(&long).is_err());
    }
}
