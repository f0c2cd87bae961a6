"""A gateway as its own process: started on free ports in a directory of its own, and ended by its process id alone."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import requests

START_DEADLINE_S = 15
STOP_DEADLINE_S = 20


class Gateway:
    """One gateway. Starting it again keeps its data directory and its certificates."""

    def __init__(self, binary, root, config=None):
        self.binary = str(binary)
        self.root = Path(root)
        self.config = config
        self.process = None
        self.ready = None
        self.root.mkdir(parents=True, exist_ok=True)

    @property
    def url(self):
        """The merchant API."""
        return self.ready["api"]

    @property
    def admin(self):
        """The admin listener."""
        return self.ready["admin"]

    @property
    def ca(self):
        """The file of the development CA."""
        return self.ready["ca"]

    @property
    def key(self):
        """The development merchant's secret key."""
        return self.ready["secret_key"]

    @property
    def data(self):
        """The data directory."""
        return self.root / "data"

    @property
    def log(self):
        """The file that takes what the process prints."""
        return self.root / "gateway.log"

    def start(self, listen="127.0.0.1:0"):
        """Starts it and waits until it accepts. The ready file of an earlier start doesn't count."""
        ready_file = self.root / "ready.json"
        ready_file.unlink(missing_ok=True)
        command = [
            self.binary, "serve", "--listen", listen, "--admin", "127.0.0.1:0",
            "--data-dir", str(self.data), "--certs", str(self.root / "certs-dev"),
            "--ready-file", str(ready_file),
        ]
        if self.config is not None:
            (self.root / "gateway.toml").write_text(self.config)
            command += ["--config", str(self.root / "gateway.toml")]
        # Settings of the caller's own gateway are not this one's.
        env = {name: value for name, value in os.environ.items() if not name.startswith("TOLLGATE_")}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.root, env=env
            )
        deadline = time.monotonic() + START_DEADLINE_S
        while not ready_file.exists():
            if self.process.poll() is not None:
                raise RuntimeError(f"the gateway ended with {self.process.returncode}:\n{self.last_lines()}")
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"no ready file after {START_DEADLINE_S} s:\n{self.last_lines()}")
            time.sleep(0.02)
        self.ready = json.loads(ready_file.read_text())
        assert self.ready["pid"] == self.process.pid
        return self

    def last_lines(self):
        """The end of what it printed."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])

    def kill(self):
        """Ends it at once, as a crash would."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_DEADLINE_S)

    def stop(self):
        """Asks it to drain and end; its exit code."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.terminate()
        try:
            return self.process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"it did not end {STOP_DEADLINE_S} s after SIGTERM:\n{self.last_lines()}") from None

    def verify(self):
        """What `gateway verify` counts in the stopped store. Any breach of an invariant fails."""
        command = [self.binary, "verify", "--json", "--data-dir", str(self.data)]
        verified = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        counted = json.loads(verified.stdout)
        assert counted["breaches"] == [], counted
        return counted

    def create_merchant(self, name):
        """Makes a merchant while it serves; its secret key for test mode."""
        return self.create_key(self.ask_admin("post", "/merchants", {"name": name})["id"])["secret"]

    def create_key(self, merchant, mode="test", kind="secret", scopes=()):
        """Makes a key of a merchant while it serves; the admin listener's answer."""
        body = {"merchant": merchant, "mode": mode, "kind": kind, "scopes": list(scopes)}
        return self.ask_admin("post", "/keys", body)

    def ask_admin(self, method, path, body=None):
        """One call of the admin listener, which must succeed."""
        answer = requests.request(method, self.admin + path, json=body, timeout=10)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()
