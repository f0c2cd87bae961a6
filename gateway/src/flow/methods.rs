//! Payment methods, wherever they are stored. One that was given with a payment that was confirmed at once has no row of its own: the
//! payment's number follows from its own, and it is found in the payment's attempts. It gets a row when something is done with it.
//!
//! It follows by a keyed hash, one way only: payments' numbers lie open, in return addresses and receipts, and whoever knows a payment
//! method that is nobody's can pay with it.

use super::read;
use crate::engine::Engine;
use crypto::vault::Vault;
use gateway_api::error::ApiError;
use gateway_core::id::{Id, PaymentId, PaymentMethodId};
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
    let payment = read(engine, &RowKey::Payment(tenant, payment_of(&engine.vault, id))).await?;
    let Some(Row::Payment(row)) = payment.map(|stored| stored.row) else { return Ok(None) };
    Ok(given_with(&row.payment, id).map(|method| (Expect::Absent, method)))
}

/// The payment that a payment method of this number was given with, if it has no row: of the same moment, and with a half that only who
/// has the keyring can compute.
pub fn payment_of(vault: &Vault, method: PaymentMethodId) -> PaymentId {
    let moment = method.0.0 >> 64 << 64;
    PaymentId(Id(moment | u128::from(vault.payment_number(method.0.0))))
}

/// The payment method of this number that came with a payment.
fn given_with(payment: &Payment, id: PaymentMethodId) -> Option<PaymentMethod> {
    let instrument = payment.attempts.iter().map(|attempt| &attempt.instrument).find(|it| it.method == id)?;
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
