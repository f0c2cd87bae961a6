//! Exit codes and effects of the command line.

use crate::process::Process;
use gateway::cli::{Exit, run};
use gateway::serve::{Application, Launch};
use gateway_core::ports::BoxFuture;
use std::ffi::OsString;
use std::sync::Arc;

fn never(_: Launch) -> BoxFuture<'static, Result<Arc<dyn Application>, String>> {
    Box::pin(async { Err("this test does not get so far".to_owned()) })
}

fn gateway(arguments: &[&str]) -> Exit {
    let arguments: Vec<OsString> =
        std::iter::once("gateway").chain(arguments.iter().copied()).map(OsString::from).collect();
    run(arguments, never)
}

#[test]
fn bad_usage_is_told_apart_from_failure() {
    let directory = tempfile::tempdir().unwrap();
    let bad = directory.path().join("bad.toml");
    std::fs::write(&bad, "[edge]\nlisten = 5\n").unwrap();
    let certs = directory.path().join("certs").display().to_string();
    let bad = bad.to_str().unwrap();
    let cases: [(&[&str], Exit); 16] = [
        (&["--help"], Exit::Done),
        (&["--version"], Exit::Done),
        (&["keys", "create", "--help"], Exit::Done),
        (&["config"], Exit::Done),
        (&["config", "--listen", "127.0.0.1:1"], Exit::Done),
        (&["--nonsense"], Exit::Usage),
        (&["nonsense"], Exit::Usage),
        (&["serve", "--listen"], Exit::Usage),
        (&["serve", "--listen", "nowhere"], Exit::Usage),
        (&["--listen", "8443"], Exit::Usage),
        (&["serve", "--config", bad], Exit::Usage),
        (&["config", "--config", "/nowhere/x.toml"], Exit::Usage),
        (&["keys", "create"], Exit::Usage),
        (&["keys", "create", "--merchant", "acct_1", "--mode", "real"], Exit::Usage),
        (&["merchant", "list", "--admin", "ftp://x"], Exit::Failed),
        (&["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--certs", &certs], Exit::Failed),
    ];
    for (arguments, expected) in cases {
        assert_eq!(gateway(arguments), expected, "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merchants_and_keys_are_made_through_the_admin_listener() {
    let process = Process::start("").await;
    let admin = process.ready["admin"].as_str().unwrap().to_owned();
    let outcomes = tokio::task::spawn_blocking(move || {
        [
            gateway(&["merchant", "create", "--name", "Corner shop", "--admin", &admin, "--json"]),
            gateway(&["merchant", "list", "--admin", &admin]),
            gateway(&["keys", "create", "--merchant", "acct_1", "--admin", &admin]),
            gateway(&["keys", "revoke", "../merchants", "--admin", &admin]),
            gateway(&["keys", "list", "--merchant", "acct_1", "--admin", "http://127.0.0.1:1"]),
        ]
    })
    .await
    .unwrap();
    assert_eq!(outcomes, [Exit::Done, Exit::Done, Exit::Failed, Exit::Failed, Exit::Failed]);
}

/// The binary itself, with nothing of the caller's environment.
fn binary(directory: &std::path::Path, arguments: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gateway"));
    command.args(arguments).current_dir(directory).env_clear();
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    command
}

#[test]
fn the_binary_gives_the_codes_and_says_why_on_standard_error() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("bad.toml"), "[limits]\nbody_bites = 1\n").unwrap();
    let cases: [(&[&str], i32, &str); 4] = [
        (&["--version"], 0, ""),
        (&["--nonsense"], 2, "unexpected argument '--nonsense'"),
        (&["serve", "--config", "bad.toml"], 2, "bad.toml:2: unknown field `body_bites`"),
        (&["merchant", "list", "--admin", "http://127.0.0.1:1"], 1, "Is the gateway serving?"),
    ];
    for (arguments, code, message) in cases {
        let output = binary(directory.path(), arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(message), "{arguments:?}: {said}");
    }
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 1, "a refused start leaves nothing behind");
}

#[test]
fn the_binary_serves_until_it_is_told_to_stop() {
    let directory = tempfile::tempdir().unwrap();
    let flags = ["--listen", "localhost:0", "--admin", "127.0.0.1:0", "--ready-file", "ready.json"];
    let mut child = binary(directory.path(), &flags).spawn().unwrap();
    let ready = directory.path().join("ready.json");
    let began = std::time::Instant::now();
    while !ready.exists() && child.try_wait().unwrap().is_none() && began.elapsed() < crate::rig::PATIENCE {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let text = std::fs::read_to_string(&ready).unwrap_or_default();
    assert!(text.contains(&format!("\"pid\":{}", child.id())), "{text}");
    let told = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("curl --cacert") && said.contains("stopped"), "{said}");
}
