//! Objects that an answer refers to and was asked to show whole: read before rendering, which does not wait.

use crate::engine::Engine;
use crate::flow::methods;
use gateway_api::error::ApiError;
use gateway_core::id::{CustomerId, PaymentMethodId};
use gateway_core::journal::{Row, RowKey};
use gateway_core::payment::Payment;
use gateway_core::record::{Customer, PaymentMethod};
use gateway_core::tenant::Tenant;
use std::collections::HashMap;

/// Customers and payment methods at hand.
#[derive(Default)]
pub struct Related {
    customers: HashMap<CustomerId, Customer>,
    methods: HashMap<PaymentMethodId, PaymentMethod>,
}

/// What the paths of a request name, wherever it stands in them.
fn names<'e>(mut paths: impl Iterator<Item = &'e str>, word: &str) -> bool {
    paths.any(|path| path.split('.').any(|name| name == word))
}

impl Related {
    /// The customer, if at hand.
    pub fn customer(&self, id: CustomerId) -> Option<&Customer> {
        self.customers.get(&id)
    }

    /// The payment method, if at hand.
    pub fn method(&self, id: PaymentMethodId) -> Option<&PaymentMethod> {
        self.methods.get(&id)
    }

    /// Reads what these payments refer to, as far as the paths name it.
    ///
    /// # Errors
    /// 503 if the store can't be read.
    pub async fn of_payments(
        engine: &Engine,
        payments: impl Iterator<Item = &Payment>,
        expand: &[&str],
    ) -> Result<Self, ApiError> {
        let mut related = Self::default();
        let customers = names(expand.iter().copied(), "customer");
        let methods = names(expand.iter().copied(), "payment_method");
        if !customers && !methods {
            return Ok(related);
        }
        for payment in payments {
            if let Some(id) = payment.details.customer.filter(|_| customers) {
                related.add_customer(engine, payment.tenant, id).await?;
            }
            let used = payment.instrument.as_ref().or(payment.attempt().map(|attempt| &attempt.instrument));
            if let Some(used) = used.filter(|_| methods) {
                related.add_method(engine, payment.tenant, used.method).await?;
            }
        }
        Ok(related)
    }

    /// Reads one customer.
    ///
    /// # Errors
    /// 503 if the store can't be read.
    pub async fn add_customer(
        &mut self,
        engine: &Engine,
        tenant: Tenant,
        id: CustomerId,
    ) -> Result<(), ApiError> {
        if self.customers.contains_key(&id) {
            return Ok(());
        }
        let found = crate::flow::read(engine, &RowKey::Customer(tenant, id)).await?;
        if let Some(Row::Customer(customer)) = found.map(|stored| stored.row) {
            self.customers.insert(id, *customer);
        }
        Ok(())
    }

    /// Reads one payment method.
    ///
    /// # Errors
    /// 503 if the store can't be read.
    pub async fn add_method(
        &mut self,
        engine: &Engine,
        tenant: Tenant,
        id: PaymentMethodId,
    ) -> Result<(), ApiError> {
        if self.methods.contains_key(&id) {
            return Ok(());
        }
        if let Some((_expect, method)) = methods::find(engine, tenant, id).await? {
            self.methods.insert(id, method);
        }
        Ok(())
    }
}
