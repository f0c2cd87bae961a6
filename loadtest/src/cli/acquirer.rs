//! `loadtest acquirer`.

use crate::failure::{Failure, Result};
use crate::random::Random;
use crate::upstream::Upstream;
use gateway_acquirers::host::dialect::Dialect;
use gateway_acquirers::host::wallet::{Customers, Notifying, Operator, Post};
use gateway_acquirers::host::{Host, HostPorts, Settings};
use gateway_acquirers::tasks::TokioTasks;
use gateway_core::ports;
use gateway_core::time::Timestamp;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Be an acquirer's host, with a book of its own: the independent witness of load and crash tests.
///
/// Every line of the book is appended before its answer leaves:
/// {"at","op","reference","amount_minor","currency","result","id","original"}, with `op` authorize, capture, refund, reverse or
/// void. A book that is there is continued.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where to listen; port 0 picks a free one. Loopback only: the host believes everyone.
    #[arg(long, default_value = "127.0.0.1:9583")]
    listen: SocketAddr,
    /// What it speaks.
    #[arg(long, value_enum, default_value = "iso8583")]
    protocol: Protocol,
    /// The book; kept in memory alone if not given.
    #[arg(long, value_name = "FILE.jsonl")]
    book: Option<PathBuf>,
    /// Latency and scripted faults, TOML: `[latency] fixed_ms, spread_ms, tail_per_million, tail_ms`, and any number of
    /// `[[fault]]` with kind (reset, reset_after, partial_answer, lost, silent, late, doubled, anothers, garbage, other_amount,
    /// respond), per_million, times, messages, card, from_ms, until_ms, delay_ms, code. Messages are types as "0100", or with
    /// stripe create, confirm, capture, cancel, increment, refund, retrieve; with wallet create, retrieve, reverse, refund,
    /// retrieve_refund, reverse_refund, and notify (lost, doubled, late, or garbage: forged). With wallet `[customer]` says what
    /// customers do: after_ms, decline_per_million, absent_per_million.
    #[arg(long, value_name = "FILE.toml")]
    faults: Option<PathBuf>,
    /// With wallet: where notifications go, https://host:port/notifications/NAME; without it none are sent
    #[arg(long, value_name = "URL", requires = "notify_secret")]
    notify: Option<String>,
    /// What notifications are signed with (whsec_...)
    #[arg(long, value_name = "env:NAME|file:PATH")]
    notify_secret: Option<String>,
    /// The authority of the gateway's certificate, PEM
    #[arg(long, value_name = "FILE")]
    notify_ca: Option<PathBuf>,
    /// The same seed draws the same latencies and faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the address here when connections are accepted.
    #[arg(long)]
    ready_file: Option<PathBuf>,
    /// End when standard input ends, so as not to outlive whoever started it.
    #[arg(long)]
    until_stdin_ends: bool,
}

/// What a host speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Protocol {
    /// ISO 8583:1987, profile tollgate-1987, over TCP.
    Iso8583,
    /// The merchants' dialect over HTTP, in the clear because it is loopback.
    Stripe,
    /// An operator of wallets, over HTTP in the clear, with signed notifications.
    Wallet,
}

impl Protocol {
    const fn what(self) -> &'static str {
        match self {
            Protocol::Iso8583 => "an ISO 8583 host",
            Protocol::Stripe => "an upstream that speaks the dialect",
            Protocol::Wallet => "an operator of wallets",
        }
    }
}

/// The system's time.
struct SystemClock {
    begun: Instant,
}

impl ports::Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Seeded randomness for latencies and faults.
struct Seeded(Mutex<Random>);

impl ports::Random for Seeded {
    fn fill(&self, out: &mut [u8]) {
        let mut random = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&random.bits().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// The script, and what customers do.
fn settings(path: Option<&Path>, protocol: Protocol) -> Result<(Settings, Customers)> {
    let Some(path) = path else { return Ok((Settings::default(), Customers::default())) };
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::file("reading the faults", path, &error))?;
    let wrong = |error: toml::de::Error| Failure::usage(format!("{}:\n{error}", path.display()));
    let mut table: toml::Table = toml::from_str(&text).map_err(wrong)?;
    let customer = if protocol == Protocol::Wallet { table.remove("customer") } else { None };
    let customers =
        customer.map_or_else(|| Ok(Customers::default()), toml::Value::try_into).map_err(wrong)?;
    // Without customers the text itself is read, since it shows where it is wrong.
    let settings = if protocol == Protocol::Wallet { table.try_into() } else { toml::from_str(&text) };
    Ok((settings.map_err(wrong)?, customers))
}

impl Arguments {
    /// Serves until the process ends.
    pub fn run(self) -> Result<()> {
        if !self.listen.ip().is_loopback() {
            return Err(Failure::usage(format!(
                "{} is not loopback: this host believes everyone",
                self.listen
            )));
        }
        if self.until_stdin_ends {
            std::thread::spawn(|| {
                let mut rest = Vec::new();
                let _ended = std::io::stdin().lock().take(1 << 20).read_to_end(&mut rest);
                std::process::exit(0);
            });
        }
        let ports = HostPorts {
            clock: Arc::new(SystemClock { begun: Instant::now() }),
            random: Arc::new(Seeded(Mutex::new(Random::new(self.seed, 0xACC)))),
            tasks: Arc::new(TokioTasks),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Failure::failed(format!("no runtime: {error}")))?;
        runtime.block_on(self.serve(ports))
    }

    /// Whom to tell of what customers did, if anybody.
    fn notifying(&self) -> Result<Option<Notifying>> {
        let (Some(url), Some(reference)) = (&self.notify, &self.notify_secret) else { return Ok(None) };
        let ca = self.notify_ca.as_ref().map(|path| format!("file:{}", path.display()));
        let post = Post::to(url, ca.as_deref());
        let post = post.map_err(|why| Failure::usage(format!("--notify: {why}")))?;
        let notifying = post.signing(reference);
        notifying.map(Some).map_err(|why| Failure::usage(format!("--notify-secret: {why}")))
    }

    async fn serve(self, ports: HostPorts) -> Result<()> {
        let (settings, customers) = settings(self.faults.as_deref(), self.protocol)?;
        let notifying = self.notifying()?;
        let failed =
            |error: std::io::Error| Failure::failed(format!("listening on {}: {error}", self.listen));
        let listener = tokio::net::TcpListener::bind(self.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        match &self.ready_file {
            Some(path) => std::fs::write(path, format!("{address}\n"))
                .map_err(|error| Failure::file("writing the ready file", path, &error))?,
            None => println!("{} accepts on {address}", self.protocol.what()),
        }
        let opened = |error: std::io::Error| Failure::failed(format!("opening the book: {error}"));
        let book = self.book.as_deref();
        match self.protocol {
            Protocol::Iso8583 => {
                let host = Host::new(settings, ports, book).map_err(opened)?;
                host.serve(listener).await.map_err(failed)
            }
            Protocol::Stripe => {
                let host = Dialect::new(settings, ports, book).map_err(opened)?;
                crate::upstream::serve(Upstream::Dialect(host), listener).await
            }
            Protocol::Wallet => {
                let operator =
                    Operator::new((settings, customers), ports, book, notifying).map_err(opened)?;
                crate::upstream::serve(Upstream::Wallet(operator), listener).await
            }
        }
    }
}
