"""Customers, their cards, tokens, and cards that are saved for later."""

import pytest
import stripe
from conftest import card_data, pay


def test_customers_are_made_changed_listed_and_deleted(shop):
    first = shop.v1.customers.create({"email": "ada@shop.example", "name": "Ada", "metadata": {"a": "1", "b": "2"}})
    assert first.id.startswith("cus_") and first.livemode is False
    changed = shop.v1.customers.update(first.id, {"name": "", "phone": "5551234", "metadata": {"b": ""}})
    assert (changed.name, changed.phone, changed.metadata.to_dict()) == (None, "5551234", {"a": "1"})
    second = shop.v1.customers.create()
    assert [one.id for one in shop.v1.customers.list().data] == [second.id, first.id]
    assert [one.id for one in shop.v1.customers.list({"email": "ada@shop.example"}).data] == [first.id]
    assert shop.v1.customers.delete(first.id).deleted is True
    assert shop.v1.customers.retrieve(first.id).deleted is True
    assert [one.id for one in shop.v1.customers.list().data] == [second.id]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay(shop, customer=first.id)
    assert refused.value.code == "resource_missing"


def test_cards_are_attached_listed_and_detached(shop):
    customer = shop.v1.customers.create()
    made = shop.v1.payment_methods.create({**card_data("4242424242424242"), "billing_details": {"name": "Ada"}})
    assert (made.card.brand, made.card.last4, made.customer) == ("visa", "4242", None)
    assert (made.card.exp_month, made.card.exp_year) == (12, 2044)
    assert "4242424242424242" not in made.last_response.body
    shop.v1.payment_methods.attach(made.id, {"customer": customer.id})
    other = shop.v1.payment_methods.attach("pm_card_mastercard", {"customer": customer.id})
    expected = [other.id, made.id]
    by_customer = shop.v1.payment_methods.list({"customer": customer.id, "type": "card"})
    assert [one.id for one in by_customer.auto_paging_iter()] == expected
    assert [one.id for one in shop.v1.customers.payment_methods.list(customer.id).data] == expected
    paid = pay(shop, customer=customer.id, payment_method=made.id, off_session=True)
    assert paid.status == "succeeded"
    updated = shop.v1.payment_methods.update(made.id, {"billing_details": {"name": "Eve"}, "metadata": {"k": "v"}})
    assert (updated.billing_details.name, updated.metadata.to_dict()) == ("Eve", {"k": "v"})
    assert shop.v1.payment_methods.detach(made.id).customer is None
    assert [one.id for one in shop.v1.customers.payment_methods.list(customer.id).data] == [other.id]


def test_a_fingerprint_belongs_to_the_number(shop):
    prints = [
        shop.v1.payment_methods.create(card_data(number)).card.fingerprint
        for number in ("4242424242424242", "4242424242424242", "5555555555554444")
    ]
    assert prints[0] == prints[1] != prints[2]


def test_a_card_of_another_customer_is_refused(shop):
    first, second = shop.v1.customers.create(), shop.v1.customers.create()
    method = shop.v1.payment_methods.attach("pm_card_visa", {"customer": first.id})
    with pytest.raises(stripe.InvalidRequestError):
        pay(shop, customer=second.id, payment_method=method.id)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.payment_methods.attach(method.id, {"customer": second.id})


def test_a_token_is_used_once(shop):
    token = shop.v1.tokens.create({"card": card_data("5555555555554444")["card"]})
    assert (token.type, token.used, token.card.last4) == ("card", False, "4444")
    paid = pay(shop, payment_method_data={"type": "card", "card": {"token": token.id}}, expand=["payment_method"])
    assert (paid.status, paid.payment_method.card.last4) == ("succeeded", "4444")
    assert shop.v1.tokens.retrieve(token.id).used is True
    with pytest.raises(stripe.InvalidRequestError) as refused:
        pay(shop, payment_method_data={"type": "card", "card": {"token": token.id}})
    assert refused.value.code == "token_already_used"


@pytest.mark.parametrize("token, last4", [("tok_visa", "4242"), ("tok_mastercard", "4444"), ("tok_amex", "0005")])
def test_published_tokens(shop, token, last4):
    method = shop.v1.payment_methods.create({"type": "card", "card": {"token": token}})
    assert method.card.last4 == last4


def test_a_setup_saves_a_card_for_later(shop):
    customer = shop.v1.customers.create()
    setup = shop.v1.setup_intents.create({"customer": customer.id, "usage": "off_session"})
    assert setup.status == "requires_payment_method"
    done = shop.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    assert (done.status, done.customer) == ("succeeded", customer.id)
    saved = shop.v1.customers.payment_methods.list(customer.id).data
    assert [one.id for one in saved] == [done.payment_method]
    paid = pay(shop, customer=customer.id, payment_method=done.payment_method, off_session=True)
    assert paid.status == "succeeded"
    assert shop.v1.setup_intents.retrieve(setup.id).to_dict() == done.to_dict()
    assert [one.id for one in shop.v1.setup_intents.list({"customer": customer.id}).data] == [setup.id]


def test_a_setup_is_declined_or_canceled(shop):
    with pytest.raises(stripe.CardError) as declined:
        shop.v1.setup_intents.create({"confirm": True, "payment_method": "pm_card_chargeDeclined"})
    assert declined.value.error.setup_intent.status == "requires_payment_method"
    setup = shop.v1.setup_intents.create()
    assert shop.v1.setup_intents.cancel(setup.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    assert refused.value.code == "setup_intent_unexpected_state"
