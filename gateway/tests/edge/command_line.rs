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
