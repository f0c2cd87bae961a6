//! Messages to acquirers, and the ports that adapters need, for tests.

use gateway_acquirers::Ports;
use gateway_acquirers::tasks::TokioTasks;
use gateway_core::acquirer::{
    AcquirerRequest, Answer, Approval, CustomerPresence, FinalCapture, LateAnswer, LateAnswers, Original,
    OriginalKind, Trace, Transmission, Verb,
};
use gateway_core::card::{CardInClear, Cvc, Pan};
use gateway_core::id::{Id, MerchantId};
use gateway_core::money::{Currency, Money};
use gateway_core::ports::{BoxFuture, Clock, Random, SequenceError, Sequences};
use gateway_core::tenant::{Mode, Tenant};
use gateway_core::time::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// 2026-11-21 09:30:00 UTC.
pub const NOW: Timestamp = Timestamp(1_795_253_400_000);
pub const VISA: &str = "4242424242424242";

pub fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

pub fn trace(number: u64) -> Trace {
    Trace::from_sequence(number, NOW)
}

pub fn card(number: &str) -> CardInClear {
    CardInClear { pan: Pan::new(number), exp_month: 12, exp_year: 2029, cvc: Some(Cvc::new("737")) }
}

/// A message with a card, 2 seconds and 10.00 USD.
pub fn request(number: u64, verb: Verb) -> AcquirerRequest {
    AcquirerRequest {
        tenant: Tenant { merchant: MerchantId(Id(7)), mode: Mode::Test },
        merchant_name: "Tollgate Books".to_owned(),
        trace: trace(number),
        transmission: Transmission::First,
        amount: usd(1_000),
        card: Some(card(VISA)),
        wallet: None,
        verb,
        customer: CustomerPresence::Present,
        timeout_ms: 2_000,
    }
}

/// The same message as one that its peer may have seen.
pub fn repeated(number: u64, verb: Verb) -> AcquirerRequest {
    AcquirerRequest { transmission: Transmission::Repeat, ..request(number, verb) }
}

/// An authorization of 10.00 USD as its sender knows it.
pub fn original(number: u64, approval: Option<Approval>) -> Original {
    Original { kind: OriginalKind::Authorize, trace: trace(number), amount: usd(1_000), approval }
}

pub fn capture(original: Original) -> Verb {
    Verb::Capture { original, last: FinalCapture::No }
}

/// The approval, or the test fails with what came instead.
pub fn approved(answer: Answer) -> Approval {
    match answer {
        Answer::Approved(approval) => approval,
        other => panic!("expected an approval, got {other:?}"),
    }
}

/// A world for tests: a still clock, a counter for randomness and sequences, a list for late answers.
#[derive(Default)]
pub struct World {
    counter: AtomicU64,
    late: Mutex<Vec<LateAnswer>>,
}

impl World {
    pub fn ports(self: &Arc<World>) -> Ports {
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (self.clone(), self.clone());
        Ports { clock, random, sequences: self.clone(), late: self.clone(), tasks: Arc::new(TokioTasks) }
    }

    pub fn late(&self) -> Vec<LateAnswer> {
        self.late.lock().expect("no test panics while it holds this").clone()
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn monotonic_ns(&self) -> u64 {
        self.counter.fetch_add(1_000, Ordering::Relaxed)
    }
}

impl Random for World {
    fn fill(&self, out: &mut [u8]) {
        out.fill_with(|| self.counter.fetch_add(7, Ordering::Relaxed).to_le_bytes()[0]);
    }
}

impl Sequences for World {
    fn next<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<u64, SequenceError>> {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(number + 1)))
    }
}

impl LateAnswers for World {
    fn arrived(&self, answer: LateAnswer) {
        self.late.lock().expect("no test panics while it holds this").push(answer);
    }
}
