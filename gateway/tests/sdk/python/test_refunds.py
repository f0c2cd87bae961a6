"""Refunds: in parts, and never more than was captured."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe
from conftest import hold, pay


def test_refunds_in_parts_end_where_the_money_ends(shop):
    paid = pay(shop, 1000)
    first = shop.v1.refunds.create({"payment_intent": paid.id, "amount": 300, "reason": "duplicate"})
    assert (first.status, first.amount, first.reason) == ("succeeded", 300, "duplicate")
    charge = shop.v1.charges.retrieve(paid.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (300, False)
    rest = shop.v1.refunds.create({"charge": paid.latest_charge})
    assert (rest.amount, rest.payment_intent) == (700, paid.id)
    charge = shop.v1.charges.retrieve(paid.latest_charge, {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
    assert [refund.id for refund in charge.refunds.data] == [rest.id, first.id]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": paid.id})
    assert refused.value.code == "charge_already_refunded"


def test_a_refund_of_more_than_remains_is_refused(shop):
    paid = pay(shop, 1000)
    shop.v1.refunds.create({"payment_intent": paid.id, "amount": 300})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": paid.id, "amount": 701})
    assert (refused.value.http_status, refused.value.param) == (400, "amount")
    assert shop.v1.charges.retrieve(paid.latest_charge).amount_refunded == 300


def test_only_what_was_captured_is_refunded(shop):
    held = hold(shop, 2000)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.refunds.create({"payment_intent": held.id})
    shop.v1.payment_intents.capture(held.id, {"amount_to_capture": 1200})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": held.id, "amount": 1201})
    assert refused.value.param == "amount"
    assert shop.v1.refunds.create({"payment_intent": held.id}).amount == 1200


def test_refunds_are_read_listed_and_annotated(shop):
    paid = pay(shop, 1000)
    made = [shop.v1.refunds.create({"charge": paid.latest_charge, "amount": amount}) for amount in (100, 200)]
    shop.v1.refunds.create({"payment_intent": pay(shop).id})
    for by in ({"payment_intent": paid.id}, {"charge": paid.latest_charge}):
        assert [refund.id for refund in shop.v1.refunds.list(by).data] == [made[1].id, made[0].id]
    shop.v1.refunds.update(made[0].id, {"metadata": {"why": "late"}})
    assert shop.v1.refunds.retrieve(made[0].id).metadata.to_dict() == {"why": "late"}


def test_racing_refunds_never_give_back_more_than_was_taken(shop):
    paid = pay(shop, 1000)

    def refund(_):
        try:
            return shop.v1.refunds.create({"payment_intent": paid.id, "amount": 300}).amount
        except stripe.InvalidRequestError:
            return 0

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(refund, range(10))) == 900
    assert shop.v1.charges.retrieve(paid.latest_charge).amount_refunded == 900
