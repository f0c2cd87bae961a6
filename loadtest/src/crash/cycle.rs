//! The cycles.

use super::killing::{Killing, Tracer, tracer};
use super::replays::{self, Keepsakes, Replays};
use super::report::Report;
use crate::audit::record::Record;
use crate::audit::{Evidence, audit};
use crate::failure::{Failure, Result};
use crate::load::engine::Unobserved;
use crate::load::{self, Named, Pace, Plan, Shape, Workload};
use crate::measure::Summary;
use crate::mix::authorizations::Series;
use crate::mix::{Merchants, Mix, Mixture, Persistence, Recipe};
use crate::random::Random;
use crate::stage::gateway::Start;
use crate::stage::{AcquirerHost, AcquirerKind, Config, Gateway, Install};
use crate::wire::{Http, Sources, Target};
use std::cell::Cell;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What the host does wrong, unless told otherwise: every kind of unknown outcome, each rarely.
pub const FAULTS: &str = "[latency]\nfixed_ms = 1\nspread_ms = 8\n\n\
    [[fault]]\nkind = \"silent\"\nper_million = 2000\n\n[[fault]]\nkind = \"lost\"\nper_million = 2000\n\n\
    [[fault]]\nkind = \"late\"\nper_million = 3000\ndelay_ms = 1500\n\n[[fault]]\nkind = \"doubled\"\nper_million = 3000\n\n\
    [[fault]]\nkind = \"reset_after\"\nper_million = 500\n";

/// How crashes are made.
#[derive(Debug, Clone)]
pub struct Setting {
    pub cycles: u32,
    /// Requests a second.
    pub rate: f64,
    pub connections: usize,
    pub seed: u64,
    /// The store is verified and audited after so many cycles, and at the end.
    pub audit_every: u32,
    /// TOML of the host's faults.
    pub faults: String,
    pub mix: Mix,
}

/// Requests may take this long to a final answer: a minute after the acquirer's return, and a little.
const FINAL: Duration = Duration::from_secs(65);
/// An answer may take this long before the client sends again.
const ANSWER: Duration = Duration::from_secs(20);

/// A run of cycles.
pub struct Crash {
    setting: Setting,
    install: Install,
    host: AcquirerHost,
    gateway: Option<Gateway>,
    merchants: Merchants,
    /// Where the gateway listens, after every restart.
    listen: String,
    record: Record,
    random: Random,
    tracer: Tracer,
    report: Report,
}

impl Crash {
    /// Starts the host and the gateway, and makes the merchants.
    ///
    /// # Errors
    /// One of them does not come up.
    pub fn prepare(install: &Install, setting: Setting) -> Result<Self> {
        let host = AcquirerHost::start(&install.dir, Some(&setting.faults), None)?;
        let mut config = Config::in_process();
        let address = host.address;
        config.acquirer =
            AcquirerKind::Host { address, connections: 2, window: 1_024, response_timeout_ms: 1_000 };
        install.configure(&config)?;
        let gateway = install.start(&Start::default())?;
        let port = gateway.ready.api.rsplit(':').next().unwrap_or_default();
        let listen = format!("127.0.0.1:{port}");
        let merchants = gateway.merchants(setting.mix.merchant_skew)?;
        let record = Record::create(&install.dir.join("client.jsonl"))?;
        let random = Random::new(setting.seed, 0xC4A5);
        let tracer = tracer();
        let report = Report { strace: tracer == Tracer::Strace, ..Report::default() };
        let install = install.clone();
        Ok(Self {
            setting,
            install,
            host,
            gateway: Some(gateway),
            merchants,
            listen,
            record,
            random,
            tracer,
            report,
        })
    }

    /// All cycles. `told` hears of each.
    ///
    /// # Errors
    /// The gateway did not come back, or its store can't be verified.
    pub fn run(mut self, told: &mut dyn FnMut(u32, &str)) -> Result<(Report, String)> {
        let mut text = String::new();
        for cycle in 1..=self.setting.cycles {
            let killing = Killing::draw(&mut self.random, cycle, self.tracer);
            self.cycle(cycle, &killing)?;
            told(cycle, &format!("{killing:?}"));
            if cycle % self.setting.audit_every == 0 || cycle == self.setting.cycles {
                text = self.audit()?;
                if !self.report.clean() {
                    break;
                }
            }
        }
        self.report.finish();
        Ok((self.report, text))
    }

    fn cycle(&mut self, cycle: u32, killing: &Killing) -> Result<()> {
        let wrapper = killing.wrapper();
        if !wrapper.is_empty() {
            self.restart(&wrapper)?;
        }
        let keepsakes = Keepsakes::default();
        let target = self.target()?;
        let (plan, recipe) = self.load(cycle, &target, &keepsakes)?;
        let record = self.record.clone();
        let summary = std::thread::scope(|scope| -> Result<Summary> {
            let loading = scope.spawn(move || {
                let make = |worker| -> Box<dyn Workload> {
                    Box::new(Mixture::new(&recipe, worker, Some(record.writer())))
                };
                load::run(&plan, &make, &mut Unobserved)
            });
            self.kill(killing)?;
            self.restart(&[])?;
            loading.join().map_err(|_panic| Failure::failed("the client broke"))?
        })?;
        let finals = replays::take(&keepsakes);
        self.count(&summary, finals.len() as u64);
        self.report.cycles = cycle;
        self.replay(&target, finals)
    }

    fn count(&mut self, summary: &Summary, finals: u64) {
        self.report.requests += summary.requests();
        let lost =
            summary.cells.iter().filter(|cell| matches!(cell.outcome, crate::measure::Outcome::Lost(_)));
        self.report.lost_answers += lost.map(|cell| cell.latency.len()).sum::<u64>();
        let begun = summary.statuses.values().sum::<u64>();
        // A load that never got an answer has shown nothing.
        self.report.unanswered += u64::from(begun == 0 && finals == 0);
    }

    fn target(&self) -> Result<Target> {
        let gateway = self.gateway.as_ref().ok_or_else(|| Failure::failed("the gateway is not there"))?;
        Target::new(&gateway.ready.api, &gateway.ready.ca, Http::One)
    }

    fn load(&self, cycle: u32, target: &Target, keepsakes: &Keepsakes) -> Result<(Plan, Recipe)> {
        let length = Duration::from_millis(1_800);
        let shape = Shape::named(Named::Poisson, (self.setting.rate, 0.0), length)?;
        let mut plan = Plan::new(target.clone(), Pace::Open(shape), length);
        plan.warmup = Duration::ZERO;
        plan.connections = self.setting.connections;
        plan.workers = 1;
        plan.timeout = ANSWER;
        plan.patience = FINAL;
        // Death may come while the first connections are made.
        plan.insistence = Duration::from_secs(30);
        plan.seed = self.setting.seed.wrapping_add(u64::from(cycle));
        plan.sources = Sources::new(64);
        let series = Series { seed: plan.seed, run: format!("k{}-{cycle}", std::process::id()) };
        let recipe = Recipe {
            target: target.clone(),
            merchants: self.merchants.clone(),
            mix: self.setting.mix.clone(),
            series,
            persistence: Persistence::UntilFinal,
            keepsakes: Some(keepsakes.clone()),
            waiting: None,
        };
        Ok((plan, recipe))
    }

    /// Waits for the death that strace gives, or gives one.
    fn kill(&mut self, killing: &Killing) -> Result<()> {
        let mut gateway = self.gateway.take().ok_or_else(|| Failure::failed("the gateway is not there"))?;
        match killing {
            Killing::After(delay) => {
                std::thread::sleep(*delay);
                if gateway.child.ended()?.is_some() {
                    let lines = gateway.child.last_lines();
                    return Err(Failure::failed(format!("the gateway died by itself:\n{lines}")));
                }
                self.report.killed += 1;
            }
            Killing::At { .. } => {
                let deadline = Instant::now() + Duration::from_secs(4);
                while gateway.child.ended()?.is_none() && Instant::now() < deadline {
                    std::thread::sleep(Duration::from_millis(5));
                }
                if gateway.child.ended()?.is_some() {
                    self.report.killed_in_call += 1;
                } else {
                    self.report.killed_late += 1;
                }
            }
        }
        gateway.kill();
        Ok(())
    }

    fn restart(&mut self, wrapper: &[String]) -> Result<()> {
        if let Some(gateway) = self.gateway.take() {
            gateway.kill();
        }
        let gateway = match self.start(wrapper) {
            // The call that was to kill came before it served; that is a crash during recovery, and it must come back from it.
            Err(_died) if !wrapper.is_empty() => self.start(&[])?,
            started => started?,
        };
        if wrapper.is_empty() {
            self.report.restarts.push(gateway.starting);
        }
        self.gateway = Some(gateway);
        Ok(())
    }

    /// Starts the gateway where it listened before. While it is dead, another program's connection may have drawn its port.
    fn start(&self, wrapper: &[String]) -> Result<Gateway> {
        const TRIES: u32 = 20;
        for _try in 1..TRIES {
            match self.install.start(&Start { listen: &self.listen, wrapper }) {
                Err(taken) if taken.to_string().contains("Address already in use") => {
                    std::thread::sleep(Duration::from_millis(250));
                }
                started => return started,
            }
        }
        self.install.start(&Start { listen: &self.listen, wrapper })
    }

    /// Asks again for every final answer of the cycle.
    fn replay(&mut self, target: &Target, jobs: Vec<load::Job>) -> Result<()> {
        let count = jobs.len();
        if count == 0 {
            return Ok(());
        }
        let rate = self.setting.rate.max(200.0) * 2.0;
        let length = Duration::from_secs_f64(count as f64 / rate);
        let shape = Shape::named(Named::Constant, (rate, 0.0), length)?;
        let mut plan = Plan::new(target.clone(), Pace::Open(shape), length);
        (plan.warmup, plan.workers, plan.connections) = (Duration::ZERO, 1, self.setting.connections);
        let jobs = Mutex::new(Cell::new(jobs));
        let record = self.record.clone();
        let make = |_worker| -> Box<dyn Workload> {
            let jobs = jobs.lock().map(|cell| cell.take()).unwrap_or_default();
            let replays: Option<Replays> = Replays::new(jobs, record.writer());
            Box::new(replays.expect("there is one job at least, and one thread takes all"))
        };
        let summary = load::run(&plan, &make, &mut Unobserved)?;
        let answered = summary.statuses.values().sum::<u64>();
        self.report.replays += answered;
        self.report.not_replayed += answered - summary.replays.min(answered);
        Ok(())
    }

    /// Stops the gateway, verifies its store, and holds the three witnesses against each other.
    fn audit(&mut self) -> Result<String> {
        let gateway = self.gateway.take().ok_or_else(|| Failure::failed("the gateway is not there"))?;
        let history = self.install.dir.join("gateway.jsonl");
        gateway.stop()?.verify(Some(&history))?;
        let evidence = Evidence::read(self.record.path(), Some(&self.host.book), &history)?;
        let findings = audit(&evidence);
        self.report.audits += 1;
        self.report.breaches += findings.breaches.len() as u64;
        let text = findings.text(&evidence);
        self.report.unanswered += unanswered(&evidence);
        self.report.findings = findings;
        self.gateway = Some(self.start(&[])?);
        Ok(text)
    }
}

/// Keys of payments that never got a final answer, nor a refusal.
fn unanswered(evidence: &Evidence) -> u64 {
    use std::collections::BTreeMap;
    let mut keys: BTreeMap<&str, bool> = BTreeMap::new();
    for line in evidence.client.iter().filter(|line| !line.key.is_empty()) {
        let refused =
            line.status.is_some_and(|status| (400..500).contains(&status) && !matches!(status, 409 | 429));
        *keys.entry(&line.key).or_insert(false) |= line.is_final || refused;
    }
    keys.values().filter(|answered| !**answered).count() as u64
}
