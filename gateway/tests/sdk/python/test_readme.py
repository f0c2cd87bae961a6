"""What a newcomer pastes: the README's first payment, and the one that the gateway prints when it is ready."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[4] / "README.md"


@pytest.fixture
def newcomer(start_gateway):
    """Runs something where a fresh gateway keeps its `data` and `certs-dev`, at the port that it took."""
    gateway = start_gateway()

    def run(command):
        command = [part.replace("https://localhost:8443", gateway.url) for part in command]
        done = subprocess.run(
            command, cwd=gateway.root, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return gateway, run


def blocks(language, having):
    """The code blocks of the README in a language, that have a word."""
    found = re.findall(rf"^```{language}\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)
    return [block for block in found if having in block]


def test_the_first_payment_with_curl(newcomer):
    _, run = newcomer
    (block,) = blocks("console", "curl")
    assert '"status":"requires_capture"' in run(["bash", "-euc", block])


def test_the_first_payment_with_python(newcomer):
    _, run = newcomer
    (block,) = blocks("python", "import stripe")
    printed = run([sys.executable, "-c", block]).splitlines()
    assert printed[0].startswith("pi_") and printed[0].endswith(" requires_capture")
    assert printed[1:] == ["succeeded 1500", "succeeded"]


def test_the_payment_that_the_gateway_prints(newcomer):
    gateway, run = newcomer
    (command,) = re.findall(r"^ +curl (?:.*\\\n)*.*$", gateway.log.read_text(), re.MULTILINE)
    assert '"status":"requires_capture"' in run(["bash", "-euc", command])
