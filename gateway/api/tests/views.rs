//! What this crate writes, its client reads: every view against the object that it is a view of.

use gateway_api::client::*;
use gateway_api::objects::{self, *};
use serde::de::DeserializeOwned;

fn read<T: DeserializeOwned>(object: &impl serde::Serialize) -> T {
    serde_json::from_str(&objects::to_json(object)).expect("a view reads its object")
}

fn charge() -> Charge<'static> {
    let card = ChargeCard {
        brand: Some("visa"),
        last4: Some("4242"),
        checks: Some(CardChecks { cvc_check: Some("pass"), ..CardChecks::default() }),
        capture_before: Some(1_763_700_000),
        ..ChargeCard::default()
    };
    Charge {
        id: "ch_1",
        status: "succeeded",
        payment_intent: Some("pi_1".into()),
        payment_method_details: Some(ChargePaymentMethodDetails::card(card)),
        outcome: Some(objects::Outcome {
            kind: "authorized",
            risk_score: Some(12),
            ..objects::Outcome::default()
        }),
        ..Charge::default()
    }
}

#[test]
fn an_intent_with_everything_expanded() {
    let declined = LastPaymentError {
        kind: "card_error",
        code: Some("card_declined"),
        payment_method: Some(PaymentMethod { id: "pm_1", kind: "card", ..PaymentMethod::default() }),
        ..LastPaymentError::default()
    };
    let view: PaymentIntentView = read(&PaymentIntent {
        id: "pi_1",
        latest_charge: Some(Expandable::object(charge())),
        last_payment_error: Some(Box::new(declined)),
        next_action: Some(NextAction::redirect("https://localhost/challenge", None)),
        processing: Some(Processing::default()),
        ..PaymentIntent::default()
    });
    let charge = view.latest_charge.as_ref().and_then(Reference::object).expect("expanded");
    assert_eq!(charge.outcome.as_ref().and_then(|outcome| outcome.risk_score), Some(12));
    let card =
        charge.payment_method_details.as_ref().and_then(|details| details.card.as_ref()).expect("a card");
    assert_eq!(card.checks.as_ref().and_then(|checks| checks.cvc_check.as_deref()), Some("pass"));
    assert_eq!(view.last_payment_error.and_then(|error| error.code).as_deref(), Some("card_declined"));
    let url = view.next_action.and_then(|action| action.redirect_to_url).and_then(|redirect| redirect.url);
    assert_eq!(url.as_deref(), Some("https://localhost/challenge"));
}

#[test]
fn the_other_objects() {
    let refund: RefundView = read(&Refund { id: "re_1", charge: Some("ch_1".into()), ..Refund::default() });
    assert_eq!(refund.charge, Some(Reference::Id("ch_1".to_owned())));
    let card = PaymentMethodCard { brand: "visa", last4: "4242", ..PaymentMethodCard::default() };
    let method: PaymentMethodView =
        read(&PaymentMethod { id: "pm_1", kind: "card", card: Some(card), ..PaymentMethod::default() });
    assert_eq!(method.card.and_then(|card| card.last4).as_deref(), Some("4242"));
    let customer: CustomerView = read(&Customer { id: "cus_1", email: Some("a@b.c"), ..Customer::default() });
    assert_eq!((customer.deleted, customer.email.as_deref()), (false, Some("a@b.c")));
    let gone: CustomerView = read(&Deleted::new("customer", "cus_1"));
    assert!(gone.deleted);
    let events: ListView<EventView> =
        read(&List::new("/v1/events", vec![Event::new("evt_1", "charge.succeeded", 7, charge())], More::No));
    assert_eq!(events.data[0].data.object["id"], "ch_1");
}
