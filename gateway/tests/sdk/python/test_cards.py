"""Every published card, by its number and by its names."""

import pytest
import stripe
from conftest import card_data, cards, pay


def ways(*ends):
    """Each card in each way of naming it."""
    each = []
    for card in cards(*ends):
        by_number = {"payment_method_data": card_data(card["number"])}
        each.append(pytest.param(card, by_number, id=card["number"]))
        each += [pytest.param(card, {"payment_method": alias}, id=alias) for alias in card["aliases"]]
    return each


@pytest.mark.parametrize("card, means", ways("succeeded"))
def test_cards_that_succeed(shop, card, means):
    paid = pay(shop, expand=["latest_charge"], **means)
    assert (paid.status, paid.amount_received) == ("succeeded", 2000)
    shown = paid.latest_charge.payment_method_details.card
    assert (shown.brand, shown.last4) == (card["brand"], card["number"][-4:])
    assert shown.funding == card.get("funding", "credit" if card["aliases"] else shown.funding)
    outcome = paid.latest_charge.outcome
    assert outcome.type == "authorized"
    if "risk" in card:
        assert outcome.risk_level == card["risk"] and 65 <= outcome.risk_score < 75
    elif card["aliases"]:
        assert outcome.risk_level in ("normal", "elevated")


@pytest.mark.parametrize("card, means", ways("declined", "blocked"))
def test_cards_that_are_declined(shop, card, means):
    with pytest.raises(stripe.CardError) as declined:
        pay(shop, **means)
    error = declined.value
    assert (error.http_status, error.code, error.error.type) == (402, card["code"], "card_error")
    assert error.error.decline_code == card["decline_code"]
    assert error.user_message
    intent = error.error.payment_intent
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.code == card["code"]
    charge = shop.v1.charges.retrieve(error.error.charge)
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, card["code"])
    blocked = card["ends"] == "blocked"
    assert charge.outcome.type == ("blocked" if blocked else "issuer_declined")
    assert charge.outcome.network_status == ("not_sent_to_network" if blocked else "declined_by_network")
    if blocked:
        assert charge.outcome.risk_level == "highest" and charge.outcome.risk_score >= 75


@pytest.mark.parametrize("card, means", ways("invalid"))
def test_a_number_that_is_no_number(shop, card, means):
    with pytest.raises(stripe.CardError) as refused:
        pay(shop, **means)
    assert (refused.value.http_status, refused.value.code) == (402, card["code"])
    assert refused.value.param == "payment_method_data[card][number]"


@pytest.mark.parametrize("part, value, code", [
    ("exp_month", 13, "invalid_expiry_month"),
    ("exp_year", 2012, "invalid_expiry_year"),
    ("number", "4242", "invalid_number"),
    ("cvc", "12345", "invalid_cvc"),
])
def test_details_that_no_card_has(shop, part, value, code):
    data = card_data("4242424242424242")
    data["card"][part] = value
    with pytest.raises(stripe.CardError) as refused:
        pay(shop, payment_method_data=data)
    assert (refused.value.http_status, refused.value.code) == (402, code)
    assert shop.v1.payment_intents.list().data == []


def test_a_card_that_is_saved_and_then_fails_to_charge(shop):
    customer = shop.v1.customers.create({"name": "Ada"})
    method = shop.v1.payment_methods.create(card_data("4000000000000341"))
    attached = shop.v1.payment_methods.attach(method.id, {"customer": customer.id})
    assert attached.customer == customer.id
    with pytest.raises(stripe.CardError) as declined:
        pay(shop, customer=customer.id, payment_method=method.id, off_session=True)
    assert declined.value.error.decline_code == "generic_decline"
