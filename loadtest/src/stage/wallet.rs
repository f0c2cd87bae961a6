//! The operator of wallets beside a gateway: a process of its own, with customers who decide and notifications that may not come.
//!
//! Gateway and operator call each other. So the operator's address is chosen first, the gateway is started with it, and then the
//! operator with the gateway's.

use crate::audit::record::digest;
use crate::failure::{Failure, Result};
use crate::stage::gateway::Ready;
use crate::stage::{AcquirerHost, MAX_DELAY_MS};
use ring::rand::SecureRandom;
use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name of the acquirer in the gateway's configuration.
const NAME: &str = "wallet";
/// Customers have so long, in seconds; no gateway gives them less.
const LIFE_S: u64 = 60;
/// After a payment's life: the allowance for the operator's clock, the longest interval between two inquiries, and a little for the
/// reversal.
const AFTERWARDS_S: u64 = 5 + 10 + 15;

/// What customers and notifications do where no file says otherwise: a tenth of the news never comes, some comes late, twice, or from
/// somebody else.
pub const SCRIPT: &str = "\
[latency]
fixed_ms = 5
spread_ms = 10

[customer]
after_ms = 300
decline_per_million = 50000
absent_per_million = 10000

[[fault]]
kind = \"lost\"
messages = [\"notify\"]
per_million = 100000

[[fault]]
kind = \"late\"
messages = [\"notify\"]
per_million = 50000
delay_ms = 2000

[[fault]]
kind = \"doubled\"
messages = [\"notify\"]
per_million = 50000

[[fault]]
kind = \"garbage\"
messages = [\"notify\"]
per_million = 50000
";

/// Where the operator will be, and its secrets.
#[derive(Debug)]
pub struct WalletPlace {
    dir: PathBuf,
    address: SocketAddr,
}

impl WalletPlace {
    /// A free address, and a directory below `dir` with a secret for notifications and a key for calls.
    ///
    /// # Errors
    /// There is no free port, or the directory can't be written.
    pub fn choose(dir: &Path) -> Result<Self> {
        let dir = dir.join(NAME);
        std::fs::create_dir_all(&dir).map_err(|error| Failure::file("making", &dir, &error))?;
        let no_port = |error: std::io::Error| Failure::failed(format!("no port for the operator: {error}"));
        let address =
            TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).map_err(no_port)?;
        let place = Self { dir, address };
        place.keep("secret", &format!("whsec_{}", drawn()?))?;
        place.keep("key", &drawn()?)?;
        Ok(place)
    }

    fn keep(&self, name: &str, text: &str) -> Result<()> {
        let path = self.dir.join(name);
        std::fs::write(&path, text).map_err(|error| Failure::file("writing", &path, &error))
    }

    fn file(&self, name: &str) -> String {
        format!("file:{}", self.dir.join(name).display())
    }

    /// The acquirer, for the gateway's configuration.
    pub fn acquirer(&self) -> String {
        format!(
            "[[acquirers]]\nname = \"{NAME}\"\nkind = \"wallet\"\nurl = \"http://{}\"\nkey = {:?}\n\
             notification_secret = {:?}\npayment_life_s = {LIFE_S}\nmax_delay_ms = {MAX_DELAY_MS}\nwindow = 1024\n\n",
            self.address,
            self.file("key"),
            self.file("secret")
        )
    }

    /// Starts the operator, which tells this gateway. `script` is TOML, as `loadtest acquirer --protocol wallet --faults` reads it.
    ///
    /// # Errors
    /// It does not come up.
    pub fn start(&self, gateway: &Ready, script: &str) -> Result<AcquirerHost> {
        let mut arguments: Vec<OsString> = vec!["--protocol".into(), "wallet".into(), "--notify".into()];
        arguments.push(format!("{}/notifications/{NAME}", gateway.api).into());
        arguments.extend(["--notify-ca".into(), gateway.ca.clone().into()]);
        arguments.extend(["--notify-secret".into(), self.file("secret").into()]);
        AcquirerHost::speaking(&arguments, (&self.dir, Some(script)), Some(self.address))
    }

    /// After so long from its making no payment waits for its customer any more.
    pub fn longest_wait() -> Duration {
        Duration::from_secs(LIFE_S + AFTERWARDS_S)
    }
}

/// Text that nobody guesses; it is base64 too.
fn drawn() -> Result<String> {
    let mut bytes = [0; 32];
    let none = |_| Failure::failed("the system gives no randomness");
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(none)?;
    Ok(digest(&bytes))
}
