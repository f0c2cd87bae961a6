"""The shape of every object, held against the SDK's own type declarations: nothing required is missing, nothing has
another type or an undeclared word, and no key is one that the API version does not know."""

import typing

import pytest
import stripe
from conftest import card_data, client_of, hold, pay
from stripe._stripe_object import StripeObject, UntypedStripeObject


def declared(kind):
    """The declarations of an object's keys."""
    found = {}
    for one in reversed(kind.__mro__):
        found.update(getattr(one, "__annotations__", {}))
    hidden = {name for name in found if name.startswith("_")}
    return {
        name: meant for name, meant in found.items()
        if name not in hidden and typing.get_origin(meant) is not typing.ClassVar
    }


def differences(value, meant, path):
    """Where a value is not what is meant."""
    origin = typing.get_origin(meant)
    if origin is typing.Union:
        return of_union(value, typing.get_args(meant), path)
    if origin is typing.Literal:
        return [] if value in typing.get_args(meant) else [f"{path} is {value!r}"]
    if origin is list:
        if not isinstance(value, list):
            return [f"{path} is no list"]
        (each,) = typing.get_args(meant)
        return [wrong for number, one in enumerate(value) for wrong in differences(one, each, f"{path}[{number}]")]
    if isinstance(meant, typing.ForwardRef):
        # An object of another module; those that are not offered here have no name there.
        meant = getattr(stripe, meant.__forward_arg__.split("[")[0], None)
        if meant is None:
            return [f"{path} is {type(value).__name__}, of a kind that is not offered"]
    kind = origin or meant
    if kind is UntypedStripeObject:
        kind = StripeObject
    if not isinstance(kind, type):
        return [] if kind is typing.Any else [f"{path}: {kind} is not understood"]
    if kind is int and isinstance(value, bool) or not isinstance(value, kind):
        return [f"{path} is {type(value).__name__}, not {kind.__name__}"]
    return of_object(value, path) if isinstance(value, StripeObject) else []


def of_union(value, members, path):
    """A declared word is wanted where there are such: `str` beside them only says that more may come."""
    if any(typing.get_origin(member) is typing.Literal for member in members):
        members = [member for member in members if member is not str]
    if value is None:
        return [] if type(None) in members else [f"{path} is null"]
    if isinstance(value, StripeObject):
        members = [member for member in members if member is not str]
    tried = [differences(value, member, path) for member in members if member is not type(None)]
    return min(tried, key=len)


def of_object(value, path):
    """Compares one object with what its class declares."""
    if isinstance(value, (UntypedStripeObject, stripe.ListObject)) or type(value) is StripeObject:
        each = getattr(value, "data", None)
        return [w for n, one in enumerate(each or []) if isinstance(one, StripeObject) for w in of_object(one, f"{path}[{n}]")]
    keys = declared(type(value))
    held = value.to_dict()
    wrong = [f"{path}.{name} is not declared" for name in held if name not in keys]
    for name, meant in keys.items():
        if name in held:
            wrong += differences(value[name], meant, f"{path}.{name}")
        elif type(None) not in typing.get_args(meant) and not held.get("deleted"):
            wrong.append(f"{path}.{name} is missing")
    return wrong


def objects(shop):
    """One of everything, in many states."""
    customer = shop.v1.customers.create({"name": "Ada", "email": "ada@shop.example", "metadata": {"a": "b"}})
    yield "customer", customer
    address = {"line1": "1 Road", "city": "Bern", "country": "CH", "postal_code": "3000"}
    billing = {"name": "Ada", "address": address}
    method = shop.v1.payment_methods.create({**card_data("5555555555554444"), "billing_details": billing})
    yield "payment method", method
    yield "attached", shop.v1.payment_methods.attach(method.id, {"customer": customer.id})
    yield "token", shop.v1.tokens.create({"card": card_data("4242424242424242")["card"]})
    yield "unconfirmed", shop.v1.payment_intents.create({"amount": 100, "currency": "usd"})
    everything = [
        "latest_charge", "customer", "payment_method", "latest_charge.refunds", "latest_charge.customer",
    ]
    shipping = {"name": "Ada", "address": address}
    held = hold(shop, customer=customer.id, payment_method=method.id, shipping=shipping, expand=everything)
    yield "held", held
    yield "captured", shop.v1.payment_intents.capture(held.id, {"amount_to_capture": 500, "expand": everything})
    yield "refund", shop.v1.refunds.create({"payment_intent": held.id, "amount": 5, "expand": ["charge"]})
    yield "charge", shop.v1.charges.retrieve(held.latest_charge.id, {"expand": ["refunds", "payment_intent"]})
    yield "canceled", shop.v1.payment_intents.cancel(hold(shop).id, {"cancellation_reason": "abandoned"})
    waiting = pay(shop, payment_method="pm_card_authenticationRequired", return_url="https://shop.example/back")
    yield "waiting", waiting
    for card in ("pm_card_chargeDeclinedLostCard", "pm_card_radarBlock", "pm_card_chargeDeclinedExpiredCard"):
        with pytest.raises(stripe.CardError) as declined:
            pay(shop, payment_method=card)
        yield card, declined.value.error
        yield card, shop.v1.payment_intents.retrieve(declined.value.error.payment_intent.id, {"expand": ["latest_charge"]})
    yield "setup", shop.v1.setup_intents.create({"customer": customer.id})
    done = {"customer": customer.id, "confirm": True, "payment_method": "pm_card_visa"}
    yield "done setup", shop.v1.setup_intents.create({**done, "expand": ["payment_method"]})
    yield from risks(shop)
    yield "deleted", shop.v1.customers.delete(customer.id)
    for event in shop.v1.events.list({"limit": 100}).data:
        yield event.type, event
        yield event.type, event.data.object


def risks(shop):
    """What the scorer shows of itself: lists, a review from its opening to its approval, a payment made elsewhere."""
    radar = shop.v1.radar
    mails = radar.value_lists.create({"alias": "mails_reviewlist", "name": "Mails", "item_type": "email"})
    yield "value list", mails
    yield "value", radar.value_list_items.create({"value_list": mails.id, "value": "look@shop.example"})
    yield "value list with a value", radar.value_lists.retrieve(mails.id)
    reviewed = pay(shop, receipt_email="Look@shop.example", expand=["review", "latest_charge"])
    assert (reviewed.status, reviewed.latest_charge.outcome.type) == ("requires_capture", "manual_review")
    yield "reviewed", reviewed
    assert shop.v1.reviews.list().data[0].id == reviewed.review.id
    yield "review", shop.v1.reviews.retrieve(reviewed.review.id, {"expand": ["payment_intent", "charge"]})
    yield "approved", shop.v1.reviews.approve(reviewed.review.id)
    assert shop.v1.payment_intents.retrieve(reviewed.id).amount_received == 2000
    method = {"payment_method": "pm_card_visa", "billing_details": {"name": "Ada", "address": {"city": "Bern"}}}
    elsewhere = {"amount": 500, "currency": "usd", "payment_method_details": method}
    customer = {"email": "ada@shop.example"}
    yield "evaluation", radar.payment_evaluations.create({"payment_details": elsewhere, "customer_details": customer})
    yield "deleted value list", radar.value_lists.delete(mails.id)


def test_every_object_is_as_declared(shop):
    seen, wrong = 0, []
    for name, one in objects(shop):
        seen += 1
        wrong += of_object(one, name)
    assert seen > 60
    assert not wrong, "\n".join(sorted(set(wrong)))
