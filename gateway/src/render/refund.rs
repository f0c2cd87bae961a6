//! The refund as the wire shows it.

use super::{Renderer, card, charge, decline, payment};
use gateway_api::WireEnum;
use gateway_api::expand::Level;
use gateway_api::objects::{self, Expandable, RefundCard, RefundDestination};
use gateway_core::id::ChargeId;
use gateway_core::payment::{Payment, Refund, RefundState};

/// A refund.
pub fn refund<'a>(
    r: &Renderer<'a>,
    (p, refund): (&'a Payment, &'a Refund),
    level: Level<'_>,
) -> objects::Refund<'a> {
    let charge = ChargeId { payment: p.id, attempt: refund.attempt };
    let attempt = p.attempt_numbered(refund.attempt);
    objects::Refund {
        id: r.text(refund.id),
        amount: refund.amount_minor,
        charge: Some(match attempt.filter(|_| level.wants("charge")) {
            Some(attempt) => Expandable::object(charge::charge(r, (p, attempt), level.descend("charge"))),
            None => Expandable::Id(r.text(charge)),
        }),
        created: refund.created.unix_seconds(),
        currency: r.texts.alloc_str(p.amount.currency.code()),
        destination_details: Some(RefundDestination::card(RefundCard {
            reference: Some(refund.reference.as_str()).filter(|text| !text.is_empty()),
            reference_status: Some(match refund.state {
                RefundState::Succeeded => "available",
                RefundState::Pending => "pending",
                RefundState::Failed(_) => "unavailable",
            }),
            reference_type: Some("acquirer_reference_number"),
            kind: "refund",
        })),
        failure_reason: match refund.state {
            RefundState::Failed(code) => Some(decline::word(code).as_str()),
            RefundState::Pending | RefundState::Succeeded => None,
        },
        metadata: card::metadata(&refund.metadata),
        payment_intent: Some(if level.wants("payment_intent") {
            Expandable::object(payment::intent(r, p, level.descend("payment_intent")))
        } else {
            Expandable::Id(r.payment_id(p.id))
        }),
        pending_reason: (refund.state == RefundState::Pending).then_some("processing"),
        reason: refund.reason.as_deref(),
        status: match refund.state {
            RefundState::Pending => "pending",
            RefundState::Succeeded => "succeeded",
            RefundState::Failed(_) => "failed",
        },
        ..objects::Refund::default()
    }
}
