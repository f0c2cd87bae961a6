//! Asks a serving gateway's admin listener, and says in a sentence why that did not work.

use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::io::Write;
use std::time::Duration;
use tokio::net::TcpStream;

/// For the whole exchange.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a download may stand still: an export begins with a pass over the whole journal.
const READING: Duration = Duration::from_secs(600);
/// Longest answer, in bytes.
const ANSWER_BYTES: usize = 16 << 20;

/// One request.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) body: Option<Value>,
}

/// Sends the request and reads the JSON answer.
///
/// # Errors
/// In words: no listener there, no answer in time, or the `detail` of its problem document.
pub(super) fn ask(admin: &str, ask: Ask<'_>) -> Result<Value, String> {
    let body = ask.body.map_or_else(String::new, |body| body.to_string());
    send(admin, Sent { method: ask.method, path: ask.path, kind: "application/json", body })
}

/// One request whose body is sent as it is.
pub(super) struct Sent<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    /// Of the body.
    pub(super) kind: &'a str,
    pub(super) body: String,
}

/// As [`ask`].
///
/// # Errors
/// As [`ask`].
pub(super) fn send(admin: &str, sent: Sent<'_>) -> Result<Value, String> {
    let exchange = async { tokio::time::timeout(PATIENCE, exchange(admin, sent)).await };
    runtime()?.block_on(exchange).map_err(|_| format!("{admin} did not answer within 30 s"))?
}

/// Reads a long answer into `out`, as it comes.
///
/// # Errors
/// As [`ask`]; also an answer that broke off.
pub(super) fn download(admin: &str, path: &str, out: &mut dyn Write) -> Result<(), String> {
    runtime()?.block_on(async {
        let sent = Sent { method: Method::GET, path, kind: "application/json", body: String::new() };
        let response = tokio::time::timeout(PATIENCE, begin(admin, sent)).await;
        let response = response.map_err(|_| format!("{admin} did not answer within 30 s"))??;
        if !response.status().is_success() {
            return whole(admin, response).await.map(drop);
        }
        let mut body = response.into_body();
        while let Some(frame) = tokio::time::timeout(READING, body.frame())
            .await
            .map_err(|_| format!("{admin} has sent nothing for {} s", READING.as_secs()))?
        {
            let frame = frame.map_err(|error| format!("{admin} broke off: {error}"))?;
            if let Some(data) = frame.data_ref() {
                out.write_all(data).map_err(|error| format!("it can't be written: {error}"))?;
            }
        }
        Ok(())
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime could be made: {error}"))
}

async fn exchange(admin: &str, sent: Sent<'_>) -> Result<Value, String> {
    let response = begin(admin, sent).await?;
    whole(admin, response).await
}

async fn begin(admin: &str, sent: Sent<'_>) -> Result<Response<Incoming>, String> {
    let authority = authority(admin)?;
    let socket = TcpStream::connect(&authority).await.map_err(|error| {
        format!(
            "cannot reach {admin}: {error}. Is the gateway serving? Its admin listener is named by --admin."
        )
    })?;
    let broken = |error: hyper::Error| format!("{admin} broke off: {error}");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.map_err(broken)?;
    // It ends with the sender.
    let _connection = tokio::spawn(connection);
    let request = Request::builder()
        .method(sent.method)
        .uri(sent.path)
        .header(HOST, &authority)
        .header(CONTENT_TYPE, sent.kind)
        .body(Full::new(Bytes::from(sent.body)))
        .map_err(|error| format!("{}: {error}", sent.path))?;
    sender.send_request(request).await.map_err(broken)
}

async fn whole(admin: &str, response: Response<Incoming>) -> Result<Value, String> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| format!("{admin} broke off: {error}"))?.to_bytes();
    let json: Option<Value> = serde_json::from_slice(&body).ok();
    match json {
        Some(json) if head.status.is_success() => Ok(json),
        Some(json) => {
            let detail = json["detail"].as_str().unwrap_or("it gave no reason");
            Err(format!("{admin} refused ({}): {detail}", head.status.as_u16()))
        }
        None => {
            Err(format!("{admin} answered {} and no JSON: is it a gateway's admin listener?", head.status))
        }
    }
}

/// Host and port of an `http://` URL.
fn authority(admin: &str) -> Result<String, String> {
    let wrong = || format!("{admin:?} is not the address of an admin listener: write http://HOST:PORT");
    let uri: Uri = admin.parse().map_err(|_| wrong())?;
    match (uri.scheme_str(), uri.authority(), uri.path()) {
        (Some("http"), Some(authority), "/" | "") => {
            let port = authority.port_u16().unwrap_or(80);
            Ok(format!("{}:{port}", authority.host()))
        }
        _ => Err(wrong()),
    }
}
