//! `loadtest run`.

use super::place::{Beside, Place, Room};
use super::progress::{Bar, tell};
use super::run_report::{Files, judge, publish};
use super::time::length;
use crate::audit::record::Record;
use crate::audit::{Evidence, Findings, audit};
use crate::failure::{Failure, Result};
use crate::load::{self, Named, Pace, Plan, Shape, Workload};
use crate::measure::Summary;
use crate::measure::threshold::Threshold;
use crate::mix::authorizations::Series;
use crate::mix::merchants::Merchant;
use crate::mix::wallets::{self, Waiting};
use crate::mix::{Merchants, Mix, Mixture, Persistence, Recipe};
use crate::report::RunReport;
use crate::stage::gateway::Start;
use crate::stage::wallet::SCRIPT;
use crate::stage::{AcquirerHost, Gateway, WalletPlace};
use crate::wire::{Http, Sources, Target};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Load a gateway, measure it honestly, and audit the money afterwards.
///
/// Open model by default: requests are sent when they are due, whatever the server does, and latency counts from that moment.
/// Without --target a gateway is started, with an acquirer host beside it, limits on but above the offered rate, 128 merchants
/// and client addresses over 127.0.0.0/8; after the run the client's history, the acquirer's book and the gateway's store are
/// held against each other.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Load this gateway instead of starting one; on this machine only. There is no audit then.
    #[arg(long, value_name = "URL", requires = "ca", requires = "key")]
    target: Option<String>,
    /// The authority to believe, PEM.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// A secret key; give several to be several merchants.
    #[arg(long, value_name = "KEY", env = "LOADTEST_KEY", hide_env_values = true, value_delimiter = ',')]
    key: Vec<String>,
    /// How arrivals lie in time.
    #[arg(long, value_enum, default_value = "poisson", conflicts_with = "closed")]
    arrivals: Named,
    /// Requests a second.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// The highest rate of ramp, step and spike; four times --rate if not given.
    #[arg(long)]
    peak: Option<f64>,
    /// Closed model: each connection sends as soon as it has an answer.
    #[arg(long)]
    closed: bool,
    /// The measured time.
    #[arg(long, default_value = "30s", value_parser = length)]
    duration: Duration,
    /// Time before it that is not measured.
    #[arg(long, default_value = "3s", value_parser = length)]
    warmup: Duration,
    /// Longest wait for an answer.
    #[arg(long, default_value = "30s", value_parser = length)]
    timeout: Duration,
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    connections: u32,
    /// Version of HTTP.
    #[arg(long, value_enum, default_value = "1")]
    http: Http,
    /// Threads of the client; one a core if not given.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=64))]
    workers: Option<u32>,
    /// What is asked: a TOML file with [weights] of authorize, sale, capture, void, refund, retrieve, duplicate, hang_up,
    /// decline, alipay, wechat_pay, poll, and cards, card_skew, merchant_skew, hang_up_ms. With wallets an operator of wallets is
    /// started too, and the run ends when all customers have decided or their time (60 s) is over.
    #[arg(long, value_name = "FILE")]
    mix: Option<PathBuf>,
    /// The same seed gives the same arrivals and requests.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where payments of the gateway that is started go.
    #[arg(long, value_enum, default_value = "host")]
    acquirer: Beside,
    /// What customers of wallets and their operator's notifications do, as `loadtest acquirer --protocol wallet --faults` reads it.
    #[arg(long, value_name = "FILE.toml", conflicts_with = "target")]
    wallets: Option<PathBuf>,
    /// Let a key make only this many requests a second: shows the limits biting. Refusals do not fail such a run.
    #[arg(long, value_name = "PER_S", conflicts_with = "target")]
    limit: Option<u32>,
    /// Keep the client's history here, JSON lines.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    #[command(flatten)]
    files: Files,
    /// Fail with 99 if this does not hold: 'p99<50ms', 'errors<0.1%', 'rate>1900', 'p99(capture)<20ms'.
    #[arg(long = "threshold", value_name = "EXPRESSION")]
    thresholds: Vec<Threshold>,
}

/// A gateway of our own, and what is beside it. Dropped in this order: clients before servers, files last.
struct Own {
    gateway: Gateway,
    host: Option<AcquirerHost>,
    operator: Option<AcquirerHost>,
    room: Room,
}

impl Arguments {
    /// Runs, reports, audits, judges.
    pub fn run(self) -> Result<()> {
        let mix = self.mix.as_deref().map_or_else(|| Ok(Mix::default()), Mix::read)?;
        let (own, target, merchants) = match &self.target {
            Some(url) => (None, self.target_of(url)?, self.given_merchants(&mix)?),
            None => {
                let own = self.start(&mix)?;
                let target = Target::new(&own.gateway.ready.api, &own.gateway.ready.ca, self.http)?;
                let merchants = own.gateway.merchants(mix.merchant_skew)?;
                (Some(own), target, merchants)
            }
        };
        let path =
            self.history.clone().or_else(|| own.as_ref().map(|own| own.room.path.join("client.jsonl")));
        let record = path.as_deref().map(Record::create).transpose()?;
        let waiting = Waiting::default();
        let summary = self.drive(&target, (merchants, mix, &waiting), record.as_ref())?;
        if let Some(record) = &record {
            let settled = wallets::settle(&target, (&waiting, record), WalletPlace::longest_wait())?;
            tell(&format!("{settled} payments waited for their customers at the end"));
        }
        let verdicts = self.thresholds.iter().map(|threshold| threshold.judge(&summary)).collect();
        let mut report = RunReport::of(&summary, verdicts);
        report.notifications = own.as_ref().and_then(|own| own.notifications().transpose()).transpose()?;
        let audited = match (own, record) {
            (Some(own), Some(record)) => Some(own.audit(&record)?),
            (_, _) => None,
        };
        report.audit_breaches = audited.as_ref().map(|(findings, _text)| findings.breaches.len() as u64);
        publish(&report, &summary, &self.files)?;
        self.conclude(&summary, &report, audited)
    }

    fn conclude(
        &self,
        summary: &Summary,
        report: &RunReport,
        audited: Option<(Findings, String)>,
    ) -> Result<()> {
        if let Some((findings, text)) = audited
            && !findings.clean()
        {
            return Err(Failure::failed(format!("the audit found breaches\n{text}")));
        }
        let refused = summary.answered(429) + summary.answered(503);
        if refused > 0 && self.limit.is_none() && self.target.is_none() {
            return Err(Failure::failed(format!(
                "{refused} requests were refused with 429 or 503 although the limits are above the offered rate: this is no \
                 measure of speed; lower --rate, or give --limit to see limits bite"
            )));
        }
        judge(report)
    }

    fn target_of(&self, url: &str) -> Result<Target> {
        let ca = self.ca.as_deref().ok_or_else(|| Failure::usage("--target needs --ca FILE"))?;
        Target::new(url, ca, self.http)
    }

    fn given_merchants(&self, mix: &Mix) -> Result<Merchants> {
        let named = |(number, key): (usize, &String)| Merchant::new(&format!("key-{}", number + 1), key);
        Merchants::new(self.key.iter().enumerate().map(named).collect::<Result<_>>()?, mix.merchant_skew)
    }

    fn start(&self, mix: &Mix) -> Result<Own> {
        let (install, room) = self.place.settle()?;
        let (mut config, host) = self.acquirer.beside(&room.path)?;
        if let Some(limit) = self.limit {
            config.rate = limit.max(1);
        }
        let place = mix.has_wallets().then(|| self.wallet_place(&room)).transpose()?;
        if let Some(place) = &place {
            config.more = place.acquirer();
        }
        install.configure(&config)?;
        let gateway = install.start(&Start::default())?;
        let script = self.script()?;
        let operator = place.map(|place| place.start(&gateway.ready, &script)).transpose()?;
        tell(&format!(
            "the gateway accepts on {} after {} ms",
            gateway.ready.api,
            gateway.starting.as_millis()
        ));
        Ok(Own { gateway, host, operator, room })
    }

    fn wallet_place(&self, room: &Room) -> Result<WalletPlace> {
        match self.acquirer {
            Beside::Host => WalletPlace::choose(&room.path),
            Beside::InProcess => Err(Failure::usage(
                "wallets have customers only with --acquirer host: leave them out of the mix",
            )),
        }
    }

    fn script(&self) -> Result<String> {
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|error| Failure::file("reading", path, &error))
        };
        self.wallets.as_deref().map_or_else(|| Ok(SCRIPT.to_owned()), read)
    }

    fn drive(
        &self,
        target: &Target,
        what: (Merchants, Mix, &Waiting),
        record: Option<&Record>,
    ) -> Result<Summary> {
        let length = self.warmup + self.duration;
        let pace = if self.closed {
            Pace::Closed
        } else {
            let peak = self.peak.unwrap_or(self.rate * 4.0);
            Pace::Open(Shape::named(self.arrivals, (self.rate, peak), length)?)
        };
        let mut plan = Plan::new(target.clone(), pace, self.duration);
        plan.warmup = self.warmup;
        plan.timeout = self.timeout;
        plan.connections = self.connections as usize;
        plan.workers = self.workers.map_or(plan.workers, |workers| workers as usize);
        plan.seed = self.seed;
        plan.sources = Sources::new(256);
        let (merchants, mix, waiting) = what;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let series = Series { seed: self.seed, run: format!("r{:x}", now.as_millis()) };
        let recipe = Recipe {
            target: target.clone(),
            merchants,
            mix,
            series,
            persistence: Persistence::Once,
            keepsakes: None,
            waiting: Some(waiting.clone()),
        };
        let make = |worker| -> Box<dyn Workload> {
            Box::new(Mixture::new(&recipe, worker, record.map(Record::writer)))
        };
        load::run(&plan, &make, &mut Bar::new(length))
    }
}

impl Own {
    /// How many notifications reached the gateway, if there is somebody who sends any.
    fn notifications(&self) -> Result<Option<u64>> {
        if self.operator.is_none() {
            return Ok(None);
        }
        let came = self.gateway.admin()?.metrics()?.sum("tollgate_notifications_total");
        Ok(Some(came.unwrap_or_default() as u64))
    }

    /// Lets everything come to rest, stops the gateway, and holds the three witnesses against each other.
    fn audit(self, record: &Record) -> Result<(Findings, String)> {
        let Self { gateway, host, operator, room } = self;
        let history = room.path.join("gateway.jsonl");
        // Those that hung up are still being decided, and what is unknown is inquired within two seconds.
        std::thread::sleep(Duration::from_secs(3));
        let counted = gateway.stop()?.verify(Some(&history))?;
        tell(&format!("gateway verify: {counted}"));
        let mut evidence =
            Evidence::read(record.path(), host.as_ref().map(|host| host.book.as_path()), &history)?;
        if let Some(operator) = &operator {
            evidence.add_book(&operator.book)?;
        }
        let findings = audit(&evidence);
        let text = findings.text(&evidence);
        tell(&text);
        Ok((findings, text))
    }
}
