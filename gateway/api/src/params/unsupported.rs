//! Why some parameters of the dialect are refused here: said once, so that every operation gives the same reason.

pub(super) const CONNECT: &str = "payments on behalf of other accounts are not offered";
pub(super) const LINE_ITEMS: &str = "line items and amount details are not kept";
pub(super) const MANDATES: &str = "mandates are not offered; only cards are";
pub(super) const CONFIRMATION_TOKENS: &str = "confirmation tokens are not offered; send payment_method";
pub(super) const ACCOUNTS: &str = "customer accounts are not offered; send customer";
pub(super) const CONFIGURATIONS: &str = "payment method configurations are not offered; only cards are";
pub(super) const BILLING: &str = "invoices, taxes and balances of customers are not offered";
pub(super) const SOURCES: &str = "sources are not offered; attach a payment method";
pub(super) const HOOKS: &str = "hooks are not offered";
pub(super) const CLOCKS: &str = "test clocks are not offered";
