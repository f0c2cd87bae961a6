//! A bank that answers when it is told to, and keeps a book. It knows a payment's key by its amount.

use super::reference::unheard;
use gateway_acquirers::Ports;
use gateway_core::acquirer::{
    Abilities, Able, Acquirer, AcquirerRequest, Answer, Approval, Decline, DeclineCode, Link, Permit, Verb,
};
use gateway_core::money::Money;
use gateway_core::ports::BoxFuture;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::oneshot;

/// What a payment under a key costs, in minor units.
pub fn price(key: u8, body: u8) -> i64 {
    1_000 + i64::from(key) * 100 + i64::from(body)
}

fn key_of(amount_minor: i64) -> u8 {
    u8::try_from((amount_minor - 1_000) / 100).expect("made from a key")
}

struct Line {
    key: u8,
    amount: Money,
    approved: Option<bool>,
    waiting: Option<oneshot::Sender<bool>>,
}

/// The book, which outlives every process.
#[derive(Default)]
pub struct Bank {
    lines: Mutex<BTreeMap<u64, Line>>,
}

impl Bank {
    fn lines(&self) -> MutexGuard<'_, BTreeMap<u64, Line>> {
        self.lines.lock().expect("nothing panics while it holds this lock")
    }

    /// How many payments were asked for under a key.
    pub fn asked(&self, key: u8) -> usize {
        self.lines().values().filter(|line| line.key == key).count()
    }

    /// How a key's payment was decided.
    pub fn approved(&self, key: u8) -> Option<bool> {
        self.lines().values().find(|line| line.key == key).and_then(|line| line.approved)
    }

    /// Answers what waits under a key.
    pub fn decide(&self, key: u8, approve: bool) {
        for line in self.lines().values_mut().filter(|line| line.key == key) {
            line.approved = Some(approve);
            if let Some(waiting) = line.waiting.take() {
                waiting.send(approve).expect("its sender still waits");
            }
        }
    }

    fn inquired(&self, reference: u64) -> Answer {
        match self.lines().get_mut(&reference) {
            None => Answer::NotFound,
            Some(line) => {
                let approved = *line.approved.get_or_insert(unheard(line.key));
                said(line.amount, approved)
            }
        }
    }
}

fn said(amount: Money, approved: bool) -> Answer {
    if approved {
        return Answer::Approved(Approval {
            amount,
            reference: "".into(),
            authorization_code: "123456".into(),
            network_transaction_id: None,
            cvc_check: None,
        });
    }
    let (code, network_code) = (DeclineCode::DoNotHonor, "05".to_owned());
    Answer::Declined(Decline { code, network_code: network_code.into(), cvc_check: None })
}

/// The bank as one process sees it.
pub struct Counter(pub Arc<Bank>);

impl Counter {
    async fn exchange(&self, request: AcquirerRequest) -> Answer {
        match &request.verb {
            Verb::Inquire(original) => self.0.inquired(original.trace.reference),
            Verb::Sale => {
                let (sender, receiver) = oneshot::channel();
                let (key, amount) = (key_of(request.amount.minor), request.amount);
                let line = Line { key, amount, approved: None, waiting: Some(sender) };
                let known = self.0.lines().insert(request.trace.reference, line);
                assert!(known.is_none(), "{} was sent twice", request.trace.reference);
                let limit = Duration::from_millis(request.timeout_ms);
                match tokio::time::timeout(limit, receiver).await {
                    Ok(Ok(approved)) => said(request.amount, approved),
                    Ok(Err(_)) | Err(_) => Answer::Unknown("no answer".to_owned()),
                }
            }
            other => panic!("nothing here asks for {other:?}"),
        }
    }
}

impl Acquirer for Counter {
    fn name(&self) -> &str {
        "bank"
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            inquiry: Able::Yes,
            partial_capture: Able::Yes,
            multiple_capture: Able::Yes,
            incremental: Able::Yes,
            repeat_window_ms: 86_400_000,
            max_delay_ms: 6_000,
        }
    }

    fn link(&self) -> Link {
        Link::Up
    }

    fn send<'a>(&'a self, permit: Permit, request: AcquirerRequest) -> BoxFuture<'a, Answer> {
        assert!(permit.covers(&request));
        Box::pin(self.exchange(request))
    }
}

/// The one acquirer of a process.
pub fn target(bank: &Arc<Bank>, _ports: &Ports) -> gateway::routing::Target {
    use gateway_core::tenant::Mode;
    let acquirer = Arc::new(Counter(Arc::clone(bank)));
    gateway::routing::Target { acquirer, modes: vec![Mode::Test], timeout_ms: 5_000 }
}
