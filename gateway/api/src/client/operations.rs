//! One method for each common operation. Writes take their idempotency key; keep it for as long as the outcome is open.
//!
//! All of them fail as [`ClientError`] says; what is not here goes through [`Client::post`], [`Client::read`] and
//! [`Client::send`].

use super::call::Call;
use super::error::ClientError;
use super::form::{Form, segment};
use super::pool::Client;
use super::requests::{CreatePayment, CreateRefund};
use super::response::Response;
use super::views::{
    ChargeView, CustomerView, EventView, ListView, PaymentIntentView, PaymentMethodView, RefundView,
};
use serde::de::DeserializeOwned;

type Answer<T> = Result<Response<T>, ClientError>;

const INTENTS: &str = "/v1/payment_intents";

impl Client {
    /// A write to any path.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, form: Form, key: &str) -> Answer<T> {
        self.send(&Call::post(path, form, key)).await?.read()
    }

    /// A read of any path.
    pub async fn read<T: DeserializeOwned>(&self, path: &str, query: &Form) -> Answer<T> {
        self.send(&Call::get(path, query)).await?.read()
    }

    /// Creates a payment intent, and confirms it if the parameters say so.
    pub async fn create_payment_intent(
        &self,
        payment: &CreatePayment<'_>,
        key: &str,
    ) -> Answer<PaymentIntentView> {
        self.post(INTENTS, payment.to_form(), key).await
    }

    /// Confirms a payment intent; `form` may carry another payment method.
    pub async fn confirm_payment_intent(&self, id: &str, form: Form, key: &str) -> Answer<PaymentIntentView> {
        self.post(&format!("{INTENTS}/{}/confirm", segment(id)), form, key).await
    }

    /// Captures `amount` minor units, or all that is capturable, and releases the rest.
    pub async fn capture_payment_intent(
        &self,
        id: &str,
        amount: Option<i64>,
        key: &str,
    ) -> Answer<PaymentIntentView> {
        let form = Form::new().optional("amount_to_capture", amount);
        self.post(&format!("{INTENTS}/{}/capture", segment(id)), form, key).await
    }

    /// Captures `amount` minor units and keeps the rest capturable.
    pub async fn capture_part(&self, id: &str, amount: i64, key: &str) -> Answer<PaymentIntentView> {
        let form = Form::new().pair("amount_to_capture", amount).pair("final_capture", false);
        self.post(&format!("{INTENTS}/{}/capture", segment(id)), form, key).await
    }

    /// Cancels a payment intent, and so voids what is authorized.
    pub async fn cancel_payment_intent(&self, id: &str, key: &str) -> Answer<PaymentIntentView> {
        self.post(&format!("{INTENTS}/{}/cancel", segment(id)), Form::new(), key).await
    }

    /// Raises the authorized amount to `total` minor units.
    pub async fn increment_authorization(
        &self,
        id: &str,
        total: i64,
        key: &str,
    ) -> Answer<PaymentIntentView> {
        let form = Form::new().pair("amount", total);
        self.post(&format!("{INTENTS}/{}/increment_authorization", segment(id)), form, key).await
    }

    /// Reads a payment intent.
    pub async fn payment_intent(&self, id: &str, query: &Form) -> Answer<PaymentIntentView> {
        self.read(&format!("{INTENTS}/{}", segment(id)), query).await
    }

    /// Reads a page of payment intents.
    pub async fn payment_intents(&self, query: &Form) -> Answer<ListView<PaymentIntentView>> {
        self.read(INTENTS, query).await
    }

    /// Reads a charge.
    pub async fn charge(&self, id: &str, query: &Form) -> Answer<ChargeView> {
        self.read(&format!("/v1/charges/{}", segment(id)), query).await
    }

    /// Reads a page of charges.
    pub async fn charges(&self, query: &Form) -> Answer<ListView<ChargeView>> {
        self.read("/v1/charges", query).await
    }

    /// Refunds a payment, whole or in part.
    pub async fn create_refund(&self, refund: &CreateRefund<'_>, key: &str) -> Answer<RefundView> {
        self.post("/v1/refunds", refund.to_form(), key).await
    }

    /// Reads a refund.
    pub async fn refund(&self, id: &str) -> Answer<RefundView> {
        self.read(&format!("/v1/refunds/{}", segment(id)), &Form::new()).await
    }

    /// Reads a page of refunds.
    pub async fn refunds(&self, query: &Form) -> Answer<ListView<RefundView>> {
        self.read("/v1/refunds", query).await
    }

    /// Creates a payment method.
    pub async fn create_payment_method(&self, form: Form, key: &str) -> Answer<PaymentMethodView> {
        self.post("/v1/payment_methods", form, key).await
    }

    /// Creates a customer.
    pub async fn create_customer(&self, form: Form, key: &str) -> Answer<CustomerView> {
        self.post("/v1/customers", form, key).await
    }

    /// Reads a page of events.
    pub async fn events(&self, query: &Form) -> Answer<ListView<EventView>> {
        self.read("/v1/events", query).await
    }
}
