"""Authorize, capture, void, increment: the life of one payment."""

import pytest
import stripe
from conftest import card_data, hold, pay


def test_an_authorization_holds_and_takes_nothing(shop):
    intent = hold(shop, 2000)
    assert intent.status == "requires_capture"
    assert (intent.amount, intent.amount_capturable, intent.amount_received) == (2000, 2000, 0)
    charge = shop.v1.charges.retrieve(intent.latest_charge)
    assert (charge.paid, charge.captured, charge.amount_captured) == (True, False, 0)
    assert charge.payment_method_details.card.capture_before > charge.created


def test_a_capture_in_part_releases_the_rest(shop):
    intent = hold(shop, 2000)
    captured = shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1500})
    assert captured.status == "succeeded"
    assert (captured.amount_received, captured.amount_capturable) == (1500, 0)
    charge = shop.v1.charges.retrieve(captured.latest_charge)
    assert (charge.captured, charge.amount_captured) == (True, 1500)


def test_a_capture_in_several_parts(shop):
    intent = hold(shop, 3000)
    for taken in (1000, 1500):
        params = {"amount_to_capture": taken - intent.amount_received, "final_capture": False}
        intent = shop.v1.payment_intents.capture(intent.id, params)
        assert (intent.status, intent.amount_received) == ("requires_capture", taken)
        assert intent.amount_capturable == 3000 - taken
    intent = shop.v1.payment_intents.capture(intent.id)
    assert (intent.status, intent.amount_received, intent.amount_capturable) == ("succeeded", 3000, 0)


def test_a_capture_of_more_than_is_held_is_refused(shop):
    intent = hold(shop, 2000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 2001})
    assert (refused.value.http_status, refused.value.code) == (400, "amount_too_large")
    assert refused.value.param == "amount_to_capture"
    assert shop.v1.payment_intents.retrieve(intent.id).amount_capturable == 2000


def test_a_second_capture_is_refused_with_the_intent(shop):
    intent = hold(shop)
    shop.v1.payment_intents.capture(intent.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.capture(intent.id)
    assert (refused.value.http_status, refused.value.code) == (400, "payment_intent_unexpected_state")
    assert refused.value.error.payment_intent.id == intent.id
    assert refused.value.error.payment_intent.status == "succeeded"
    assert shop.v1.payment_intents.retrieve(intent.id).amount_received == 2000


def test_a_capture_through_the_charge(shop):
    intent = hold(shop, 2000)
    charge = shop.v1.charges.capture(intent.latest_charge, {"amount": 800})
    assert (charge.captured, charge.amount_captured) == (True, 800)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.charges.capture(intent.latest_charge)
    assert refused.value.code == "charge_already_captured"
    assert shop.v1.payment_intents.retrieve(intent.id).amount_received == 800


def test_a_void_gives_the_hold_back(shop):
    intent = hold(shop)
    canceled = shop.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "duplicate"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "duplicate")
    assert (canceled.amount_capturable, canceled.amount_received) == (0, 0)
    assert canceled.canceled_at >= canceled.created
    for change in (shop.v1.payment_intents.cancel, shop.v1.payment_intents.capture):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            change(intent.id)
        assert refused.value.code == "payment_intent_unexpected_state"


def test_what_was_captured_is_not_voided(shop):
    intent = hold(shop, 2000)
    shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 500, "final_capture": False})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.cancel(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_an_increment_raises_the_hold(shop):
    intent = hold(shop, 2000)
    raised = shop.v1.payment_intents.increment_authorization(intent.id, {"amount": 2600})
    assert (raised.status, raised.amount, raised.amount_capturable) == ("requires_capture", 2600, 2600)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.increment_authorization(intent.id, {"amount": 2600})
    assert refused.value.param == "amount"
    assert shop.v1.payment_intents.capture(intent.id).amount_received == 2600


def test_an_intent_step_by_step(shop):
    params = {"amount": 1000, "currency": "eur", "metadata": {"order": "17", "gone": "x"}, "description": "tea"}
    intent = shop.v1.payment_intents.create(params)
    assert (intent.status, intent.currency, intent.latest_charge) == ("requires_payment_method", "eur", None)
    assert intent.client_secret.startswith(intent.id + "_secret_")
    change = {"amount": 1200, "metadata": {"gone": "", "shop": "y"}, "payment_method": "pm_card_visa"}
    intent = shop.v1.payment_intents.update(intent.id, change)
    assert (intent.status, intent.amount) == ("requires_confirmation", 1200)
    assert intent.metadata.to_dict() == {"order": "17", "shop": "y"}
    paid = shop.v1.payment_intents.confirm(intent.id)
    assert (paid.status, paid.amount_received, paid.description) == ("succeeded", 1200, "tea")
    assert shop.v1.payment_intents.retrieve(intent.id).to_dict() == paid.to_dict()


def test_a_declined_intent_is_tried_again_with_another_card(shop):
    intent = shop.v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    with pytest.raises(stripe.CardError):
        shop.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_chargeDeclined"})
    declined = shop.v1.payment_intents.retrieve(intent.id)
    assert declined.status == "requires_payment_method"
    assert declined.last_payment_error.decline_code == "generic_decline"
    paid = shop.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_mastercard"})
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)
    charges = shop.v1.charges.list({"payment_intent": intent.id})
    assert [charge.status for charge in charges.data] == ["succeeded", "failed"]


def test_a_sale_by_a_card_given_in_place(shop):
    data = {**card_data("5555555555554444"), "billing_details": {"name": "Ada", "address": {"country": "GB"}}}
    paid = pay(shop, payment_method_data=data, expand=["latest_charge", "payment_method"])
    assert (paid.status, paid.payment_method.card.last4) == ("succeeded", "4444")
    charge = paid.latest_charge
    assert charge.billing_details.name == "Ada"
    assert (charge.payment_method_details.card.brand, charge.outcome.type) == ("mastercard", "authorized")
    assert charge.payment_method_details.card.checks.cvc_check == "pass"
    assert 0 <= charge.outcome.risk_score <= 100
    assert "5555555555554444" not in paid.last_response.body


def test_a_currency_without_minor_units(shop):
    paid = pay(shop, 150, currency="jpy")
    assert (paid.status, paid.amount_received, paid.currency) == ("succeeded", 150, "jpy")


def test_every_answer_names_its_request_and_version(shop):
    paid = pay(shop, options={"idempotency_key": "named"})
    headers = paid.last_response.headers
    assert headers["request-id"].startswith("req_")
    assert headers["stripe-version"] == stripe.api_version
    assert headers["idempotency-key"] == "named"
    again = shop.v1.payment_intents.retrieve(paid.id)
    assert again.last_response.request_id != paid.last_response.request_id
