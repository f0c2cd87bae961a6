//! The other records of the store: merchants, keys, customers, payment methods, tokens, leased numbers.

use crate::card::{CardFacts, SealedCard};
use crate::id::{ApiKeyId, CustomerId, MerchantId, PaymentMethodId, SetupIntentId, TokenId};
use crate::means::Means;
use crate::tenant::{Mode, Tenant};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Free key-value pairs of the merchant, in key order.
pub type Metadata = Vec<(String, String)>;

/// A merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merchant {
    pub id: MerchantId,
    /// Shown to cardholders: at most 22 characters of it reach a statement.
    pub name: String,
    pub created: Timestamp,
    /// Accept an approval for less than was asked (else it is reversed).
    pub partial_approval: bool,
    /// Ask another acquirer after a soft decline (`try_again_later`, `processing_error`).
    pub retry_declines: bool,
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyKind {
    /// Everything of its tenant.
    Secret,
    /// Reads single payments by client secret.
    Publishable,
    /// What its scopes name.
    Restricted,
}

/// An API key's record. The key itself is shown once and never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub merchant: MerchantId,
    pub mode: Mode,
    pub kind: KeyKind,
    /// SHA-256 of the key.
    #[serde(with = "serde_bytes")]
    pub hash: [u8; 32],
    /// For restricted keys: `resource:read` or `resource:write`.
    pub scopes: Vec<String>,
    pub created: Timestamp,
    pub revoked: Option<Timestamp>,
}

/// A merchant's customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    pub id: CustomerId,
    pub tenant: Tenant,
    pub created: Timestamp,
    pub name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub description: Option<String>,
    pub metadata: Metadata,
    /// The dialect's `address`, `shipping`, `invoice_settings` and the like, as one JSON object: stored and shown, not acted upon.
    pub extra: String,
    pub default_payment_method: Option<PaymentMethodId>,
    /// A deleted customer stays as a tombstone.
    pub deleted: bool,
}

/// A means of payment of its own: a sealed card with what may be shown of it, or a wallet for one payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethod {
    pub id: PaymentMethodId,
    pub tenant: Tenant,
    pub created: Timestamp,
    pub customer: Option<CustomerId>,
    pub means: Means,
    /// `billing_details` as one JSON object; empty for none.
    pub billing_details: String,
    pub metadata: Metadata,
    /// It was detached or consumed: it can't be attached or charged again.
    pub spent: bool,
}

/// A single-use token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub id: TokenId,
    pub tenant: Tenant,
    pub created: Timestamp,
    pub card: CardFacts,
    pub sealed: SealedCard,
    pub billing_details: String,
    pub used: bool,
}

/// Status of an intent to save a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SetupStatus {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    Succeeded,
    Canceled,
}

/// An intent to save a card for later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupIntent {
    pub id: SetupIntentId,
    pub tenant: Tenant,
    pub created: Timestamp,
    pub status: SetupStatus,
    pub customer: Option<CustomerId>,
    pub payment_method: Option<PaymentMethodId>,
    pub description: Option<String>,
    pub usage: String,
    pub metadata: Metadata,
    pub client_secret: String,
    pub cancellation_reason: Option<String>,
    /// `last_setup_error` as JSON; empty for none.
    pub last_error: String,
}

/// A leased block of a number sequence: the next number that no process holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    pub name: String,
    pub next: u64,
}
