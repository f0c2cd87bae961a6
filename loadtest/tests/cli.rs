//! The command line as scripts see it: exit codes, and errors that say what to do.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Each call here ends by itself within a second; one that serves instead would else be waited for without an end.
const LIMIT: Duration = Duration::from_secs(60);

fn loadtest(arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(arguments)
        .env_remove("LOADTEST_GATEWAY")
        .env_remove("LOADTEST_KEY")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let started = Instant::now();
    while child.try_wait().expect("a child of this process").is_none() {
        if started.elapsed() > LIMIT {
            child.kill().expect("a child of this process");
            let output = child.wait_with_output().expect("its output");
            panic!("loadtest {arguments:?} did not end within {LIMIT:?}:\n{}", text(&output));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.wait_with_output().expect("its output")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn every_command_explains_itself() {
    let commands = [
        "run", "ceiling", "latency", "audit", "compare", "acquirer", "book", "crash", "overload", "growth",
        "soak", "peer",
    ];
    for command in commands {
        let output = loadtest(&[command, "--help"]);
        assert_eq!(output.status.code(), Some(0), "{command}");
        assert!(text(&output).contains("Usage: loadtest"), "{command}");
    }
}

#[test]
fn a_missing_gateway_is_one_line_that_says_what_to_build() {
    for command in
        [&["ceiling", "--gateway", "/nowhere/gateway"][..], &["run", "--gateway", "/nowhere/gateway"]]
    {
        let output = loadtest(command);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains("cargo build --release -p gateway"), "{}", text(&output));
        assert_eq!(text(&output).lines().count(), 1, "{}", text(&output));
    }
}

#[test]
fn wrong_usage_is_two() {
    let cases: &[&[&str]] = &[
        &[],
        &["dance"],
        &["ceiling", "--rounds", "2"],
        &["run", "--threshold", "p98<1ms"],
        &["run", "--duration", "5"],
        &["run", "--target", "https://localhost:1"],
        &["acquirer", "--listen", "0.0.0.0:1"],
        &["acquirer", "--protocol", "soap", "--listen", "127.0.0.1:0"],
        &["growth", "--levels", "5,3"],
    ];
    for case in cases {
        assert_eq!(loadtest(case).status.code(), Some(2), "{case:?}");
    }
}

#[test]
fn an_audit_of_files_ends_with_its_verdict() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("writable");
        path.to_string_lossy().into_owned()
    };
    let client = write("client.jsonl", "");
    let book = write("book.jsonl", "");
    let good = r#"{"payment":"pi_1","merchant":"m","mode":"test","currency":"usd","status":"canceled","events":[{"seq":1}]}"#;
    let store = write("store.jsonl", &format!("{good}\n"));
    let audit =
        |store: &str| loadtest(&["audit", "--client", &client, "--book", &book, "--gateway-history", store]);
    assert_eq!(audit(&store).status.code(), Some(0));
    let broken = write("broken.jsonl", &good.replace("\"seq\":1", "\"seq\":2"));
    let output = audit(&broken);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("BREACH of invariant 9"), "{}", text(&output));
    let nonsense = write("nonsense.jsonl", "{}\nnonsense\n");
    let output = audit(&nonsense);
    assert!(text(&output).contains("nonsense.jsonl:2"), "{}", text(&output));
    let empty = write("empty.jsonl", "");
    assert_eq!(audit(&empty).status.code(), Some(1), "nothing to audit is no success");
}

/// A gateway that never gets ready, and says who it is.
const NEVER_READY: &str = "#!/bin/sh\necho $$ > \"$NOTE\"\nexec sleep 600\n";

#[test]
fn an_interrupted_run_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    let (script, note, temporary) =
        (dir.path().join("gateway"), dir.path().join("note"), dir.path().join("t"));
    std::fs::create_dir(&temporary).expect("a directory");
    std::fs::write(&script, NEVER_READY).expect("a file");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, executable).expect("our file");
    let mut child = Command::new(env!("CARGO_BIN_EXE_loadtest"))
        .args(["ceiling", "--gateway"])
        .arg(&script)
        .env("NOTE", &note)
        .env("TMPDIR", &temporary)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let started = Instant::now();
    let gateway = loop {
        assert!(started.elapsed() < LIMIT, "it starts the gateway");
        match std::fs::read_to_string(&note) {
            Ok(id) if id.ends_with('\n') => break id.trim().to_owned(),
            Ok(_) | Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    assert_eq!(std::fs::read_dir(&temporary).expect("a directory").count(), 1, "its own directory");
    let id = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("a process id");
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it runs");
    let status = child.wait().expect("a child of this process");
    assert_eq!(status.code(), Some(130));
    assert_eq!(std::fs::read_dir(&temporary).expect("a directory").count(), 0);
    // Its parent is gone: whoever adopted it may take a moment to notice that it has ended.
    let stat = format!("/proc/{gateway}/stat");
    while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(started.elapsed() < LIMIT, "it was ended");
        std::thread::sleep(Duration::from_millis(5));
    }
}
