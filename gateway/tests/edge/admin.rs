//! The operators' listener.

use crate::process::Process;

#[tokio::test]
async fn health_figures_and_version_are_there() {
    let process = Process::start("").await;
    assert!(process.api("/v1/x").await.is_ok());
    assert_eq!(process.admin_get("/livez").await.0, 200);
    let (status, kind, text) = process.admin_get("/metrics").await;
    assert_eq!((status, kind.as_str()), (200, "text/plain; version=0.0.4; charset=utf-8"));
    for line in text.lines().filter(|line| line.starts_with("# TYPE ")) {
        let name = line.split(' ').nth(2).unwrap();
        assert!(name.starts_with("tollgate_"), "{name}");
        assert!(text.contains(&format!("# HELP {name} ")), "{name} has no HELP");
    }
    assert!(text.contains("tollgate_tls_handshakes_total{result=\"done\"}"), "{text}");
    let (status, _, version) = process.admin_get("/version").await;
    assert_eq!(status, 200);
    assert!(version.contains("\"api_version\":\"2026-10-28.endive\""), "{version}");
}

#[tokio::test]
async fn refusals_are_problem_documents() {
    let process = Process::start("").await;
    let post = "POST /merchants HTTP/1.1\r\nConnection: close\r\n";
    let json = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let large = format!(
        "{post}Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 70000\r\n\r\n{}",
        "x".repeat(70_000)
    );
    let cases = [
        ("GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_owned(), 404),
        ("DELETE /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_owned(), 405),
        (format!("{post}Host: localhost\r\nContent-Length: 2\r\n\r\n{{}}"), 415),
        (format!("{post}Host: localhost\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{{}}"), 415),
        (format!("{post}Host: evil.example:9090\r\n{json}"), 421),
        (format!("{post}{json}"), 421),
        (large, 413),
        ("GET /panic HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".to_owned(), 500),
    ];
    for (request, expected) in cases {
        let (status, kind, body) = process.admin(&request).await;
        let shown = &request[..request.len().min(150)];
        assert_eq!((status, kind.as_str()), (expected, "application/problem+json"), "{shown}\n{body}");
        let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["status"], expected, "{body}");
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{body}");
    }
    for host in ["localhost", "127.0.0.1:9090", "[::1]:9090", "10.1.2.3"] {
        let (status, _, body) = process.admin(&format!("{post}Host: {host}\r\n{json}")).await;
        assert_eq!((status, body.as_str()), (201, "{}"), "{host}");
    }
}
