//! The trial.

use super::outages::{Outage, Victim};
use super::report::Report;
use crate::audit::book;
use crate::audit::record::Record;
use crate::audit::{Evidence, audit};
use crate::failure::{Failure, Result};
use crate::load::engine::Unobserved;
use crate::load::{self, Named, Pace, Plan, Shape, Workload};
use crate::measure::Summary;
use crate::mix::authorizations::Series;
use crate::mix::{Merchants, Mix, Mixture, Persistence, Recipe};
use crate::stage::gateway::Start;
use crate::stage::{AcquirerHost, AcquirerKind, Config, Gateway, Install, MAX_DELAY_MS};
use crate::wire::{Http, Sources, Target};
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::Duration;

/// How the hosts answer.
const FAULTS: &str = "[latency]\nfixed_ms = 5\nspread_ms = 10\n";
/// How long the gateway waits for a host's answer.
const RESPONSE_TIMEOUT_MS: u64 = 2_000;
/// A request may take this long to a final answer: a minute after the acquirer's return, and a little.
const FINAL: Duration = Duration::from_secs(65);
/// After the load: what nobody waits for any more is resolved within the longest wait between two tries, and a little.
const SETTLE: Duration = Duration::from_secs(15);

/// What is tried.
#[derive(Debug, Clone)]
pub struct Setting {
    pub duration: Duration,
    /// Requests a second.
    pub rate: f64,
    pub connections: usize,
    pub seed: u64,
    /// The host lives this long.
    pub up: Duration,
    /// And is away this long.
    pub down: Duration,
    /// `[routing]` of the gateway.
    pub routing: String,
    pub mix: Mix,
}

/// A gateway before two hosts.
pub struct Trial {
    setting: Setting,
    install: Install,
    victim: Victim,
    steady: AcquirerHost,
    gateway: Gateway,
    merchants: Merchants,
    record: Record,
}

impl Trial {
    /// Starts the hosts and the gateway, and makes the merchants.
    ///
    /// # Errors
    /// One of them does not come up.
    pub fn prepare(install: &Install, setting: Setting) -> Result<Self> {
        let victim = Victim::start(&room(install, "bank-a")?, FAULTS)?;
        let steady = AcquirerHost::start(&room(install, "bank-b")?, Some(FAULTS), None)?;
        let mut config = Config::in_process();
        let (connections, window) = (2, 1_024);
        let response_timeout_ms = RESPONSE_TIMEOUT_MS;
        config.acquirer =
            AcquirerKind::Host { address: victim.address(), connections, window, response_timeout_ms };
        config.more = format!(
            "[[acquirers]]\nname = \"bank-b\"\nkind = \"iso8583\"\naddress = \"{}\"\nprofile = \"tollgate-1987\"\n\
             connections = {connections}\nwindow = {window}\nresponse_timeout_ms = {response_timeout_ms}\n\
             max_delay_ms = {MAX_DELAY_MS}\n\n[routing]\n{}\n",
            steady.address, setting.routing
        );
        install.configure(&config)?;
        let gateway = install.start(&Start::default())?;
        let merchants = gateway.merchants(setting.mix.merchant_skew)?;
        let record = Record::create(&install.dir.join("client.jsonl"))?;
        Ok(Self { setting, install: install.clone(), victim, steady, gateway, merchants, record })
    }

    /// Loads, kills, heals, stops and audits. The text is the audit's.
    ///
    /// # Errors
    /// A host or the gateway did not come back, or the store can't be verified.
    pub fn run(mut self) -> Result<(Report, String)> {
        let (plan, recipe) = self.load()?;
        let (record, pace) = (self.record.clone(), (self.setting.up, self.setting.down));
        let (stop, stopped) = channel();
        let victim = &mut self.victim;
        let (summary, outages) = std::thread::scope(|scope| -> Result<(Summary, Vec<Outage>)> {
            let suffering = scope.spawn(move || victim.suffer(pace, &stopped));
            let make = |worker| -> Box<dyn Workload> {
                Box::new(Mixture::new(&recipe, worker, Some(record.writer())))
            };
            let summary = load::run(&plan, &make, &mut Unobserved);
            drop(stop);
            let outages = suffering.join().map_err(|_panic| Failure::failed("the killing broke"))??;
            Ok((summary?, outages))
        })?;
        std::thread::sleep(SETTLE);
        let history = self.install.dir.join("gateway.jsonl");
        self.gateway.stop()?.verify(Some(&history))?;
        let mut evidence = Evidence::read(self.record.path(), Some(self.victim.book()), &history)?;
        let (before, lines) = (outages.as_slice(), evidence.book.clone().unwrap_or_default());
        evidence.add_book(&self.steady.book)?;
        let findings = audit(&evidence);
        let text = findings.text(&evidence);
        let steady = evidence.book.as_deref().map_or(0, authorizations) - authorizations(&lines);
        let mut report = Report::new(&summary, &evidence.client, findings);
        report.traffic(&lines, before, steady);
        Ok((report, text))
    }

    fn load(&self) -> Result<(Plan, Recipe)> {
        let setting = &self.setting;
        let target = Target::new(&self.gateway.ready.api, &self.gateway.ready.ca, Http::One)?;
        let shape = Shape::named(Named::Poisson, (setting.rate, 0.0), setting.duration)?;
        let mut plan = Plan::new(target.clone(), Pace::Open(shape), setting.duration);
        plan.warmup = Duration::ZERO;
        plan.connections = setting.connections;
        plan.workers = 1;
        plan.patience = FINAL;
        plan.seed = setting.seed;
        plan.sources = Sources::new(64);
        let recipe = Recipe {
            target,
            merchants: self.merchants.clone(),
            mix: setting.mix.clone(),
            series: Series { seed: setting.seed, run: format!("f{}", std::process::id()) },
            persistence: Persistence::UntilFinal,
            keepsakes: None,
            waiting: None,
        };
        Ok((plan, recipe))
    }
}

/// Approved authorizations in a book.
pub fn authorizations(lines: &[book::Line]) -> u64 {
    lines.iter().filter(|line| line.op == "authorize" && line.approved()).count() as u64
}

fn room(install: &Install, name: &str) -> Result<PathBuf> {
    let dir = install.dir.join(name);
    std::fs::create_dir_all(&dir).map_err(|error| Failure::file("making", &dir, &error))?;
    Ok(dir)
}
