//! The review as the wire shows it.

use super::{Renderer, charge, extra, payment};
use gateway_api::expand::Level;
use gateway_api::objects::{self, Expandable};
use gateway_core::payment::{Attempt, Payment};

/// The review of an attempt that has one.
pub fn review<'a>(
    r: &Renderer<'a>,
    (p, attempt): (&'a Payment, &'a Attempt),
    level: Level<'_>,
) -> objects::Review<'a> {
    let Some(review) = &attempt.review else { return objects::Review::default() };
    let closed = review.closed.map(|(_, reason)| reason.as_str());
    objects::Review {
        id: r.text(review.id),
        billing_zip: extra::billing(r, &attempt.instrument.billing_details).address.postal_code,
        charge: Some(if level.wants("charge") {
            Expandable::object(charge::charge(r, (p, attempt), level.descend("charge")))
        } else {
            Expandable::Id(r.text(charge::id_of(p, attempt)))
        }),
        closed_reason: closed,
        created: review.opened.unix_seconds(),
        livemode: p.tenant.mode.is_live(),
        open: review.is_open(),
        opened_reason: "rule",
        payment_intent: Some(if level.wants("payment_intent") {
            Expandable::object(payment::intent(r, p, level.descend("payment_intent")))
        } else {
            Expandable::Id(r.text(p.id))
        }),
        reason: closed.unwrap_or("rule"),
        ..objects::Review::default()
    }
}

/// The reference to an attempt's review, if it has one.
pub fn reference<'a>(
    r: &Renderer<'a>,
    (p, attempt): (&'a Payment, &'a Attempt),
    level: Level<'_>,
) -> Option<Expandable<'a, objects::Review<'a>>> {
    let review = attempt.review.as_ref()?;
    Some(if level.wants("review") {
        Expandable::object(self::review(r, (p, attempt), level.descend("review")))
    } else {
        Expandable::Id(r.text(review.id))
    })
}
