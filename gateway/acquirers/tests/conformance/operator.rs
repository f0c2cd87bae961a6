//! An operator of wallets on a loopback port, for the adapter's own tests and for those of the whole gateway.

use gateway_acquirers::host::wallet::{Customers, Notifying, Operator};
use gateway_acquirers::host::{Call, HostPorts, Reaction, Settings};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A served operator; its customers decide by the hand of the test.
pub struct Served {
    pub operator: Arc<Operator>,
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Served {
    pub async fn new(ports: HostPorts, book: Option<&Path>, notifying: Option<Notifying>) -> Served {
        let customers = Customers { by_hand: true, ..Customers::default() };
        let operator = Operator::new((Settings::default(), customers), ports, book, notifying);
        let operator = operator.expect("a book can be opened");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let own = Arc::clone(&operator);
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("accepts");
                let own = Arc::clone(&own);
                tokio::spawn(async move { converse(stream, &own).await });
            }
        });
        Served { operator, address, serving }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One call: its method, path and body.
async fn read(stream: &mut TcpStream) -> Option<(String, String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).ok()?;
    let length = text.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length:").map(|value| value.trim().to_owned())
    });
    let length: usize = length.and_then(|value| value.parse().ok()).unwrap_or(0);
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let mut words = text.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some((method, path, bytes[head..head + length].to_vec()))
}

async fn converse(mut stream: TcpStream, operator: &Arc<Operator>) {
    while let Some((method, path, body)) = read(&mut stream).await {
        let call = Call { method: &method, path: &path, key: None, body: &body };
        match operator.answer(&call).expect("the book can be written") {
            Reaction::Close => return,
            Reaction::Silence => {
                tokio::time::sleep(Duration::from_secs(30)).await;
                return;
            }
            Reaction::Answer { status, body, after } => {
                tokio::time::sleep(after).await;
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
                );
                if stream.write_all((head + &body).as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    }
}
