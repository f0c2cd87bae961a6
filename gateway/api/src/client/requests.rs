//! The parameters of the common writes, as a client fills them in.

use super::form::Form;
use crate::params::CaptureMethod;
use std::fmt;

/// The card of a payment, as it is sent. `Debug` shows nothing of it.
#[derive(Clone, Copy)]
pub struct CardDetails<'a> {
    /// The digits.
    pub number: &'a str,
    /// 1 to 12.
    pub exp_month: u8,
    /// Four digits.
    pub exp_year: u16,
    /// Three or four digits.
    pub cvc: Option<&'a str>,
}

impl fmt::Debug for CardDetails<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardDetails(not shown)")
    }
}

/// What a payment is paid with.
#[derive(Debug, Clone, Copy, Default)]
pub enum PaymentMethodChoice<'a> {
    /// Nothing yet.
    #[default]
    None,
    /// A saved payment method, or a published test one.
    Saved(&'a str),
    /// A card given in place.
    Card(CardDetails<'a>),
}

impl PaymentMethodChoice<'_> {
    /// Adds the choice to a form.
    pub fn add_to(&self, form: &mut Form) {
        match self {
            Self::None => {}
            Self::Saved(id) => form.push("payment_method", id),
            Self::Card(card) => {
                form.push("payment_method_data[type]", "card");
                form.push("payment_method_data[card][number]", card.number);
                form.push("payment_method_data[card][exp_month]", card.exp_month);
                form.push("payment_method_data[card][exp_year]", card.exp_year);
                if let Some(cvc) = card.cvc {
                    form.push("payment_method_data[card][cvc]", cvc);
                }
            }
        }
    }
}

/// A new payment. Confirm it at once for an authorization (`Manual`) or a sale (`Automatic`).
#[derive(Debug, Clone, Copy)]
pub struct CreatePayment<'a> {
    /// Minor units.
    pub amount: i64,
    /// Three letters.
    pub currency: &'a str,
    pub capture_method: CaptureMethod,
    pub confirm: bool,
    pub payment_method: PaymentMethodChoice<'a>,
    pub customer: Option<&'a str>,
    pub description: Option<&'a str>,
    pub metadata: &'a [(&'a str, &'a str)],
    pub expand: &'a [&'a str],
}

impl<'a> CreatePayment<'a> {
    /// An authorization: confirmed at once, captured later. A sale is the same with `capture_method` automatic.
    pub fn authorization(amount: i64, currency: &'a str, payment_method: PaymentMethodChoice<'a>) -> Self {
        Self {
            amount,
            currency,
            capture_method: CaptureMethod::Manual,
            confirm: true,
            payment_method,
            customer: None,
            description: None,
            metadata: &[],
            expand: &[],
        }
    }

    /// The form to send.
    pub fn to_form(&self) -> Form {
        let mut form = Form::new()
            .pair("amount", self.amount)
            .pair("currency", self.currency)
            .pair("capture_method", self.capture_method)
            .pair("confirm", self.confirm)
            .optional("customer", self.customer)
            .optional("description", self.description);
        self.payment_method.add_to(&mut form);
        for (key, value) in self.metadata {
            form.push(&format!("metadata[{key}]"), value);
        }
        for path in self.expand {
            form.push("expand[]", path);
        }
        form
    }
}

/// A refund of a payment intent.
#[derive(Debug, Clone, Copy)]
pub struct CreateRefund<'a> {
    pub payment_intent: &'a str,
    /// Minor units; all that remains when absent.
    pub amount: Option<i64>,
    pub metadata: &'a [(&'a str, &'a str)],
}

impl CreateRefund<'_> {
    /// The form to send.
    pub fn to_form(&self) -> Form {
        let mut form =
            Form::new().pair("payment_intent", self.payment_intent).optional("amount", self.amount);
        for (key, value) in self.metadata {
            form.push(&format!("metadata[{key}]"), value);
        }
        form
    }
}
