"""Lists by pages, and expansion."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe
from conftest import hold, pay

PAYMENTS = 250


@pytest.fixture(scope="module")
def busy(gateway):
    """A merchant with 250 payments, half of them of one customer; the ids in order of creation."""
    from conftest import client_of

    client = client_of(gateway, gateway.create_merchant("Busy shop"))
    customer = client.v1.customers.create({"name": "Ada"}).id

    def one(number):
        more = {"customer": customer} if number % 2 else {}
        return pay(client, 1000 + number, **more)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(one, range(PAYMENTS)))
    return client, customer, made


def test_paging_shows_every_payment_once_newest_first(busy):
    client, _, made = busy
    for limit in (7, 100):
        ids = [intent.id for intent in client.v1.payment_intents.list({"limit": limit}).auto_paging_iter()]
        assert len(ids) == PAYMENTS
        assert set(ids) == {intent.id for intent in made}
        assert ids == sorted(ids, reverse=True), "list order is id order"


def test_paging_backwards_meets_the_same_payments(busy):
    client, _, _ = busy
    ids = [intent.id for intent in client.v1.payment_intents.list({"limit": 100}).auto_paging_iter()]
    back = client.v1.payment_intents.list({"limit": 40, "ending_before": ids[200]})
    assert [intent.id for intent in back.data] == ids[160:200]
    assert back.has_more
    assert [intent.id for intent in back.auto_paging_iter()] == ids[:200][::-1]


def test_every_list_pages(busy):
    client, _, _ = busy
    for service in (client.v1.charges, client.v1.events):
        ids = [item.id for item in service.list({"limit": 100}).auto_paging_iter()]
        assert len(ids) == len(set(ids)) >= PAYMENTS


def test_filters(busy):
    client, customer, made = busy
    wanted = {intent.id for intent in made if intent.customer == customer}
    listed = [one.id for one in client.v1.payment_intents.list({"customer": customer, "limit": 50}).auto_paging_iter()]
    assert len(listed) == PAYMENTS // 2 and set(listed) == wanted
    charges = client.v1.charges.list({"payment_intent": made[0].id}).data
    assert [charge.payment_intent for charge in charges] == [made[0].id]
    newest = max(intent.created for intent in made)
    assert client.v1.payment_intents.list({"created": {"gt": newest}}).data == []
    assert len(client.v1.payment_intents.list({"created": {"lte": newest}, "limit": 100}).data) == 100


@pytest.mark.parametrize("params, param", [({"limit": 0}, "limit"), ({"limit": 101}, "limit"), ({"limit": "x"}, "limit")])
def test_limits_out_of_range_are_refused(shop, params, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.list(params)
    assert refused.value.param == param


def test_a_cursor_that_is_none_is_refused(shop):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.list({"starting_after": "nothing"})
    assert refused.value.param == "starting_after"


def test_expansion_of_one(shop):
    customer = shop.v1.customers.create({"name": "Ada"})
    method = shop.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    paths = ["latest_charge", "customer", "payment_method", "latest_charge.refunds", "latest_charge.customer"]
    paid = pay(shop, customer=customer.id, payment_method=method.id, expand=paths)
    assert isinstance(paid.latest_charge, stripe.Charge) and isinstance(paid.customer, stripe.Customer)
    assert isinstance(paid.payment_method, stripe.PaymentMethod)
    assert paid.latest_charge.refunds.data == []
    assert paid.latest_charge.customer.name == "Ada"
    plain = shop.v1.payment_intents.retrieve(paid.id)
    assert (plain.customer, plain.payment_method) == (customer.id, method.id)
    assert plain.latest_charge == paid.latest_charge.id
    refund = shop.v1.refunds.create({"payment_intent": paid.id, "expand": ["charge", "payment_intent.customer"]})
    assert refund.charge.amount_refunded == 2000
    assert refund.payment_intent.customer.id == customer.id
    charge = shop.v1.charges.retrieve(plain.latest_charge, {"expand": ["refunds", "payment_intent"]})
    assert [one.id for one in charge.refunds.data] == [refund.id]
    assert charge.payment_intent.id == paid.id


def test_expansion_of_lists(shop):
    customer = shop.v1.customers.create({"name": "Ada"})
    for amount in (1000, 1100, 1200):
        hold(shop, amount, customer=customer.id)
    listed = shop.v1.payment_intents.list({"limit": 2, "expand": ["data.latest_charge", "data.customer"]})
    shown = list(listed.auto_paging_iter())
    assert [one.latest_charge.amount for one in shown] == [1200, 1100, 1000]
    assert {one.customer.name for one in shown} == {"Ada"}


def test_expansion_of_what_does_not_expand_is_refused(shop):
    intent = hold(shop)
    for path in ("amount", "nonsense", "latest_charge.payment_intent.latest_charge.payment_intent.latest_charge"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            shop.v1.payment_intents.retrieve(intent.id, {"expand": [path]})
        assert refused.value.http_status == 400
