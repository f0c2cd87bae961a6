"""The card whose bank asks its holder: through the page, as a browser would go."""

from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
import stripe
from conftest import card_data, cards, pay

RETURN_URL = "https://shop.example/back?order=17"
CARD = cards("requires_action")[0]


class Forms(HTMLParser):
    """The forms of a page, with their fields and the words on their buttons."""

    def __init__(self):
        super().__init__()
        self.forms = []
        self.button = None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            form = {"action": attributes.get("action", ""), "method": attributes.get("method", "get").lower()}
            self.forms.append({**form, "fields": {}, "buttons": []})
        elif tag == "input" and attributes.get("type") != "submit":
            self.forms[-1]["fields"][attributes["name"]] = attributes.get("value", "")
        elif tag == "button" or tag == "input":
            self.button = {"name": attributes.get("name"), "value": attributes.get("value", ""), "text": ""}
            self.forms[-1]["buttons"].append(self.button)

    def handle_endtag(self, tag):
        if tag == "button":
            self.button = None

    def handle_data(self, data):
        if self.button is not None:
            self.button["text"] += data


def press(gateway, url, words):
    """Opens the page and presses the button that has one of these words; where it leads."""
    options = {"verify": gateway.ca, "timeout": 10, "allow_redirects": False}
    page = requests.get(url, **options)
    assert page.status_code == 200, page.text
    assert page.headers["content-type"].startswith("text/html")
    parser = Forms()
    parser.feed(page.text)
    for form in parser.forms:
        for button in form["buttons"]:
            if any(word in (button["text"] + button["value"]).lower() for word in words):
                fields = dict(form["fields"])
                if button["name"]:
                    fields[button["name"]] = button["value"]
                return requests.request(form["method"], urljoin(url, form["action"]), data=fields, **options)
    raise AssertionError(f"no button of {words} in {page.text}")


def approve(gateway, url):
    return press(gateway, url, ("approve", "complete"))


def fail(gateway, url):
    return press(gateway, url, ("fail", "decline"))


def challenge(shop, **params):
    """A payment that waits for its customer; where to send the customer."""
    means = params or {"payment_method": CARD["aliases"][0]}
    waiting = pay(shop, return_url=RETURN_URL, **means)
    assert waiting.status == "requires_action"
    assert waiting.next_action.type == "redirect_to_url"
    assert waiting.next_action.redirect_to_url.return_url == RETURN_URL
    return waiting, waiting.next_action.redirect_to_url.url


@pytest.mark.parametrize("means", [
    {"payment_method": CARD["aliases"][0]},
    {"payment_method_data": card_data(CARD["number"])},
], ids=["alias", "number"])
def test_an_approved_challenge_pays(gateway, shop, means):
    waiting, page = challenge(shop, **means)
    back = approve(gateway, page)
    assert back.status_code in (302, 303), back.text
    target = urlsplit(back.headers["location"])
    query = parse_qs(target.query)
    assert (target.scheme, target.netloc, target.path) == ("https", "shop.example", "/back")
    assert query["order"] == ["17"]
    assert query["payment_intent"] == [waiting.id]
    assert query["payment_intent_client_secret"] == [waiting.client_secret]
    paid = shop.v1.payment_intents.retrieve(waiting.id)
    assert (paid.status, paid.amount_received, paid.next_action) == ("succeeded", 2000, None)


def test_an_approved_challenge_of_an_authorization_holds(gateway, shop):
    waiting, page = challenge(shop, payment_method=CARD["aliases"][0], capture_method="manual")
    approve(gateway, page)
    held = shop.v1.payment_intents.retrieve(waiting.id)
    assert (held.status, held.amount_capturable) == ("requires_capture", 2000)
    assert shop.v1.payment_intents.capture(waiting.id).amount_received == 2000


def test_a_failed_challenge_takes_another_card(gateway, shop):
    waiting, page = challenge(shop)
    assert fail(gateway, page).status_code in (302, 303)
    failed = shop.v1.payment_intents.retrieve(waiting.id)
    assert (failed.status, failed.amount_received) == ("requires_payment_method", 0)
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    paid = shop.v1.payment_intents.confirm(waiting.id, {"payment_method": "pm_card_visa"})
    assert paid.status == "succeeded"


def test_a_challenge_is_answered_once(gateway, shop):
    waiting, page = challenge(shop)
    approve(gateway, page)
    again = requests.get(page, verify=gateway.ca, timeout=10, allow_redirects=False)
    assert again.status_code < 500
    assert "<button" not in again.text or again.status_code != 200
    paid = shop.v1.payment_intents.retrieve(waiting.id)
    assert (paid.status, paid.amount_received) == ("succeeded", 2000)
    assert len(shop.v1.charges.list({"payment_intent": waiting.id}).data) == 1


def test_a_waiting_payment_can_be_canceled(gateway, shop):
    waiting, page = challenge(shop)
    assert shop.v1.payment_intents.cancel(waiting.id).status == "canceled"
    shown = requests.get(page, verify=gateway.ca, timeout=10)
    assert "<button" not in shown.text or shown.status_code != 200
    assert shop.v1.payment_intents.retrieve(waiting.id).status == "canceled"


def test_a_merchant_that_can_not_send_the_customer_is_told_at_once(shop):
    with pytest.raises(stripe.CardError) as declined:
        pay(shop, payment_method=CARD["aliases"][0], error_on_requires_action=True)
    assert (declined.value.http_status, declined.value.code) == (402, "authentication_required")
    assert declined.value.error.payment_intent.status == "requires_payment_method"


def test_the_page_of_no_payment_is_not_found(gateway, shop):
    _, page = challenge(shop)
    other = page[:-6] + ("aaaaaa" if not page.endswith("aaaaaa") else "bbbbbb")
    assert requests.get(other, verify=gateway.ca, timeout=10).status_code == 404
