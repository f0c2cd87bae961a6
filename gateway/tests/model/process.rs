//! One process: the whole application over the store that all share.

use super::bank::{Bank, price, target};
use super::clock::SimClock;
use super::random::Drawn;
use gateway::admit::merchants::KeyRequest;
use gateway::app::{App, Plan, World};
use gateway::engine::Settings;
use gateway::exchange::{Exchange, Reply, Service};
use gateway::scoring::{Policy, Scoring};
use gateway::tasks::Tasks;
use gateway::world::TimeOrderedIds;
use gateway_core::id::{Id, RequestId};
use gateway_core::journal::Journal;
use gateway_core::ports::{Clock, Ids, Random};
use gateway_core::record::KeyKind;
use gateway_core::tenant::Mode;
use gateway_store::Memory;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// What outlives every process.
pub struct Ground {
    pub store: Arc<Memory>,
    pub bank: Arc<Bank>,
    pub clock: Arc<SimClock>,
    pub random: Arc<Drawn>,
}

/// A process that serves.
pub struct Process {
    app: App,
    tasks: Tasks,
}

fn vault() -> crypto::Vault {
    let entropy = Drawn::new(0, 99);
    let fill = move |out: &mut [u8]| entropy.fill(out);
    crypto::Vault::new(&crypto::keyring::Keyring::ephemeral(0, &fill))
}

thread_local! {
    /// The model is read once a thread.
    static SCORING: RefCell<Option<Arc<Scoring>>> = const { RefCell::new(None) };
}

fn scoring() -> Arc<Scoring> {
    SCORING.with_borrow_mut(|kept| {
        let make = || {
            let policy = Policy { thresholds: risk::verdict::Thresholds::default(), spare_showcase: true };
            Arc::new(Scoring::new(risk::shipped_model(), policy, &vault()).expect("the shipped model serves"))
        };
        Arc::clone(kept.get_or_insert_with(make))
    })
}

impl Process {
    /// Starts one, which takes up what others left.
    pub async fn start(ground: &Ground) -> Self {
        let clock: Arc<dyn Clock> = Arc::clone(&ground.clock) as _;
        let random: Arc<dyn Random> = Arc::clone(&ground.random) as _;
        let ids: Arc<dyn Ids> = Arc::new(TimeOrderedIds::new(Arc::clone(&clock), Arc::clone(&random)));
        let (bank, tasks) = (Arc::clone(&ground.bank), Tasks::mortal());
        let plan = Plan {
            world: World { clock, random, ids },
            journal: Arc::clone(&ground.store) as Arc<dyn Journal>,
            vault: vault(),
            scoring: scoring(),
            acquirers: Box::new(move |ports| Ok(vec![target(&bank, ports)])),
            settings: Settings { wait: Duration::from_secs(8), ..Settings::default() },
            tasks: tasks.clone(),
            rates: (NonZeroU32::MAX, NonZeroU32::MAX),
        };
        let app = App::build(plan).await.expect("a store in memory can be read");
        Self { app, tasks }
    }

    /// A merchant's secret key.
    pub async fn key(&self) -> String {
        let engine = &self.app.engine;
        let ports = (&*engine.clock, &*engine.ids);
        let merchant = engine.merchants.create("Shop", ports).await.expect("a free name");
        let (mode, kind) = (Mode::Test, KeyKind::Secret);
        let request = KeyRequest { merchant: merchant.id, mode, kind, scopes: Vec::new() };
        let ports = (&*engine.clock, &*engine.ids, &*engine.random);
        engine.merchants.create_key(request, ports).await.expect("a key of a merchant").secret
    }

    /// Everything of it stops where it stands.
    pub async fn kill(self) {
        self.tasks.end(0..usize::MAX);
        drop(self.app);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// What it holds of requests that run.
    pub fn claims(&self) -> usize {
        self.app.engine.claims.len()
    }

    /// A request to pay, under way. Without a body it is one that is wrong in itself.
    pub fn pay(&self, secret: &str, key: u8, body: Option<u8>) -> JoinHandle<Reply> {
        let amount = body.map_or(0, |body| price(key, body));
        let form = format!(
            "amount={amount}&currency=usd&confirm=true&payment_method_data[type]=card\
             &payment_method_data[card][number]=4242424242424242&payment_method_data[card][exp_month]=12\
             &payment_method_data[card][exp_year]=2035&payment_method_data[card][cvc]=123"
        );
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", format!("Bearer {secret}")),
            ("idempotency-key", format!("key-{key}")),
            ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ] {
            let value = HeaderValue::from_str(&value).expect("plain text");
            headers.insert(HeaderName::from_static(name), value);
        }
        let exchange = Exchange {
            request_id: RequestId(Id(u128::from(key))),
            method: Method::POST,
            path: "/v1/payment_intents".to_owned(),
            query: None,
            headers,
            body: form.into_bytes().into(),
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        let api = Arc::clone(&self.app.api);
        Tasks::default().spawn(async move { api.call(Box::new(exchange)).await })
    }
}
