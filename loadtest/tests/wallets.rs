//! Runs with wallets, as a user starts them: a gateway, a host for cards, an operator of wallets, and the audit of all their books. The
//! gateway is the one beside `loadtest`; it is built first if there is none.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Customers decide at once, some decline; nobody stays away, since the run would wait for a minute.
const CUSTOMERS: &str = "[customer]\nafter_ms = 200\ndecline_per_million = 200000\n";

/// What was paid by a wallet is paid back to it: no cards.
const MIX: &str =
    "[weights]\nalipay = 25\nwechat_pay = 25\npoll = 25\nrefund = 15\nduplicate = 5\nretrieve = 5\n";

/// A fault of so many in a million notifications.
fn notify(kind: &str, per_million: u32) -> String {
    format!(
        "[[fault]]\nkind = \"{kind}\"\nmessages = [\"notify\"]\nper_million = {per_million}\ndelay_ms = 700\n"
    )
}

fn gateway() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_loadtest")).with_file_name("gateway");
    if !path.is_file() {
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "-p", "gateway"]).status();
        assert!(built.expect("cargo runs").success());
    }
    path
}

/// Three seconds of wallets with this script, in a directory of its own.
fn run(dir: &Path, script: &str) -> Output {
    let (faults, mix) = (dir.join("operator.toml"), dir.join("mix.toml"));
    std::fs::write(&faults, script).expect("writable");
    std::fs::write(&mix, MIX).expect("writable");
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadtest"));
    command.args([
        "run",
        "--rate",
        "40",
        "--duration",
        "3s",
        "--warmup",
        "1s",
        "--connections",
        "32",
        "--json",
    ]);
    command.arg("--gateway").arg(gateway()).arg("--mix").arg(mix).arg("--wallets").arg(faults);
    command.arg("--dir").arg(dir.join("run"));
    command.env_remove("LOADTEST_KEY").stdin(Stdio::null()).output().expect("it runs")
}

/// The lines of the operator's book of this kind, and of this result.
fn booked(dir: &Path, op: &str, result: &str) -> usize {
    let text = std::fs::read_to_string(dir.join("run/wallet/book.jsonl")).expect("the operator's book");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    lines.filter(|line| line["op"] == op && line["result"] == result).count()
}

/// Runs, and demands that nothing was refused and that the witnesses agree; how many notifications came.
fn audited(dir: &Path, script: &str) -> u64 {
    let output = run(dir, &(CUSTOMERS.to_owned() + script));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(report["audit_breaches"], 0, "{told}");
    assert!(booked(dir, "capture", "approved") > 5, "customers paid");
    assert!(booked(dir, "authorize", "declined") > 0, "customers declined");
    report["notifications"].as_u64().expect("there is an operator")
}

#[test]
fn what_no_notification_tells_is_found_by_asking() {
    let dir = tempfile::tempdir().expect("a directory");
    assert_eq!(audited(dir.path(), &notify("lost", 1_000_000)), 0);
}

#[test]
fn late_doubled_and_forged_notifications_move_nothing_twice() {
    let dir = tempfile::tempdir().expect("a directory");
    let script = notify("late", 200_000) + &notify("doubled", 400_000) + &notify("garbage", 400_000);
    assert!(audited(dir.path(), &script) > 10);
}
