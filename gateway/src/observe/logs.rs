//! Log lines on standard output: text for people, JSON for machines.

use crate::config::{Log, LogFormat, Profile};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

/// Starts logging, once for the process. Where a log is already kept (by a test), it stays.
///
/// # Errors
/// The level can't be read; the text says what is expected.
pub fn start(log: &Log, profile: Profile) -> Result<(), String> {
    let targets: Targets = log.level.parse().map_err(|error| {
        format!(
            "log.level {:?}: {error}; write error, warn, info, debug, trace, or gateway=debug,info",
            log.level
        )
    })?;
    let is_json = match (log.format, profile) {
        (LogFormat::Json, _) | (LogFormat::Auto, Profile::Production) => true,
        (LogFormat::Text, _) | (LogFormat::Auto, Profile::Development) => false,
    };
    let chosen = registry().with(targets);
    // An error means that somebody else was first.
    let _ = if is_json {
        chosen.with(fmt::layer().json().flatten_event(true).with_current_span(false)).try_init()
    } else {
        chosen.with(fmt::layer().with_target(false)).try_init()
    };
    Ok(())
}
