//! PostgreSQL doing the two durable transactions of an authorization (claim and intent, then the outcome), by pgbench: no
//! TLS, no HTTP, no gateway, its own defaults for durability.

use crate::failure::{Failure, Result};
use crate::stage::interrupt::{self, Undone};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

/// What is to be installed when the programs are missing.
const INSTALL: &str = "install PostgreSQL: apt-get install postgresql postgresql-contrib";

const SCHEMA: &str = "
create table claims (merchant bigint, key bigint, digest bytea, payment bigint, response bytea, primary key (merchant, key));
create table payments (merchant bigint, id bigint, status text, amount bigint, body bytea, primary key (merchant, id));
create table outbox (merchant bigint, payment bigint, seq int, body bytea, primary key (merchant, payment, seq));
create table postings (merchant bigint, payment bigint, seq int, account text, amount bigint);
create sequence ids;
";

/// One authorization. The sizes are those of the gateway's own commits: 400 bytes of payment, 1.2 KB of response.
const SCRIPT: &str = "
\\set merchant random(1, 128)
\\set amount random(100, 20000)
select nextval('ids') as id \\gset
begin;
insert into claims values (:merchant, :id, decode(repeat('ab', 32), 'hex'), :id, null);
insert into payments values (:merchant, :id, 'processing', :amount, decode(repeat('cd', 400), 'hex'));
insert into outbox values (:merchant, :id, 1, decode(repeat('ef', 100), 'hex'));
commit;
begin;
update payments set status = 'requires_capture' where merchant = :merchant and id = :id;
update claims set response = decode(repeat('0a', 1200), 'hex') where merchant = :merchant and key = :id;
insert into postings values (:merchant, :id, 2, 'held', :amount), (:merchant, :id, 2, 'contra', -(:amount::bigint));
insert into outbox values (:merchant, :id, 2, decode(repeat('ef', 100), 'hex'));
commit;
";

/// A cluster of its own, on a socket in its own directory. Dropping it stops it.
pub struct Postgres {
    cluster: Cluster,
    _interrupted: Undone,
}

/// Where it is, and as whom it runs.
#[derive(Clone)]
struct Cluster {
    bin: PathBuf,
    dir: PathBuf,
    /// PostgreSQL refuses to run as root; then it runs as this user.
    user: Option<&'static str>,
}

impl Postgres {
    /// Makes a cluster in `dir` and starts it.
    ///
    /// # Errors
    /// The programs are missing, or the cluster does not start.
    pub fn start(dir: &Path) -> Result<Self> {
        let bin = programs()?;
        let dir = dir.join("postgres");
        fs::create_dir_all(&dir).map_err(|error| Failure::file("making", &dir, &error))?;
        let root = fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0);
        let cluster = Cluster { bin, dir, user: root.then_some("postgres") };
        let of_interruption = cluster.clone();
        let _interrupted = interrupt::undo(move || of_interruption.stop());
        // From here on whatever fails stops what has begun.
        let this = Self { cluster, _interrupted };
        this.cluster.begin()?;
        Ok(this)
    }

    /// Authorizations a second with so many clients.
    ///
    /// # Errors
    /// pgbench fails, or says nothing of its rate.
    pub fn measure(&self, clients: u32, length: Duration) -> Result<f64> {
        let dir = self.cluster.dir.to_string_lossy();
        let (script, clients) = (self.cluster.dir.join("authorize.sql"), clients.to_string());
        let (script, seconds) = (script.to_string_lossy(), length.as_secs().max(1).to_string());
        let arguments =
            ["-h", &dir, "-U", "bench", "-n", "-f", &script, "-c", &clients, "-j", "2", "-T", &seconds];
        let text =
            self.cluster.run("pgbench", &[&arguments[..], &["-M", "prepared", "postgres"]].concat())?;
        rate(&text).ok_or_else(|| Failure::failed(format!("pgbench said no rate:\n{text}")))
    }
}

impl Cluster {
    fn begin(&self) -> Result<()> {
        self.give_away()?;
        let data = self.dir.join("data");
        let data = data.to_string_lossy();
        self.run("initdb", &["-D", &data, "-A", "trust", "-U", "bench", "--no-locale", "-E", "UTF8"])?;
        let options = format!("-k {} -c listen_addresses='' -c max_connections=300", self.dir.display());
        let log = self.dir.join("postgres.log");
        self.run(
            "pg_ctl",
            &["-D", &data, "-w", "-t", "60", "-l", &log.to_string_lossy(), "-o", &options, "start"],
        )?;
        self.load_schema()
    }

    fn stop(&self) {
        let data = self.dir.join("data");
        let _stopped = self.run("pg_ctl", &["-D", &data.to_string_lossy(), "-m", "immediate", "-w", "stop"]);
    }

    /// The cluster's user must own its directory, and be able to reach it.
    fn give_away(&self) -> Result<()> {
        let Some(user) = self.user else { return Ok(()) };
        let chown = Command::new("chown").arg(user).arg(&self.dir).output();
        done("chown", &self.dir, chown)?;
        // A temporary directory is its owner's alone; going through it is all that the other user needs.
        if let Some(parent) = self.dir.parent() {
            done("chmod", parent, Command::new("chmod").arg("o+x").arg(parent).output())?;
        }
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let path = self.bin.join(program);
        match self.user {
            None => Command::new(path),
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(path);
                command
            }
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let output = self.command(program).args(arguments).current_dir(&self.dir).output();
        done(program, &self.bin, output)
    }

    fn load_schema(&self) -> Result<()> {
        for (name, text) in [("schema.sql", SCHEMA), ("authorize.sql", SCRIPT)] {
            let path = self.dir.join(name);
            fs::write(&path, text).map_err(|error| Failure::file("writing", &path, &error))?;
        }
        let (dir, schema) = (self.dir.to_string_lossy(), self.dir.join("schema.sql"));
        let schema = schema.to_string_lossy();
        self.run(
            "psql",
            &["-h", &dir, "-U", "bench", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-q", "-f", &schema],
        )
        .map(drop)
    }
}

/// `tps = 4321.5 (without initial connection time)`
fn rate(text: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with("tps = "))?;
    line.split_ascii_whitespace().nth(2)?.parse().ok()
}

fn done(program: &str, path: &Path, output: std::io::Result<Output>) -> Result<String> {
    let output = output.map_err(|error| Failure::file(&format!("running {program}"), path, &error))?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        return Ok(out.into_owned());
    }
    Err(Failure::failed(format!("{program} ended with {}:\n{out}{err}", output.status)))
}

/// Debian keeps the servers' programs apart by version; the newest is taken.
fn programs() -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").map_err(|_absent| Failure::usage(INSTALL))?;
    let mut found: Vec<PathBuf> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
    found.retain(|bin| {
        ["initdb", "pg_ctl", "pgbench", "psql"].iter().all(|program| bin.join(program).is_file())
    });
    found.sort_by_key(|bin| {
        let version =
            bin.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().parse::<u32>());
        version.and_then(Result::ok).unwrap_or(0)
    });
    found.pop().ok_or_else(|| Failure::usage(INSTALL))
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.cluster.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_found() {
        let text = "number of failed transactions: 0 (0.000%)\nlatency average = 7.4 ms\ntps = 4321.500000 (without initial)\n";
        assert_eq!(rate(text), Some(4321.5));
        assert_eq!(rate("nothing"), None);
    }
}
