//! The port's side: one message in, one answer out, within its deadline.

use super::codec::Profile;
use super::compose::{Composed, compose};
use super::connection::Conn;
use super::departure::Departure;
use super::outbox::{Outgoing, Queue};
use super::settings::Settings;
use super::shared::Shared;
use super::table::Table;
use crate::Ports;
use crate::stream::{Dial, TcpDial};
use gateway_core::acquirer::{Abilities, Able, Acquirer, AcquirerRequest, Answer, Link, Permit};
use gateway_core::ports::BoxFuture;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// An acquirer that speaks ISO 8583 over one or several persistent connections. Its tasks end when it is dropped.
pub struct Iso8583 {
    shared: Arc<Shared>,
    _open: watch::Sender<()>,
}

impl Iso8583 {
    /// Starts to connect by TCP, in TLS if the settings say so.
    ///
    /// # Errors
    /// Settings that do not fit, a profile or authority that can't be read; the text says what to write.
    pub fn connect(name: &str, settings: Settings, ports: &Ports) -> Result<Arc<Iso8583>, String> {
        let dial = match &settings.tls {
            None => TcpDial::new(&settings.address),
            Some(tls) => {
                let server = ServerName::try_from(tls.server_name.clone())
                    .map_err(|_| format!("tls.server_name: {:?} is no host name", tls.server_name))?;
                let config = crate::tls::client(tls.ca.as_deref(), &[])?;
                TcpDial::with_tls(&settings.address, config, server)
            }
        };
        Iso8583::over(name, settings, ports, Box::new(dial))
    }

    /// Starts to connect by any kind of stream.
    ///
    /// # Errors
    /// As for `connect`.
    pub fn over(
        name: &str,
        settings: Settings,
        ports: &Ports,
        dial: Box<dyn Dial>,
    ) -> Result<Arc<Iso8583>, String> {
        settings.check()?;
        let profile: Profile = settings.load_profile()?;
        let (open, closed) = watch::channel(());
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            profile,
            ports: ports.clone(),
            buffering: dial.buffering(),
            dial,
            queue: Queue::new(settings.queue),
            table: Table::default(),
            network_sequence: format!("{name}/network"),
            links: std::iter::repeat_with(Default::default).take(settings.connections).collect(),
            settings,
        });
        for index in 0..shared.settings.connections {
            ports
                .tasks
                .spawn("iso8583 connection", Box::pin(Arc::clone(&shared).keep(index, closed.clone())));
        }
        Ok(Arc::new(Iso8583 { shared, _open: open }))
    }

    async fn exchange(&self, request: AcquirerRequest) -> Answer {
        let shared = &self.shared;
        let patience = request.timeout_ms.min(shared.settings.response_timeout_ms);
        let deadline = Instant::now() + Duration::from_millis(patience);
        if shared.link() == Link::Down {
            return Answer::NotSent("the acquirer can't be reached".to_owned());
        }
        let composed = match compose(&shared.profile, &shared.settings.identity, &request) {
            Ok(composed) => composed,
            Err(error) => return Answer::NotSent(error.to_string()),
        };
        drop(request);
        let Composed { bytes, key, expect } = composed;
        let Some((serial, mut receiver)) = shared.table.enter(key, expect) else {
            return Answer::NotSent("the same message is in flight already".to_owned());
        };
        let departure = Arc::new(Departure::default());
        let outgoing = Outgoing { bytes, departure: Arc::clone(&departure), entry: Some((key, serial)) };
        if !shared.queue.push(outgoing) {
            shared.table.withdraw(&key, serial);
            return Answer::NotSent(format!("{} messages wait already", shared.settings.queue));
        }
        let _landing = Landing { departure: &departure, serial };
        match timeout_at(deadline, &mut receiver).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Answer::Unknown("the connection's task is gone".to_owned()),
            Err(_) if departure.revoke() => {
                shared.table.withdraw(&key, serial);
                Answer::NotSent(format!("no place on a connection within {patience} ms"))
            }
            Err(_) => {
                shared.table.give_up(&key, serial);
                let late = || Answer::Unknown(format!("no answer within {patience} ms"));
                receiver.try_recv().unwrap_or_else(|_| late())
            }
        }
    }
}

/// Frees the place in the window however the exchange ends, also if its future is dropped.
struct Landing<'a> {
    departure: &'a Departure,
    serial: u64,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let conn: Option<Arc<Conn>> = self.departure.over();
        if let Some(conn) = conn {
            conn.land(self.serial);
        }
    }
}

impl Acquirer for Iso8583 {
    fn name(&self) -> &str {
        &self.shared.name
    }

    fn abilities(&self) -> Abilities {
        let settings = &self.shared.settings;
        Abilities {
            inquiry: Able::No,
            partial_capture: Able::Yes,
            multiple_capture: Able::Yes,
            incremental: Able::No,
            repeat_window_ms: 86_400_000,
            // It may wait for its place on a connection before it leaves, until its time is up.
            max_delay_ms: settings.max_delay_ms.saturating_add(settings.response_timeout_ms),
        }
    }

    fn window(&self) -> usize {
        let settings = &self.shared.settings;
        settings.window.saturating_mul(settings.connections)
    }

    fn link(&self) -> Link {
        self.shared.link()
    }

    fn send<'a>(&'a self, permit: Permit, request: AcquirerRequest) -> BoxFuture<'a, Answer> {
        if !permit.covers(&request) {
            return Box::pin(std::future::ready(Answer::NotSent(
                "the permit is for another message".to_owned(),
            )));
        }
        Box::pin(self.exchange(request))
    }
}
