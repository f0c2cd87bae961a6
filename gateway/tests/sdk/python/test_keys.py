"""Keys: two modes that know nothing of each other, keys for the browser, restricted keys, revoked keys."""

import pytest
import stripe
from conftest import card_data, client_of, hold, pay


@pytest.fixture
def keys(gateway):
    """Makes keys of one merchant; each gets a client."""
    merchant = gateway.ask_admin("post", "/merchants", {"name": "Keys"})["id"]

    def make(**options):
        return client_of(gateway, gateway.create_key(merchant, **options)["secret"], max_network_retries=0)

    return make


def test_test_and_live_are_apart(keys):
    test, live = keys(mode="test"), keys(mode="live")
    paid = pay(test, options={"idempotency_key": "k"})
    held = pay(live, payment_method_data=card_data("4242424242424242"), options={"idempotency_key": "k"})
    assert (paid.livemode, held.livemode) == (False, True)
    assert paid.id != held.id
    for client, other in ((test, held), (live, paid)):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.payment_intents.retrieve(other.id)
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
        assert len(client.v1.payment_intents.list().data) == 1


def test_a_publishable_key_reads_and_confirms_by_the_client_secret(keys):
    secret, browser = keys(), keys(kind="publishable")
    intent = secret.v1.payment_intents.create({"amount": 2000, "currency": "usd"})
    shown = browser.v1.payment_intents.retrieve(intent.id, {"client_secret": intent.client_secret})
    assert shown.status == "requires_payment_method"
    for wrong in ({}, {"client_secret": intent.id + "_secret_" + "0" * 32}):
        with pytest.raises(stripe.StripeError) as refused:
            browser.v1.payment_intents.retrieve(intent.id, wrong)
        assert refused.value.http_status in (400, 401, 403, 404)
        with pytest.raises(stripe.StripeError) as refused:
            browser.v1.payment_intents.confirm(intent.id, {"payment_method_data": card_data("4242424242424242"), **wrong})
        assert refused.value.http_status in (400, 401, 403, 404)
    params = {"client_secret": intent.client_secret, "payment_method_data": card_data("4242424242424242")}
    assert browser.v1.payment_intents.confirm(intent.id, params).status == "succeeded"


def test_a_publishable_key_does_nothing_else(keys):
    secret, browser = keys(), keys(kind="publishable")
    held = hold(secret)
    for call in (
        lambda: pay(browser),
        lambda: browser.v1.payment_intents.list(),
        lambda: browser.v1.payment_intents.capture(held.id),
        lambda: browser.v1.payment_intents.cancel(held.id),
        lambda: browser.v1.charges.retrieve(held.latest_charge),
        lambda: browser.v1.refunds.create({"payment_intent": held.id}),
        lambda: browser.v1.customers.create(),
        lambda: browser.v1.events.list(),
    ):
        with pytest.raises((stripe.PermissionError, stripe.AuthenticationError)):
            call()
    assert secret.v1.payment_intents.retrieve(held.id).status == "requires_capture"


def test_a_restricted_key_does_what_its_scopes_say(keys):
    secret = keys()
    clerk = keys(kind="restricted", scopes=["refunds:write", "charges:read"])
    paid = pay(secret)
    assert clerk.v1.charges.retrieve(paid.latest_charge).id == paid.latest_charge
    assert clerk.v1.refunds.create({"charge": paid.latest_charge, "amount": 5}).amount == 5
    assert len(clerk.v1.refunds.list().data) == 1
    for call in (
        lambda: clerk.v1.payment_intents.retrieve(paid.id),
        lambda: clerk.v1.charges.update(paid.latest_charge, {"metadata": {"a": "b"}}),
        lambda: clerk.v1.charges.capture(paid.latest_charge),
        lambda: pay(clerk),
        lambda: clerk.v1.customers.list(),
    ):
        with pytest.raises(stripe.PermissionError) as refused:
            call()
        assert refused.value.http_status == 403


def test_a_revoked_key_ends_at_once(gateway):
    merchant = gateway.ask_admin("post", "/merchants", {"name": "Revoked"})["id"]
    kept, gone = gateway.create_key(merchant), gateway.create_key(merchant)
    client = client_of(gateway, gone["secret"])
    pay(client)
    gateway.ask_admin("delete", f"/keys/{gone['id']}")
    with pytest.raises(stripe.AuthenticationError) as refused:
        client.v1.payment_intents.list()
    assert refused.value.http_status == 401
    assert len(client_of(gateway, kept["secret"]).v1.payment_intents.list().data) == 1
