"""Drives a gateway whose acquirer is localstripe, another implementation of the dialect, and compares both sides.

usage: with_localstripe.py PATH_TO_GATEWAY PATH_TO_localstripe. It does not remember idempotency keys, so a lost answer can't be
asked for here: that is tried between two gateways (gateway/tests/api/chain.rs).
"""

import base64
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

DEADLINE_S = 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Side:
    """One of the two, by its merchant API."""

    def __init__(self, url, key, ca=None):
        self.url, self.key = url, key
        context = ssl.create_default_context(cafile=ca) if ca else None
        handlers = [urllib.request.ProxyHandler({})]
        handlers += [urllib.request.HTTPSHandler(context=context)] if context else []
        self.opener = urllib.request.build_opener(*handlers)

    def call(self, path, form=None):
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(self.url + path, data=data)
        token = base64.b64encode(f"{self.key}:".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
        try:
            with self.opener.open(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def fine(self, path, form=None):
        status, answer = self.call(path, form)
        assert status == 200, (path, status, answer)
        return answer


def until(what, process, found):
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"{what} ended with {process.returncode}")
        result = found()
        if result is not None:
            return result
        time.sleep(0.05)
    sys.exit(f"{what} was not ready within {DEADLINE_S} s")


def upstream(program, port, log):
    process = subprocess.Popen([program, "--port", str(port), "--from-scratch"], stdout=log, stderr=log)
    side = Side(f"http://127.0.0.1:{port}", "sk_test_12345")

    def accepts():
        try:
            side.call("/v1/customers")
            return side
        except OSError:
            return None

    return process, until("localstripe", process, accepts)


def gateway(program, root, port, log):
    (root / "key").write_text("sk_test_12345")
    config = f"""
[[acquirers]]
name = "psp"
kind = "stripe"
url = "http://127.0.0.1:{port}"
key = "file:{root}/key"
card_as_method = true
"""
    (root / "gateway.toml").write_text(config)
    ready = root / "ready.json"
    command = [program, "serve", "--config", root / "gateway.toml", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
               "--data-dir", root / "data", "--certs", root / "certs", "--ready-file", ready]
    process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, cwd=root)
    said = until("the gateway", process, lambda: json.loads(ready.read_text()) if ready.exists() else None)
    return process, Side(said["api"], said["secret_key"], said["ca"])


def pay(side, amount, number="4242424242424242", **more):
    card = {"number": number, "exp_month": 12, "exp_year": 2035, "cvc": "123"}
    form = {"amount": amount, "currency": "usd", "confirm": "true", "payment_method_data[type]": "card"}
    form.update({f"payment_method_data[card][{name}]": value for name, value in card.items()})
    return side.call("/v1/payment_intents", {**form, **more})


def held(side, amount):
    status, intent = pay(side, amount, capture_method="manual")
    assert (status, intent["status"]) == (200, "requires_capture"), intent
    return "/v1/payment_intents/" + intent["id"]


def drive(near):
    """A payment of each kind, told apart by amount; what each must be at the other side."""
    captured = held(near, 2001)
    near.fine(captured + "/capture", {"amount_to_capture": 1500})
    near.fine("/v1/refunds", {"payment_intent": captured.rsplit("/", 1)[1], "amount": 400})
    near.fine(held(near, 2002) + "/cancel", {})
    held(near, 2003)
    status, sale = pay(near, 2004)
    assert (status, sale["status"], sale["amount_received"]) == (200, "succeeded", 2004), sale
    near.fine("/v1/refunds", {"payment_intent": sale["id"]})
    status, declined = pay(near, 2005, number="4000000000000341")
    assert (status, declined["error"]["code"]) == (402, "card_declined"), declined
    return {
        2001: ("succeeded", 1100),
        2002: ("canceled", None),
        2003: ("requires_capture", None),
        2004: ("succeeded", 0),
        2005: ("requires_payment_method", None),
    }


def compare(far, expected):
    """Amounts that stay: what was charged less what went back, as the upstream's charges have it."""
    found = {}
    for intent in far.fine("/v1/payment_intents?limit=100")["data"]:
        stays = None
        if intent["status"] == "succeeded":
            stays = sum(charge["amount"] - charge["amount_refunded"] for charge in intent["charges"]["data"])
        assert intent["amount"] not in found, "nothing is made twice"
        assert len(intent["metadata"]["tollgate_reference"]) == 12
        found[intent["amount"]] = (intent["status"], stays)
    assert found == expected, (found, expected)


def main():
    program, server = sys.argv[1:]
    with tempfile.TemporaryDirectory() as temporary:
        root = pathlib.Path(temporary)
        processes = []
        try:
            with open(root / "log", "wb") as log:
                port = free_port()
                process, far = upstream(server, port, log)
                processes.append(process)
                process, near = gateway(pathlib.Path(program).resolve(), root, port, log)
                processes.append(process)
                expected = drive(near)
                compare(far, expected)
        except BaseException:
            sys.stderr.write((root / "log").read_text(errors="replace")[-4000:])
            raise
        finally:
            for process in reversed(processes):
                process.terminate()
                process.wait(timeout=30)
    print(f"localstripe: {len(expected)} payments, the same on both sides")


main()
