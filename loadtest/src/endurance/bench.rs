//! A gateway under plain authorizations, driven one stretch after the other.

use crate::ceiling::beside;
use crate::failure::Result;
use crate::load::engine::Observer;
use crate::load::{self, Pace, Plan, Workload};
use crate::measure::Summary;
use crate::measure::process::Process;
use crate::mix::authorizations::{Population, Series};
use crate::mix::{Authorizations, Merchants};
use crate::stage::gateway::Start;
use crate::stage::{BareServer, Config, Gateway, Install};
use crate::wire::{Http, Sources, Target};
use std::time::Duration;

/// How each stretch is driven.
#[derive(Debug, Clone, Copy)]
pub struct Driving {
    pub http: Http,
    pub connections: usize,
    /// Requests at once on a connection; 1 with HTTP/1.1.
    pub streams: usize,
    pub seed: u64,
    pub population: Population,
}

impl Driving {
    /// HTTP/1.1 and the usual cards.
    pub fn plain(connections: u32, seed: u64) -> Self {
        let connections = connections as usize;
        Self { http: Http::One, connections, streams: 1, seed, population: Population::default() }
    }
}

/// The gateway, its merchants, and a client.
pub struct Bench {
    pub gateway: Gateway,
    merchants: Merchants,
    driving: Driving,
    stretches: u32,
}

/// One stretch of load.
#[derive(Debug, Clone)]
pub struct Stretch {
    pub pace: Pace,
    pub warmup: Duration,
    pub duration: Duration,
    /// Longest wait for an answer.
    pub timeout: Duration,
    /// Longest wait for a connection, if there is one.
    pub gives_up: Option<Duration>,
}

impl Stretch {
    /// As fast as the connections go.
    pub fn closed(warmup: Duration, duration: Duration) -> Self {
        let timeout = Duration::from_secs(30);
        Self { pace: Pace::Closed, warmup, duration, timeout, gives_up: None }
    }
}

impl Bench {
    /// Starts a gateway with this configuration.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start(install: &Install, config: &Config, driving: Driving) -> Result<Self> {
        install.configure(config)?;
        let gateway = install.start(&Start::default())?;
        let merchants = gateway.merchants(0.8)?;
        Ok(Self { gateway, merchants, driving, stretches: 0 })
    }

    /// Drives the next stretches over so many connections, with so many requests at once on each.
    pub const fn set_at_once(&mut self, (connections, streams): (usize, usize)) {
        self.driving.connections = connections;
        self.driving.streams = streams;
    }

    /// Drives one stretch.
    ///
    /// # Errors
    /// The gateway can't be reached.
    pub fn drive(&mut self, stretch: Stretch, observer: &mut dyn Observer) -> Result<Summary> {
        let api = self.gateway.ready.api.clone();
        self.drive_at(&api, stretch, observer)
    }

    /// Drives one stretch against another server with the gateway's certificate.
    ///
    /// # Errors
    /// It can't be reached.
    pub fn drive_at(&mut self, url: &str, stretch: Stretch, observer: &mut dyn Observer) -> Result<Summary> {
        self.stretches += 1;
        let target = Target::new(url, &self.gateway.ready.ca, self.driving.http)?;
        let mut plan = Plan::new(target.clone(), stretch.pace, stretch.duration);
        plan.warmup = stretch.warmup;
        plan.timeout = stretch.timeout;
        plan.gives_up = stretch.gives_up;
        plan.connections = self.driving.connections;
        plan.streams = self.driving.streams;
        plan.seed = self.driving.seed.wrapping_add(u64::from(self.stretches));
        plan.sources = Sources::new(256);
        let series = Series { seed: plan.seed, run: format!("e{}-{}", std::process::id(), self.stretches) };
        let (merchants, population) = (self.merchants.clone(), self.driving.population);
        let make = |worker| -> Box<dyn Workload> {
            Box::new(Authorizations::new(&target, merchants.clone(), population, (&series, worker)))
        };
        load::run(&plan, &make, observer)
    }

    /// A bare server that answers as many bytes as the gateway: what the machine can do at the moment.
    ///
    /// # Errors
    /// It does not come up, or the gateway does not authorize.
    pub fn bare(&self) -> Result<BareServer> {
        let run = self.stretches.to_string();
        beside::start((&self.gateway, &self.merchants), &run, (self.driving.http, 0))
    }

    /// The gateway's process.
    pub fn process(&self) -> Process {
        Process(self.gateway.ready.pid)
    }

    /// Kills the gateway and starts it again on the same store; says how long it took to serve.
    ///
    /// # Errors
    /// It does not come back.
    pub fn crash(self) -> Result<(Self, Duration)> {
        let Self { gateway, merchants, driving, stretches } = self;
        let gateway = gateway.kill().start(&Start::default())?;
        let starting = gateway.starting;
        Ok((Self { gateway, merchants, driving, stretches }, starting))
    }
}
