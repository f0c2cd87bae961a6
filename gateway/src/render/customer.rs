//! Customers as the wire shows them.

use super::{Renderer, card, extra};
use gateway_api::expand::Level;
use gateway_api::objects::{self, Expandable, InvoiceSettings};
use gateway_core::id::CustomerId;
use gateway_core::record::Customer;

/// A customer.
pub fn customer<'a>(r: &Renderer<'a>, stored: &'a Customer, level: Level<'_>) -> objects::Customer<'a> {
    let map = extra::parse(&stored.extra);
    let settings = level.descend("invoice_settings");
    let default = stored.default_payment_method.map(|id| {
        let wanted = settings.wants("default_payment_method");
        card::reference(r, id, wanted.then(|| settings.descend("default_payment_method")))
    });
    objects::Customer {
        id: r.text(stored.id),
        address: extra::address(r, &map),
        business_name: extra::text(r, &map, "business_name"),
        created: stored.created.unix_seconds(),
        description: stored.description.as_deref(),
        email: stored.email.as_deref(),
        individual_name: extra::text(r, &map, "individual_name"),
        invoice_settings: InvoiceSettings { default_payment_method: default, ..InvoiceSettings::default() },
        livemode: stored.tenant.mode.is_live(),
        metadata: card::metadata(&stored.metadata),
        name: stored.name.as_deref(),
        phone: stored.phone.as_deref(),
        shipping: extra::shipping(r, &map),
        ..objects::Customer::default()
    }
}

/// A customer as their id or, if wanted and at hand, as themselves.
pub fn reference<'a>(
    r: &Renderer<'a>,
    id: CustomerId,
    wanted: bool,
) -> Expandable<'a, objects::Customer<'a>> {
    match r.related.customer(id).filter(|_| wanted) {
        Some(stored) => Expandable::object(customer(r, stored, Level::default())),
        None => Expandable::Id(r.text(id)),
    }
}
