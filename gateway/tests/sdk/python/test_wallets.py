"""Wallets: the unmodified SDK sends the customer to a page or shows a code, and the simulated wallet's owner decides on a page of ours."""

import base64
from urllib.parse import urlsplit

import pytest
import requests
import stripe
from test_challenge import press

RETURN_URL = "https://shop.example/back?order=18"


def alipay(**more):
    return {
        "amount": 2000,
        "currency": "cny",
        "confirm": True,
        "payment_method_types": ["alipay"],
        "payment_method_data": {"type": "alipay"},
        "return_url": RETURN_URL,
        **more,
    }


def wechat_pay(**more):
    return {
        "amount": 3000,
        "currency": "cny",
        "confirm": True,
        "payment_method_types": ["card", "wechat_pay"],
        "payment_method_data": {"type": "wechat_pay"},
        "payment_method_options": {"wechat_pay": {"client": "web"}},
        **more,
    }


def test_a_redirect_is_approved_and_refunded(gateway, shop):
    intent = shop.v1.payment_intents.create(alipay())
    assert (intent.status, intent.payment_method_types) == ("requires_action", ["alipay"])
    assert intent.next_action.type == "alipay_handle_redirect"
    assert intent.next_action.alipay_handle_redirect.return_url == RETURN_URL
    back = press(gateway, intent.next_action.alipay_handle_redirect.url, ["approve"])
    assert back.status_code == 303 and urlsplit(back.headers["location"]).netloc == "shop.example"
    paid = shop.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge", "payment_method"]})
    assert (paid.status, paid.amount_received) == ("succeeded", 2000)
    assert paid.payment_method.type == "alipay"
    details = paid.latest_charge.payment_method_details
    assert details.type == "alipay" and details.alipay.transaction_id
    first = shop.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    rest = shop.v1.refunds.create({"payment_intent": intent.id})
    assert (first.status, rest.status, rest.amount) == ("succeeded", "succeeded", 1500)


def test_a_code_is_shown_scanned_and_declined(gateway, shop):
    intent = shop.v1.payment_intents.create(wechat_pay())
    code = intent.next_action.wechat_pay_display_qr_code
    picture = base64.b64decode(code.image_data_url.removeprefix("data:image/png;base64,"))
    assert picture.startswith(b"\x89PNG\r\n")
    for url, kind in [(code.image_url_png, "image/png"), (code.image_url_svg, "image/svg+xml")]:
        assert requests.get(url, verify=gateway.ca, timeout=10).headers["content-type"] == kind
    press(gateway, code.hosted_instructions_url, ["decline"])
    failed = shop.v1.payment_intents.retrieve(intent.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error.code == "payment_method_customer_decline"
    again = shop.v1.payment_intents.confirm(intent.id, {"payment_method_data": {"type": "wechat_pay"}})
    press(gateway, again.next_action.wechat_pay_display_qr_code.data, ["approve"])
    assert shop.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_a_merchant_cancels_while_the_customer_is_away(gateway, shop):
    intent = shop.v1.payment_intents.create(alipay())
    assert shop.v1.payment_intents.cancel(intent.id).status == "canceled"
    gone = requests.get(intent.next_action.alipay_handle_redirect.url, verify=gateway.ca, timeout=10)
    assert gone.status_code == 404


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"capture_method": "manual"}, "capture_method"),
        ({"off_session": True}, "off_session"),
        ({"setup_future_usage": "off_session"}, "setup_future_usage"),
    ],
)
def test_what_a_wallet_can_not_do_is_said(shop, more, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.create(alipay(**more))
    assert refused.value.param == param


def test_a_wallet_is_not_kept(shop):
    method = shop.v1.payment_methods.create({"type": "alipay"})
    assert method.type == "alipay"
    owner = shop.v1.customers.create({})
    with pytest.raises(stripe.InvalidRequestError, match="can't be saved"):
        shop.v1.payment_methods.attach(method.id, {"customer": owner.id})
