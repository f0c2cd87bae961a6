//! A process that can be ended and followed by another over the same store, and a bank that does as each test says.

use super::support::{Gateway, another_key, app_over, quick};
use gateway::app::App;
use gateway::routing::Target;
use gateway_core::acquirer::{
    Abilities, Able, Acquirer, AcquirerRequest, Answer, Approval, LateAnswer, LateAnswers, Link, Original,
    OriginalKind, Permit, Trace, Transmission, Verb,
};
use gateway_core::ports::{BoxFuture, Clock};
use gateway_core::tenant::Mode;
use gateway_core::time::Timestamp;
use gateway_store::Memory;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a bank does with a message; `None`: it never answers.
pub type Judge = Box<dyn Fn(&AcquirerRequest) -> Option<Answer> + Send + Sync>;

/// A message that a bank got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    pub verb: &'static str,
    pub trace: Trace,
    /// The message that it is about.
    pub about: Option<u64>,
    pub transmission: Transmission,
}

/// A bank of one's own.
pub struct Bank {
    name: &'static str,
    abilities: Abilities,
    judge: Mutex<Arc<Judge>>,
    got: Mutex<Vec<Got>>,
}

/// Can do everything, and has heard everything that it will ever hear.
pub const ABLE: Abilities = Abilities {
    inquiry: Able::Yes,
    partial_capture: Able::Yes,
    multiple_capture: Able::Yes,
    incremental: Able::Yes,
    repeat_window_ms: 86_400_000,
    max_delay_ms: 0,
};

impl Bank {
    pub fn new(
        name: &'static str,
        abilities: Abilities,
        judge: impl Fn(&AcquirerRequest) -> Option<Answer> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let judge = Mutex::new(Arc::new(Box::new(judge) as Judge));
        Arc::new(Self { name, abilities, judge, got: Mutex::default() })
    }

    /// From now on it does this.
    pub fn become_one_that(
        &self,
        judge: impl Fn(&AcquirerRequest) -> Option<Answer> + Send + Sync + 'static,
    ) {
        *self.judge.lock().unwrap() = Arc::new(Box::new(judge));
    }

    /// The messages of this verb that it got.
    pub fn got(&self, verb: &str) -> Vec<Got> {
        self.got.lock().unwrap().iter().filter(|got| got.verb == verb).cloned().collect()
    }

    /// Waits until it got so many messages of this verb.
    pub async fn wait_for(&self, verb: &str, count: usize) -> Vec<Got> {
        for _try in 0..500 {
            let got = self.got(verb);
            if got.len() >= count {
                return got;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{count} of {verb}, not {:?}", self.got.lock().unwrap());
    }
}

const fn split(verb: &Verb) -> (&'static str, Option<&Original>) {
    match verb {
        Verb::Authorize => ("authorize", None),
        Verb::Sale => ("sale", None),
        Verb::Verify => ("verify", None),
        Verb::Increment(about) => ("increment", Some(about)),
        Verb::Capture { original, .. } => ("capture", Some(original)),
        Verb::Void(about) => ("void", Some(about)),
        Verb::Refund(about) => ("refund", Some(about)),
        Verb::Reverse(about) => ("reverse", Some(about)),
        Verb::Inquire(about) => ("inquire", Some(about)),
    }
}

/// The word for a message.
pub fn verb(request: &AcquirerRequest) -> &'static str {
    split(&request.verb).0
}

/// A yes to all that is asked.
pub fn yes(request: &AcquirerRequest) -> Option<Answer> {
    Some(Answer::Approved(approval(request)))
}

pub fn approval(request: &AcquirerRequest) -> Approval {
    Approval {
        amount: request.amount,
        reference: "A-1".into(),
        authorization_code: "004711".into(),
        network_transaction_id: None,
        cvc_check: None,
    }
}

impl Acquirer for Bank {
    fn name(&self) -> &str {
        self.name
    }

    fn abilities(&self) -> Abilities {
        self.abilities
    }

    fn link(&self) -> Link {
        Link::Up
    }

    fn send<'a>(&'a self, permit: Permit, request: AcquirerRequest) -> BoxFuture<'a, Answer> {
        assert!(permit.covers(&request));
        let (verb, about) = split(&request.verb);
        let about = about.map(|about| about.trace.reference);
        let (trace, transmission) = (request.trace, request.transmission);
        self.got.lock().unwrap().push(Got { verb, trace, about, transmission });
        Box::pin(async move {
            let judge = Arc::clone(&*self.judge.lock().unwrap());
            if let Some(answer) = judge(&request) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(request.timeout_ms)).await;
            Answer::Unknown("silence".to_owned())
        })
    }
}

/// A clock that a test can set.
pub struct Settable {
    pub wall_ms: AtomicI64,
    began: Instant,
}

impl Settable {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { wall_ms: AtomicI64::new(1_700_000_000_000), began: Instant::now() })
    }

    /// Sets it on, or back.
    pub fn shift(&self, ms: i64) {
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Settable {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.began.elapsed().as_millis()).unwrap();
        Timestamp(self.wall_ms.load(Ordering::SeqCst) + passed)
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap()
    }
}

/// What outlives a process.
pub struct House {
    pub store: Arc<Memory>,
    pub clock: Arc<Settable>,
    keyring: crypto::keyring::Keyring,
    key: Mutex<Option<String>>,
}

impl House {
    pub fn new() -> Self {
        let keyring = crypto::keyring::Keyring::ephemeral(0, &crypto::random::System);
        let (store, key) = (Arc::new(Memory::new()), Mutex::default());
        Self { store, clock: Settable::new(), keyring, key }
    }

    /// Starts a process with these banks.
    pub async fn start(&self, banks: &[&Arc<Bank>]) -> Gateway {
        let targets: Vec<Target> = banks
            .iter()
            .map(|bank| Target {
                acquirer: Arc::clone(bank) as Arc<dyn Acquirer>,
                modes: vec![Mode::Test, Mode::Live],
                timeout_ms: 200,
            })
            .collect();
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let make = Box::new(move |_ports: &gateway_acquirers::Ports| Ok(targets));
        let store = Arc::clone(&self.store);
        let app: App = app_over(store, make, quick(), (&self.keyring, clock)).await;
        let known = self.key.lock().unwrap().clone();
        let key = match known {
            Some(key) => key,
            None => another_key(&app, "First shop", Mode::Test).await,
        };
        *self.key.lock().unwrap() = Some(key.clone());
        Gateway { app, key }
    }
}

/// Ends a process in the midst of what it does: nothing more comes of it.
pub async fn end(g: Gateway) {
    g.app.shut_down(Duration::ZERO).await;
}

/// The peer's approval of a message comes when nobody waits for it.
pub fn approve_late(g: &Gateway, acquirer: &str, trace: Trace, amount: gateway_core::Money) {
    let answer = Answer::Approved(Approval {
        amount,
        reference: "late".into(),
        authorization_code: "".into(),
        network_transaction_id: None,
        cvc_check: None,
    });
    let acquirer = acquirer.to_owned();
    g.app.engine.late.arrived(LateAnswer {
        acquirer: acquirer.into(),
        trace,
        kind: OriginalKind::Authorize,
        answer,
    });
}
