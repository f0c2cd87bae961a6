//! From configuration to ready file, over reloads, to the end.

use crate::process::Process;
use gateway::serve::{Ready, Signal};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

#[tokio::test]
async fn the_ready_file_says_exactly_what_is_needed_and_is_private() {
    let process = Process::start("").await;
    let path = process.directory.path().join("ready.json");
    let ca = process.directory.path().join("certs/ca.pem");
    let expected = format!(
        "{{\"api\":\"https://localhost:{}\",\"admin\":\"http://127.0.0.1:{}\",\"ca\":{:?},\
         \"secret_key\":\"sk_test_small\",\"pid\":{}}}\n",
        process.port("api"),
        process.port("admin"),
        ca.display().to_string(),
        std::process::id(),
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let beside: Vec<_> =
        std::fs::read_dir(process.directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(beside.len(), 3, "no temporary file is left: {beside:?}");
    assert!(process.api("/v1/x").await.unwrap().ends_with("{\"length\":0}"), "both listeners accept");
    assert_eq!(process.admin_get("/readyz").await.0, 200);
}

#[tokio::test]
async fn it_stops_when_told_and_says_so_while_it_drains() {
    let process = Process::start("").await;
    let slow = async { process.api("/slow?800").await.unwrap() };
    let stop = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        process.signals.send(Signal::Stop).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        process.admin_get("/readyz").await
    };
    let (answer, (status, kind, body)) = tokio::join!(slow, stop);
    assert!(answer.ends_with("{\"slow\":true}"), "{answer}");
    assert_eq!((status, kind.as_str()), (503, "application/problem+json"));
    assert!(body.contains("draining"), "{body}");
    assert_eq!(process.ended.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_second_wish_to_stop_does_not_wait() {
    let process = Process::start("").await;
    let slow = process.api("/slow?60000");
    let stop = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        process.signals.send(Signal::Stop).await.unwrap();
        process.signals.send(Signal::Stop).await.unwrap();
    };
    let (answer, ()) = tokio::join!(slow, stop);
    assert!(answer.is_err(), "cut: {answer:?}");
    assert_eq!(tokio::time::timeout(Duration::from_secs(2), process.ended).await.unwrap().unwrap(), Ok(()));
}

#[tokio::test]
async fn runtimes_of_their_own_serve_and_end_too() {
    let process = Process::start("runtimes = 2").await;
    for _ in 0..16 {
        assert!(process.api("/v1/x").await.unwrap().ends_with("{\"length\":0}"));
    }
    process.signals.send(Signal::Stop).await.unwrap();
    let port = process.port("api");
    assert_eq!(process.ended.await.unwrap(), Ok(()));
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err(), "all listeners are closed");
}

#[tokio::test]
async fn a_reload_takes_new_certificates_and_keeps_the_last_good_ones() {
    let process = Process::start("").await;
    let certs = process.directory.path().join("certs");
    let before = std::fs::read(certs.join("ca.pem")).unwrap();
    // Damage, and a configuration that can't be read: nothing changes.
    let file = process.directory.path().join("tollgate.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, "nonsense = 1").unwrap();
    process.signals.send(Signal::Reload).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(process.api("/v1/x").await.is_ok());
    // A new set of certificates: clients of the new authority are served.
    std::fs::write(&file, good).unwrap();
    std::fs::remove_file(certs.join("localhost.key")).unwrap();
    process.signals.send(Signal::Reload).await.unwrap();
    let renewed = async {
        while std::fs::read(certs.join("ca.pem")).unwrap() == before || process.api("/v1/x").await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::rig::PATIENCE, renewed).await.expect("served under the new authority");
}

#[test]
fn the_quickstart_can_be_pasted() {
    let ready = Ready {
        api: "https://localhost:8443".to_owned(),
        admin: "http://127.0.0.1:9090".to_owned(),
        ca: "/somewhere/ca.pem".into(),
        secret_key: Some("sk_test_1".to_owned()),
        pid: 1,
    };
    let text = ready.quickstart();
    let command: Vec<&str> =
        text.lines().skip_while(|line| !line.contains("curl --cacert")).take(3).collect();
    assert!(
        command[0].contains("--cacert '/somewhere/ca.pem'") && command[0].contains("-u sk_test_1:"),
        "{text}"
    );
    assert!(
        command[0].ends_with('\\') && command[1].ends_with('\\') && !command[2].ends_with('\\'),
        "{text}"
    );
}
