//! The application: everything built once, from a plan, for `main`, for tests and for examples alike.

use crate::admit::Limits;
use crate::admit::merchants::{KeyRequest, Merchants};
use crate::engine::{Engine, Settings};
use crate::flow::sweep;
use crate::late::{self, LateQueue};
use crate::route::Api;
use crate::routing::{Acquirers, Target};
use crate::scoring::Scoring;
use crate::tasks::Tasks;
use gateway_core::acquirer::{Acquirer, LateAnswers};
use gateway_core::id::MerchantId;
use gateway_core::journal::{CommitError, Journal, StoreError};
use gateway_core::ports::{Clock, Ids, Random, Sequences};
use gateway_core::record::KeyKind;
use gateway_core::tenant::{Mode, Tenant};
use std::fmt;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// The world, as ports.
#[derive(Clone)]
pub struct World {
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub ids: Arc<dyn Ids>,
}

/// Makes the acquirers, given what adapters need.
pub type MakeAcquirers = Box<dyn FnOnce(&gateway_acquirers::Ports) -> Result<Vec<Target>, String> + Send>;

/// What an application is made of.
pub struct Plan {
    pub world: World,
    pub journal: Arc<dyn Journal>,
    pub vault: crypto::vault::Vault,
    pub scoring: Arc<Scoring>,
    pub acquirers: MakeAcquirers,
    pub settings: Settings,
    /// Runs everything.
    pub tasks: Tasks,
    /// Requests a second, a key and an address.
    pub rates: (NonZeroU32, NonZeroU32),
}

/// Why an application could not be built.
#[derive(Debug)]
pub enum StartError {
    /// A setting is wrong; the text says which and what to do.
    Setting(String),
    /// A file of the data directory can't be used.
    File {
        path: PathBuf,
        why: String,
    },
    Store(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Setting(why) | StartError::Store(why) => f.write_str(why),
            StartError::File { path, why } => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl std::error::Error for StartError {}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        StartError::Store(format!("the store can't be read: {error:?}"))
    }
}

impl From<CommitError> for StartError {
    fn from(error: CommitError) -> Self {
        StartError::Store(format!("the store can't be written: {error:?}"))
    }
}

/// A built application.
pub struct App {
    pub engine: Arc<Engine>,
    pub api: Arc<Api>,
    pub limits: Arc<Limits>,
    background: Vec<JoinHandle<()>>,
}

/// Buckets of rates that nobody uses are forgotten this often.
const FORGET_EVERY: Duration = Duration::from_secs(30);

impl App {
    /// Builds it and starts what runs in the background, which also takes up what the last process left.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn build(plan: Plan) -> Result<Self, StartError> {
        let World { clock, random, ids } = plan.world;
        let sequences: Arc<dyn Sequences> =
            Arc::new(crate::world::LeasedSequences::new(Arc::clone(&plan.journal)));
        let (late_box, late_queue) = late::queue();
        let tasks = plan.tasks;
        let late = Arc::clone(&late_box) as Arc<dyn LateAnswers>;
        let ports = ports((&clock, &random), &sequences, (late, &tasks));
        let targets = (plan.acquirers)(&ports).map_err(StartError::Setting)?;
        let world = (Arc::clone(&clock), Arc::clone(&random));
        let acquirers =
            Acquirers::new(targets, &plan.settings.routing, world).map_err(StartError::Setting)?;
        let merchants = Merchants::load(Arc::clone(&plan.journal), Arc::clone(&clock)).await?;
        let tenants: Vec<Tenant> = merchants.all().iter().flat_map(|one| tenants_of(one.id)).collect();
        plan.scoring.lists.load(&*plan.journal, tenants.into_iter()).await?;
        let limits = Arc::new(Limits::new(plan.rates.0, plan.rates.1, Arc::clone(&clock)));
        let engine = Arc::new(Engine {
            process: process_number(&*random),
            started_ns: clock.monotonic_ns(),
            journal: plan.journal,
            clock,
            random,
            ids,
            sequences,
            acquirers,
            vault: plan.vault,
            scoring: plan.scoring,
            merchants,
            claims: Arc::default(),
            turns: crate::flow::turns::Turns::default(),
            outstanding: late::Outstanding::default(),
            late: late_box,
            tasks,
            settings: plan.settings,
        });
        let background = background(&engine, &limits, late_queue);
        let api = Arc::new(Api::new(Arc::clone(&engine), Arc::clone(&limits)));
        Ok(Self { engine, api, limits, background })
    }

    /// Lets the flows end, at most for `limit`, and stops what runs in the background; whether all flows ended.
    pub async fn shut_down(self, limit: Duration) -> bool {
        let all = self.engine.tasks.wait(limit).await;
        for task in &self.background {
            task.abort();
        }
        all
    }
}

fn tenants_of(merchant: MerchantId) -> [Tenant; 2] {
    [Mode::Test, Mode::Live].map(|mode| Tenant { merchant, mode })
}

fn process_number(random: &dyn Random) -> u64 {
    let mut bytes = [0u8; 8];
    random.fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

fn ports(
    (clock, random): (&Arc<dyn Clock>, &Arc<dyn Random>),
    sequences: &Arc<dyn Sequences>,
    (late, tasks): (Arc<dyn LateAnswers>, &Tasks),
) -> gateway_acquirers::Ports {
    gateway_acquirers::Ports {
        clock: Arc::clone(clock),
        random: Arc::clone(random),
        sequences: Arc::clone(sequences),
        late,
        tasks: Arc::new(tasks.aside()),
    }
}

fn background(engine: &Arc<Engine>, limits: &Arc<Limits>, late_queue: LateQueue) -> Vec<JoinHandle<()>> {
    let limits = Arc::clone(limits);
    let forget = async move {
        loop {
            tokio::time::sleep(FORGET_EVERY).await;
            limits.forget_idle();
        }
    };
    let aside = engine.tasks.aside();
    vec![
        aside.spawn(sweep::run(Arc::clone(engine))),
        aside.spawn(late::run(Arc::clone(engine), late_queue)),
        aside.spawn(forget),
    ]
}

/// The file of the development key, beside the store.
const DEVELOPMENT_KEY: &str = "development.key";

/// The development merchant's secret key: made once, the same over restarts.
///
/// # Errors
/// The file or the store can't be read or written.
pub async fn development_key(engine: &Engine, data_dir: &Path) -> Result<String, StartError> {
    let path = data_dir.join(DEVELOPMENT_KEY);
    let file = |why: std::io::Error| StartError::File { path: path.clone(), why: why.to_string() };
    let mut kept = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text.trim().to_owned()),
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => None,
        Err(other) => return Err(file(other)),
    };
    if let Some(key) = &kept
        && let Some(caller) = engine.merchants.caller(key).await?
    {
        if caller.revoked.is_none() {
            return Ok(key.clone());
        }
        // What was revoked stays so; a newcomer is not handed a key that opens nothing.
        tracing::info!(path = %path.display(), "the development key was revoked: another one is made");
        kept = None;
    }
    let world = (&*engine.clock, &*engine.ids);
    let merchant = match engine.merchants.all().first() {
        Some(first) => Arc::clone(first),
        None => engine.merchants.create("Development merchant", world).await?,
    };
    let (mode, kind) = (Mode::Test, KeyKind::Secret);
    let request = KeyRequest { merchant: merchant.id, mode, kind, scopes: Vec::new() };
    let made = match kept {
        // The key outlived its store: adopt it, so that the programs that hold it go on.
        Some(key) => engine.merchants.adopt_key(request, &key, world).await?,
        None => engine.merchants.create_key(request, (world.0, world.1, &*engine.random)).await?,
    };
    write_private(&path, &made.secret).map_err(file)?;
    Ok(made.secret)
}

/// Writes a file that only its owner may read, whole or not at all.
///
/// # Errors
/// As the operating system says.
pub fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(name);
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

/// One acquirer that serves both modes, without a network: what development begins with.
pub fn simulated(name: &str, settings: gateway_acquirers::simulated::Settings) -> MakeAcquirers {
    let name = name.to_owned();
    Box::new(move |ports| {
        let acquirer: Arc<dyn Acquirer> =
            Arc::new(gateway_acquirers::simulated::Simulated::new(&name, settings, ports));
        Ok(vec![Target { acquirer, modes: vec![Mode::Test, Mode::Live], timeout_ms: 10_000 }])
    })
}
