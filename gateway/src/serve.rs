//! The whole life of a serving process: listen, build the application, say that it is ready, and wind down.

mod ready;
mod reload;
mod signals;

pub use ready::Ready;
pub use signals::Signal;

use reload::Reloader;

use crate::admin::{AdminServer, AdminService, Hosts, Readiness};
use crate::config::{Config, Sources};
use crate::edge::{Certificates, Edge, Listeners, RequestIds, Settings, TlsSlot, bind};
use crate::exchange::Service;
use crate::observe::Figures;
use crate::world::SystemClock;
use gateway_core::ports::{BoxFuture, Clock};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};

/// For flows that still run when the last connection is closed, and for the store to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);
/// How often samples are moved into their histograms.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// The application behind the listeners, as this room needs it.
pub trait Application: Send + Sync + 'static {
    /// What answers merchants.
    fn service(&self) -> Arc<dyn Service>;
    /// What answers operators.
    fn admin(&self) -> Arc<dyn AdminService>;
    /// Whether payments can be taken.
    fn readiness(&self) -> Arc<dyn Readiness>;
    /// Ids for requests.
    fn request_ids(&self) -> RequestIds;
    /// The development merchant's key, in development.
    fn secret_key(&self) -> Option<String>;
    /// Takes what can change while serving (keys, model, rates of requests) from a configuration that was just read.
    ///
    /// # Errors
    /// What can't be taken, and why; everything stays as it was.
    fn reload<'a>(&'a self, config: &'a Config) -> BoxFuture<'a, Result<(), String>>;
    /// Brings the figures up to date that are only known by asking; called every second.
    fn measure(&self);
    /// Lets flows end and closes the store; whether all of them ended within the time.
    fn shut_down(&self, within: Duration) -> BoxFuture<'_, bool>;
}

/// What an application is built from.
pub struct Launch {
    pub config: Arc<Config>,
    /// Where clients reach us: `https://localhost:8443`.
    pub public_url: String,
}

/// Builds the application. An error is told to whoever started the process.
pub type Build = fn(Launch) -> BoxFuture<'static, Result<Arc<dyn Application>, String>>;

/// What a process is started with.
pub struct Setup {
    /// Read again on SIGHUP.
    pub sources: Sources,
    /// What was read from them.
    pub config: Config,
}

/// Runs the gateway until it is told to stop.
///
/// # Errors
/// Why it could not start, or did not end well.
pub fn run(setup: Setup, build: Build) -> Result<(), String> {
    crate::observe::logs::start(&setup.config.log, setup.config.profile)?;
    crate::observe::panics::install();
    crate::harden::harden(setup.config.profile);
    let runtime = runtime(&setup.config).map_err(|error| format!("no runtime could be made: {error}"))?;
    runtime.block_on(async {
        let signals = signals::listen().map_err(|error| format!("cannot listen for signals: {error}"))?;
        live(setup, build, signals).await
    })
}

fn runtime(config: &Config) -> std::io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let workers = match config.edge.workers {
        0 => cores.max(2),
        given => given,
    };
    Builder::new_multi_thread().worker_threads(workers).thread_name("tollgate").enable_all().build()
}

/// The same in the caller's runtime, with the caller's signals.
///
/// # Errors
/// As [`run`].
pub async fn live(setup: Setup, build: Build, mut signals: mpsc::Receiver<Signal>) -> Result<(), String> {
    let Setup { sources, config } = setup;
    let figures = Figures::install()?;
    let certificates = Certificates::find(&config, now_s()).map_err(|error| error.to_string())?;
    let tls = Arc::new(TlsSlot::new(&certificates.identity).map_err(|error| error.to_string())?);
    // Listening first settles the ports, and clients that are early wait in the queue instead of being refused.
    let api = bind(&config.edge.listen).map_err(|error| error.to_string())?;
    let admin = bind(&config.admin.listen).map_err(|error| error.to_string())?;
    let public_url = config.edge.public_url.clone();
    let public_url = public_url.unwrap_or_else(|| format!("https://localhost:{}", api.port));
    let ready = Ready::new(&config, (api.port, admin.port), certificates.ca.clone());
    let config = Arc::new(config);
    let application = build(Launch { config: Arc::clone(&config), public_url }).await?;
    let edge = Edge::new(crate::edge::Parts {
        settings: Settings::from(&config.limits),
        tls: Arc::clone(&tls),
        service: application.service(),
        request_ids: application.request_ids(),
    });
    let operators = operators(&config, &*application, figures.clone());
    let loops = Loops::start(&edge, api, config.edge.runtimes).map_err(|error| error.to_string())?;
    let mut background = vec![tokio::spawn(tidy(figures, Arc::downgrade(&application)))];
    for socket in admin.sockets {
        let socket = TcpListener::from_std(socket).map_err(|error| error.to_string())?;
        background.push(tokio::spawn(operators.clone().serve(socket)));
    }
    ready.with_key(application.secret_key()).announce(&config)?;
    let mut reloader = Reloader::new(sources, tls, Arc::clone(&application));
    reloader.note(&certificates);
    reloader.until_stopped(&mut signals).await;
    let ended = wind_down(&Running { edge, operators, application, config }, &mut signals).await;
    drop(loops);
    background.iter().for_each(tokio::task::JoinHandle::abort);
    ended
}

fn operators(config: &Config, application: &dyn Application, figures: Figures) -> AdminServer {
    let hosts = if config.admin.allow_remote { Hosts::Any } else { Hosts::Local };
    let (readiness, service) = (application.readiness(), application.admin());
    AdminServer::new(crate::admin::Parts { figures, readiness, service, hosts })
}

/// Unix seconds, for certificates.
fn now_s() -> u64 {
    u64::try_from(SystemClock::default().now().0 / 1_000).unwrap_or(0)
}

async fn tidy(figures: Figures, application: Weak<dyn Application>) {
    let mut due = tokio::time::interval(TIDY_EVERY);
    loop {
        due.tick().await;
        if let Some(application) = application.upgrade() {
            application.measure();
        }
        figures.tidy();
    }
}

/// What has to be ended.
struct Running {
    edge: Edge,
    operators: AdminServer,
    application: Arc<dyn Application>,
    config: Arc<Config>,
}

/// Not ready, no new connections, requests in flight to their end, flows to theirs. A second signal to stop hurries the
/// connections, never the flows.
async fn wind_down(running: &Running, signals: &mut mpsc::Receiver<Signal>) -> Result<(), String> {
    tracing::info!(connections = running.edge.connections(), "draining");
    running.operators.begin_drain();
    let within = Duration::from_millis(running.config.edge.drain_ms);
    let cut = tokio::select! {
        biased;
        cut = running.edge.drain(within) => cut,
        () = stopped_again(signals) => running.edge.drain(Duration::ZERO).await,
    };
    if cut > 0 {
        tracing::warn!(connections = cut, "cut, because they had not ended in time");
    }
    if running.application.shut_down(CLOSE_WITHIN).await {
        tracing::info!("stopped");
        return Ok(());
    }
    Err("some operations had not ended when the process did; they are resolved at the next start".to_owned())
}

async fn stopped_again(signals: &mut mpsc::Receiver<Signal>) {
    loop {
        match signals.recv().await {
            Some(Signal::Stop) => return,
            Some(Signal::Reload) => {}
            // Nobody is left to hurry us.
            None => std::future::pending().await,
        }
    }
}

/// The accept loops, in this runtime or on runtimes of their own.
struct Loops {
    /// Dropped to let the runtimes end: flows of clients that have left may still run there until then.
    stop: Option<watch::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Loops {
    fn start(edge: &Edge, listeners: Listeners, runtimes: usize) -> std::io::Result<Self> {
        let (stop, stopped) = watch::channel(());
        let mut threads = Vec::new();
        if runtimes == 0 {
            for socket in listeners.sockets {
                let (edge, socket) = (edge.clone(), TcpListener::from_std(socket)?);
                let _ends_with_the_drain = tokio::spawn(async move { edge.serve(socket).await });
            }
            return Ok(Self { stop: Some(stop), threads });
        }
        let mut each = Vec::new();
        for _ in 1..runtimes {
            each.push(listeners.again()?);
        }
        each.push(listeners);
        for (number, listeners) in each.into_iter().enumerate() {
            let (edge, stopped) = (edge.clone(), stopped.clone());
            let thread = std::thread::Builder::new().name(format!("tollgate-{number}"));
            let runtime = Builder::new_current_thread().enable_all().build()?;
            threads.push(thread.spawn(move || runtime.block_on(accept(edge, listeners, stopped)))?);
        }
        Ok(Self { stop: Some(stop), threads })
    }
}

async fn accept(edge: Edge, listeners: Listeners, mut stopped: watch::Receiver<()>) {
    for socket in listeners.sockets {
        match TcpListener::from_std(socket) {
            Ok(socket) => {
                let edge = edge.clone();
                let _ends_with_the_drain = tokio::spawn(async move { edge.serve(socket).await });
            }
            Err(error) => tracing::error!(%error, "a listener could not be handed to its runtime"),
        }
    }
    // An error means that the sender is gone, which is the signal.
    let _ = stopped.changed().await;
}

impl Drop for Loops {
    fn drop(&mut self) {
        self.stop.take();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("an accept loop ended in a panic");
            }
        }
    }
}
