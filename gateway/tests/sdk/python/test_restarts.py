"""kill -9, and on with the same data: nothing acknowledged is lost, nothing is done twice."""

import collections
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe
from conftest import client_of, hold, pay


def again_at(gateway):
    """Starts a killed gateway where it listened before."""
    return gateway.start(listen="127.0.0.1:" + gateway.url.rsplit(":", 1)[1])


def test_everything_acknowledged_outlives_a_crash(start_gateway):
    gateway = start_gateway()
    key = gateway.key
    shop = client_of(gateway, key)
    other_key = gateway.create_merchant("Second shop")
    bodies, declined = {}, {}
    for number in range(30):
        name = f"k{number}"
        paid = hold(shop, 1000 + number, metadata={"order": name}, options={"idempotency_key": name})
        bodies[name] = paid.last_response.body
    first = shop.v1.payment_intents.list({"limit": 1}).data[0]
    captured = shop.v1.payment_intents.capture(first.id, {"amount_to_capture": 900}, {"idempotency_key": "capture"})
    refund = shop.v1.refunds.create({"payment_intent": first.id, "amount": 100}, {"idempotency_key": "refund"})
    with pytest.raises(stripe.CardError) as error:
        pay(shop, payment_method="pm_card_chargeDeclined", options={"idempotency_key": "declined"})
    declined["declined"] = error.value.http_body
    events = [event.id for event in shop.v1.events.list({"limit": 100}).auto_paging_iter()]
    customer = shop.v1.customers.create({"name": "Ada"})

    gateway.kill()
    gateway.start()
    assert gateway.key == key, "the development key survives"
    shop = client_of(gateway, key)
    listed = {one.metadata.to_dict().get("order"): one for one in shop.v1.payment_intents.list({"limit": 100}).data}
    assert set(bodies) <= set(listed)
    for number, (name, body) in enumerate(bodies.items()):
        again = hold(shop, 1000 + number, metadata={"order": name}, options={"idempotency_key": name})
        assert again.last_response.body == body
        assert again.last_response.headers["idempotent-replayed"] == "true"
    again = shop.v1.payment_intents.capture(first.id, {"amount_to_capture": 900}, {"idempotency_key": "capture"})
    assert again.last_response.body == captured.last_response.body
    again = shop.v1.refunds.create({"payment_intent": first.id, "amount": 100}, {"idempotency_key": "refund"})
    assert again.last_response.body == refund.last_response.body
    with pytest.raises(stripe.CardError) as error:
        pay(shop, payment_method="pm_card_chargeDeclined", options={"idempotency_key": "declined"})
    assert error.value.http_body == declined["declined"]
    assert shop.v1.charges.retrieve(first.latest_charge).amount_refunded == 100
    assert shop.v1.customers.retrieve(customer.id).name == "Ada"
    later = [event.id for event in shop.v1.events.list({"limit": 100}).auto_paging_iter()]
    assert [event for event in later if event in set(events)] == events
    assert client_of(gateway, other_key).v1.payment_intents.list().data == []
    rest = next(one for one in listed.values() if one.status == "requires_capture")
    assert shop.v1.payment_intents.capture(rest.id).status == "succeeded"
    gateway.kill()
    assert gateway.verify()["payments"] == 31


def test_an_orderly_end_keeps_everything_too(start_gateway):
    gateway = start_gateway()
    paid = pay(client_of(gateway, gateway.key), options={"idempotency_key": "k"})
    assert gateway.stop() == 0
    gateway.start()
    again = pay(client_of(gateway, gateway.key), options={"idempotency_key": "k"})
    assert again.last_response.body == paid.last_response.body


def settled(shop, order):
    """Pays an order under its key, again and again, until the answer is final; the intent."""
    deadline = time.monotonic() + 60
    while True:
        try:
            intent = pay(shop, metadata={"order": order}, options={"idempotency_key": order})
            if intent.status != "processing":
                return intent
        except stripe.CardError as declined:
            return declined.error.payment_intent
        except stripe.APIConnectionError:
            # The SDK gives up at once when a handshake is cut short; a shop does not.
            pass
        assert time.monotonic() < deadline, f"{order} is still unknown"
        time.sleep(0.2)


def test_customers_who_pay_through_crashes_pay_once(start_gateway):
    """The SDK's own retries carry eight shops' orders over three crashes at the same address."""
    gateway = start_gateway()
    done, stop = {}, threading.Event()
    numbers, lock = iter(range(10**6)), threading.Lock()

    def work(_):
        shop = client_of(gateway, gateway.key, max_network_retries=12)
        while not stop.is_set():
            with lock:
                order = f"order-{next(numbers)}"
            done[order] = settled(shop, order)

    with ThreadPoolExecutor(8) as pool:
        working = [pool.submit(work, number) for number in range(8)]
        try:
            for _ in range(3):
                time.sleep(0.7)
                gateway.kill()
                again_at(gateway)
            time.sleep(1.5)
        finally:
            stop.set()
        for one in working:
            one.result(timeout=120)

    assert len(done) > 24, "too little was paid to prove anything"
    shop = client_of(gateway, gateway.key)
    made = collections.Counter()
    taken = collections.Counter()
    for intent in shop.v1.payment_intents.list({"limit": 100}).auto_paging_iter():
        made[intent.metadata["order"]] += 1
        taken[intent.metadata["order"]] += intent.amount_received
    assert set(made) == set(done)
    assert set(made.values()) == {1}, "one order, one payment"
    for order, intent in done.items():
        assert intent.status in ("succeeded", "requires_payment_method"), order
        assert taken[order] == (2000 if intent.status == "succeeded" else 0), order
        final = settled(shop, order)
        assert (final.id, final.status) == (intent.id, intent.status), order
    assert sum(intent.status == "succeeded" for intent in done.values()) > 24
    gateway.kill()
    counted = gateway.verify()
    assert (counted["payments"], counted["open"]) == (len(done), 0)


def test_a_second_process_on_the_same_data_is_refused(start_gateway):
    gateway = start_gateway()
    second = type(gateway)(gateway.binary, gateway.root / "second")
    (second.root / "data").symlink_to(gateway.root / "data")
    with pytest.raises(RuntimeError) as refused:
        second.start()
    assert "ended with 1" in str(refused.value)
    assert pay(client_of(gateway, gateway.key)).status == "succeeded"
