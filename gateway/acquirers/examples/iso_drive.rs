//! Drives an ISO 8583 host through the adapter: `iso_drive ADDRESS COUNT [AT_A_TIME]` sends COUNT mixed messages and checks every
//! answer; `iso_drive self COUNT [AT_A_TIME]` does so against a host of its own in this process. Exit code 1 on a mismatch.
//!
//! Each round is an authorization; then, in turn, captures in two parts, a refund, a void, a reversal, or nothing.

use gateway_acquirers::Ports;
use gateway_acquirers::host::{Host, HostPorts};
use gateway_acquirers::iso8583::{Iso8583, Settings};
use gateway_acquirers::tasks::TokioTasks;
use gateway_core::acquirer::{
    Acquirer, AcquirerRequest, Answer, Approval, CustomerPresence, DeclineCode, FinalCapture, LateAnswer,
    LateAnswers, Link, Original, OriginalKind, Permit, Trace, Transmission, Verb,
};
use gateway_core::card::{CardInClear, Cvc, Pan};
use gateway_core::id::{Id, MerchantId};
use gateway_core::money::{Currency, Money};
use gateway_core::ports::{BoxFuture, Clock, Random, SequenceError, Sequences};
use gateway_core::tenant::{Mode, Tenant};
use gateway_core::time::Timestamp;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The world of this program: the system's clock, a counter for the rest.
#[derive(Default)]
struct World {
    counter: AtomicU64,
    late: AtomicU64,
}

impl Clock for World {
    #[allow(clippy::disallowed_methods, reason = "this is the program's implementation of the port")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic_ns(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }
}

impl Random for World {
    fn fill(&self, out: &mut [u8]) {
        out.fill_with(|| self.counter.fetch_add(97, Ordering::Relaxed).to_le_bytes()[0]);
    }
}

impl Sequences for World {
    fn next<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<u64, SequenceError>> {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(number + 1)))
    }
}

impl LateAnswers for World {
    fn arrived(&self, _answer: LateAnswer) {
        self.late.fetch_add(1, Ordering::Relaxed);
    }
}

/// What went wrong, in words.
type Mismatch = String;

struct Driver {
    acquirer: Arc<Iso8583>,
    world: Arc<World>,
    numbers: AtomicU64,
    sent: AtomicU64,
}

impl Driver {
    async fn send(&self, verb: Verb, minor: i64, pan: &str) -> (Trace, Answer) {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let trace = Trace::from_sequence(number, self.world.now());
        let cvc = matches!(verb, Verb::Authorize).then(|| Cvc::new("737"));
        let request = AcquirerRequest {
            tenant: Tenant { merchant: MerchantId(Id(1)), mode: Mode::Test },
            merchant_name: "Tollgate Books".to_owned(),
            trace,
            transmission: Transmission::First,
            amount: Money::new(minor, Currency::USD),
            card: Some(CardInClear { pan: Pan::new(pan), exp_month: 12, exp_year: 2029, cvc }),
            wallet: None,
            verb,
            customer: CustomerPresence::Present,
            timeout_ms: 10_000,
        };
        self.sent.fetch_add(1, Ordering::Relaxed);
        (trace, self.acquirer.send(Permit::for_test(&request), request).await)
    }

    async fn approve(&self, verb: Verb, minor: i64) -> Result<Approval, Mismatch> {
        let what = format!("{verb:?}");
        match self.send(verb, minor, "4242424242424242").await.1 {
            Answer::Approved(approval) if approval.amount.minor == minor => Ok(approval),
            other => Err(format!("{what} of {minor}: {other:?}")),
        }
    }

    async fn round(&self, round: u64) -> Result<(), Mismatch> {
        let minor = 1_000 + i64::try_from(round % 500).unwrap_or_default();
        if round % 7 == 6 {
            let (_, answer) = self.send(Verb::Authorize, minor, "4000000000009995").await;
            return match answer {
                Answer::Declined(decline) if decline.code == DeclineCode::InsufficientFunds => Ok(()),
                other => Err(format!("a card without funds: {other:?}")),
            };
        }
        let (trace, answer) = self.send(Verb::Authorize, minor, "4242424242424242").await;
        let Answer::Approved(approval) = answer else { return Err(format!("authorize: {answer:?}")) };
        let amount = Money::new(minor, Currency::USD);
        let hold = Original { kind: OriginalKind::Authorize, trace, amount, approval: Some(approval) };
        match round % 7 {
            0 | 1 => {
                let part = Verb::Capture { original: hold.clone(), last: FinalCapture::No };
                self.approve(part, 400).await?;
                let rest = Verb::Capture { original: hold.clone(), last: FinalCapture::Yes };
                self.approve(rest, minor - 400).await?;
                self.approve(Verb::Refund(hold), 300).await?;
            }
            2 => drop(self.approve(Verb::Void(hold), minor).await?),
            3 => {
                let unanswered = Original { approval: None, ..hold };
                self.approve(Verb::Reverse(unanswered), minor).await?;
            }
            4 => drop(self.approve(Verb::Reverse(hold), 250).await?),
            _ => {}
        }
        Ok(())
    }
}

async fn drive(driver: Arc<Driver>, count: u64, at_a_time: u64) -> Result<(), Mismatch> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while driver.acquirer.link() != Link::Up {
        if Instant::now() > deadline {
            return Err("no sign-on within ten seconds".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let rounds = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let mut workers: tokio::task::JoinSet<Result<(), Mismatch>> = tokio::task::JoinSet::new();
    for _ in 0..at_a_time {
        let (driver, rounds) = (Arc::clone(&driver), Arc::clone(&rounds));
        workers.spawn(async move {
            while driver.sent.load(Ordering::Relaxed) < count {
                driver.round(rounds.fetch_add(1, Ordering::Relaxed)).await?;
            }
            Ok(())
        });
    }
    while let Some(done) = workers.join_next().await {
        done.map_err(|error| error.to_string())??;
    }
    let (sent, took) = (driver.sent.load(Ordering::Relaxed), start.elapsed());
    let a_second = u128::from(sent) * 1_000_000 / took.as_micros().max(1);
    println!(
        "{sent} messages, no mismatch, {a_second} a second, {} late",
        driver.world.late.load(Ordering::Relaxed)
    );
    Ok(())
}

async fn run(words: &[String]) -> Result<(), Mismatch> {
    let usage = || "usage: iso_drive ADDRESS|self COUNT [AT_A_TIME]".to_owned();
    let [address, count, rest @ ..] = words else { return Err(usage()) };
    let count = count.parse().map_err(|_| usage())?;
    let at_a_time = rest.first().map_or(Ok(32), |word| word.parse()).map_err(|_| usage())?;
    let world = Arc::new(World::default());
    let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (world.clone(), world.clone());
    let tasks = Arc::new(TokioTasks);
    let ports = Ports { clock, random, sequences: world.clone(), late: world.clone(), tasks };
    let mut address = address.clone();
    if address == "self" {
        let listener =
            tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        address = listener.local_addr().map_err(|error| error.to_string())?.to_string();
        let host = Host::new(Default::default(), HostPorts::from(&ports), None)
            .map_err(|error| error.to_string())?;
        ports.tasks.spawn("host", Box::pin(async move { drop(host.serve(listener).await) }));
    }
    let settings = Settings { connections: 2, ..Settings::at(&address) };
    let acquirer = Iso8583::connect("bank-a", settings, &ports)?;
    // References that no earlier run used, so that a host with a long memory takes them for new.
    let first = u64::try_from(world.now().0).unwrap_or_default() % 1_000_000_000 * 1_000;
    let driver = Driver { acquirer, world, numbers: AtomicU64::new(first), sent: AtomicU64::new(0) };
    drive(Arc::new(driver), count, at_a_time).await
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("the system gives threads");
    match runtime.block_on(run(&words)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(mismatch) => {
            eprintln!("{mismatch}");
            ExitCode::FAILURE
        }
    }
}
