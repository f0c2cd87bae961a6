//! A whole application in this process, and a client that speaks forms.

use bytes::Bytes;
use gateway::admit::merchants::KeyRequest;
use gateway::app::{App, MakeAcquirers, Plan, World};
use gateway::engine::Settings;
use gateway::exchange::{Exchange, Reply, Service};
use gateway::scoring::{Policy, Scoring};
use gateway::world::{SystemClock, SystemRandom, TimeOrderedIds};
use gateway_core::id::RequestId;
use gateway_core::journal::Journal;
use gateway_core::ports::{Clock, Ids, Random};
use gateway_core::record::KeyKind;
use gateway_core::tenant::Mode;
use gateway_store::Memory;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// An application under test.
pub struct Gateway {
    pub app: App,
    pub key: String,
}

/// An answer, read.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub bytes: Bytes,
    pub headers: Vec<(String, String)>,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }

    /// A text of the body by its path.
    pub fn text(&self, pointer: &str) -> &str {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{pointer} in {}", self.body))
    }

    /// A number of the body by its path.
    pub fn number(&self, pointer: &str) -> i64 {
        self.body
            .pointer(pointer)
            .and_then(Value::as_i64)
            .unwrap_or_else(|| panic!("{pointer} in {}", self.body))
    }

    /// Fails unless the status is 200.
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.body);
        self
    }

    /// Fails unless it is an error of this status and code.
    pub fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.text("/error/code"), code, "{}", self.body);
        self
    }
}

pub fn rate(a_second: u32) -> NonZeroU32 {
    NonZeroU32::new(a_second).unwrap()
}

/// Builds one over this store and these acquirers.
pub async fn gateway_over(store: Arc<dyn Journal>, acquirers: MakeAcquirers, settings: Settings) -> Gateway {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let keyring = crypto::keyring::Keyring::ephemeral(0, &crypto::random::System);
    let app = app_over(store, acquirers, settings, (&keyring, clock)).await;
    let key = another_key(&app, "First shop", Mode::Test).await;
    Gateway { app, key }
}

/// Builds an application as one process after another would be, over what the one before has left.
pub async fn app_over(
    store: Arc<dyn Journal>,
    acquirers: MakeAcquirers,
    settings: Settings,
    (keyring, clock): (&crypto::keyring::Keyring, Arc<dyn Clock>),
) -> App {
    let vault = crypto::Vault::new(keyring);
    let scoring = scoring_of(quiet_model(), &vault);
    build((store, vault, scoring), (acquirers, settings), clock).await
}

fn scoring_of(model: risk::model::Model, vault: &crypto::Vault) -> Arc<Scoring> {
    let policy = Policy { thresholds: risk::verdict::Thresholds::default(), spare_showcase: true };
    Arc::new(Scoring::new(model, policy, vault).unwrap())
}

/// Builds one whose scorer remembers what happens, as in a process.
pub async fn remembering(model: risk::model::Model) -> Gateway {
    remembering_by(model, Arc::new(SystemClock::default())).await
}

/// The same, by this clock.
pub async fn remembering_by(model: risk::model::Model, clock: Arc<dyn Clock>) -> Gateway {
    let simulated = gateway::app::simulated("simulated", gateway_acquirers::simulated::Settings::default());
    remembering_at(model, simulated, clock).await
}

/// The same, with these acquirers.
pub async fn remembering_at(
    model: risk::model::Model,
    acquirers: MakeAcquirers,
    clock: Arc<dyn Clock>,
) -> Gateway {
    let vault = crypto::Vault::new(&crypto::keyring::Keyring::ephemeral(0, &crypto::random::System));
    let scoring = scoring_of(model, &vault);
    let observer: Arc<dyn gateway_core::journal::Observer> = Arc::clone(&scoring) as _;
    let store: Arc<dyn Journal> = Arc::new(Memory::observed(observer));
    let app = build((store, vault, scoring), (acquirers, quick()), clock).await;
    let key = another_key(&app, "First shop", Mode::Test).await;
    Gateway { app, key }
}

async fn build(
    (store, vault, scoring): (Arc<dyn Journal>, crypto::Vault, Arc<Scoring>),
    (acquirers, settings): (MakeAcquirers, Settings),
    clock: Arc<dyn Clock>,
) -> App {
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let ids: Arc<dyn Ids> = Arc::new(TimeOrderedIds::new(Arc::clone(&clock), Arc::clone(&random)));
    let plan = Plan {
        world: World { clock, random, ids },
        journal: store,
        vault,
        scoring,
        acquirers,
        settings,
        tasks: gateway::tasks::Tasks::default(),
        rates: (rate(1_000_000), rate(1_000_000)),
    };
    App::build(plan).await.unwrap()
}

/// A card number of this range (six digits) and account (nine digits), with the digit that completes it.
pub fn numbered(range: u64, account: u64) -> String {
    let digits = format!("{range:06}{account:09}");
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let doubled = u32::from(digit - b'0') << (1 - place % 2);
            doubled / 10 + doubled % 10
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// A model that finds nothing risky: these tests are about payments, not about scores.
pub fn quiet_model() -> risk::model::Model {
    use risk::model::{Body, Calibration, Golden, ModelFile, SCHEMA, ScoreKnot, Training};
    let features = risk::features::streaming_names().to_vec();
    let knot = |log_odds: f64, score: f64| ScoreKnot { log_odds, score };
    let golden = vec![Golden { features: vec![None; features.len()], log_odds: -5.0 }];
    let file = ModelFile {
        schema: SCHEMA,
        version: "quiet".to_owned(),
        positive_class: "fraud".to_owned(),
        feature_set: "streaming".to_owned(),
        features,
        body: Body::Logistic {
            intercept: -5.0,
            terms: Vec::new(),
            crosses: Vec::new(),
            calibration: Calibration { slope: 1.0, intercept: 0.0 },
        },
        risk_score: vec![knot(-10.0, 0.0), knot(10.0, 100.0)],
        training: Training::default(),
        metrics: std::collections::BTreeMap::new(),
        golden,
        checksum: String::new(),
    };
    risk::model::Model::seal(file).unwrap()
}

/// Builds one with the defaults.
pub async fn gateway() -> Gateway {
    let simulated = gateway::app::simulated("simulated", gateway_acquirers::simulated::Settings::default());
    gateway_over(Arc::new(Memory::new()), simulated, quick()).await
}

/// Settings that do not wait long.
pub fn quick() -> Settings {
    Settings { wait: Duration::from_secs(5), resolve_every: Duration::from_millis(20), ..Settings::default() }
}

/// Makes a merchant with a secret key.
pub async fn another_key(app: &App, name: &str, mode: Mode) -> String {
    let engine = &app.engine;
    let merchant = engine.merchants.create(name, (&*engine.clock, &*engine.ids)).await.unwrap();
    let request = KeyRequest { merchant: merchant.id, mode, kind: KeyKind::Secret, scopes: Vec::new() };
    let world = (&*engine.clock, &*engine.ids, &*engine.random);
    engine.merchants.create_key(request, world).await.unwrap().secret
}

static REQUESTS: AtomicU64 = AtomicU64::new(1);

/// A request with its parts at hand.
#[derive(Clone)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub key: Option<String>,
    pub idempotency_key: Option<String>,
    pub content_type: Option<&'static str>,
    pub body: Bytes,
    /// One more header.
    pub extra: Option<(&'static str, String)>,
}

impl Gateway {
    /// A form POST with this gateway's key.
    pub fn form(&self, path: &str, body: &str) -> Request {
        Request {
            method: Method::POST,
            path: path.to_owned(),
            key: Some(self.key.clone()),
            idempotency_key: None,
            content_type: Some("application/x-www-form-urlencoded"),
            body: Bytes::copy_from_slice(body.as_bytes()),
            extra: None,
        }
    }

    /// Sends a form.
    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.send(self.form(path, body)).await
    }

    /// Sends a form under a key.
    pub async fn post_keyed(&self, path: &str, body: &str, key: &str) -> Answer {
        self.send(Request { idempotency_key: Some(key.to_owned()), ..self.form(path, body) }).await
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request { method: Method::GET, content_type: None, ..self.form(path, "") }).await
    }

    /// Lets these rules speak: name, action, condition.
    pub fn rules(&self, rules: &[(&str, gateway::scoring::rules::Does, &str)]) {
        use gateway::scoring::rules::{Rules, Setting};
        let setting = |(name, action, when): &(&str, _, &str)| Setting {
            name: (*name).to_owned(),
            action: *action,
            when: (*when).to_owned(),
        };
        let settings: Vec<Setting> = rules.iter().map(setting).collect();
        let policy = Policy { thresholds: risk::verdict::Thresholds::default(), spare_showcase: true };
        self.app.engine.scoring.conduct(policy, Rules::new(&settings).unwrap());
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Request { method: Method::DELETE, content_type: None, ..self.form(path, "") }).await
    }

    /// Sends anything.
    pub async fn send(&self, request: Request) -> Answer {
        read(self.app.api.call(Box::new(exchange(request))).await)
    }

    /// Creates and confirms a payment.
    pub async fn pay(&self, amount: i64, card: &str, more: &str) -> Answer {
        self.post(
            "/v1/payment_intents",
            &format!("amount={amount}&currency=usd&confirm=true&payment_method={card}{more}"),
        )
        .await
    }

    /// All transitions of a payment.
    pub async fn history(&self, id: &str) -> Vec<gateway_core::payment::Recorded> {
        let engine = &self.app.engine;
        let tenant = engine.merchants.caller(&self.key).await.unwrap().unwrap().tenant;
        engine.journal.history(tenant, id.parse().unwrap()).await.unwrap()
    }

    /// Waits until nothing of a payment is outstanding.
    pub async fn settle(&self, id: &str) {
        for _try in 0..500 {
            let mut payment = None;
            for recorded in self.history(id).await {
                gateway_core::payment::apply(&mut payment, &recorded.event);
            }
            if payment.is_some_and(|payment| payment.open.is_empty()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{id} never settles");
    }

    /// Asks again until the pointer holds the text, for two seconds at most.
    pub async fn until(&self, path: &str, pointer: &str, wanted: &str) -> Answer {
        for _try in 0..200 {
            let answer = self.get(path).await.ok();
            if answer.text(pointer) == wanted {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{path} never came to {wanted}: {}", self.get(path).await.body);
    }
}

/// As the edge hands it in.
pub fn exchange(request: Request) -> Exchange {
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: Option<String>| {
        if let Some(value) = value {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
        }
    };
    put("authorization", request.key.map(|key| format!("Bearer {key}")));
    put("idempotency-key", request.idempotency_key);
    put("content-type", request.content_type.map(str::to_owned));
    if let Some((name, value)) = request.extra {
        put(name, Some(value));
    }
    let (path, query) = match request.path.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (request.path, None),
    };
    let number = u128::from(REQUESTS.fetch_add(1, Ordering::Relaxed));
    Exchange {
        request_id: RequestId(gateway_core::id::Id(number)),
        method: request.method,
        path,
        query,
        headers,
        body: request.body,
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

fn read(reply: Reply) -> Answer {
    let headers = reply
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let body = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
    Answer { status: reply.status, body, bytes: reply.body, headers }
}
