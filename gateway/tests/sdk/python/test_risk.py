"""The analyst's end of a running gateway: models exchanged and refused, labels taken, decisions exported."""

import csv
import io
import subprocess
from pathlib import Path

from conftest import BINARY, client_of, pay

SHIPPED = Path(__file__).parents[4] / "risk" / "models" / "shipped.json"


def command(gateway, *words):
    """A subcommand of the binary against this gateway's admin listener; its exit code and all that it printed."""
    asked = [BINARY, *map(str, words), "--admin", gateway.admin]
    done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


def exported(gateway, tmp_path):
    """The lines of an export, by the names of their cells."""
    assert command(gateway, "export", "--out", tmp_path / "all.csv")[0] == 0
    return list(csv.DictReader(io.StringIO((tmp_path / "all.csv").read_text())))


def test_a_bad_model_is_refused_and_the_last_good_one_stays(start_gateway, tmp_path):
    gateway = start_gateway()
    before = gateway.ask_admin("get", "/risk")["model"]
    bad = tmp_path / "bad.json"
    bad.write_text(SHIPPED.read_text().replace('"fraud"', '"frawd"'))
    code, text = command(gateway, "model", "deploy", bad)
    assert code == 1 and "checksum" in text, text
    assert gateway.ask_admin("get", "/risk")["model"] == before
    code, text = command(gateway, "model", "rollback")
    assert code == 1 and "no model was deployed before" in text, text


def test_models_are_exchanged_while_payments_go_on(start_gateway, tmp_path):
    gateway = start_gateway()
    shop = client_of(gateway, gateway.key)
    pay(shop)
    assert command(gateway, "model", "shadow", SHIPPED)[0] == 0
    paid = pay(shop)
    assert command(gateway, "model", "deploy", SHIPPED)[0] == 0
    assert command(gateway, "model", "rollback")[0] == 0
    version = gateway.ask_admin("get", "/risk")["model"]["version"]
    assert command(gateway, "model", "unshadow", version)[0] == 0
    labels = tmp_path / "labels.csv"
    labels.write_text(f"payment,fraud\n{paid.id},1\n")
    code, text = command(gateway, "labels", labels)
    assert code == 0 and "1 taken" in text, text
    assert "1 known already" in command(gateway, "labels", labels)[1]
    lines = exported(gateway, tmp_path)
    decided = [line for line in lines if line["record"] == "authorization"]
    assert [bool(line["shadows"]) for line in decided] == [False, True]
    assert [line["fraud"] for line in decided] == ["", "1"]
    assert [int(line["position"]) for line in lines] == list(range(1, len(lines) + 1))
    # What serves, and what a stopped store tells, is the same.
    assert gateway.stop() == 0
    stopped = tmp_path / "stopped.csv"
    asked = [BINARY, "export", "--data-dir", str(gateway.data), "--out", str(stopped)]
    assert subprocess.run(asked, stdin=subprocess.DEVNULL, timeout=30).returncode == 0
    assert stopped.read_text() == (tmp_path / "all.csv").read_text()
