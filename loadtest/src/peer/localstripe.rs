//! localstripe, another implementation of the dialect (PyPI): authorizations over plain HTTP/1.1, by one process that writes its whole
//! state to a file with each change, and syncs nothing.

use crate::failure::{Failure, Result};
use crate::stage::child::Child;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// Any key of this form is taken.
const KEY: &str = "Bearer sk_test_12345";
/// What to do when the program is missing.
const INSTALL: &str = "Install it (pip install localstripe), and name it by --program";
const START_WITHIN: Duration = Duration::from_secs(30);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A process of its own. Dropping it stops it.
pub struct Localstripe {
    _process: Child,
    address: SocketAddr,
    /// What is charged: made once.
    method: String,
}

/// An answer's status, and its body as JSON.
type Answer = (StatusCode, serde_json::Value);

impl Localstripe {
    /// Starts the program, and gives it a card.
    ///
    /// # Errors
    /// It does not start, or refuses the card.
    pub fn start(program: &Path, dir: &Path) -> Result<Self> {
        let address = free_port()?;
        let port = address.port().to_string();
        let arguments = ["--port", &port, "--from-scratch"].map(OsStr::new);
        let mut process = Child::start("localstripe", program, &arguments, &dir.join("localstripe.log"))
            .map_err(|why| Failure::usage(format!("{why}. {INSTALL}")))?;
        process.wait_until(START_WITHIN, || std::net::TcpStream::connect(address).ok())?;
        let body =
            "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2035&card[cvc]=123";
        let (status, answer) = runtime()?.block_on(async {
            let mut sender = connect(address).await?;
            post(&mut sender, "/v1/payment_methods", body.to_owned()).await
        })?;
        let method = answer["id"].as_str().filter(|_| status == StatusCode::OK).map(str::to_owned);
        let method =
            method.ok_or_else(|| Failure::failed(format!("localstripe took no card: {status} {answer}")))?;
        Ok(Self { _process: process, address, method })
    }

    /// Authorizations a second, each client with one request at a time.
    ///
    /// # Errors
    /// One of them is not answered 200, or not at all.
    pub fn measure(&self, clients: u32, length: Duration) -> Result<f64> {
        let began = Instant::now();
        let done = runtime()?.block_on(async {
            let local = tokio::task::LocalSet::new();
            let until = began + length;
            let clients: Vec<_> = (0..clients)
                .map(|_| local.spawn_local(authorize(self.address, self.method.clone(), until)))
                .collect();
            local.run_until(total(clients)).await
        })?;
        Ok(done as f64 / began.elapsed().as_secs_f64())
    }
}

async fn total(clients: Vec<tokio::task::JoinHandle<Result<u64>>>) -> Result<u64> {
    let mut done = 0;
    for client in clients {
        done += client.await.map_err(|error| Failure::failed(format!("a client ended: {error}")))??;
    }
    Ok(done)
}

async fn authorize(address: SocketAddr, method: String, until: Instant) -> Result<u64> {
    let mut sender = connect(address).await?;
    let mut done = 0;
    while Instant::now() < until {
        let amount = 1000 + done % 1000;
        let body = format!(
            "amount={amount}&currency=usd&payment_method={method}&confirm=true&capture_method=manual"
        );
        let (status, answer) = post(&mut sender, "/v1/payment_intents", body).await?;
        if status != StatusCode::OK || answer["status"] != "requires_capture" {
            return Err(Failure::failed(format!("localstripe answered {status} {answer}")));
        }
        done += 1;
    }
    Ok(done)
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::failed(format!("no connection to localstripe at {address}: {error}"))
    };
    let tcp = tokio::time::timeout(ANSWER_WITHIN, TcpStream::connect(address)).await;
    let tcp = tcp.map_err(|late| failed(&late))?.map_err(|error| failed(&error))?;
    tcp.set_nodelay(true).map_err(|error| failed(&error))?;
    let (sender, connection) = handshake(TokioIo::new(tcp)).await.map_err(|error| failed(&error))?;
    // Its error is the request's as well.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

async fn post(sender: &mut SendRequest<Full<Bytes>>, path: &str, body: String) -> Result<Answer> {
    let failed = |error: &dyn std::fmt::Display| Failure::failed(format!("localstripe, {path}: {error}"));
    let request = Request::post(path)
        .header("host", "localhost")
        .header("authorization", KEY)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| failed(&error))?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| failed(&error))?.to_bytes();
        Ok((status, serde_json::from_slice(&body).map_err(|error| failed(&error))?))
    };
    tokio::time::timeout(ANSWER_WITHIN, exchange).await.map_err(|late| failed(&late))?
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Failure::failed(format!("no runtime could be made: {error}")))
}

/// A port that nobody has now: it takes no port 0.
fn free_port() -> Result<SocketAddr> {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    bound.map_err(|error| Failure::failed(format!("no free port: {error}")))
}
