"""Events: what happened, told in order and without gaps."""

import pytest
import stripe
from conftest import hold, pay


def story(shop, intent):
    """The types of one payment's events, oldest first."""
    told = []
    for event in shop.v1.events.list({"limit": 100}).auto_paging_iter():
        shown = event.data.object
        if intent.id in (getattr(shown, "id", None), getattr(shown, "payment_intent", None)):
            told.append(event.type)
    return told[::-1]


def test_the_story_of_an_authorization_captured_and_refunded(shop):
    held = hold(shop, 2000)
    shop.v1.payment_intents.capture(held.id, {"amount_to_capture": 500, "final_capture": False})
    shop.v1.payment_intents.capture(held.id, {"amount_to_capture": 700})
    shop.v1.refunds.create({"payment_intent": held.id, "amount": 100})
    pay(shop)
    assert story(shop, held) == [
        "payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated",
        "charge.captured", "payment_intent.amount_capturable_updated",
        "charge.captured", "payment_intent.succeeded",
        "refund.created", "refund.updated", "charge.refund.updated", "charge.refunded",
    ]


def test_the_stories_of_a_void_and_of_a_decline(shop):
    held = hold(shop)
    shop.v1.payment_intents.cancel(held.id)
    expected = ["payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated"]
    assert story(shop, held) == [*expected, "payment_intent.canceled"]
    with pytest.raises(stripe.CardError) as declined:
        pay(shop, payment_method="pm_card_chargeDeclined")
    failed = declined.value.error.payment_intent
    assert story(shop, failed) == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]


def test_an_event_shows_the_object_as_it_was_then(shop):
    held = hold(shop, 2000)
    shop.v1.payment_intents.capture(held.id)
    updated = shop.v1.events.list({"type": "payment_intent.amount_capturable_updated"}).data
    assert [event.data.object.status for event in updated] == ["requires_capture"]
    assert updated[0].data.object.amount_capturable == 2000
    event = shop.v1.events.retrieve(updated[0].id)
    assert event.to_dict() == updated[0].to_dict()
    assert isinstance(event, stripe.Event) and event.api_version == stripe.api_version
    assert event.id.startswith("evt_") and event.livemode is False
    assert isinstance(event.data.object, stripe.PaymentIntent)


def test_an_event_names_the_request_that_made_it(shop):
    paid = pay(shop, options={"idempotency_key": "named"})
    event = shop.v1.events.list({"type": "payment_intent.succeeded"}).data[0]
    assert event.request.idempotency_key == "named"
    assert event.request.id == paid.last_response.request_id


def test_events_by_type(shop):
    pay(shop)
    shop.v1.customers.create()
    one = shop.v1.events.list({"type": "customer.created"}).data
    assert [event.type for event in one] == ["customer.created"]
    both = shop.v1.events.list({"types": ["customer.created", "charge.succeeded"]}).data
    assert [event.type for event in both] == ["customer.created", "charge.succeeded"]


def test_a_replay_tells_nothing_new(shop):
    pay(shop, options={"idempotency_key": "k"})
    before = [event.id for event in shop.v1.events.list().data]
    pay(shop, options={"idempotency_key": "k"})
    assert [event.id for event in shop.v1.events.list().data] == before


def test_customers_and_cards_have_events_too(shop):
    customer = shop.v1.customers.create({"name": "Ada"})
    shop.v1.customers.update(customer.id, {"name": "Eve"})
    method = shop.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    shop.v1.payment_methods.detach(method.id)
    shop.v1.customers.delete(customer.id)
    told = [event.type for event in shop.v1.events.list().data][::-1]
    assert told == [
        "customer.created", "customer.updated", "payment_method.attached", "payment_method.detached", "customer.deleted",
    ]
