#!/usr/bin/env python3
"""A gateway on a file system of its own that runs full, and on a disk whose syncs fail: run.py GATEWAY (the binary), as root.

What must hold: with little room, new payments get 503 while the outcome of what is under way is stored and answered, also when not
a byte is left but for the reserve; with room again, payments are taken again; a sync that fails ends the process without an answer,
and the next start serves what was acknowledged. After each part the store passes `gateway verify`.
"""

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

MIB = 1 << 20
IMAGE_MIB = 512
SLOW_MS = 4000


LOGS = []


def fail(why):
    for log in LOGS:
        with open(log, encoding="utf-8", errors="replace") as text:
            print(text.read()[-3000:], file=sys.stderr)
    sys.exit(f"disk: {why}")


def check(holds, what):
    if not holds:
        fail(f"NOT SO: {what}")
    print(f"  holds: {what}", flush=True)


class Gateway:
    """A process, and what it takes to speak with it."""

    def __init__(self, binary, place, data, before=()):
        self.ready = os.path.join(place, "ready.json")
        if os.path.exists(self.ready):
            os.unlink(self.ready)
        config = os.path.join(place, "gateway.toml")
        with open(config, "w", encoding="utf-8") as out:
            out.write(f'[[acquirers]]\nname = "bank"\nkind = "simulated"\nlatency_ms = {SLOW_MS}\n')
        self.log = open(os.path.join(place, "log"), "ab")
        LOGS[:] = [self.log.name]
        command = [
            *before, binary, "serve", "--config", config, "--listen", "localhost:0", "--admin", "127.0.0.1:0",
            "--data-dir", data, "--certs", os.path.join(place, "certs"), "--ready-file", self.ready,
        ]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 60
        while not os.path.exists(self.ready):
            if self.process.poll() is not None or time.monotonic() > deadline:
                fail("the gateway does not start")
            time.sleep(0.05)
        with open(self.ready, encoding="utf-8") as text:
            told = json.load(text)
        self.pid, self.key = told["pid"], told["secret_key"]
        self.port = urllib.parse.urlsplit(told["api"]).port
        self.tls = ssl.create_default_context(cafile=told["ca"])

    def ask(self, method, path, key=None, **form):
        """Status and body; None if there is no answer."""
        connection = http.client.HTTPSConnection("localhost", self.port, context=self.tls, timeout=30)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/x-www-form-urlencoded"}
        if key:
            headers["Idempotency-Key"] = key
        try:
            connection.request(method, path, urllib.parse.urlencode(form) or None, headers)
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def pay(self, key=None):
        return self.ask(
            "POST", "/v1/payment_intents", key, amount=1000, currency="usd", confirm="true",
            capture_method="manual", payment_method="pm_card_visa",
        )

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check(self.process.wait(30) == 0, "it stops when told to")


def verified(binary, data):
    told = subprocess.run([binary, "verify", "--data-dir", data, "--json"], capture_output=True, text=True, check=False)
    check(told.returncode == 0, f"the store passes every check ({told.stdout.strip() or told.stderr.strip()})")
    return json.loads(told.stdout)


def free(data):
    room = os.statvfs(data)
    return room.f_bavail * room.f_frsize


def fill(data, leave):
    """Fills the file system up to `leave` bytes."""
    with open(os.path.join(data, "ballast"), "ab") as ballast:
        while (room := free(data)) > leave + 4096:
            step = min(room - leave, 64 * MIB) // 4096 * 4096
            try:
                os.posix_fallocate(ballast.fileno(), os.fstat(ballast.fileno()).st_size, step)
            except OSError:
                # The file system needs some of it for itself.
                try:
                    ballast.write(b"x" * 4096)
                    ballast.flush()
                except OSError:
                    return


def state_of(answer):
    """The payment's status in an answer, or in the error that says how it ended."""
    body = answer[1]
    return body["status"] if "status" in body else body["error"]["payment_intent"]["status"]


def meanwhile(gateway, key, act):
    """Pays, and acts when the payment is on its way to the bank."""
    answer = []
    thread = threading.Thread(target=lambda: answer.append(gateway.pay(key)))
    thread.start()
    time.sleep(SLOW_MS / 4000)
    act()
    thread.join()
    return answer[0]


def full_disk(binary, place, data):
    gateway = Gateway(binary, place, data)
    status, paid = gateway.pay("first")
    check(status == 200 and paid["status"] == "requires_capture", "with room, a payment is taken")
    before = free(data)
    answer = meanwhile(gateway, "tight", lambda: fill(data, 20 * MIB))
    check(answer and answer[0] == 200, "with little room, what is under way gets its outcome stored and answered")
    refused = gateway.pay("refused")
    check(refused and refused[0] == 503, f"and a new payment is refused with 503 ({refused and refused[0]})")
    status, read = gateway.ask("GET", f"/v1/payment_intents/{answer[1]['id']}")
    check(status == 200 and read["status"] == "requires_capture", "while what is stored is still served")
    os.unlink(os.path.join(data, "ballast"))
    check(free(data) > before - 40 * MIB, "room is made again")
    status, taken = gateway.pay("refused")
    check(status == 200 and taken["status"] == "requires_capture", "and the refused key is free: its payment is taken")
    answer = meanwhile(gateway, "none", lambda: fill(data, 0))
    check(answer and answer[0] == 200, "with no room at all, the reserve takes the outcome of what is under way")
    refused = gateway.pay("refused too")
    check(refused and refused[0] == 503, "and a new payment is refused with 503")
    gateway.process.kill()
    gateway.process.wait(30)
    gateway = Gateway(binary, place, data)
    again = gateway.pay("none")
    check(again == answer, "after a kill it starts on the full disk, and the key replays its answer")
    refused = gateway.pay("refused three times")
    check(refused and refused[0] == 503, "and a new payment is refused with 503")
    os.unlink(os.path.join(data, "ballast"))
    status, taken = gateway.pay("refused too")
    check(status == 200, "until there is room again")
    gateway.stop()
    return verified(binary, data)


def failing_sync(binary, place, data):
    gateway = Gateway(binary, place, data)
    status, paid = gateway.pay("sound")
    check(status == 200, "before the failure, a payment is taken")
    trace = ["strace", "-f", "-qq", "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:error=EIO",
             "-o", "/dev/null", "-p", str(gateway.pid)]
    tracer = subprocess.Popen(trace)
    time.sleep(2)
    if tracer.poll() is not None:
        fail("strace can't attach to the gateway: run this where ptrace is allowed")
    lost = gateway.pay("lost")
    check(lost is None or lost[0] >= 500, f"nothing is acknowledged that was not synced ({lost and lost[0]})")
    try:
        code = gateway.process.wait(20)
    except subprocess.TimeoutExpired:
        fail("NOT SO: the process stops when a sync fails")
    check(code == 1, f"the process stops when a sync fails, with code 1 ({code})")
    tracer.wait(10)
    gateway = Gateway(binary, place, data)
    again = gateway.pay("sound")
    check(again == (200, paid), "the next start replays what was acknowledged")
    deadline = time.monotonic() + 60
    while (state := state_of(gateway.pay("lost"))) == "processing" and time.monotonic() < deadline:
        time.sleep(0.5)
    check(
        state in ("requires_capture", "requires_payment_method"),
        f"and the key that was not acknowledged has one payment, whose outcome is found ({state})",
    )
    gateway.stop()
    return verified(binary, data)


def main():
    if len(sys.argv) != 2:
        fail("usage: run.py GATEWAY")
    if os.geteuid() != 0:
        fail("it mounts a file system: run it as root")
    binary = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as place:
        image, mounted = os.path.join(place, "image"), os.path.join(place, "disk")
        with open(image, "wb") as out:
            out.truncate(IMAGE_MIB * MIB)
        os.mkdir(mounted)
        for command in (["mkfs.ext4", "-q", "-m", "0", image], ["mount", "-o", "loop", image, mounted]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                fail(f"{' '.join(command)}: {done.stderr.strip()}. Loop devices and ext4 are needed here.")
        try:
            for part in (full_disk, failing_sync):
                data = os.path.join(mounted, part.__name__)
                os.mkdir(data)
                print(f"{part.__name__}:", flush=True)
                part(binary, place, data)
        finally:
            subprocess.run(["umount", "-l", mounted], check=False)
    print("disk: all of it holds")


if __name__ == "__main__":
    main()
