//! Means of payment: a card, or a wallet whose owner approves each payment at its operator.

use crate::card::{CardFacts, SealedCard};
use serde::{Deserialize, Serialize};

/// Wallets, by the dialect's names. What tells them apart here is how the customer gets to the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Wallet {
    /// The customer is sent to a page of the operator.
    Alipay,
    /// The customer scans a code with the operator's app.
    WechatPay,
}

impl Wallet {
    /// All of them.
    pub const ALL: [Wallet; 2] = [Wallet::Alipay, Wallet::WechatPay];

    /// The dialect's type of payment method.
    pub const fn as_str(self) -> &'static str {
        match self {
            Wallet::Alipay => "alipay",
            Wallet::WechatPay => "wechat_pay",
        }
    }

    /// The wallet of this type, if it is one.
    pub fn parse(kind: &str) -> Option<Wallet> {
        Wallet::ALL.into_iter().find(|wallet| wallet.as_str() == kind)
    }
}

/// What kind of means it is: what decides which acquirers may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MeansKind {
    Card,
    Wallet(Wallet),
}

impl MeansKind {
    /// All of them, in the order of [`MeansKind::index`].
    pub const ALL: [MeansKind; 3] =
        [MeansKind::Card, MeansKind::Wallet(Wallet::Alipay), MeansKind::Wallet(Wallet::WechatPay)];

    /// Its place among all kinds, from 0.
    pub const fn index(self) -> usize {
        match self {
            MeansKind::Card => 0,
            MeansKind::Wallet(Wallet::Alipay) => 1,
            MeansKind::Wallet(Wallet::WechatPay) => 2,
        }
    }

    /// The dialect's type of payment method.
    pub const fn as_str(self) -> &'static str {
        match self {
            MeansKind::Card => "card",
            MeansKind::Wallet(wallet) => wallet.as_str(),
        }
    }

    /// The kind of this type, if there is one.
    pub fn parse(kind: &str) -> Option<MeansKind> {
        if kind == "card" { Some(MeansKind::Card) } else { Wallet::parse(kind).map(MeansKind::Wallet) }
    }
}

/// What pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Means {
    /// A card: what may be shown of it, and its number under encryption.
    Card { facts: CardFacts, sealed: SealedCard },
    /// A wallet. Nothing is known of its owner until they approve a payment, so there is nothing to keep and to charge again.
    Wallet(Wallet),
}

impl Means {
    /// What kind it is.
    pub const fn kind(&self) -> MeansKind {
        match self {
            Means::Card { .. } => MeansKind::Card,
            Means::Wallet(wallet) => MeansKind::Wallet(*wallet),
        }
    }

    /// The card's facts, if it is one.
    pub const fn card(&self) -> Option<&CardFacts> {
        match self {
            Means::Card { facts, .. } => Some(facts),
            Means::Wallet(_) => None,
        }
    }

    /// The card with its number under encryption, if it is one.
    pub const fn sealed(&self) -> Option<(&CardFacts, &SealedCard)> {
        match self {
            Means::Card { facts, sealed } => Some((facts, sealed)),
            Means::Wallet(_) => None,
        }
    }

    /// The wallet, if it is one.
    pub const fn wallet(&self) -> Option<Wallet> {
        match self {
            Means::Card { .. } => None,
            Means::Wallet(wallet) => Some(*wallet),
        }
    }

    /// Whether it can be kept and charged again without its owner.
    pub const fn is_reusable(&self) -> bool {
        matches!(self, Means::Card { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_names_and_places_of_their_own() {
        for (place, kind) in MeansKind::ALL.into_iter().enumerate() {
            assert_eq!((kind.index(), MeansKind::parse(kind.as_str())), (place, Some(kind)));
        }
        assert_eq!(MeansKind::parse("sepa_debit"), None);
    }
}
