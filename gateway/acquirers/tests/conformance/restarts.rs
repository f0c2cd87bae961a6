//! A host that dies and comes back under load: what the adapter said of each message must agree with the host's own book.

use crate::peer::free_port;
use crate::request::{World, request, trace};
use crate::suite::send;
use gateway_acquirers::host::{Host, HostPorts, Line, Settings as HostSettings};
use gateway_acquirers::iso8583::{Iso8583, Settings};
use gateway_acquirers::tasks::Tasks;
use gateway_core::acquirer::{AcquirerRequest, Answer, Verb};
use gateway_core::ports::BoxFuture;
use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// The tasks of one life of a host, which end with it.
#[derive(Default)]
struct Life(Mutex<Vec<AbortHandle>>);

impl Tasks for Life {
    fn spawn(&self, _what: &'static str, task: BoxFuture<'static, ()>) {
        let handle = tokio::spawn(task).abort_handle();
        self.0.lock().expect("no panic holds it").push(handle);
    }
}

impl Life {
    async fn begin(address: &str, book: &Path, world: &Arc<World>) -> Arc<Life> {
        let life = Arc::new(Life::default());
        let ports = HostPorts { tasks: life.clone(), ..HostPorts::from(&world.ports()) };
        let host = Host::new(HostSettings::default(), ports, Some(book)).expect("the book of the last life");
        let listener = loop {
            match TcpListener::bind(address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        life.spawn("host", Box::pin(async move { drop(host.serve(listener).await) }));
        life
    }

    /// As kill -9 does: nothing is finished.
    fn end(&self) {
        self.0.lock().expect("no panic holds it").drain(..).for_each(|task| task.abort());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_agrees_with_the_book_over_ten_deaths() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let book = folder.path().join("book.jsonl");
    let address = free_port().await.to_string();
    let world = Arc::new(World::default());
    let settings =
        Settings { reconnect_min_ms: 5, reconnect_max_ms: 20, connections: 2, ..Settings::at(&address) };
    let mut life = Life::begin(&address, &book, &world).await;
    let acquirer = Iso8583::connect("bank-a", settings, &world.ports()).expect("valid settings");

    let (numbers, over) = (Arc::new(AtomicU64::new(1)), Arc::new(AtomicBool::new(false)));
    let workers: Vec<_> = (0..32)
        .map(|_| {
            let (acquirer, numbers, over) = (Arc::clone(&acquirer), Arc::clone(&numbers), Arc::clone(&over));
            tokio::spawn(async move {
                let mut said = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let number = numbers.fetch_add(1, Ordering::Relaxed);
                    let request = AcquirerRequest { timeout_ms: 500, ..request(number, Verb::Authorize) };
                    said.push((number, send(&*acquirer, request).await));
                    tokio::time::sleep(Duration::from_micros(500)).await;
                }
                said
            })
        })
        .collect();
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(120)).await;
        life.end();
        tokio::time::sleep(Duration::from_millis(20)).await;
        life = Life::begin(&address, &book, &world).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    over.store(true, Ordering::Relaxed);

    let mut said = Vec::new();
    for worker in workers {
        said.extend(worker.await.expect("no panic"));
    }
    life.end();
    let text = std::fs::read_to_string(&book).expect("the book");
    let lines = text.lines().map(|line| serde_json::from_str::<Line<'_>>(line).expect("a line"));
    let booked: Vec<String> = lines.map(|line| line.reference.into_owned()).collect();
    let once: HashSet<&str> = booked.iter().map(String::as_str).collect();
    assert_eq!(once.len(), booked.len(), "something was booked twice");
    let (mut approved, mut unknown, mut not_sent) = (0, 0, 0);
    for (number, answer) in &said {
        let reference = trace(*number).reference_text();
        let in_book = once.contains(reference.as_str());
        match answer {
            Answer::Approved(_) => {
                assert!(in_book, "{reference} was approved, and is in no book");
                approved += 1;
            }
            Answer::NotSent(_) => {
                assert!(!in_book, "{reference} was said not to be sent, and is in the book");
                not_sent += 1;
            }
            Answer::Unknown(_) => unknown += 1,
            other => panic!("{reference}: {other:?}"),
        }
    }
    assert!(
        approved > 100 && not_sent > 0 && unknown > 0,
        "{approved} approved, {unknown} unknown, {not_sent} not sent"
    );
    let last = said.iter().max_by_key(|(number, _)| *number).expect("many were sent");
    assert!(matches!(last.1, Answer::Approved(_)), "traffic did not return: {:?}", last.1);
}
