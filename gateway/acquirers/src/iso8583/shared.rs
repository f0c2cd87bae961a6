//! What the connections of one acquirer share: settings, queue, table, and the state of each link.

use super::codec::Profile;
use super::connection::{Connection, Ended};
use super::outbox::Queue;
use super::settings::Settings;
use super::table::Table;
use crate::Ports;
use crate::stream::{Buffering, Dial};
use gateway_core::acquirer::Link;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

const CONNECTING: u8 = 0;
const UP: u8 = 1;
const DOWN: u8 = 2;

/// A connection that lived shorter than this counts as a failure, so that a host which drops us at once is not hammered.
const SHORT_LIFE: Duration = Duration::from_secs(1);

/// What the connections of one acquirer share.
pub struct Shared {
    pub name: String,
    pub settings: Settings,
    pub profile: Profile,
    pub ports: Ports,
    pub dial: Box<dyn Dial>,
    pub buffering: Buffering,
    pub queue: Queue,
    pub table: Table,
    /// The sequence that numbers sign-on and echo.
    pub network_sequence: String,
    pub links: Vec<AtomicU8>,
}

impl Shared {
    /// The best state of any connection.
    pub fn link(&self) -> Link {
        let mut best = Link::Down;
        for link in &self.links {
            match link.load(Ordering::Acquire) {
                UP => return Link::Up,
                CONNECTING => best = Link::Connecting,
                _ => {}
            }
        }
        best
    }

    /// Counts an answer that did not go the ordinary way.
    pub fn count_trouble(&self, what: &'static str) {
        metrics::counter!("tollgate_acquirer_odd_answers_total", "acquirer" => self.name.clone(), "what" => what)
            .increment(1);
    }

    fn set(&self, index: usize, state: u8) {
        if let Some(link) = self.links.get(index) {
            link.store(state, Ordering::Release);
        }
        let up = self.links.iter().filter(|link| link.load(Ordering::Acquire) == UP).count();
        let up = u32::try_from(up).unwrap_or(u32::MAX);
        metrics::gauge!("tollgate_acquirer_links_up", "acquirer" => self.name.clone()).set(f64::from(up));
        if self.link() == Link::Down {
            self.refuse_all();
        }
    }

    /// No connection can be had: what waits has not been sent, and may go elsewhere at once.
    fn refuse_all(&self) {
        for outgoing in self.queue.drain() {
            if let Some((key, serial)) = outgoing.entry.filter(|_| outgoing.departure.revoke()) {
                self.table.refuse(&key, serial, "the acquirer can't be reached".to_owned());
            }
        }
    }

    /// Keeps one connection, forever, until `closed` says so or its sender is gone.
    pub async fn keep(self: Arc<Shared>, index: usize, mut closed: watch::Receiver<()>) {
        tokio::select! {
            biased;
            _ = closed.changed() => {}
            () = self.keep_trying(index) => {}
        }
    }

    async fn keep_trying(self: &Arc<Shared>, index: usize) {
        let mut failures = 0u32;
        loop {
            let begun = Instant::now();
            let mut was_up = false;
            let ended = Connection::live(self, || {
                was_up = true;
                self.set(index, UP);
                tracing::info!(acquirer = %self.name, connection = index, "signed on");
            })
            .await;
            failures = if was_up && begun.elapsed() >= SHORT_LIFE { 0 } else { failures.saturating_add(1) };
            self.set(index, if was_up { CONNECTING } else { DOWN });
            self.tell(index, &ended);
            sleep(self.pause(failures)).await;
        }
    }

    fn tell(&self, index: usize, ended: &Ended) {
        metrics::counter!("tollgate_acquirer_disconnects_total", "acquirer" => self.name.clone())
            .increment(1);
        tracing::warn!(acquirer = %self.name, connection = index, %ended, "connection ended, trying again");
    }

    /// Twice as long after each failure, half of it drawn, so that many gateways do not come back in one moment.
    fn pause(&self, failures: u32) -> Duration {
        let (min, max) = (self.settings.reconnect_min_ms, self.settings.reconnect_max_ms);
        let ceiling = match failures {
            0 => min,
            more => min.saturating_mul(1u64 << (more - 1).min(20)).clamp(min, max),
        };
        Duration::from_millis(ceiling / 2 + self.ports.random.below(ceiling / 2 + 1))
    }
}
