#!/usr/bin/env python3
"""Serving and training features are equal, bit for bit: run.py RELEASE [DECISIONS], RELEASE holding gateway, loadtest and risk.

A gateway is loaded by `loadtest`, and by payers with addresses, devices, e-mail addresses and cards of many ranges. Meanwhile labels
are uploaded and refunds report fraud, so that all kinds of records come between decisions. What must hold:

- `risk replay` computes every decision of the export again, features and score, to the bit;
- an export with one bit of one feature changed is found out;
- the state that the replay arrives at is the gateway's, byte for byte;
- started again, from its checkpoint and then from the journal alone, the gateway has the same state and gives the same export;
- a replay may begin at a state that was saved while the gateway served.
"""

import filecmp
import http.client
import itertools
import json
import math
import os
import random
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, "..", "..", "..", "risk", "models", "shipped.json")
MERCHANTS = 16
PAYERS = 4
CONFIG = """profile = "development"
[limits]
requests_per_s_key = 1000000
requests_per_s_address = 1000000
"""
MIX = """cards = 30000
[weights]
authorize = 60
sale = 25
capture = 5
void = 3
refund = 3
retrieve = 0
duplicate = 0
hang_up = 1
decline = 3
"""


def check(holds, what, why=""):
    if not holds:
        sys.exit(f"replay: NOT SO: {what}\n{why}")
    print(f"  holds: {what}", flush=True)


class Room:
    """The directory of a run, the three programs, and the gateway that serves there."""

    def __init__(self, release, place):
        self.release, self.place, self.process, self.ready = os.path.abspath(release), place, None, {}
        self.write("gateway.toml", CONFIG)
        self.write("mix.toml", MIX)

    def file(self, name):
        return os.path.join(self.place, name)

    def write(self, name, text):
        with open(self.file(name), "w", encoding="utf-8") as out:
            out.write(text)

    def program(self, name):
        return os.path.join(self.release, name)

    def run(self, program, *words):
        command = [self.program(program), *words]
        return subprocess.run(command, cwd=self.place, capture_output=True, text=True, timeout=550, check=False)

    def must(self, program, *words):
        done = self.run(program, *words)
        if done.returncode != 0:
            sys.exit(f"replay: {program} {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def ask(self, *words):
        return self.must("gateway", *words, "--admin", self.ready["admin"])

    def start(self):
        ready = self.file("ready.json")
        if os.path.exists(ready):
            os.unlink(ready)
        words = ["serve", "--config", "gateway.toml", "--data-dir", "data", "--certs", "certs", "--ready-file", ready]
        words += ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        with open(self.file("gateway.log"), "ab") as log:
            command = [self.program("gateway"), *words]
            self.process = subprocess.Popen(command, cwd=self.place, stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while not os.path.exists(ready):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"replay: the gateway does not come up:\n{self.end_of('gateway.log')}")
            time.sleep(0.05)
        with open(ready, encoding="utf-8") as text:
            self.ready = json.load(text)

    def end_of(self, name):
        with open(self.file(name), encoding="utf-8", errors="replace") as text:
            return text.read()[-3000:]

    def stop(self):
        self.process.terminate()
        check(self.process.wait(60) == 0, "the gateway ends well")

    def take(self, name):
        """Export and state, under this name."""
        self.ask("export", "--out", f"{name}.csv")
        self.ask("state", "--out", f"{name}.state")

    def records(self):
        return json.loads(self.ask("model", "show", "--json"))["records"]

    def lines(self, name):
        with open(self.file(name), encoding="utf-8") as text:
            head = next(text).rstrip("\n").split(",")
            # No cell before these holds a comma.
            places = [head.index(cell) for cell in ("record", "payment", "outcome", "features_as_of")]
            for line in text:
                cells = line.split(",", max(places) + 1)
                yield tuple(cells[place] for place in places)


def luhn(digits):
    total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(reversed(digits)))
    return digits + str(-total % 10)


class Payer(threading.Thread):
    """Pays with all that a request may say of its payer, and reports some of it as fraud, until told to end."""

    def __init__(self, room, seed, end):
        super().__init__(daemon=True)
        trust = ssl.create_default_context(cafile=room.ready["ca"])
        place = urllib.parse.urlsplit(room.ready["api"])
        self.wire = http.client.HTTPSConnection(place.hostname, place.port, context=trust, timeout=30)
        self.key, self.dice, self.end = room.ready["secret_key"], random.Random(seed), end
        self.paid, self.reported, self.blocked = 0, 0, 0

    def post(self, path, form):
        head = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/x-www-form-urlencoded"}
        self.wire.request("POST", path, urllib.parse.urlencode(form), head)
        answer = self.wire.getresponse()
        return answer.status, json.loads(answer.read())

    def run(self):
        while not self.end.is_set():
            status, paid = self.post("/v1/payment_intents", self.form())
            self.paid += 1
            self.blocked += status == 402
            if status == 200 and self.dice.random() < 0.15:
                form = {"payment_intent": paid["id"], "reason": "fraudulent"}
                self.reported += self.post("/v1/refunds", form)[0] == 200

    def form(self):
        dice, data = self.dice, "payment_method_data"
        payer = min(int(dice.expovariate(0.004)), 3000)
        number = luhn(f"51{payer % 40:04}{payer * 7919 % 10**9:09}")
        if dice.random() < 0.08:
            number = dice.choice(["4000000000000002", "4000000000009995"])
        form = {
            "amount": dice.randint(100, 60_000), "currency": dice.choice(["usd", "eur", "jpy"]), "confirm": "true",
            f"{data}[type]": "card", f"{data}[card][number]": number, f"{data}[card][cvc]": "314",
            f"{data}[card][exp_month]": "12", f"{data}[card][exp_year]": "2034",
        }
        if dice.random() < 0.7:
            form["receipt_email"] = f"p{payer}@payer.example"
        if dice.random() < 0.7:
            online = "mandate_data[customer_acceptance][online]"
            form["mandate_data[customer_acceptance][type]"] = "online"
            form[f"{online}[ip_address]"] = f"198.51.{payer % 100}.{payer % 200}"
            form[f"{online}[user_agent]"] = "x"
        if dice.random() < 0.7:
            form["radar_options[session]"] = f"rse_{payer % 777}"
        return form


def upload(room, told):
    """Labels for some payments that an export under load shows, half of them fraud."""
    room.ask("export", "--out", "meanwhile.csv")
    paid = (cells[1] for cells in room.lines("meanwhile.csv") if cells[0] == "authorization" and cells[2] == "approved")
    fresh = [payment for payment in itertools.islice(paid, told["seen"], None, 41)][:400]
    told["seen"] += 41 * len(fresh)
    if fresh:
        labels = (f"{payment},{n % 2}\n" for n, payment in enumerate(fresh))
        room.write("labels.csv", "payment,fraud\n" + "".join(labels))
        room.ask("labels", "labels.csv")
        told["labels"] += len(fresh)


def keys_of_new_merchants(room):
    for number in range(MERCHANTS - 1):
        merchant = json.loads(room.ask("merchant", "create", "--name", f"Shop {number}", "--json"))["id"]
        yield json.loads(room.ask("keys", "create", "--merchant", merchant, "--json"))["secret"]


def load(room, keys, seed, told):
    """Half a minute of everything at once."""
    words = ["run", "--target", room.ready["api"], "--ca", room.ready["ca"], "--key", ",".join(keys), "--closed"]
    words += ["--connections", "32", "--mix", "mix.toml", "--warmup", "1s", "--duration", "30s", "--seed", str(seed), "--json"]
    end = threading.Event()
    payers = [Payer(room, seed * 100 + number, end) for number in range(PAYERS)]
    [payer.start() for payer in payers]
    with open(room.file("load.json"), "wb") as out, open(room.file("load.log"), "ab") as log:
        loading = subprocess.Popen([room.program("loadtest"), *words], cwd=room.place, stdout=out, stderr=log)
        while loading.poll() is None:
            upload(room, told)
            if seed == 1:
                room.ask("state", "--out", "midway.state")
            time.sleep(2)
    end.set()
    [payer.join(30) for payer in payers]
    if loading.returncode != 0:
        sys.exit(f"replay: the load ended with {loading.returncode}:\n{room.end_of('load.log')}")
    for payer in payers:
        told["paid"] += payer.paid
        told["reported"] += payer.reported
        told["refused"] += payer.blocked


def replayed(room, name, *more):
    done = room.run("risk", "replay", "--data", name, "--model", MODEL, "--json", *more)
    return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else None, done.stderr


def corrupted(room):
    """The export with one feature of its last decision changed to the next larger number."""
    with open(room.file("served.csv"), encoding="utf-8") as text:
        lines = text.read().split("\n")
    names = lines[0].split(",")
    for place in range(len(lines) - 1, 0, -1):
        cells = lines[place].split(",")
        found = [at for at, cell in enumerate(cells) if names[at].startswith("f_") and cell not in ("", "0")]
        if len(cells) == len(names) and cells[0] == "authorization" and found:
            cells[found[0]] = repr(math.nextafter(float(cells[found[0]]), math.inf))
            lines[place] = ",".join(cells)
            break
    room.write("corrupted.csv", "\n".join(lines))


def same(room, one, other):
    return filecmp.cmp(room.file(one), room.file(other), shallow=False)


def replays(room, wanted):
    code, found, why = replayed(room, "served.csv", "--snapshot-out", "replayed.state")
    check(code == 0 and found["different"] == 0 and found["scores_different"] == 0, "every decision replays to the bit", why)
    check(found["decisions"] >= wanted and found["scores"] == found["decisions"], f"{found}")
    check(same(room, "served.state", "replayed.state"), "the replay arrives at the gateway's state, byte for byte")
    code, rest, why = replayed(room, "served.csv", "--snapshot", "midway.state")
    check(code == 0 and 0 < rest["records"] < found["records"], f"a replay from a saved state: {rest}", why)
    corrupted(room)
    code, found, why = replayed(room, "corrupted.csv")
    check(code == 1 and found["different"] == 1, f"one feature changed by one bit is found out: {why.strip()}", why)


def restarts(room):
    room.stop()
    room.must("gateway", "export", "--data-dir", "data", "--out", "stopped.csv")
    check(same(room, "served.csv", "stopped.csv"), "the stopped store gives the same export")
    check(os.path.exists(room.file("data/store/checkpoint")), "there is a checkpoint")
    for name in ("checkpoint", "journal"):
        if name == "journal":
            os.unlink(room.file("data/store/checkpoint"))
        began = time.monotonic()
        room.start()
        print(f"  started from the {name} in {time.monotonic() - began:.1f} s", flush=True)
        room.take(name)
        check(same(room, "served.state", f"{name}.state"), f"started from the {name}: the same state, byte for byte")
        check(same(room, "served.csv", f"{name}.csv"), f"started from the {name}: the same export, byte for byte")
        room.stop()


def main():
    release, wanted = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    place = tempfile.mkdtemp(prefix="replay-")
    room, told = Room(release, place), {"seen": 0, "labels": 0, "paid": 0, "reported": 0, "refused": 0}
    try:
        room.start()
        keys = [room.ready["secret_key"], *keys_of_new_merchants(room)]
        decisions = 0
        for seed in range(1, 100):
            load(room, keys, seed, told)
            room.ask("export", "--out", "meanwhile.csv")
            decisions = sum(1 for cells in room.lines("meanwhile.csv") if cells[3] and cells[0] == "authorization")
            print(f"  {decisions} decisions, {told}", flush=True)
            if decisions >= wanted:
                break
        time.sleep(3)
        room.take("served")
        check(room.records() == sum(1 for _line in room.lines("served.csv")), f"an export of all {room.records()} records")
        replays(room, wanted)
        restarts(room)
        print(f"replay: all of it holds, for {decisions} decisions")
    finally:
        if room.process is not None and room.process.poll() is None:
            room.process.kill()
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
