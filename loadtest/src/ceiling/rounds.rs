//! The contest of a bare server and a gateway, round by round.

use crate::ceiling::beside;
use crate::ceiling::report::{GatewaySide, Report, Round, Side};
use crate::failure::{Failure, Result};
use crate::load::engine::Observer;
use crate::load::{self, Pace, Plan};
use crate::measure::process::Process;
use crate::measure::{Summary, summary::Quantiles};
use crate::mix::authorizations::{Population, Series};
use crate::mix::{Authorizations, Merchants};
use crate::stage::gateway::Start;
use crate::stage::{BareServer, Config, Gateway, Install};
use crate::wire::{Http, Sources, Target};
use std::time::Duration;

/// How the contest is held.
#[derive(Debug, Clone)]
pub struct Setting {
    pub http: Http,
    pub connections: usize,
    pub streams: usize,
    pub rounds: u32,
    /// The measured time of each side in each round.
    pub seconds: Duration,
    pub warmup: Duration,
    pub seed: u64,
    pub population: Population,
}

/// A bare server and a gateway, ready for load.
pub struct Contest {
    setting: Setting,
    bare: BareServer,
    gateway: Gateway,
    merchants: Merchants,
    /// Answers 200 of the gateway so far, in and outside of measured times.
    authorized: u64,
    runs: u32,
}

/// Reads a process's CPU time when the measured time begins and ends.
struct CpuClock {
    process: Process,
    taken: [Result<Duration>; 2],
}

impl Observer for CpuClock {
    fn opened(&mut self) {
        self.taken[0] = self.process.cpu();
    }

    fn closed(&mut self) {
        self.taken[1] = self.process.cpu();
    }
}

impl Contest {
    /// Starts the gateway, looks at the size of its answers, and starts a bare server that answers the same.
    ///
    /// # Errors
    /// One of them does not come up, or the gateway does not authorize.
    pub fn prepare(install: &Install, config: &Config, setting: Setting, commits: u32) -> Result<Self> {
        install.configure(config)?;
        let gateway = install.start(&Start::default())?;
        let merchants = gateway.merchants(0.8)?;
        let bare = beside::start((&gateway, &merchants), "0", (setting.http, commits))?;
        Ok(Self { setting, bare, gateway, merchants, authorized: beside::AUTHORIZED, runs: 0 })
    }

    /// The gateway's process and where it listens.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// One run against the bare server.
    ///
    /// # Errors
    /// It can't be reached.
    pub fn bare(&mut self, pace: Pace) -> Result<(Summary, Round)> {
        let target = Target::new(&self.bare.url, &self.gateway.ready.ca, self.setting.http)?;
        self.run(target, pace, Process(self.bare.child.id()))
    }

    /// One run against the gateway.
    ///
    /// # Errors
    /// It can't be reached.
    pub fn durable(&mut self, pace: Pace) -> Result<(Summary, Round)> {
        let target = Target::new(&self.gateway.ready.api, &self.gateway.ready.ca, self.setting.http)?;
        let result = self.run(target, pace, Process(self.gateway.ready.pid))?;
        self.authorized += result.0.answered(200);
        Ok(result)
    }

    fn run(&mut self, target: Target, pace: Pace, process: Process) -> Result<(Summary, Round)> {
        self.runs += 1;
        let series =
            Series { seed: self.setting.seed, run: format!("c{}-{}", std::process::id(), self.runs) };
        let mut plan = Plan::new(target, pace, self.setting.seconds);
        plan.connections = self.setting.connections;
        plan.streams = self.setting.streams;
        plan.warmup = self.setting.warmup;
        plan.seed = self.setting.seed;
        plan.sources = Sources::new(256);
        let mut clock = CpuClock { process, taken: [Ok(Duration::ZERO), Ok(Duration::ZERO)] };
        let (target, merchants, population) =
            (plan.target.clone(), self.merchants.clone(), self.setting.population);
        let make = |worker| -> Box<dyn load::Workload> {
            Box::new(Authorizations::new(&target, merchants.clone(), population, (&series, worker)))
        };
        let summary = load::run(&plan, &make, &mut clock)?;
        let [opened, closed] = clock.taken;
        let cpu = closed?.saturating_sub(opened?);
        let round = Round {
            requests: summary.requests(),
            errors: summary.errors(),
            seconds: summary.duration.as_secs_f64(),
            cpu_us: cpu.as_secs_f64() * 1e6,
        };
        Ok((summary, round))
    }

    /// All rounds at full speed. `told` hears of each.
    ///
    /// # Errors
    /// A side broke, or the gateway refused something.
    pub fn closed_rounds(&mut self, told: &mut dyn FnMut(&str)) -> Result<Report> {
        let (mut bare, mut durable) = (Vec::new(), Vec::new());
        let before = self.work()?;
        for number in 1..=self.setting.rounds {
            let (_, of_bare) = self.bare(Pace::Closed)?;
            let (summary, of_gateway) = self.durable(Pace::Closed)?;
            refuse_refusals(&summary)?;
            let latency = Quantiles::of(&summary.latency(None));
            told(&format!(
                "round {number}: bare {:.0}/s at {:.2} us CPU; gateway {:.0}/s at {:.2} us CPU, p99 {:.1} ms",
                of_bare.requests as f64 / of_bare.seconds,
                of_bare.cpu_us / of_bare.requests.max(1) as f64,
                of_gateway.requests as f64 / of_gateway.seconds,
                of_gateway.cpu_us / of_gateway.requests.max(1) as f64,
                latency.p99 as f64 / 1e3,
            ));
            bare.push(of_bare);
            durable.push(of_gateway);
        }
        let after = self.work()?;
        let (bare, side) = (Side::of(&bare), Side::of(&durable));
        let gateway = GatewaySide { side, commits: after.0 - before.0, fsyncs: after.1 - before.1 };
        Ok(Report {
            bare,
            gateway,
            ratio_throughput: side.requests_per_s / bare.requests_per_s.max(1e-9),
            ratio_cpu: side.cpu_us_per_request / bare.cpu_us_per_request.max(1e-9),
        })
    }

    /// Commits and fsyncs of the gateway's store so far.
    fn work(&self) -> Result<(u64, u64)> {
        let metrics = self.gateway.admin()?.metrics()?;
        let count = |name: &str| {
            let value = metrics.sum(name).ok_or_else(|| {
                Failure::failed(format!(
                    "the gateway's /metrics has no {name}, which counts its store's work"
                ))
            })?;
            Ok(value as u64)
        };
        Ok((count("tollgate_store_commits_total")?, count("tollgate_store_syncs_total")?))
    }

    /// Stops the gateway and lets it verify its store, which must hold each authorization that was acknowledged, and no
    /// other: nothing of this load fails and nothing is sent twice.
    ///
    /// # Errors
    /// The store is in breach, or the counts differ.
    pub fn verify(self) -> Result<u64> {
        let Self { bare, gateway, authorized, .. } = self;
        drop(bare);
        let counted = gateway.stop()?.verify(None)?;
        let found = ["authorizations", "authorized"].into_iter().find_map(|name| counted[name].as_u64());
        let found = found.ok_or_else(|| {
            Failure::failed(format!(
                "gateway verify --json counts no `authorizations`, so nothing is proved: {counted}"
            ))
        })?;
        if found == authorized {
            return Ok(found);
        }
        Err(Failure::failed(format!(
            "the store holds {found} authorizations, but {authorized} were acknowledged with 200"
        )))
    }
}

/// A speed run has no room for refusals: what is refused is cheap, and would flatter the figures.
fn refuse_refusals(summary: &Summary) -> Result<()> {
    if summary.errors() == 0 {
        return Ok(());
    }
    let causes: Vec<_> = summary.causes.iter().map(|(cause, count)| format!("{count} x {cause}")).collect();
    let lost = summary.cells.iter().filter(|cell| cell.outcome.is_error(cell.action));
    let lost: Vec<_> = lost.map(|cell| format!("{} x {}", cell.latency.len(), cell.outcome)).collect();
    Err(Failure::failed(format!(
        "{} of {} requests were not answered 200 ({}; {}): a speed run with errors proves nothing",
        summary.errors(),
        summary.requests(),
        lost.join(", "),
        causes.join(", ")
    )))
}
