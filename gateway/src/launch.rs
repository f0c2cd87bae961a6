//! From a configuration to a serving application: the store, the keys, the model, the acquirers, and what operators may do.

mod messages;
pub mod operators;
mod readiness;
mod routing;

use crate::admin::{AdminService, Readiness};
use crate::app::{App, MakeAcquirers, Plan, World, development_key};
use crate::config::{self, Config, Profile};
use crate::edge::RequestIds;
use crate::engine::Settings;
use crate::exchange::Service;
use crate::observe::Kind as Figure;
use crate::routing::Target;
use crate::scoring::rules::Rules;
use crate::scoring::{Policy, Scoring};
use crate::serve::{Application, Launch};
use crate::world::{SystemClock, SystemRandom, TimeOrderedIds};
use crypto::keyring::{KeyringFile, MasterKey};
use gateway_acquirers::Kind;
use gateway_core::id::RequestId;
use gateway_core::journal::{Journal, Observer};
use gateway_core::ports::{BoxFuture, Clock, Ids, Random};
use gateway_core::tenant::Mode;
use gateway_store::{Embedded, Options};
use operators::Operators;
use readiness::Ready;
use risk::model::Model;
use risk::verdict::Thresholds;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use tracing::{info, warn};

/// Builds what a process serves.
pub fn build(launch: Launch) -> BoxFuture<'static, Result<Arc<dyn Application>, String>> {
    Box::pin(async move {
        let running = Running::build(launch).await?;
        Ok(Arc::new(running) as Arc<dyn Application>)
    })
}

struct Running {
    app: Mutex<Option<App>>,
    engine: Arc<crate::engine::Engine>,
    api: Arc<crate::route::Api>,
    store: Arc<Embedded>,
    secret_key: Option<String>,
    limits: Arc<crate::admit::Limits>,
    /// As they were at the start.
    started_with: config::Limits,
}

impl Running {
    async fn build(launch: Launch) -> Result<Self, String> {
        let Launch { config, public_url } = launch;
        gateway_acquirers::describe_metrics();
        crate::observe::metrics::describe(FLOW_FIGURES);
        crate::observe::metrics::describe(crate::routing::FIGURES);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let ids = Arc::new(TimeOrderedIds::new(Arc::clone(&clock), Arc::clone(&random)));
        refuse_lost_keys(&config)?;
        let now = u64::try_from(clock.now().unix_seconds()).unwrap_or(0);
        let keys = keyring_file(&config)?.open_or_make(now, &crypto::random::System);
        let vault = crypto::Vault::new(&keys.map_err(|error| error.to_string())?);
        let scoring = Arc::new(scoring(&config, &vault)?);
        if scoring.models.keep_in(&config.data_dir.join("risk"))? {
            info!(model = &*scoring.model_version(), "serving the model that was deployed last");
        }
        let store = open_store(&config, Arc::clone(&random), Arc::clone(&scoring)).await?;
        ids.begin_above(store.recovered().largest_id);
        let ids: Arc<dyn Ids> = ids;
        let plan = Plan {
            world: World { clock, random, ids },
            journal: Arc::clone(&store) as Arc<dyn Journal>,
            vault,
            scoring,
            acquirers: acquirers(&config)?,
            settings: settings(&config, public_url),
            tasks: crate::tasks::Tasks::default(),
            rates: (config.limits.requests_per_s_key, config.limits.requests_per_s_address),
        };
        let app = App::build(plan).await.map_err(|error| error.to_string())?;
        let secret_key = match config.profile {
            Profile::Development => Some(
                development_key(&app.engine, &config.data_dir).await.map_err(|error| error.to_string())?,
            ),
            Profile::Production => None,
        };
        let (engine, api, limits) = (Arc::clone(&app.engine), Arc::clone(&app.api), Arc::clone(&app.limits));
        let started_with = config.limits.clone();
        Ok(Self { app: Mutex::new(Some(app)), engine, api, store, secret_key, limits, started_with })
    }
}

fn settings(config: &Config, public_url: String) -> Settings {
    let queue = Duration::from_millis(config.limits.queue_ms);
    Settings { public_url, queue, routing: config.routing.clone(), ..Settings::default() }
}

impl Running {
    /// Rates change at once; what the sockets were opened with does not.
    fn reload_limits(&self, new: &config::Limits) {
        let (a_key, an_address) = (new.requests_per_s_key, new.requests_per_s_address);
        self.limits.set(a_key, an_address);
        let before = config::Limits {
            requests_per_s_key: a_key,
            requests_per_s_address: an_address,
            ..self.started_with.clone()
        };
        if before != *new {
            warn!("of [limits], only the rates of requests change while serving; restart for the others");
        }
    }
}

fn keyring_file(config: &Config) -> Result<KeyringFile, String> {
    match &config.vault.master_key {
        Some(reference) => {
            let master = MasterKey::from_reference(reference).map_err(|error| error.to_string())?;
            Ok(KeyringFile::new(&config.data_dir, master))
        }
        None => KeyringFile::development(&config.data_dir, &crypto::random::System)
            .map_err(|error| error.to_string()),
    }
}

/// Where the store is.
fn store_dir(config: &Config) -> PathBuf {
    config.data_dir.join("store")
}

/// A store with payments but without its keys could charge none of its saved cards, and would answer replays wrongly. Keys
/// are made before the first store is, so a store without keys has lost them; nothing is made in their place, not even
/// while another process holds the store.
fn refuse_lost_keys(config: &Config) -> Result<(), String> {
    let keyring = KeyringFile::path_in(&config.data_dir);
    let unreadable = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    if keyring.try_exists().map_err(|error| unreadable(&keyring, error))? {
        return Ok(());
    }
    let store = store_dir(config);
    let has_files = match std::fs::read_dir(&store) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(unreadable(&store, error)),
    };
    if !has_files {
        return Ok(());
    }
    Err(format!(
        "there is a store in {}, but its keys ({}) are missing: put them back from a backup, or start on an empty data \
         directory",
        store.display(),
        keyring.display()
    ))
}

fn scoring(config: &Config, vault: &crypto::Vault) -> Result<Scoring, String> {
    let model = model(config.risk.model.as_deref())?;
    let (policy, rules) = conduct(config)?;
    let scoring = Scoring::new(model, policy, vault)?;
    scoring.conduct(policy, rules);
    scoring.watch(&(&config.risk.card_testing).into());
    for shadow in shadows(config)? {
        scoring.models.shadow(shadow)?;
    }
    Ok(scoring)
}

fn conduct(config: &Config) -> Result<(Policy, Rules), String> {
    let thresholds = Thresholds::new(config.risk.review_score, config.risk.block_score)?;
    let spare_showcase = config.profile == Profile::Development;
    Ok((Policy { thresholds, spare_showcase }, Rules::new(&config.risk.rules)?))
}

fn shadows(config: &Config) -> Result<Vec<Model>, String> {
    config.risk.shadows.iter().map(|path| model(Some(path))).collect()
}

fn model(path: Option<&Path>) -> Result<Model, String> {
    let Some(path) = path else { return Ok(risk::shipped_model()) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Model::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
}

async fn open_store(
    config: &Config,
    random: Arc<dyn Random>,
    scoring: Arc<Scoring>,
) -> Result<Arc<Embedded>, String> {
    let dir = store_dir(config);
    let observer: Arc<dyn Observer> = scoring;
    let opening =
        tokio::task::spawn_blocking(move || gateway_store::open(&dir, Options::new(random), Some(observer)));
    let store = opening.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    Ok(Arc::new(store))
}

/// What the figures of the flows mean.
const FLOW_FIGURES: &[(Figure, &str, &str)] = &[
    (
        Figure::Counter,
        "tollgate_flow_panics_total",
        "Flows that panicked; what they had sent stays unknown and is resolved.",
    ),
    (
        Figure::Gauge,
        "tollgate_requests_waiting",
        "Requests that wait for the processor: what has begun is not counted.",
    ),
    (
        Figure::Counter,
        "tollgate_requests_shed_total",
        "Requests refused before they began, by reason: the queue would have kept them too long, or all acquirers were full.",
    ),
    (Figure::Counter, "tollgate_late_answers_total", "Answers that nobody waited for, by what they matched."),
    (
        Figure::Counter,
        "tollgate_late_approvals_total",
        "Approvals of messages that were given up: taken after all, or reversed.",
    ),
    (Figure::Counter, "tollgate_notifications_total", "Notifications of acquirers, by what they are worth."),
    (Figure::Gauge, "tollgate_resolve_due", "Payments with due work at the last pass, by kind."),
    (
        Figure::Gauge,
        "tollgate_resolve_stuck",
        "Payments with a message that was tried many times; `gateway payment stuck` lists them.",
    ),
    (Figure::Counter, "tollgate_settled_by_operator_total", "Messages that an operator settled, by outcome."),
    (
        Figure::Counter,
        "tollgate_resolve_stuck_total",
        "Messages that were tried many times without an answer.",
    ),
    (Figure::Counter, "tollgate_risk_verdicts_total", "Verdicts on payments, by verdict."),
    (
        Figure::Counter,
        "tollgate_risk_refused_total",
        "Payments refused by a window against card testing, by the window.",
    ),
    (Figure::Counter, "tollgate_resolved_total", "Unknown outcomes that became known."),
];

/// How long an answer of the simulated acquirer may take, in milliseconds.
const SIMULATED_TIMEOUT_MS: u64 = 10_000;

fn acquirers(config: &Config) -> Result<MakeAcquirers, String> {
    let mut wanted = Vec::new();
    for acquirer in &config.acquirers {
        let (kind, timeout_ms) = kind(acquirer)?;
        let modes: Vec<Mode> = acquirer.modes.iter().map(mode).collect();
        wanted.push((acquirer.name.clone(), kind, modes, timeout_ms));
    }
    Ok(Box::new(move |ports| {
        wanted
            .into_iter()
            .map(|(name, kind, modes, timeout_ms)| {
                let acquirer = kind.build(&name, ports).map_err(|why| format!("acquirer {name}: {why}"))?;
                Ok(Target { acquirer, modes, timeout_ms })
            })
            .collect()
    }))
}

const fn mode(mode: &config::AcquirerMode) -> Mode {
    match mode {
        config::AcquirerMode::Test => Mode::Test,
        config::AcquirerMode::Live => Mode::Live,
    }
}

fn kind(acquirer: &config::Acquirer) -> Result<(Kind, u64), String> {
    let wrong = |error: config::ConfigError| error.to_string();
    Ok(match acquirer.kind {
        config::Kind::Simulated => {
            (Kind::Simulated(acquirer.settings().map_err(wrong)?), SIMULATED_TIMEOUT_MS)
        }
        config::Kind::Iso8583 => {
            let settings: gateway_acquirers::iso8583::Settings = acquirer.settings().map_err(wrong)?;
            let timeout_ms = settings.response_timeout_ms;
            (Kind::Iso8583(Box::new(settings)), timeout_ms)
        }
        config::Kind::Stripe => {
            let settings: gateway_acquirers::stripe::Settings = acquirer.settings().map_err(wrong)?;
            let timeout_ms = settings.response_timeout_ms;
            (Kind::Stripe(settings), timeout_ms)
        }
        config::Kind::Wallet => {
            let settings: gateway_acquirers::wallet::Settings = acquirer.settings().map_err(wrong)?;
            let timeout_ms = settings.response_timeout_ms;
            (Kind::Wallet(Box::new(settings)), timeout_ms)
        }
    })
}

impl Application for Running {
    fn service(&self) -> Arc<dyn Service> {
        Arc::clone(&self.api) as Arc<dyn Service>
    }

    fn admin(&self) -> Arc<dyn AdminService> {
        Arc::new(Operators::new(Arc::clone(&self.engine)))
    }

    fn readiness(&self) -> Arc<dyn Readiness> {
        Arc::new(Ready { engine: Arc::clone(&self.engine), store: Arc::clone(&self.store) })
    }

    fn request_ids(&self) -> RequestIds {
        let ids = Arc::clone(&self.engine.ids);
        Arc::new(move || RequestId(ids.next()))
    }

    fn secret_key(&self) -> Option<String> {
        self.secret_key.clone()
    }

    fn reload<'a>(&'a self, config: &'a Config) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            // Everything is read and checked before anything is put in place.
            let (model, shadows) = (model(config.risk.model.as_deref())?, shadows(config)?);
            let (policy, rules) = conduct(config)?;
            self.engine.merchants.reload().await.map_err(|error| format!("keys: {error:?}"))?;
            self.engine.acquirers.reload(&config.routing)?;
            let scoring = &self.engine.scoring;
            scoring.models.configured(model, shadows)?;
            scoring.conduct(policy, rules);
            scoring.watch(&(&config.risk.card_testing).into());
            self.reload_limits(&config.limits);
            info!(
                model = &*scoring.model_version(),
                "reloaded keys, models, thresholds, rules, windows, routing and rates"
            );
            Ok(())
        })
    }

    fn measure(&self) {
        // Asking sets the gauges.
        let _stats = self.store.stats();
    }

    fn shut_down(&self, within: Duration) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let app = self.app.lock().expect("no code panics while it holds this lock").take();
            let all = match app {
                Some(app) => app.shut_down(within).await,
                None => true,
            };
            let store = Arc::clone(&self.store);
            if tokio::task::spawn_blocking(move || store.close()).await.is_err() {
                warn!("the store did not close cleanly; the next start recovers it");
            }
            all
        })
    }
}
