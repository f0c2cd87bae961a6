//! Adapter and host over streams of memory on virtual time, as a simulation runs them.

use crate::request::{World, approved, request};
use crate::suite::send;
use gateway_acquirers::host::{Fault, FaultKind, Host, Settings as HostSettings};
use gateway_acquirers::iso8583::{Iso8583, Settings};
use gateway_acquirers::stream::{BoxedStream, Dial};
use gateway_core::acquirer::{Acquirer, AcquirerRequest, Answer, Link, Verb};
use gateway_core::ports::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Every dial is a new pair of memory streams, with room for 300 bytes, so that messages are cut.
struct Memory(Arc<Host>);

impl Dial for Memory {
    fn dial(&self) -> BoxFuture<'_, std::io::Result<BoxedStream>> {
        let (near, far) = tokio::io::duplex(300);
        tokio::spawn(Arc::clone(&self.0).serve_stream(Box::new(far)));
        Box::pin(std::future::ready(Ok(Box::new(near) as BoxedStream)))
    }
}

async fn signed_on() -> (Arc<World>, Arc<Host>, Arc<Iso8583>) {
    let world = Arc::new(World::default());
    let host = Host::new(HostSettings::default(), (&world.ports()).into(), None).expect("no book to open");
    let settings = Settings { response_timeout_ms: 60_000, max_delay_ms: 60_000, ..Settings::at("memory") };
    let dial = Box::new(Memory(Arc::clone(&host)));
    let acquirer = Iso8583::over("bank-a", settings, &world.ports(), dial).expect("valid settings");
    while acquirer.link() != Link::Up {
        sleep(Duration::from_millis(1)).await;
    }
    (world, host, acquirer)
}

#[tokio::test(start_paused = true)]
async fn messages_in_pieces_arrive_whole() {
    let (world, host, acquirer) = signed_on().await;
    let sends: Vec<_> = (1..=300u64)
        .map(|number| {
            let acquirer = Arc::clone(&acquirer);
            tokio::spawn(async move { send(&*acquirer, request(number, Verb::Authorize)).await })
        })
        .collect();
    for task in sends {
        approved(task.await.expect("no panic"));
    }
    assert_eq!((host.requests(), world.late().len()), (300, 0));
}

#[tokio::test(start_paused = true)]
async fn deadlines_are_kept_on_virtual_time() {
    let (_, host, acquirer) = signed_on().await;
    host.faults().replace(vec![Fault { times: 1, ..Fault::always(FaultKind::Silent) }]);
    let begun = Instant::now();
    let patient = AcquirerRequest { timeout_ms: 45_000, ..request(1, Verb::Authorize) };
    assert!(matches!(send(&*acquirer, patient).await, Answer::Unknown(_)));
    assert_eq!(begun.elapsed(), Duration::from_secs(45));
    // Ten minutes of silence: echoes keep the link, and it still carries traffic.
    sleep(Duration::from_secs(600)).await;
    assert_eq!(acquirer.link(), Link::Up);
    approved(send(&*acquirer, request(2, Verb::Authorize)).await);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_adapter_leaves_no_connection_behind() {
    let (_, host, acquirer) = signed_on().await;
    approved(send(&*acquirer, request(1, Verb::Authorize)).await);
    let weak = Arc::downgrade(&host);
    drop((acquirer, host));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(weak.strong_count(), 0, "a task still holds the host");
}
