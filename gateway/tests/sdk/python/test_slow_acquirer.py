"""An acquirer that takes its time: clients that give up, a crash while it thinks, an orderly end while it thinks."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe
from conftest import client_of, hold, pay

LATENCY_S = 1.2

SLOW = f"""
[[acquirers]]
name = "slow"
kind = "simulated"
latency_ms = {round(LATENCY_S * 1000)}
"""


@pytest.fixture
def slow(start_gateway):
    return start_gateway(SLOW)


def test_a_client_that_gives_up_and_asks_again_pays_once(slow):
    hasty = client_of(slow, slow.key, max_network_retries=6, http_client=stripe.RequestsClient(timeout=0.3))
    paid = pay(hasty)
    assert paid.status == "succeeded"
    assert paid.last_response.headers["idempotent-replayed"] == "true", "the first request was not waited for"
    assert [one.id for one in hasty.v1.payment_intents.list().data] == [paid.id]
    assert len(hasty.v1.charges.list().data) == 1


def test_a_client_that_leaves_for_good_has_paid_all_the_same(slow):
    hasty = client_of(slow, slow.key, max_network_retries=0, http_client=stripe.RequestsClient(timeout=0.3))
    with pytest.raises(stripe.APIConnectionError):
        pay(hasty, options={"idempotency_key": "k"})
    time.sleep(LATENCY_S)
    patient = client_of(slow, slow.key)
    (intent,) = patient.v1.payment_intents.list().data
    assert (intent.status, intent.amount_received) == ("succeeded", 2000)
    assert pay(patient, options={"idempotency_key": "k"}).id == intent.id


def test_a_crash_while_the_acquirer_thinks_is_resolved_and_never_sent_again(slow):
    shop = client_of(slow, slow.key, max_network_retries=0)
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(pay, shop, options={"idempotency_key": "k"})
        time.sleep(LATENCY_S / 3)
        slow.kill()
        with pytest.raises(stripe.APIConnectionError):
            lost.result(10)
    slow.start()
    shop = client_of(slow, slow.key)
    (intent,) = shop.v1.payment_intents.list().data
    assert intent.status in ("processing", "requires_payment_method"), "never rounded to a success"
    deadline = time.monotonic() + 60
    with pytest.raises(stripe.CardError):
        while pay(shop, options={"idempotency_key": "k"}).status == "processing":
            assert time.monotonic() < deadline
            time.sleep(0.1)
    intent = shop.v1.payment_intents.retrieve(intent.id)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.code == "processing_error"
    finals = set()
    for _ in range(2):
        with pytest.raises(stripe.CardError) as final:
            pay(shop, options={"idempotency_key": "k"})
        finals.add((final.value.code, final.value.http_body))
    assert len(finals) == 1 and finals.pop()[0] == "processing_error"
    assert len(shop.v1.charges.list({"payment_intent": intent.id}).data) == 1
    again = shop.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert again.status == "succeeded"
    slow.kill()
    assert slow.verify()["open"] == 0


def test_a_crash_while_a_capture_is_out_repeats_it(slow):
    shop = client_of(slow, slow.key, max_network_retries=0)
    held = hold(shop)
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(shop.v1.payment_intents.capture, held.id, {}, {"idempotency_key": "c"})
        time.sleep(LATENCY_S / 3)
        slow.kill()
        with pytest.raises(stripe.APIConnectionError):
            lost.result(10)
    slow.start()
    shop = client_of(slow, slow.key)
    deadline = time.monotonic() + 60
    while (intent := shop.v1.payment_intents.retrieve(held.id)).status == "processing":
        assert time.monotonic() < deadline
        with pytest.raises(stripe.InvalidRequestError) as refused:
            shop.v1.payment_intents.cancel(held.id)
        assert refused.value.code == "payment_intent_unexpected_state"
        time.sleep(0.1)
    assert (intent.status, intent.amount_received) == ("succeeded", 2000)
    again = shop.v1.payment_intents.capture(held.id, {}, {"idempotency_key": "c"})
    assert (again.status, again.amount_received) == ("succeeded", 2000)


def test_an_orderly_end_waits_for_the_acquirer(slow):
    shop = client_of(slow, slow.key, max_network_retries=0)
    with ThreadPoolExecutor(4) as pool:
        paying = [pool.submit(pay, shop, options={"idempotency_key": f"k{number}"}) for number in range(4)]
        time.sleep(LATENCY_S / 3)
        assert slow.stop() == 0
        assert [one.result(10).status for one in paying] == ["succeeded"] * 4
    assert (slow.verify()["payments"], slow.verify()["open"]) == (4, 0)


def test_of_a_capture_and_a_void_one_wins(slow):
    shop = client_of(slow, slow.key)
    held = [hold(shop, options={"idempotency_key": "h"})] + [hold(shop) for _ in range(2)]
    with ThreadPoolExecutor(6) as pool:
        for one in held:
            racing = [
                pool.submit(shop.v1.payment_intents.capture, one.id),
                pool.submit(shop.v1.payment_intents.cancel, one.id),
            ]
            errors = [race.exception(30) for race in racing]
            assert [error is None for error in errors].count(True) == 1, errors
            (error,) = [error for error in errors if error is not None]
            assert error.code == "payment_intent_unexpected_state"
            end = shop.v1.payment_intents.retrieve(one.id)
            assert (end.status, end.amount_received) in (("succeeded", 2000), ("canceled", 0))
