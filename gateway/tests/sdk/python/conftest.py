"""What the tests share: one running gateway, and a merchant of its own for each test."""

import itertools
import json
import os
import shutil
from pathlib import Path

import pytest
import stripe
from gateway_process import Gateway

BINARY = os.environ.get("GATEWAY_BINARY") or shutil.which("gateway")
NAMES = itertools.count(1)


def pytest_configure():
    if not BINARY or not os.access(BINARY, os.X_OK):
        raise pytest.UsageError("set GATEWAY_BINARY to the gateway's binary (target/release/gateway)")


def client_of(gateway, key, **options):
    """The unmodified SDK, pointed at a gateway as its documentation says."""
    stripe.ca_bundle_path = gateway.ca
    options = {"max_network_retries": 2, **options}
    return stripe.StripeClient(key, base_addresses={"api": gateway.url}, **options)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """A gateway for all tests that need nothing special of it. It must end in order, with books that add up."""
    running = Gateway(BINARY, tmp_path_factory.mktemp("gateway")).start()
    yield running
    assert running.stop() == 0, running.last_lines()
    assert running.verify()["payments"] > 0
    assert written_down(running) == []


def written_down(gateway):
    """Whole card numbers, in digits or packed, in anything that a gateway wrote. There must be none."""
    numbers = [card["number"] for card in cards("succeeded", "declined", "blocked", "invalid", "requires_action")]
    packed = [bytes.fromhex(number.ljust(16, "f")) for number in numbers]
    # 4000 0000 0000 0002 is an amount, seven zeros and a two as well, as they stand in a row of a payment's record.
    telling = [mark for mark in packed if mark.count(0) < 5]
    assert len(telling) >= len(numbers) / 2
    marks = [number.encode() for number in numbers] + telling
    files = [gateway.log, *(path for path in gateway.data.rglob("*") if path.is_file())]
    assert len(files) > 2
    found = []
    for path in files:
        written = path.read_bytes().rstrip(b"\0")
        found += [(path.name, mark) for mark in marks if mark in written]
    return found


@pytest.fixture
def start_gateway(tmp_path):
    """Starts gateways that one test treats badly."""
    started = []

    def start(config=None):
        one = Gateway(BINARY, tmp_path / f"gateway-{len(started)}", config)
        started.append(one)
        return one.start()

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def new_shop(gateway):
    """Makes merchants; each gets a client."""

    def make(**options):
        return client_of(gateway, gateway.create_merchant(f"Shop {next(NAMES)}"), **options)

    return make


@pytest.fixture
def shop(new_shop):
    """A merchant that has no other objects than this test's."""
    return new_shop()


def cards(*ends):
    """The published cards that end so."""
    table = json.loads((Path(__file__).parent.parent / "cards.json").read_text())
    return [card for card in table if card["ends"] in ends]


def card_data(number, cvc="123"):
    """A card's details, as a payment takes them in place."""
    cvc = "1234" if number.startswith("37") else cvc
    return {"type": "card", "card": {"number": number, "exp_month": 12, "exp_year": 2044, "cvc": cvc}}


def pay(client, amount=2000, options=None, **params):
    """A payment that is confirmed at once, in dollars and by an ordinary card unless told otherwise."""
    request = {"amount": amount, "currency": "usd", "confirm": True, **params}
    if "payment_method" not in request and "payment_method_data" not in request:
        request["payment_method"] = "pm_card_visa"
    return client.v1.payment_intents.create(request, options or {})


def hold(client, amount=2000, **params):
    """An authorization."""
    return pay(client, amount, capture_method="manual", **params)
