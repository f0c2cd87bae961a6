"""Reads what our codec wrote with pyiso8583, and has our codec read what pyiso8583 wrote.

usage: with_pyiso8583.py PATH_TO_iso_vectors COUNT SEED.
"""

import json
import random
import string
import subprocess
import sys

import iso8583

from table import BINARY, FIXED, LLLVAR, LLVAR, SIGNED, TEXT, specification

TYPES = ("0100", "0110", "0200", "0210", "0220", "0221", "0230", "0400", "0401", "0410", "0420", "0421", "0430",
         "0800", "0810")
# Enough for every type of the profile.
ALWAYS = (2, 3, 4, 7, 11, 12, 13, 14, 18, 22, 25, 32, 37, 39, 41, 42, 43, 49, 70, 90)


def run(vectors, words, lines=()):
    done = subprocess.run([vectors, *words], input="\n".join(lines), capture_output=True, text=True, timeout=300)
    if done.returncode:
        sys.exit(f"{vectors} {words}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def value(dice, field):
    if field in BINARY:
        return "".join(dice.choice("0123456789ABCDEF") for _ in range(16))
    most = FIXED.get(field) or LLVAR.get(field) or LLLVAR[field]
    length = most if field in FIXED else dice.choice((1, most, dice.randint(1, most)))
    letters = string.ascii_letters + string.digits if field in TEXT else string.digits
    made = "".join(dice.choice(letters) for _ in range(length))
    return dice.choice("CD") + made[1:] if field in SIGNED else made


def compare(what, ours, theirs):
    if ours != theirs:
        different = sorted(k for k in {*ours, *theirs} if ours.get(k) != theirs.get(k))
        sys.exit(f"{what}: fields {different} differ")


def they_read(vectors, spec, count, seed):
    fields = set()
    for line in run(vectors, ["emit", str(count), str(seed)]):
        raw = bytes.fromhex(line["hex"])
        assert int.from_bytes(raw[:2], "big") == len(raw) - 2, "length header"
        read, _ = iso8583.decode(raw[2:], spec)
        found = {key: text for key, text in read.items() if key.isdigit() and key != "1"}
        found.update({key: found[key].lower() for key in map(str, BINARY) if key in found})
        assert read["t"] == line["mti"], "message type"
        compare("built by us, read by pyiso8583", line["fields"], found)
        fields.update(found)
    return fields


def we_read(vectors, spec, count, seed):
    dice = random.Random(seed)
    every = sorted({*FIXED, *LLVAR, *LLLVAR, *BINARY})
    sent = []
    for number in range(count):
        chosen = every if number == 0 else sorted({*ALWAYS, *dice.sample(every, dice.randint(0, 40))})
        message = {str(field): value(dice, field) for field in chosen}
        raw, _ = iso8583.encode({"t": dice.choice(TYPES), "h": "", **message}, spec)
        sent.append((message, (len(raw).to_bytes(2, "big") + raw).hex()))
    fields = set()
    for (message, _), read in zip(sent, run(vectors, ["read"], [json.dumps({"hex": raw}) for _, raw in sent]), strict=True):
        if "error" in read:
            sys.exit(f"built by pyiso8583: {read['error']}")
        message.update({key: message[key].lower() for key in map(str, BINARY) if key in message})
        compare("built by pyiso8583, read by us", read["fields"], message)
        fields.update(message)
    return fields


def main():
    vectors, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    spec = specification()
    for what, fields in (("we wrote, they read", they_read(vectors, spec, count, seed)),
                         ("they wrote, we read", we_read(vectors, spec, count, seed))):
        missing = sorted(({str(field) for field in (*FIXED, *LLVAR, *LLLVAR, *BINARY)}) - fields)
        if missing:
            sys.exit(f"{what}: fields {missing} never appeared")
        print(f"pyiso8583: {what}: {count} messages, {len(fields)} different fields, no mismatch")


main()
