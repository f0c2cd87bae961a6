//! Calls to the hosts behind HTTP: what the caller gets to see, as the script of faults will have it.

use super::faults::{Fault, FaultCounts, FaultKind, Faults, Moment};
use super::settings::{HostPorts, Latency, Settings};
use std::io;
use std::time::Duration;
use tokio::time::Instant;

/// A call, as HTTP brought it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub method: &'a str,
    pub path: &'a str,
    /// `Idempotency-Key`.
    pub key: Option<&'a str>,
    /// A form.
    pub body: &'a [u8],
}

/// What the caller gets to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// An answer, after this time.
    Answer { status: u16, body: String, after: Duration },
    /// The connection is closed.
    Close,
    /// Nothing, and the connection stays.
    Silence,
}

/// A status and a body.
pub(super) type Answer = (u16, String);

/// The script that a host plays.
pub(super) struct Script {
    latency: Latency,
    faults: Faults,
    ports: HostPorts,
    begun: Instant,
}

impl Script {
    pub(super) fn new(settings: &Settings, ports: &HostPorts) -> Script {
        let (faults, ports) = (Faults::new(settings.faults.clone()), ports.clone());
        Script { latency: settings.latency, faults, ports, begun: Instant::now() }
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    pub(super) fn counts(&self) -> FaultCounts {
        self.faults.counts()
    }

    /// What goes wrong with a step of this name, now. It is counted as delivered.
    pub(super) fn fault(&self, step: &str, card: Option<&str>) -> Option<Fault> {
        let since_start_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let moment = Moment { mti: step.as_bytes(), card, since_start_ms };
        let fault = self.faults.choose(&moment, &*self.ports.random)?;
        self.faults.delivered(fault.kind);
        Some(fault)
    }

    /// Answers a call with what `act` makes of it, or `broken`; `act` is given what is missing of the right amount.
    ///
    /// # Errors
    /// Those of `act`: nothing may be answered then.
    pub(super) fn react(
        &self,
        fault: Option<&Fault>,
        broken: Answer,
        act: impl FnOnce(i64) -> io::Result<Answer>,
    ) -> io::Result<Reaction> {
        let after = self.latency.draw(&*self.ports.random);
        let (kind, delay_ms) = fault.map(|fault| (fault.kind, fault.delay_ms)).unzip();
        match kind {
            Some(FaultKind::Reset) => return Ok(Reaction::Close),
            Some(FaultKind::Lost) => return Ok(Reaction::Silence),
            Some(FaultKind::Respond) => {
                return Ok(Reaction::Answer { status: broken.0, body: broken.1, after });
            }
            _done => {}
        }
        let (status, body) = act(i64::from(kind == Some(FaultKind::OtherAmount)))?;
        Ok(match kind {
            Some(FaultKind::Silent) => Reaction::Silence,
            Some(FaultKind::ResetAfter | FaultKind::PartialAnswer) => Reaction::Close,
            Some(FaultKind::Garbage) => {
                Reaction::Answer { status, body: "<html>no JSON</html>".to_owned(), after }
            }
            Some(FaultKind::Late) => {
                let after = after + Duration::from_millis(delay_ms.unwrap_or_default());
                Reaction::Answer { status, body, after }
            }
            _as_it_is => Reaction::Answer { status, body, after },
        })
    }
}
