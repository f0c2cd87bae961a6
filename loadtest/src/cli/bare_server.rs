//! `loadtest bare-server`.

use crate::bare::{Settings, serve};
use crate::failure::{Failure, Result};
use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Serve fixed answers over TLS with hyper and nothing else: the ceiling that `ceiling` measures against.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where to listen; loopback only.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The directory with `localhost.pem` and `localhost.key`, as the gateway makes them.
    #[arg(long)]
    certs: PathBuf,
    /// Bytes of each answer's body.
    #[arg(long, default_value_t = 1024)]
    body_bytes: usize,
    /// Bytes of each answer's head; a header is padded to reach it.
    #[arg(long, default_value_t = 0)]
    head_bytes: usize,
    /// Make each answer wait for this many group commits, one after the other.
    #[arg(long, default_value_t = 0, requires = "journal")]
    commits: u32,
    /// The file that commits go to.
    #[arg(long)]
    journal: Option<PathBuf>,
    /// Threads; as many as there are cores if not given, as the gateway does.
    #[arg(long)]
    threads: Option<usize>,
    /// Write `https://localhost:PORT` here when connections are accepted.
    #[arg(long)]
    ready_file: Option<PathBuf>,
    /// End when standard input ends, so as not to outlive whoever started it.
    #[arg(long)]
    until_stdin_ends: bool,
}

impl Arguments {
    /// Serves until the process ends.
    pub fn run(self) -> Result<()> {
        if !self.listen.ip().is_loopback() {
            return Err(Failure::usage(format!(
                "{} is not loopback: the bare server knows no keys",
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
        let settings = Settings {
            listen: self.listen,
            chain: self.certs.join("localhost.pem"),
            key: self.certs.join("localhost.key"),
            body_bytes: self.body_bytes,
            head_bytes: self.head_bytes,
            commits: self.journal.filter(|_path| self.commits > 0).map(|path| (self.commits, path)),
        };
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        if let Some(threads) = self.threads {
            builder.worker_threads(threads.max(1));
        }
        let runtime =
            builder.enable_all().build().map_err(|error| Failure::failed(format!("no runtime: {error}")))?;
        let ready_file = self.ready_file;
        let serving = serve(settings, |address| {
            let url = format!("https://localhost:{}\n", address.port());
            match &ready_file {
                Some(path) => {
                    if let Err(error) = std::fs::write(path, &url) {
                        eprintln!("writing {}: {error}", path.display());
                    }
                }
                None => print!("{url}"),
            }
        });
        runtime.block_on(serving).map(|never| match never {})
    }
}
