//! The call of one message.

use super::outcome::{Trouble, declined, ended, of_payment, of_refund, read};
use super::wire::{NewPayment, NewRefund, Payment, PaymentStatus, Refund, RefundStatus};
use gateway_api::client::{Call, Client, ClientError, Form, RawResponse};
use gateway_core::SmolStr;
use gateway_core::acquirer::{
    AcquirerRequest, Answer, Approval, CustomerPresence, DeclineCode, Original, OriginalKind, Verb,
};
use serde::Serialize;

/// One message's call.
pub struct Steps<'a> {
    pub client: &'a Client,
    pub request: &'a AcquirerRequest,
    /// The customer has so long.
    pub payment_life_s: u64,
}

impl Steps<'_> {
    /// Carries the message out.
    pub async fn run(&self) -> Answer {
        match &self.request.verb {
            Verb::Sale => self.pay().await,
            Verb::Refund(original) => self.refund(original).await,
            Verb::Reverse(original) => self.reverse(original).await,
            Verb::Inquire(original) => self.inquire(original).await,
            Verb::Authorize | Verb::Increment(_) | Verb::Capture { .. } | Verb::Void(_) => {
                Answer::NotSent("a wallet is charged at once: it holds nothing".to_owned())
            }
            Verb::Verify => Answer::NotSent("a wallet has no card to verify".to_owned()),
        }
    }

    async fn post(&self, path: &str, body: &impl Serialize) -> Result<RawResponse, ClientError> {
        let body = serde_json::to_vec(body).expect("texts and numbers always become JSON");
        self.client.send(&Call::json(path, body)).await
    }

    async fn get(&self, path: &str) -> Result<RawResponse, ClientError> {
        self.client.send(&Call::get(path, &Form::new())).await
    }

    async fn pay(&self) -> Answer {
        let Some(order) = &self.request.wallet else {
            return Answer::NotSent("the message needs a wallet".to_owned());
        };
        if self.request.customer == CustomerPresence::Absent {
            return declined(DeclineCode::AuthenticationRequired, "customer_absent");
        }
        let reference = self.request.trace.reference_text();
        let payment = NewPayment {
            reference: (&*reference).into(),
            amount_minor: self.request.amount.minor,
            currency: self.request.amount.currency.code().into(),
            wallet: order.wallet.as_str().into(),
            merchant: (&*self.request.merchant_name).into(),
            return_url: order.return_url.as_deref().map(Into::into),
            expires_in_s: self.payment_life_s,
        };
        let answer = self.post("/v1/payments", &payment).await;
        match read::<Payment<'_>>(&answer) {
            Ok(payment) => of_payment(&payment, (&reference, Some(order.wallet))),
            Err(trouble) => ended(trouble),
        }
    }

    async fn refund(&self, original: &Original) -> Answer {
        let (reference, payment) = (self.request.trace.reference_text(), original.trace.reference_text());
        let refund = NewRefund {
            reference: (&*reference).into(),
            payment: (&*payment).into(),
            amount_minor: self.request.amount.minor,
            currency: self.request.amount.currency.code().into(),
        };
        let answer = self.post("/v1/refunds", &refund).await;
        match read::<Refund<'_>>(&answer) {
            Ok(refund) => of_refund(&refund, &reference, self.request.trace.at),
            Err(trouble) => ended(trouble),
        }
    }

    async fn reverse(&self, original: &Original) -> Answer {
        let reference = original.trace.reference_text();
        match original.kind {
            OriginalKind::Sale | OriginalKind::Authorize => {
                let answer = self.post(&format!("/v1/payments/{reference}/reverse"), &Empty {}).await;
                match read::<Payment<'_>>(&answer) {
                    Ok(payment) if *payment.reference != *reference => {
                        Answer::Unknown("the answer is about another payment".to_owned())
                    }
                    Ok(payment) => self.undone(&payment.id, stands(payment.status)),
                    Err(trouble) => self.not_undone(trouble),
                }
            }
            OriginalKind::Refund => {
                let answer = self.post(&format!("/v1/refunds/{reference}/reverse"), &Empty {}).await;
                match read::<Refund<'_>>(&answer) {
                    Ok(refund) if *refund.reference != *reference => {
                        Answer::Unknown("the answer is about another refund".to_owned())
                    }
                    Ok(refund) => {
                        let stands = matches!(refund.status, RefundStatus::Pending | RefundStatus::Succeeded);
                        self.undone(&refund.id, if stands { Standing::Yes } else { Standing::No })
                    }
                    Err(trouble) => self.not_undone(trouble),
                }
            }
            OriginalKind::Increment | OriginalKind::Capture | OriginalKind::Void => {
                Answer::NotSent("a wallet has nothing of this kind".to_owned())
            }
        }
    }

    /// Acknowledged, if nothing is left of it.
    fn undone(&self, id: &str, standing: Standing) -> Answer {
        match standing {
            Standing::Yes => Answer::Unknown("it still stands after its reversal".to_owned()),
            Standing::No => Answer::Approved(Approval {
                amount: self.request.amount,
                reference: id.chars().take(64).collect(),
                authorization_code: SmolStr::default(),
                network_transaction_id: None,
                cvc_check: None,
            }),
        }
    }

    fn not_undone(&self, trouble: Trouble) -> Answer {
        match trouble {
            Trouble::NotFound => Answer::NotFound,
            other => ended(other),
        }
    }

    async fn inquire(&self, original: &Original) -> Answer {
        let reference = original.trace.reference_text();
        let wallet = self.request.wallet.as_ref().map(|order| order.wallet);
        match original.kind {
            OriginalKind::Sale | OriginalKind::Authorize => {
                let answer = self.get(&format!("/v1/payments/{reference}")).await;
                match read::<Payment<'_>>(&answer) {
                    Ok(payment) => of_payment(&payment, (&reference, wallet)),
                    Err(trouble) => unknown(trouble),
                }
            }
            OriginalKind::Refund => {
                let answer = self.get(&format!("/v1/refunds/{reference}")).await;
                match read::<Refund<'_>>(&answer) {
                    Ok(refund) => of_refund(&refund, &reference, self.request.trace.at),
                    Err(trouble) => unknown(trouble),
                }
            }
            OriginalKind::Increment | OriginalKind::Capture | OriginalKind::Void => {
                Answer::Unknown("a wallet has nothing of this kind".to_owned())
            }
        }
    }
}

/// A body that says nothing.
#[derive(Serialize)]
struct Empty {}

/// Whether something is left of what was to be undone.
#[derive(Clone, Copy)]
enum Standing {
    Yes,
    No,
}

const fn stands(status: PaymentStatus) -> Standing {
    match status {
        PaymentStatus::Pending | PaymentStatus::Paid => Standing::Yes,
        PaymentStatus::Declined | PaymentStatus::Expired | PaymentStatus::Reversed => Standing::No,
    }
}

/// What a failed question means: it says nothing about what was asked after, unless there is no such thing.
fn unknown(trouble: Trouble) -> Answer {
    match trouble {
        Trouble::NotFound => Answer::NotFound,
        Trouble::Refused(code) => Answer::Unknown(format!("the operator does not tell: {code}")),
        Trouble::NotSent(why) => Answer::NotSent(why),
        Trouble::Unknown(why) => Answer::Unknown(why),
    }
}
