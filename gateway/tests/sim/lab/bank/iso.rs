//! The ISO 8583 adapter that is shipped, inside the simulation: it dials streams of memory, and what it is given to send is noted
//! on the way in.

use super::super::faults::{Fault, Stage};
use super::host::{Expected, attend, tell};
use super::plants;
use super::port::{deed_of, ended, message_of, sent, stage_of};
use super::teller::Teller;
use gateway_acquirers::Ports;
use gateway_acquirers::iso8583::{Iso8583, Settings};
use gateway_acquirers::stream::{BoxedStream, Buffering, Dial};
use gateway_core::acquirer::{Abilities, Acquirer, AcquirerRequest, Answer, Link, Permit, Transmission};
use gateway_core::ports::BoxFuture;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// The adapter as one life of the process has it.
pub struct Framed {
    teller: Arc<Teller>,
    inner: Arc<Iso8583>,
}

/// Makes streams to the host.
struct Line(Arc<Teller>);

impl Dial for Line {
    fn dial(&self) -> BoxFuture<'_, io::Result<BoxedStream>> {
        Box::pin(async move {
            let world = &self.0.world;
            let (wait_ms, room) = world.draw(|dice| (dice.between(1, 20), dice.between(16, 600)));
            sleep(Duration::from_millis(wait_ms)).await;
            if self.0.is_down() || self.0.desk.is_closed(world.now_ms()) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (ours, theirs) = tokio::io::duplex(room as usize);
            attend(&self.0, theirs);
            Ok(Box::new(ours) as BoxedStream)
        })
    }

    fn buffering(&self) -> Buffering {
        Buffering::None
    }
}

impl Framed {
    /// Starts the adapter in this process.
    ///
    /// # Errors
    /// As the adapter has it.
    pub fn connect(teller: &Arc<Teller>, ports: &Ports) -> Result<Self, String> {
        let (connections, window) = teller.world.draw(|dice| (dice.between(1, 2), dice.pick(&[2, 8, 64])));
        let settings = Settings {
            response_timeout_ms: teller.draw.timeout_ms,
            max_delay_ms: teller.draw.max_delay_ms,
            connections: connections as usize,
            window,
            connect_timeout_ms: 1_500,
            echo_idle_ms: 4_000,
            reconnect_max_ms: 2_000,
            ..Settings::at("memory:1")
        };
        let inner = Iso8583::over(teller.name, settings, ports, Box::new(Line(Arc::clone(teller))))?;
        let host = Arc::downgrade(teller);
        teller.connect(Some(Arc::new(move |order, ruling| {
            if let Some(host) = host.upgrade() {
                tell(&host, order, ruling);
            }
        })));
        Ok(Self { teller: Arc::clone(teller), inner })
    }

    async fn exchange(&self, permit: Permit, request: AcquirerRequest) -> Answer {
        let world = &self.teller.world;
        let deed = deed_of(&request.verb);
        let mut hurt = self.teller.fate(stage_of, deed);
        if self.teller.is_down() {
            world.count((Fault::Outage, Stage::Send, deed));
            hurt = Some(Fault::Outage);
        }
        let order = plants::message(world, message_of(&request));
        let place = sent(world, &request, (&order, hurt));
        plants::remember_card(world, &request);
        world.between(Stage::Send, deed).await;
        if hurt == Some(Fault::Refused) {
            let closed_ms = world.draw(|dice| dice.between(100, 900));
            self.teller.desk.refuse_until(world.now_ms() + closed_ms);
        }
        let (stan, first) = (request.trace.stan, request.transmission == Transmission::First);
        self.teller.desk.expect(stan, Expected { order, first, hurt, place });
        let strikes = async {
            sleep(Duration::from_millis(world.draw(|dice| dice.between(0, 20)))).await;
            world.between(Stage::Wait, deed).await;
        };
        let (answer, ()) = tokio::join!(biased; self.inner.send(permit, request), strikes);
        self.teller.desk.forget(stan, place);
        world.answered(place, ended(&answer));
        world.between(Stage::Parse, deed).await;
        plants::answer(world, answer)
    }
}

impl Acquirer for Framed {
    fn name(&self) -> &str {
        self.teller.name
    }

    fn abilities(&self) -> Abilities {
        self.inner.abilities()
    }

    fn link(&self) -> Link {
        self.inner.link()
    }

    fn send<'a>(&'a self, permit: Permit, request: AcquirerRequest) -> BoxFuture<'a, Answer> {
        Box::pin(self.exchange(permit, request))
    }
}
