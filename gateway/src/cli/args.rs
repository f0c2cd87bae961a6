//! Flags and subcommands, as `--help` shows them.

use crate::config::{Override, Sources};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Tollgate: a payment gateway that speaks the Stripe dialect.
///
/// Without a subcommand it serves: the merchant API on https://localhost:8443, health and metrics on
/// http://127.0.0.1:9090, state in ./data. Point any Stripe SDK at it.
#[derive(Debug, Parser)]
#[command(
    name = "gateway",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Settings come from defaults, then the file, then TOLLGATE_SECTION_KEY variables, then flags.\n\
                  `gateway config` shows what results. SIGTERM finishes what has begun and stops; SIGHUP reloads\n\
                  certificates, keys, the model, routing and the rates of requests; other limits wait for a restart.\n\
                  Exit codes: 0 done, 1 failed, 2 bad usage."
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) serve: Serve,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serve payments (what happens without a subcommand, too)
    Serve(Serve),
    /// Show the effective configuration as TOML, or what is wrong with it
    Config(Serve),
    /// Check a stopped store against every invariant, and count what it holds
    Verify(Verify),
    /// Write what the scorer saw, said and learned as CSV, for `risk train` and `risk replay`
    Export(Export),
    /// Save the state of a serving gateway's features, from which `risk replay --snapshot` begins
    State(State),
    /// Look at, exchange and compare the models of a serving gateway, through its admin listener
    #[command(subcommand)]
    Model(Model),
    /// Tell a serving gateway which payments were fraud, from a CSV with the columns payment and fraud
    Labels(Labels),
    /// Make and list merchants, through a serving gateway's admin listener
    #[command(subcommand)]
    Merchant(Merchant),
    /// List messages that stay without an answer, and settle one by hand, through a serving gateway's admin listener
    #[command(subcommand)]
    Payment(Payment),
    /// Make, list and revoke API keys, through a serving gateway's admin listener
    #[command(subcommand)]
    Keys(Keys),
    /// Say which acquirer a payment would go to, and why; show how the acquirers are doing
    #[command(subcommand)]
    Routing(Routing),
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The data directory of a gateway that does not run
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub(super) data_dir: PathBuf,
    /// Print what was counted as JSON
    #[arg(long)]
    pub(super) json: bool,
    /// Also write each payment's history here, a JSON line each
    #[arg(long, value_name = "FILE")]
    pub(super) history: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// First day, YYYY-MM-DD, UTC [default: the first there is]
    #[arg(long, value_name = "DATE")]
    pub(super) from: Option<String>,
    /// Last day, included [default: the last there is]
    #[arg(long, value_name = "DATE")]
    pub(super) to: Option<String>,
    /// Where to write it; replaced when it is complete
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
    /// The data directory of a gateway that does not run; else a serving gateway is asked
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(super) target: Target,
}

#[derive(Debug, Args)]
pub(super) struct State {
    /// Where to write it; replaced when it is complete
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,
    #[command(flatten)]
    pub(super) target: Target,
}

#[derive(Debug, Subcommand)]
pub(super) enum Model {
    /// Show which model decides, which are scored beside it, and where a rollback leads
    Show {
        #[command(flatten)]
        target: Target,
    },
    /// Let a model file decide from now on
    Deploy {
        /// The file, as `risk train` wrote it
        file: PathBuf,
        #[command(flatten)]
        target: Target,
    },
    /// Go back to the model before
    Rollback {
        #[command(flatten)]
        target: Target,
    },
    /// Score a model beside the one that decides, and record what it says
    Shadow {
        /// The file, as `risk train` wrote it
        file: PathBuf,
        #[command(flatten)]
        target: Target,
    },
    /// Stop scoring a shadow model
    Unshadow {
        /// Its version, as `model show` prints it
        version: String,
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Debug, Args)]
pub(super) struct Labels {
    /// The CSV
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) target: Target,
}

#[derive(Debug, Default, Args)]
pub(super) struct Serve {
    /// A TOML file of settings [env: TOLLGATE_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where merchants connect; port 0 picks a free one [default: localhost:8443]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Where operators connect, in plain HTTP [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDR")]
    admin: Option<String>,
    /// Where payments and sealed keys are kept [default: data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Where certificates are; development makes its own there [default: certs-dev]
    #[arg(long, value_name = "DIR")]
    certs: Option<String>,
    /// Write addresses, authority, test key and process id here, once both listeners accept
    #[arg(long, value_name = "FILE")]
    ready_file: Option<String>,
}

impl Serve {
    /// Where settings come from: the file, this process's environment, and these flags.
    pub(super) fn sources(&self) -> Sources {
        let flags: [(&str, &[&str], &Option<String>); 5] = [
            ("--listen", &["edge", "listen"], &self.listen),
            ("--admin", &["admin", "listen"], &self.admin),
            ("--data-dir", &["data_dir"], &self.data_dir),
            ("--certs", &["certs"], &self.certs),
            ("--ready-file", &["ready_file"], &self.ready_file),
        ];
        let flags = flags.into_iter().filter_map(|(flag, path, value)| {
            Some(Override {
                origin: flag.to_owned(),
                path: path.iter().map(|part| (*part).to_owned()).collect(),
                value: value.clone()?,
            })
        });
        Sources {
            file: self.config.clone(),
            environment: std::env::vars_os().collect(),
            flags: flags.collect(),
        }
    }
}

/// Where the serving gateway is, and how to print.
#[derive(Debug, Args)]
pub(super) struct Target {
    /// The serving gateway's admin listener
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9090", env = "TOLLGATE_ADMIN_URL")]
    pub(super) admin: String,
    /// Print the answer as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Routing {
    /// Say where a payment would go, and why: by a configuration file, or by a serving gateway
    Explain(Box<Explain>),
    /// Show a serving gateway's acquirers: links, circuit breakers, messages in flight
    Show {
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Ask this configuration file (acquirers all up, nothing learned) instead of a serving gateway
    #[arg(long, value_name = "FILE", conflicts_with = "payment")]
    pub(super) config: Option<PathBuf>,
    /// A payment that was made: where it went and why, and where it would go now
    #[arg(long, value_name = "pi_...", conflicts_with_all = ["amount", "currency"])]
    pub(super) payment: Option<String>,
    /// In minor units
    #[arg(long, required_unless_present = "payment")]
    pub(super) amount: Option<i64>,
    /// As usd
    #[arg(long, required_unless_present = "payment")]
    pub(super) currency: Option<String>,
    /// Whether it is real money
    #[arg(long, value_enum, default_value_t = Mode::Test)]
    pub(super) mode: Mode,
    /// The first six digits of the card
    #[arg(long)]
    pub(super) bin: Option<String>,
    /// The card's scheme, as visa; without it, as the first digits say
    #[arg(long)]
    pub(super) brand: Option<String>,
    /// The issuer's country, as DE
    #[arg(long)]
    pub(super) country: Option<String>,
    /// The merchant's id (acct_...)
    #[arg(long)]
    pub(super) merchant: Option<String>,
    /// What pays: card (default), alipay or wechat_pay
    #[arg(long)]
    pub(super) payment_method: Option<String>,
    /// A key and its value of the payment's metadata; repeat it for more
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) metadata: Vec<String>,
    #[command(flatten)]
    pub(super) target: Target,
}

#[derive(Debug, Subcommand)]
pub(super) enum Merchant {
    /// Make a merchant
    Create {
        /// What to call it
        #[arg(long)]
        name: String,
        #[command(flatten)]
        target: Target,
    },
    /// List all merchants
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Change what a merchant has chosen; what is not named stays
    Set {
        /// The merchant's id (acct_...)
        id: String,
        /// Whether another acquirer is asked after a soft decline
        #[arg(long, value_name = "true|false")]
        retry_declines: Option<bool>,
        /// Whether an approval for less than was asked is taken
        #[arg(long, value_name = "true|false")]
        partial_approval: Option<bool>,
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Payment {
    /// List messages to acquirers that were tried many times without an answer
    Stuck {
        #[command(flatten)]
        target: Target,
    },
    /// Say what became of a message that no acquirer answers; kept with its reason, and final
    Settle {
        /// The payment's id (pi_...)
        id: String,
        /// The message's reference of twelve digits, as `payment stuck` shows it
        #[arg(long, value_name = "DIGITS")]
        reference: String,
        /// Whether it was done; a reversal or a release can only be settled as done
        #[arg(long, value_enum)]
        outcome: Outcome,
        /// How you know
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// The acquirer's own reference, if you have it
        #[arg(long, value_name = "TEXT", default_value = "")]
        acquirer_reference: String,
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Outcome {
    /// It was done
    Approved,
    /// It was not, and never will be
    Declined,
}

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a key; it is shown this once
    Create {
        /// The merchant's id (acct_...)
        #[arg(long)]
        merchant: String,
        /// Whether it moves real money
        #[arg(long, value_enum, default_value_t = Mode::Test)]
        mode: Mode,
        /// secret (sk_), publishable (pk_) or restricted (rk_)
        #[arg(long, value_enum, default_value_t = Kind::Secret)]
        kind: Kind,
        /// What a restricted key may do; repeat it for more
        #[arg(long, value_name = "SCOPE")]
        scope: Vec<String>,
        #[command(flatten)]
        target: Target,
    },
    /// List a merchant's keys, without the keys themselves
    List {
        /// The merchant's id (acct_...)
        #[arg(long)]
        merchant: String,
        #[command(flatten)]
        target: Target,
    },
    /// Revoke a key at once
    Revoke {
        /// The key's id (mk_...), as `keys list` shows it
        id: String,
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    Test,
    Live,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    Secret,
    Publishable,
    Restricted,
}
