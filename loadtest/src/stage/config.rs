//! The configuration of a gateway under load: limits on, but sized above what is offered, so that a refusal in a speed run is
//! a finding and not a setting.

use std::fmt::Write;
use std::net::SocketAddr;

/// A message that has not reached a host on this machine after so long never will, in milliseconds: what died with its
/// connection is known not to stand soon.
pub const MAX_DELAY_MS: u64 = 10_000;

/// Who takes the payments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcquirerKind {
    /// The simulated acquirer inside the gateway.
    InProcess {
        latency_ms: u64,
        /// Messages in flight; 0 is no limit.
        window: usize,
    },
    /// An ISO 8583 host in another process.
    Host {
        address: SocketAddr,
        connections: usize,
        /// Unanswered messages on each connection.
        window: usize,
        response_timeout_ms: u64,
    },
}

/// What a load needs of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub acquirer: AcquirerKind,
    /// Requests a second that a key and an address may make.
    pub rate: u32,
    /// Lines that replace or follow the rest, as they are.
    pub more: String,
}

impl Config {
    /// The simulated acquirer without delay, and limits that no load of this machine reaches.
    pub fn in_process() -> Self {
        let acquirer = AcquirerKind::InProcess { latency_ms: 0, window: 0 };
        Self { acquirer, rate: 1_000_000, more: String::new() }
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = String::from("profile = \"development\"\n\n[limits]\n");
        let rate = self.rate;
        write!(text, "requests_per_s_key = {rate}\nrequests_per_s_address = {rate}\n\n[[acquirers]]\n")
            .expect("text takes any text");
        match self.acquirer {
            AcquirerKind::InProcess { latency_ms, window } => writeln!(
                text,
                "name = \"bank-a\"\nkind = \"simulated\"\nlatency_ms = {latency_ms}\nwindow = {window}\n"
            ),
            AcquirerKind::Host { address, connections, window, response_timeout_ms } => writeln!(
                text,
                "name = \"bank-a\"\nkind = \"iso8583\"\naddress = \"{address}\"\nprofile = \"tollgate-1987\"\n\
                 connections = {connections}\nwindow = {window}\nresponse_timeout_ms = {response_timeout_ms}\n\
                 max_delay_ms = {}\n",
                MAX_DELAY_MS.max(response_timeout_ms)
            ),
        }
        .expect("text takes any text");
        text.push_str(&self.more);
        text
    }
}
