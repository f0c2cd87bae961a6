"""An acquirer host on pyiso8583, written from the profile's documentation and sharing no code with ours. It keeps holds, checks what
a host can check of each message, and stops with an error at the first that is wrong.

usage: host.py COMMAND...; it listens on a free port of 127.0.0.1, runs COMMAND with ADDRESS replaced by its own, prints what it saw,
and exits with the command's code, or 1 after a message that is wrong.
"""

import socket
import struct
import subprocess
import sys
import threading
from collections import Counter

import iso8583

from table import specification

SPEC = specification()
SEEN = Counter()
WRONG = []
HOLDS = {}
DONE = {}
LOCK = threading.Lock()
MANDATORY = {
    "0100": (2, 3, 4, 7, 11, 12, 13, 14, 18, 22, 25, 32, 37, 41, 42, 43, 49),
    "0200": (2, 3, 4, 7, 11, 12, 13, 18, 22, 25, 32, 37, 41, 42, 43, 49),
    "0220": (3, 4, 7, 11, 32, 37, 38, 41, 42, 49),
    "0400": (3, 4, 7, 11, 32, 37, 41, 42, 49, 90),
    "0420": (3, 4, 7, 11, 32, 37, 41, 42, 49, 90),
    "0800": (7, 11, 70),
}


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def check_90(message):
    original, hold = message["90"], HOLDS.get(message["37"])
    check(original[:4] in ("0100", "0200"), "90: the original's type")
    check(original[20:31] == message["32"].rjust(11, "0"), "90: the original's 32, zero-filled on the left")
    check(original[31:] == "0" * 11, "90: no 33")
    if hold:
        check(original[4:20] == hold["trace"], "90: the original's 11 and 7")
        check(int(message["4"]) == hold["asked"], "4: the original's full amount")


def act(message):
    """The response code and, of an approval, field 38."""
    kind, reference, amount = message["t"], message["37"], int(message["4"])
    key = (kind[:3], reference, message["11"], message["7"])
    if key in DONE:
        return DONE[key]
    hold = HOLDS.get(reference)
    code = "00"
    if kind == "0100" or (kind == "0200" and message["3"] == "000000"):
        check(kind != "0100" or message["48"] == "9203737", "48: the CVC in tag 92")
        check(message["14"] == "2912", "14: YYMM")
        if message["2"] == "4000000000009995":
            code = "51"
        else:
            HOLDS[reference] = {"left": amount, "asked": amount, "trace": message["11"] + message["7"]}
    elif kind == "0200":
        check(message["3"] == "200000", "3: a refund")
    elif kind in ("0220", "0221"):
        check(hold and message["38"] == f"{reference[-6:]}", "37 and 38: the authorization's")
        code = "00" if amount <= hold["left"] else "13"
        hold["left"] -= amount if code == "00" else 0
    else:
        check_90(message)
        released = amount - int(message["95"][:12]) if "95" in message else amount
        if hold is None:
            code = "25"
        else:
            hold["left"] -= min(released, hold["left"])
    DONE[key] = code
    return code


def answer(message):
    kind = message["t"]
    wanted = MANDATORY[kind[:3] + "0"]
    missing = [field for field in wanted if str(field) not in message]
    check(not missing, f"{kind} lacks {missing}")
    reply = {key: message[key] for key in ("3", "4", "7", "11", "32", "37", "41", "42", "49", "70") if key in message}
    reply.update({"h": "", "t": kind[:2] + str(int(kind[2]) + 1) + "0"})
    if kind == "0800":
        check(message["70"] in ("001", "301"), "70")
        reply["39"] = "00"
        return reply
    with LOCK:
        reply["39"] = act(message)
    if reply["39"] == "00" and kind in ("0100", "0200"):
        reply["38"] = message["37"][-6:]
    return reply


def serve(connection):
    stream = connection.makefile("rb")
    while header := stream.read(2):
        raw = stream.read(struct.unpack(">H", header)[0])
        try:
            message, _ = iso8583.decode(raw, SPEC)
            SEEN[message["t"]] += 1
            encoded, _ = iso8583.encode(answer(message), SPEC)
        except Exception as error:
            WRONG.append(f"{raw[:4].decode('ascii', 'replace')}: {error}")
            connection.close()
            return
        connection.sendall(struct.pack(">H", len(encoded)) + encoded)


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    address = "127.0.0.1:%d" % listener.getsockname()[1]

    def accept():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    done = subprocess.run([word.replace("ADDRESS", address) for word in sys.argv[1:]], timeout=600)
    print("host on pyiso8583 saw:", dict(sorted(SEEN.items())))
    if WRONG:
        print("wrong:", WRONG[0], file=sys.stderr)
        sys.exit(1)
    sys.exit(done.returncode)


main()
