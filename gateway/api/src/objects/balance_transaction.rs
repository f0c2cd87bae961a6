//! The balance transaction: one movement of a merchant's balance.

use super::{Null, object_name};
use serde::Serialize;

object_name!(BalanceTransactionName = "balance_transaction");

/// One movement of a balance; `net` is `amount` less `fee`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BalanceTransaction<'a> {
    pub id: &'a str,
    pub object: BalanceTransactionName,
    /// Signed: what the merchant gains is positive.
    pub amount: i64,
    pub available_on: i64,
    /// `payments`.
    pub balance_type: &'a str,
    pub created: i64,
    pub currency: &'a str,
    pub description: Option<&'a str>,
    pub exchange_rate: Null,
    pub fee: i64,
    pub fee_details: Vec<FeeDetail<'a>>,
    pub net: i64,
    pub reporting_category: &'a str,
    /// The id of the charge, refund or dispute.
    pub source: Option<&'a str>,
    /// `available` or `pending`.
    pub status: &'a str,
    #[serde(rename = "type")]
    pub kind: &'a str,
}

/// One part of a fee.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct FeeDetail<'a> {
    pub amount: i64,
    pub application: Null,
    pub currency: &'a str,
    pub description: Option<&'a str>,
    #[serde(rename = "type")]
    pub kind: &'a str,
}
