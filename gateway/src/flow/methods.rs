//! Payment methods, wherever they are stored. One that was given with a payment that was confirmed at once has no row of its own: it bears
//! the payment's number, and is found in its first attempt. It gets a row when something is done with it.

use super::read;
use crate::engine::Engine;
use gateway_api::error::ApiError;
use gateway_core::id::{PaymentId, PaymentMethodId};
use gateway_core::journal::{Expect, Row, RowKey};
use gateway_core::payment::{Instrument, Payment};
use gateway_core::record::{Metadata, PaymentMethod};
use gateway_core::tenant::Tenant;
use gateway_core::time::Timestamp;

/// A payment method, with what a change of it must find.
///
/// # Errors
/// 503 if the store can't tell.
pub async fn find(
    engine: &Engine,
    tenant: Tenant,
    id: PaymentMethodId,
) -> Result<Option<(Expect, PaymentMethod)>, ApiError> {
    if let Some(stored) = read(engine, &RowKey::PaymentMethod(tenant, id)).await? {
        let Row::PaymentMethod(method) = stored.row else { return Ok(None) };
        return Ok(Some((Expect::Version(stored.version), *method)));
    }
    let payment = read(engine, &RowKey::Payment(tenant, PaymentId(id.0))).await?;
    let Some(Row::Payment(row)) = payment.map(|stored| stored.row) else { return Ok(None) };
    Ok(given_with(&row.payment).map(|method| (Expect::Absent, method)))
}

/// The payment method that came with a payment and has its number.
fn given_with(payment: &Payment) -> Option<PaymentMethod> {
    let instrument =
        payment.attempts.iter().map(|attempt| &attempt.instrument).find(|it| it.method.0 == payment.id.0)?;
    Some(of_instrument(payment.tenant, Instrument::clone(instrument)))
}

/// A payment method of which nothing is known but what was given with it.
pub fn of_instrument(tenant: Tenant, instrument: Instrument) -> PaymentMethod {
    let Instrument { method: id, means, billing_details } = instrument;
    PaymentMethod {
        id,
        tenant,
        created: Timestamp(id.0.ms()),
        customer: None,
        means,
        billing_details,
        metadata: Metadata::new(),
        spent: false,
    }
}
