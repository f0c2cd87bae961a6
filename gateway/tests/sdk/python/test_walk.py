"""Random walks through the life of payments, beside a model that keeps five numbers."""

import random

import pytest
import stripe
from conftest import pay

SEEDS = range(8)
STEPS = 40
DONE = object()


class Model:
    """What a payment must look like, from what was done to it."""

    def __init__(self, amount, manual):
        self.authorized = amount
        self.captured = 0 if manual else amount
        self.refunded = 0
        self.refunds = 0
        self.open = manual
        self.voided = False

    @property
    def status(self):
        if self.voided:
            return "canceled"
        return "requires_capture" if self.open else "succeeded"

    def capture(self, amount, last):
        if not self.open:
            return "payment_intent_unexpected_state"
        if amount > self.authorized - self.captured:
            return "amount_too_large"
        self.captured += amount
        self.open = not last and self.captured < self.authorized
        return DONE

    def void(self):
        if not self.open or self.captured:
            return "payment_intent_unexpected_state"
        self.open, self.voided = False, True
        # In the dialect a voided hold counts as refunded.
        self.refunded = self.authorized
        return DONE

    def refund(self, amount):
        if not self.captured:
            return None
        left = self.captured - self.refunded
        if left == 0:
            return "charge_already_refunded"
        if amount > left:
            return None
        self.refunded += amount
        self.refunds += 1
        return DONE

    def increment(self, amount):
        if not self.open or self.captured:
            return "payment_intent_unexpected_state" if not self.open else None
        if amount <= self.authorized:
            return None
        self.authorized = amount
        return DONE


def attempt(call):
    """`DONE`, or the code that the call is refused with."""
    try:
        call()
        return DONE
    except stripe.InvalidRequestError as refused:
        assert refused.http_status == 400, refused
        return refused.code


def step(chance, shop, intent, model):
    """One random operation, on both; what each said."""
    amount = chance.choice([1, 10, 100, 500, 1000, chance.randint(1, 3000)])
    service = shop.v1.payment_intents
    options = {"idempotency_key": f"{chance.random()}"}
    match chance.choice(["capture", "capture", "void", "refund", "refund", "refund", "increment"]):
        case "capture":
            last = chance.random() < 0.3
            params = {"amount_to_capture": amount, "final_capture": last}
            call, expected = lambda: service.capture(intent, params, options), model.capture(amount, last)
        case "void":
            if chance.random() < 0.8:
                return None
            call, expected = lambda: service.cancel(intent, {}, options), model.void()
        case "refund":
            params = {"payment_intent": intent, "amount": amount}
            call, expected = lambda: shop.v1.refunds.create(params, options), model.refund(amount)
        case "increment":
            amount += 1000
            call = lambda: service.increment_authorization(intent, {"amount": amount}, options)  # noqa: E731
            expected = model.increment(amount)
    said = attempt(call)
    if chance.random() < 0.3:
        assert attempt(call) == said, "a replay says the same"
    return said, expected


@pytest.mark.parametrize("seed", SEEDS)
def test_a_walk(shop, seed):
    chance = random.Random(seed)
    for _ in range(4):
        manual = chance.random() < 0.8
        model = Model(2000, manual)
        intent = pay(shop, 2000, capture_method="manual" if manual else "automatic").id
        for _ in range(STEPS // 4):
            happened = step(chance, shop, intent, model)
            if happened is None:
                continue
            said, expected = happened
            # The model does not know every code: None stands for any refusal.
            assert said == expected or (expected is None and said is not DONE), (seed, said, expected, vars(model))
            shown = shop.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge.refunds"]})
            charge = shown.latest_charge
            assert shown.status == model.status, (seed, vars(model))
            assert shown.amount_received == charge.amount_captured == model.captured, (seed, vars(model))
            assert shown.amount_capturable == (model.authorized - model.captured if model.open else 0), (seed, vars(model))
            assert charge.amount_refunded == model.refunded, (seed, vars(model))
            assert len(charge.refunds.data) == min(model.refunds, 10), (seed, vars(model))
            assert charge.refunded == (model.voided or 0 < model.captured == model.refunded), (seed, vars(model))
