//! A whole process in the test's runtime: configuration, both listeners, a small application, and signals by hand.

use crate::rig::{Book, Demo};
use gateway::admin::{AdminReply, AdminRequest, AdminService, Readiness};
use gateway::config::{Config, Sources};
use gateway::edge::RequestIds;
use gateway::exchange::Service;
use gateway::serve::{Application, Build, Launch, Setup, Signal, live};
use gateway_core::id::{Id, RequestId};
use gateway_core::ports::BoxFuture;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// An application that remembers what it was told.
#[derive(Default)]
struct Small {
    book: Arc<Book>,
    not_ready: Mutex<Vec<String>>,
    reloaded: Mutex<Vec<PathBuf>>,
}

impl Application for Small {
    fn service(&self) -> Arc<dyn Service> {
        Arc::new(Demo(Arc::clone(&self.book)))
    }

    fn admin(&self) -> Arc<dyn AdminService> {
        Arc::new(Desk)
    }

    fn readiness(&self) -> Arc<dyn Readiness> {
        Arc::new(Reasons(self.not_ready.lock().unwrap().clone()))
    }

    fn request_ids(&self) -> RequestIds {
        Arc::new(|| RequestId(Id(7)))
    }

    fn secret_key(&self) -> Option<String> {
        Some("sk_test_small".to_owned())
    }

    fn reload<'a>(&'a self, config: &'a Config) -> BoxFuture<'a, Result<(), String>> {
        self.reloaded.lock().unwrap().push(config.data_dir.clone());
        Box::pin(async { Ok(()) })
    }

    fn measure(&self) {}

    fn shut_down(&self, _: Duration) -> BoxFuture<'_, bool> {
        Box::pin(async { true })
    }
}

struct Reasons(Vec<String>);

impl Readiness for Reasons {
    fn reasons(&self) -> Vec<String> {
        self.0.clone()
    }
}

struct Desk;

impl AdminService for Desk {
    fn call(&self, request: AdminRequest) -> BoxFuture<'_, AdminReply> {
        Box::pin(async move {
            match request.path.as_str() {
                "/merchants" if request.body.is_empty() => AdminReply::json(200, "{\"data\":[]}"),
                "/merchants" => AdminReply::json(201, request.body),
                "/panic" => panic!("as asked"),
                path => AdminReply::not_found(path),
            }
        })
    }
}

/// A running process, as far as it can be one inside a test.
pub struct Process {
    pub directory: tempfile::TempDir,
    pub ready: serde_json::Value,
    pub signals: mpsc::Sender<Signal>,
    pub ended: JoinHandle<Result<(), String>>,
}

fn build(_: Launch) -> BoxFuture<'static, Result<Arc<dyn Application>, String>> {
    Box::pin(async { Ok(Arc::new(Small::default()) as Arc<dyn Application>) })
}

impl Process {
    /// Starts with these lines added to the configuration.
    pub async fn start(settings: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), settings, build).await
    }

    /// Starts the whole application in a directory, where it may have been before.
    pub async fn start_whole(directory: tempfile::TempDir, settings: &str) -> Self {
        Self::start_in(directory, settings, gateway::launch::build).await
    }

    async fn start_in(directory: tempfile::TempDir, settings: &str, build: Build) -> Self {
        let shown = |name: &str| directory.path().join(name).display().to_string();
        let text = format!(
            "certs = {:?}\nready_file = {:?}\ndata_dir = {:?}\n[edge]\nlisten = \"localhost:0\"\ndrain_ms = 3000\n{settings}\n\
             [admin]\nlisten = \"127.0.0.1:0\"\n",
            shown("certs"),
            shown("ready.json"),
            shown("data"),
        );
        std::fs::write(directory.path().join("tollgate.toml"), text).unwrap();
        std::fs::write(directory.path().join("ready.json"), "left by a crash").unwrap();
        let sources = Sources { file: Some(directory.path().join("tollgate.toml")), ..Sources::default() };
        let config = Config::load(&sources).unwrap();
        let (signals, receiver) = mpsc::channel(4);
        let ended = tokio::spawn(live(Setup { sources, config }, build, receiver));
        let ready = until_ready(&directory.path().join("ready.json"), &ended).await;
        Self { directory, ready, signals, ended }
    }

    pub fn port(&self, which: &str) -> u16 {
        self.ready[which].as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// One exchange with the admin listener: status, type and body.
    pub async fn admin(&self, request: &str) -> (u16, String, String) {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port("admin"))).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(crate::rig::PATIENCE, socket.read_to_string(&mut answer))
            .await
            .unwrap()
            .unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let kind = crate::rig::header(head, "content-type").unwrap().to_owned();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), kind, body.to_owned())
    }

    pub async fn admin_get(&self, path: &str) -> (u16, String, String) {
        self.admin(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")).await
    }

    /// Tells it to stop, and waits for the end; what it leaves behind.
    pub async fn stop(self) -> tempfile::TempDir {
        self.signals.send(Signal::Stop).await.unwrap();
        assert_eq!(self.ended.await.unwrap(), Ok(()));
        // A real process's end frees the lock; inside one process, its tasks go a moment later.
        if let Ok(lock) = std::fs::File::open(self.directory.path().join("data/store/lock")) {
            let freed = async {
                while lock.try_lock().is_err() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(crate::rig::PATIENCE, freed).await.expect("the store is let go");
        }
        self.directory
    }

    /// A GET of the merchant API by a client that trusts the authority of the ready file.
    pub async fn api(&self, path: &str) -> std::io::Result<String> {
        let mut stream = self.connect().await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// A form POST with the development key: status and body. As SDKs do, it sends all before it reads.
    pub async fn post(&self, path: &str, (content_type, body): (&str, &[u8])) -> (u16, String) {
        let mut stream = self.connect().await.unwrap();
        let key = self.ready["secret_key"].as_str().unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = Vec::new();
        let mut buffer = [0u8; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..count]);
        }
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{path}: {answer:?}"));
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    async fn connect(&self) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let authority = std::fs::read(self.ready["ca"].as_str().unwrap()).unwrap();
        let trust = crypto::tls::Trust::Authority(&authority);
        let config = crypto::tls::client_config(trust, &[b"http/1.1"]).unwrap();
        let socket = TcpStream::connect(("localhost", self.port("api"))).await?;
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        tokio_rustls::TlsConnector::from(config).connect(name, socket).await
    }
}

async fn until_ready(path: &Path, ended: &JoinHandle<Result<(), String>>) -> serde_json::Value {
    let found = async {
        loop {
            assert!(!ended.is_finished(), "it ended before it was ready");
            let text = std::fs::read_to_string(path).unwrap();
            if let Ok(ready) = serde_json::from_str(&text) {
                return ready;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(crate::rig::PATIENCE, found).await.unwrap()
}
