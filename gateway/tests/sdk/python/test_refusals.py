"""What is refused, and how the SDK reports it."""

import time

import pytest
import requests
import stripe
from conftest import client_of, hold, pay


def test_another_merchants_objects_do_not_exist(new_shop):
    ours, theirs = new_shop(), new_shop()
    customer = ours.v1.customers.create()
    held = hold(ours, customer=customer.id)
    paid = pay(ours)
    refund = ours.v1.refunds.create({"payment_intent": paid.id, "amount": 1})
    method = ours.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    setup = ours.v1.setup_intents.create()
    event = ours.v1.events.list({"limit": 1}).data[0]
    calls = [
        lambda: theirs.v1.payment_intents.retrieve(held.id),
        lambda: theirs.v1.payment_intents.update(held.id, {"metadata": {"a": "b"}}),
        lambda: theirs.v1.payment_intents.capture(held.id),
        lambda: theirs.v1.payment_intents.cancel(held.id),
        lambda: theirs.v1.payment_intents.increment_authorization(held.id, {"amount": 3000}),
        lambda: theirs.v1.charges.retrieve(held.latest_charge),
        lambda: theirs.v1.charges.capture(held.latest_charge),
        lambda: theirs.v1.refunds.create({"payment_intent": paid.id}),
        lambda: theirs.v1.refunds.create({"charge": paid.latest_charge}),
        lambda: theirs.v1.refunds.retrieve(refund.id),
        lambda: theirs.v1.refunds.update(refund.id, {"metadata": {"a": "b"}}),
        lambda: theirs.v1.customers.retrieve(customer.id),
        lambda: theirs.v1.customers.update(customer.id, {"name": "x"}),
        lambda: theirs.v1.customers.delete(customer.id),
        lambda: theirs.v1.customers.payment_methods.list(customer.id),
        lambda: theirs.v1.payment_methods.retrieve(method.id),
        lambda: theirs.v1.payment_methods.detach(method.id),
        lambda: pay(theirs, payment_method=method.id),
        lambda: pay(theirs, customer=customer.id),
        lambda: theirs.v1.setup_intents.retrieve(setup.id),
        lambda: theirs.v1.setup_intents.cancel(setup.id),
        lambda: theirs.v1.events.retrieve(event.id),
    ]
    for number, call in enumerate(calls):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            call()
        status = refused.value.http_status
        assert refused.value.code == "resource_missing" and status in (400, 404), (number, refused.value)
        assert status == 404 or number >= 17, number
    for service in (theirs.v1.payment_intents, theirs.v1.charges, theirs.v1.refunds, theirs.v1.customers):
        assert service.list().data == []
    assert ours.v1.payment_intents.retrieve(held.id).status == "requires_capture"
    assert ours.v1.charges.retrieve(paid.latest_charge).amount_refunded == 1


CARD = {"confirm": True, "payment_method": "pm_card_visa"}


@pytest.mark.parametrize("params, code, param", [
    ({"amount": 2000, "currency": "usd", "frobnicate": 1}, "parameter_unknown", "frobnicate"),
    ({"amount": 2000, "currency": "usd", "shipping": {"name": "Ada", "address": {"planet": "x"}}}, "parameter_unknown", "shipping[address][planet]"),
    ({"currency": "usd"}, "parameter_missing", "amount"),
    ({"amount": 2000}, "parameter_missing", "currency"),
    ({"amount": "ten", "currency": "usd"}, "parameter_invalid_integer", "amount"),
    ({"amount": "12.5", "currency": "usd"}, "parameter_invalid_integer", "amount"),
    ({"amount": -5, "currency": "usd"}, "parameter_invalid_integer", "amount"),
    ({"amount": 10**20, "currency": "usd"}, "parameter_invalid_integer", "amount"),
    ({"amount": 10, "currency": "usd"}, "amount_too_small", "amount"),
    ({"amount": 100_000_000, "currency": "usd"}, "amount_too_large", "amount"),
    ({"amount": 2000, "currency": "xxq"}, None, "currency"),
    ({"amount": 2000, "currency": "usd", "payment_method": "pm_nothing"}, "resource_missing", "payment_method"),
    ({"amount": 2000, "currency": "usd", "customer": "cus_nothing"}, "resource_missing", "customer"),
])
def test_parameters_that_are_wrong(shop, params, code, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.create({**CARD, **params})
    error = refused.value
    assert error.http_status in (400, 404)
    assert error.param == param
    assert code is None or error.code == code
    assert error.error.type == "invalid_request_error" and error.user_message and error.request_id
    assert shop.v1.payment_intents.list().data == []


def test_what_does_not_exist(shop):
    for call in (
        lambda: shop.v1.payment_intents.retrieve("pi_nothing"),
        lambda: shop.v1.refunds.create({"charge": "ch_nothing"}),
        lambda: shop.raw_request("get", "/v1/nothing"),
        lambda: shop.raw_request("delete", "/v1/payment_intents"),
    ):
        with pytest.raises((stripe.InvalidRequestError, stripe.APIError)) as refused:
            call()
        assert refused.value.http_status in (404, 405)
        assert refused.value.error.type == "invalid_request_error"


@pytest.mark.parametrize("key", ["", "sk_test_wrong", "sk_test_" + "a" * 32, "sk_live_" + "a" * 32])
def test_a_wrong_key(gateway, key):
    with pytest.raises(stripe.AuthenticationError) as refused:
        client_of(gateway, key).v1.payment_intents.list()
    assert refused.value.http_status == 401
    assert refused.value.error.type == "authentication_error" or refused.value.error.type == "invalid_request_error"


def test_a_missing_key(gateway):
    answer = requests.get(f"{gateway.url}/v1/payment_intents", verify=gateway.ca, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["error"]["message"]
    assert answer.headers["request-id"]


def test_the_key_as_the_user_of_basic_authentication(gateway):
    answer = requests.get(f"{gateway.url}/v1/payment_intents", auth=(gateway.key, ""), verify=gateway.ca, timeout=10)
    assert answer.status_code == 200


def test_a_body_that_is_too_large_is_answered(shop):
    with pytest.raises(stripe.StripeError) as refused:
        shop.v1.customers.create({"description": "x" * 400_000})
    assert refused.value.http_status == 413
    assert refused.value.error.type == "invalid_request_error"
    assert shop.v1.customers.list().data == []


SLOW_SHOP = """
[limits]
requests_per_s_key = 2
"""


def test_too_many_requests(start_gateway):
    gateway = start_gateway(SLOW_SHOP)
    hasty = client_of(gateway, gateway.key, max_network_retries=0)
    with pytest.raises(stripe.RateLimitError) as limited:
        for _ in range(20):
            hasty.v1.payment_intents.list()
    error = limited.value
    assert (error.http_status, error.error.code, error.error.type) == (429, "rate_limit", "rate_limit_error")
    assert error.headers["stripe-should-retry"] == "true"
    assert int(error.headers["retry-after"]) >= 1
    assert error.headers["ratelimit"] and error.headers["ratelimit-policy"]
    patient = client_of(gateway, gateway.key, max_network_retries=8)
    assert [pay(patient).status for _ in range(5)] == ["succeeded"] * 5
    time.sleep(1.1)
    assert len(hasty.v1.payment_intents.list().data) == 5
