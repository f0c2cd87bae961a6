//! How much of a merchant's own words a payment carries: they are stored, shown and written again with every step, never read.

use super::MAX_TEXT_BYTES;
use super::state::{Details, Instrument, InstrumentChange, Payment};
use crate::record::Metadata;
use crate::refusal::Refusal;

fn of_metadata(metadata: &Metadata) -> usize {
    metadata.iter().map(|(key, value)| key.len() + value.len()).sum()
}

/// Bytes of a payment's details.
pub(super) fn of_details(details: &Details) -> usize {
    let Details {
        customer: _,
        description,
        receipt_email,
        statement_descriptor,
        statement_descriptor_suffix,
        setup_future_usage,
        metadata,
        extra,
    } = details;
    let texts =
        [description, receipt_email, statement_descriptor, statement_descriptor_suffix, setup_future_usage];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    texts + of_metadata(metadata) + extra.len()
}

/// Bytes of what is said of a card.
pub(super) const fn of_instrument(instrument: &Instrument) -> usize {
    instrument.billing_details.len()
}

/// Bytes of all attempts and refunds, which only become more; those of one refund left out, if its words are to be replaced.
fn of_past(payment: &Payment, replaced: Option<usize>) -> usize {
    let attempts: usize = payment.attempts.iter().map(|attempt| of_instrument(&attempt.instrument)).sum();
    let refunds = payment.refunds.iter().enumerate().filter(|(at, _)| Some(*at) != replaced);
    attempts + refunds.map(|(_, refund)| of_metadata(&refund.metadata)).sum::<usize>()
}

/// Whether a payment with these words, and so many bytes of others, would still be one that is written in a step.
fn fits(bytes: usize) -> Result<(), Refusal> {
    if bytes <= MAX_TEXT_BYTES { Ok(()) } else { Err(Refusal::TooMuchText { limit_bytes: MAX_TEXT_BYTES }) }
}

/// For a payment that is made.
pub(super) fn check_new(details: &Details, instrument: Option<&Instrument>) -> Result<(), Refusal> {
    fits(of_details(details) + instrument.map_or(0, of_instrument))
}

/// For new details, or a new card, of a payment.
pub(super) fn check_update(
    payment: &Payment,
    details: &Details,
    instrument: &InstrumentChange,
) -> Result<(), Refusal> {
    let card = match instrument {
        InstrumentChange::Keep => payment.instrument.as_deref().map_or(0, of_instrument),
        InstrumentChange::Clear => 0,
        InstrumentChange::Set(card) => of_instrument(card),
    };
    fits(of_details(details) + card + of_past(payment, None))
}

/// For one more attempt with the payment's card.
pub(super) fn check_attempt(payment: &Payment) -> Result<(), Refusal> {
    let card = payment.instrument.as_deref().map_or(0, of_instrument);
    // Once as the payment's, once as the attempt's.
    fits(of_details(&payment.details) + 2 * card + of_past(payment, None))
}

/// For a refund with these words, in the place of those of the refund at `replaced`, or beside all.
pub(super) fn check_refund(
    payment: &Payment,
    metadata: &Metadata,
    replaced: Option<usize>,
) -> Result<(), Refusal> {
    let card = payment.instrument.as_deref().map_or(0, of_instrument);
    fits(of_details(&payment.details) + card + of_past(payment, replaced) + of_metadata(metadata))
}
