//! The whole application in a process of its own: what it makes at its first start, keeps, reloads, counts and refuses.

use crate::process::Process;
use gateway::config::{Config, Sources};
use gateway::serve::{Launch, Signal};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const FORM: &str = "application/x-www-form-urlencoded";
const PAY: &[u8] = b"amount=1000&currency=usd&confirm=true&payment_method=pm_card_visa";

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn key(process: &Process) -> &str {
    process.ready["secret_key"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_and_the_store_are_counted_with_what_they_mean() {
    let process = Process::start_whole(directory(), "").await;
    assert_eq!(process.post("/v1/payment_intents", (FORM, PAY)).await.0, 200);
    assert_eq!(process.post("/v1/payment_intents", (FORM, b"amount=1")).await.0, 400);
    assert_eq!(process.post("/v1/nothing", (FORM, b"")).await.0, 404);
    // Other gateways of this process count into the same figures.
    let expected = [
        ("tollgate_http_requests_total{operation=\"create_payment_intent\",status=\"2xx\"} ", 1),
        ("tollgate_http_requests_total{operation=\"create_payment_intent\",status=\"4xx\"} ", 1),
        ("tollgate_http_requests_total{operation=\"unrouted\",status=\"4xx\"} ", 1),
        ("tollgate_http_request_duration_seconds_count{operation=\"create_payment_intent\"} ", 2),
        ("tollgate_store_queue_depth ", 0),
        ("tollgate_store_overlay_entries ", 0),
    ];
    let value = |text: &str, name: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(name));
        found.and_then(|value| value.parse::<i64>().ok())
    };
    let mut text = String::new();
    for _try in 0..50 {
        text = process.admin_get("/metrics").await.2;
        if expected.iter().all(|(name, least)| value(&text, name).is_some_and(|value| value >= *least)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for (name, least) in expected {
        assert!(value(&text, name).is_some_and(|value| value >= least), "{name}{least}\n{text}");
    }
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name = line.split(['{', ' ']).next().unwrap();
        let family =
            ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let described = [name, family].iter().any(|name| text.contains(&format!("# HELP {name} ")));
        assert!(described, "{name} has no HELP");
    }
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_changes_the_rates_of_requests() {
    let process = Process::start_whole(directory(), "[limits]\nrequests_per_s_key = 1").await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(process.post("/v1/customers", (FORM, b"")).await.0);
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    let file = process.directory.path().join("tollgate.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("requests_per_s_key = 1", "requests_per_s_key = 4000")).unwrap();
    process.signals.send(Signal::Reload).await.unwrap();
    let mut in_a_row = 0;
    for _try in 0..200 {
        in_a_row = if process.post("/v1/customers", (FORM, b"")).await.0 == 200 { in_a_row + 1 } else { 0 };
        if in_a_row == 10 {
            break;
        }
    }
    assert_eq!(in_a_row, 10, "ten within a second");
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_development_key_is_replaced_at_the_next_start() {
    let process = Process::start_whole(directory(), "").await;
    let first = key(&process).to_owned();
    let (_, _, merchants) = process.admin_get("/merchants").await;
    let merchants: serde_json::Value = serde_json::from_str(&merchants).unwrap();
    let merchant = merchants["data"][0]["id"].as_str().unwrap();
    let (_, _, keys) = process.admin_get(&format!("/keys?merchant={merchant}")).await;
    let keys: serde_json::Value = serde_json::from_str(&keys).unwrap();
    let id = keys["data"][0]["id"].as_str().unwrap();
    let revoke = format!("DELETE /keys/{id} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert!(process.admin(&revoke).await.0 < 300);
    assert_eq!(process.post("/v1/customers", (FORM, b"")).await.0, 401);
    let process = Process::start_whole(process.stop().await, "").await;
    assert_ne!(key(&process), first);
    assert_eq!(process.post("/v1/customers", (FORM, b"")).await.0, 200);
    let second = key(&process).to_owned();
    let process = Process::start_whole(process.stop().await, "").await;
    assert_eq!(key(&process), second, "and that one stays");
    process.stop().await;
}

/// Tries to build the application over a data directory: why it could not.
async fn refused(directory: &Path) -> String {
    let text = format!("data_dir = {:?}\n", directory.join("data").display().to_string());
    let file = directory.join("again.toml");
    std::fs::write(&file, text).unwrap();
    let config = Config::load(&Sources { file: Some(file), ..Sources::default() }).unwrap();
    let launch = Launch { config: Arc::new(config), public_url: "https://localhost:1".to_owned() };
    gateway::launch::build(launch).await.err().expect("it must not start")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_keys_are_never_replaced_by_others() {
    let process = Process::start_whole(directory(), "").await;
    assert_eq!(process.post("/v1/payment_intents", (FORM, PAY)).await.0, 200);
    let data = process.directory.path().join("data");
    let (keyring, aside) = (data.join("keyring.json"), data.join("aside"));
    std::fs::rename(&keyring, &aside).unwrap();
    // While another process serves the store, and when none does.
    let while_it_serves = refused(process.directory.path()).await;
    let directory = process.stop().await;
    let afterwards = refused(directory.path()).await;
    for why in [while_it_serves, afterwards] {
        assert!(why.contains("keyring.json") && why.contains("backup"), "{why}");
        assert!(!keyring.exists(), "no other keys were made");
    }
    std::fs::rename(&aside, &keyring).unwrap();
    Process::start_whole(directory, "").await.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_is_the_owners_alone() {
    let process = Process::start_whole(directory(), "").await;
    assert_eq!(process.post("/v1/payment_intents", (FORM, PAY)).await.0, 200);
    let data = process.directory.path().join("data");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join("store"))), (0o700, 0o700));
    for entry in std::fs::read_dir(data.join("store")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display());
        }
    }
    process.stop().await;
}

/// How many commits a store has taken.
fn commits(directory: &Path) -> u64 {
    let store = directory.join("data/store");
    gateway_store::embedded::scan(&store, &mut |_position, _batch| Ok(())).unwrap().commits
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_malformed_leaves_a_trace_over_real_tls() {
    const JSON: &str = "application/json";
    let ten_megabytes = [b"description=".to_vec(), vec![b'a'; 10 << 20]].concat();
    let deep = format!("a{}=1", "[b]".repeat(500));
    let bodies: [(&str, &[u8]); 7] = [
        (FORM, b"description=%4"),
        (JSON, b"{\"amount\":10"),
        (FORM, b"amount=99999999999999999999&currency=usd"),
        (FORM, &ten_megabytes),
        (FORM, deep.as_bytes()),
        (FORM, b"description=%ff%fe"),
        (FORM, b"amount=1000&amount=2000&currency=usd"),
    ];
    let mut counts = Vec::new();
    for sent in [&bodies[..], &[]] {
        let process = Process::start_whole(directory(), "").await;
        assert_eq!(process.post("/v1/payment_intents", (FORM, PAY)).await.0, 200);
        for path in ["/v1/payment_intents", "/v1/refunds", "/v1/customers", "/v1/tokens"] {
            for body in sent {
                let (status, answer) = process.post(path, *body).await;
                assert!((400..500).contains(&status), "{path}: {status} {answer}");
                assert!(answer.starts_with("{\"error\":{\"type\":"), "{path}: {answer}");
            }
        }
        assert_eq!(process.post("/v1/payment_intents", (FORM, PAY)).await.0, 200);
        counts.push(commits(process.stop().await.path()));
    }
    assert_eq!(counts[0], counts[1], "commits with and without the malformed requests");
}
