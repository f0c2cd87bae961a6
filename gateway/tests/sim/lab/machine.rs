//! The machine that the gateway runs on: it starts the process, ends it when it must die, and starts it again.

use super::bank::{Teller, iso::Framed, port::Wire};
use super::faults::{Deed, Fault, Stage};
use super::planted::Planted;
use super::random::Drawn;
use super::storage::{Platter, SimJournal};
use super::swarm::Speaks;
use super::world::{Death, World};
use gateway::app::{App, Plan, StartError};
use gateway::engine::{Engine, Settings};
use gateway::route::Api;
use gateway::routing::Target;
use gateway::scoring::{Policy, Scoring};
use gateway::tasks::Tasks;
use gateway::world::TimeOrderedIds;
use gateway_core::acquirer::Acquirer;
use gateway_core::journal::{Journal, Observer};
use gateway_core::ports::{Clock, Ids, Random};
use gateway_core::tenant::Mode;
use gateway_store::lossy;
use std::cell::RefCell;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// One life of the process, as clients and chaos see it.
pub struct Live {
    pub api: Arc<Api>,
    pub engine: Arc<Engine>,
    pub journal: Arc<SimJournal>,
    pub tasks: Tasks,
    pub life: u32,
}

/// The machine.
pub struct Machine {
    pub world: Arc<World>,
    pub platter: Platter,
    pub tellers: Vec<Arc<Teller>>,
    random: Arc<Drawn>,
    live: Mutex<Option<Arc<Live>>>,
    /// Rung when a life begins to serve, and when it ends. It wakes in the order of waiting, which a watch channel does not.
    turned: Notify,
    /// The application, which its life's end drops.
    app: Mutex<Option<App>>,
}

/// The keys of every seed are the same: the vault is not under test here.
fn vault() -> crypto::Vault {
    let entropy = Drawn::new(0, 99);
    let fill = move |out: &mut [u8]| entropy.fill(out);
    crypto::Vault::new(&crypto::keyring::Keyring::ephemeral(0, &fill))
}

thread_local! {
    /// The model is read once a thread; a store that opens empties or restores the scorer's memory.
    static SCORING: RefCell<Option<Arc<Scoring>>> = const { RefCell::new(None) };
}

fn scoring() -> Arc<Scoring> {
    SCORING.with_borrow_mut(|kept| {
        let make = || {
            let policy = Policy { thresholds: risk::verdict::Thresholds::default(), spare_showcase: true };
            let scoring = Scoring::new(risk::shipped_model(), policy, &vault());
            Arc::new(scoring.expect("the shipped model can be served"))
        };
        Arc::clone(kept.get_or_insert_with(make))
    })
}

impl Machine {
    /// A machine that is off.
    pub fn new(world: &Arc<World>, tellers: Vec<Arc<Teller>>) -> Arc<Self> {
        assert!(scoring().restore(None), "a scorer can always begin anew");
        Arc::new(Self {
            world: Arc::clone(world),
            platter: Platter::default(),
            tellers,
            random: Arc::new(Drawn::new(world.seed, 1)),
            live: Mutex::new(None),
            turned: Notify::new(),
            app: Mutex::new(None),
        })
    }

    /// The life that serves now, or the next one.
    pub async fn live(&self) -> Arc<Live> {
        self.wait_for(|live| live.cloned()).await
    }

    /// Waits until `life` serves no more.
    pub async fn over(&self, life: u32) {
        self.wait_for(|live| live.is_none_or(|live| live.life != life).then_some(())).await;
    }

    async fn wait_for<T>(&self, found: impl Fn(Option<&Arc<Live>>) -> Option<T>) -> T {
        loop {
            let turned = self.turned.notified();
            let now = found(self.live.lock().expect("nothing panics while it holds this lock").as_ref());
            match now {
                Some(found) => return found,
                None => turned.await,
            }
        }
    }

    fn turn(&self, live: Option<Arc<Live>>) {
        *self.live.lock().expect("nothing panics while it holds this lock") = live;
        self.turned.notify_waiters();
    }

    /// Runs lives, one after the other, for ever.
    pub async fn run(self: Arc<Self>) {
        loop {
            let life = self.world.born();
            let tasks = Tasks::mortal();
            let booted = {
                let booting = self.boot(&tasks, life);
                tokio::select! {
                    biased;
                    () = self.world.dying.notified() => None,
                    booted = booting => booted,
                }
            };
            if let Some(live) = booted {
                self.world.trace(("serves", life));
                self.turn(Some(live));
                self.world.dying.notified().await;
            }
            self.end(tasks).await;
            sleep(Duration::from_millis(self.world.draw(|dice| dice.between(20, 1_500)))).await;
        }
    }

    /// Everything of the process stops where it is; then the disk is as its death leaves it.
    async fn end(&self, tasks: Tasks) {
        let death = self.world.death().unwrap_or(Death::Killed);
        self.turn(None);
        self.tellers.iter().for_each(|teller| teller.connect(None));
        tasks.end(0..usize::MAX);
        drop(self.app.lock().expect("nothing panics while it holds this lock").take());
        // Each ended task is dropped when the runtime comes to it.
        sleep(Duration::from_millis(1)).await;
        self.platter.settle(death, &*self.random);
        self.world.trace(("died", death == Death::PowerLost));
        self.world.died();
    }

    async fn boot(&self, tasks: &Tasks, life: u32) -> Option<Arc<Live>> {
        let scoring = scoring();
        let observer: Arc<dyn Observer> = Arc::clone(&scoring) as Arc<dyn Observer>;
        let struck = self.strike_start();
        let opened = SimJournal::open(&self.world, &self.platter, (Arc::clone(&self.random), observer));
        let journal = match opened {
            Ok(journal) => journal,
            // The disk failed under the start: start again.
            Err(_failed) if struck => return None,
            Err(damaged) => {
                self.world.give_up(format!("7: the store can't be opened: {damaged}"));
                std::future::pending().await
            }
        };
        self.world.between(Stage::Recover, Deed::Plain).await;
        let clock: Arc<dyn Clock> = Arc::clone(&self.world.clock) as Arc<dyn Clock>;
        let random: Arc<dyn Random> = Arc::clone(&self.random) as Arc<dyn Random>;
        let ids: Arc<dyn Ids> = Arc::new(TimeOrderedIds::new(Arc::clone(&clock), Arc::clone(&random)));
        let tellers = self.tellers.clone();
        let plan = Plan {
            world: gateway::app::World { clock, random, ids },
            journal: Arc::clone(&journal) as Arc<dyn Journal>,
            vault: vault(),
            scoring,
            acquirers: Box::new(move |ports| tellers.iter().map(|teller| target(teller, ports)).collect()),
            settings: Settings {
                wait: Duration::from_secs(8),
                routing: self.world.swarm.routing.clone(),
                ..Settings::default()
            },
            tasks: tasks.clone(),
            rates: (NonZeroU32::MAX, NonZeroU32::MAX),
        };
        let app = match App::build(plan).await {
            Ok(app) => app,
            Err(StartError::Setting(why)) => {
                self.world.give_up(format!("14: the laboratory's own settings: {why}"));
                std::future::pending().await
            }
            // The store took nothing: start again.
            Err(StartError::Store(_) | StartError::File { .. }) => return None,
        };
        journal.recovered();
        let (api, engine) = (Arc::clone(&app.api), Arc::clone(&app.engine));
        *self.app.lock().expect("nothing panics while it holds this lock") = Some(app);
        Some(Arc::new(Live { api, engine, journal, tasks: tasks.clone(), life }))
    }

    /// The disk may fail while the store is opened.
    fn strike_start(&self) -> bool {
        let faults = [Fault::TornWrite, Fault::SyncFailed, Fault::DiskFull];
        let Some(fault) = self.world.strike(&faults, Stage::Recover, Deed::Plain) else { return false };
        let fault = match fault {
            Fault::TornWrite => lossy::Fault::PowerLoss,
            Fault::SyncFailed => lossy::Fault::SyncFails,
            _full => lossy::Fault::Full,
        };
        let after = self.world.draw(|dice| dice.between(1, 6));
        self.platter.disk.strike(self.platter.disk.operations() + after, fault);
        true
    }

    /// Whether a client that hangs up takes its flow with it, as it would if the payment ran in its handler.
    pub fn flows_die_with_clients(&self) -> bool {
        self.world.has(Planted::FlowDiesWithClient)
    }
}

fn target(teller: &Arc<Teller>, ports: &gateway_acquirers::Ports) -> Result<Target, String> {
    let acquirer: Arc<dyn Acquirer> = match teller.draw.speaks {
        Speaks::Port => Arc::new(Wire::connect(teller, ports)),
        Speaks::Iso8583 => Arc::new(Framed::connect(teller, ports)?),
    };
    Ok(Target { acquirer, modes: vec![Mode::Test, Mode::Live], timeout_ms: teller.draw.timeout_ms })
}
