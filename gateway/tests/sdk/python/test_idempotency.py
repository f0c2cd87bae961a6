"""One key, one payment, one answer."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe
from conftest import card_data, hold, pay


def refusal(call):
    """The error that a call raises."""
    with pytest.raises(stripe.StripeError) as raised:
        call()
    return raised.value


def test_a_replay_is_the_same_bytes(shop):
    first = pay(shop, options={"idempotency_key": "k"})
    again = pay(shop, options={"idempotency_key": "k"})
    assert again.last_response.body == first.last_response.body
    assert "idempotent-replayed" not in first.last_response.headers
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert len(shop.v1.payment_intents.list().data) == 1


def test_a_replay_shows_what_was_then_not_what_is_now(shop):
    held = hold(shop, options={"idempotency_key": "hold"})
    captured = shop.v1.payment_intents.capture(held.id, {}, {"idempotency_key": "capture"})
    refund = shop.v1.refunds.create({"payment_intent": held.id, "amount": 5}, {"idempotency_key": "refund"})
    assert hold(shop, options={"idempotency_key": "hold"}).last_response.body == held.last_response.body
    again = shop.v1.payment_intents.capture(held.id, {}, {"idempotency_key": "capture"})
    assert again.last_response.body == captured.last_response.body
    again = shop.v1.refunds.create({"payment_intent": held.id, "amount": 5}, {"idempotency_key": "refund"})
    assert again.last_response.body == refund.last_response.body
    assert shop.v1.charges.retrieve(held.latest_charge).amount_refunded == 5


def test_a_decline_is_replayed_too(shop):
    def decline():
        return pay(shop, payment_method="pm_card_chargeDeclined", options={"idempotency_key": "k"})

    first, again = refusal(decline), refusal(decline)
    assert isinstance(again, stripe.CardError)
    assert again.http_body == first.http_body
    assert again.headers["idempotent-replayed"] == "true"
    assert len(shop.v1.charges.list().data) == 1


@pytest.mark.parametrize("change", [{"amount": 2001}, {"currency": "eur"}, {"metadata": {"a": "b"}}, {"confirm": False}])
def test_a_key_with_other_parameters_does_nothing(shop, change):
    pay(shop, options={"idempotency_key": "k"})
    error = refusal(lambda: pay(shop, **{"options": {"idempotency_key": "k"}, **change}))
    assert isinstance(error, stripe.IdempotencyError)
    assert (error.http_status, error.error.type) == (400, "idempotency_error")
    assert len(shop.v1.payment_intents.list().data) == 1


def test_a_key_on_another_route_does_nothing(shop):
    pay(shop, options={"idempotency_key": "k"})
    error = refusal(lambda: shop.v1.customers.create({}, {"idempotency_key": "k"}))
    assert isinstance(error, stripe.IdempotencyError)
    assert shop.v1.customers.list().data == []


def test_another_card_is_another_request_and_another_code_is_not(shop):
    options = {"idempotency_key": "k"}
    first = pay(shop, payment_method_data=card_data("4242424242424242"), options=options)
    again = pay(shop, payment_method_data=card_data("4242424242424242", cvc="999"), options=options)
    assert again.last_response.body == first.last_response.body
    error = refusal(lambda: pay(shop, payment_method_data=card_data("5555555555554444"), options=options))
    assert isinstance(error, stripe.IdempotencyError)


def test_a_key_belongs_to_its_merchant(new_shop):
    first, second = new_shop(), new_shop()
    paid = [pay(client, options={"idempotency_key": "k"}).id for client in (first, second)]
    assert paid[0] != paid[1]


def test_what_was_refused_before_it_began_leaves_the_key_free(shop):
    options = {"idempotency_key": "k"}
    error = refusal(lambda: shop.v1.payment_intents.create({"amount": 2000}, options))
    assert error.code == "parameter_missing"
    assert pay(shop, options=options).status == "succeeded"


def test_a_refusal_of_state_stays_final_for_its_key(shop):
    held = hold(shop, 1000)
    shop.v1.payment_intents.capture(held.id)

    def capture():
        shop.v1.payment_intents.capture(held.id, {}, {"idempotency_key": "late"})

    assert refusal(capture).http_body == refusal(capture).http_body
    assert refusal(capture).headers["idempotent-replayed"] == "true"


def at_once(count, call):
    """Calls in so many threads that set off together."""
    line = threading.Barrier(count)

    def one(number):
        line.wait(20)
        return call(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_fifty_requests_with_one_key_make_one_payment(shop):
    answers = at_once(50, lambda _: pay(shop, options={"idempotency_key": "storm"}).last_response)
    assert len({answer.body for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert len(shop.v1.payment_intents.list({"limit": 100}).data) == 1
    assert len(shop.v1.charges.list({"limit": 100}).data) == 1


def test_fifty_captures_with_fifty_keys_take_the_money_once(shop):
    held = hold(shop, 5000)

    def capture(number):
        try:
            return shop.v1.payment_intents.capture(held.id, {}, {"idempotency_key": f"c{number}"}).amount_received
        except stripe.InvalidRequestError as refused:
            assert refused.code == "payment_intent_unexpected_state", refused
            return 0

    assert sorted(at_once(50, capture)) == [0] * 49 + [5000]


def test_keys_that_are_no_keys_are_refused(shop):
    error = refusal(lambda: pay(shop, options={"idempotency_key": "x" * 256}))
    assert error.http_status == 400
    assert pay(shop, options={"idempotency_key": "x" * 255}).status == "succeeded"
