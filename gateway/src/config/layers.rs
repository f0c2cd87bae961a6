//! Laying the sources over one another. Each is checked by itself, so that a mistake is reported where it was made.

use super::error::Text;
use super::{Config, ConfigError, Profile, environment};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::ffi::OsString;
use std::path::PathBuf;
use toml::{Spanned, Table, Value};

/// Where settings come from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file, from `--config`; else `TOLLGATE_CONFIG` may name one.
    pub file: Option<PathBuf>,
    /// The process's environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Flags, which have the last word.
    pub flags: Vec<Override>,
}

/// One setting from outside the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// What to call it in an error: `--listen`, `TOLLGATE_EDGE_LISTEN`.
    pub origin: String,
    /// The setting's path: `["edge", "listen"]`.
    pub path: Vec<String>,
    /// Its value as text; lists are separated by commas.
    pub value: String,
}

pub(super) fn read(sources: &Sources) -> Result<Config, ConfigError> {
    let from_environment = || {
        let found = sources.environment.iter().find(|(name, _)| name == environment::FILE);
        found.map(|(_, value)| PathBuf::from(value))
    };
    let mut set = match sources.file.clone().or_else(from_environment) {
        Some(path) => read_file(&path)?,
        None => Table::new(),
    };
    let overrides = environment::overrides(&sources.environment);
    for one in overrides.iter().chain(&sources.flags) {
        apply(&mut set, one)?;
    }
    let profile = match set.get("profile") {
        Some(value) => Profile::deserialize(value.clone())
            .map_err(|error| ConfigError::setting("profile", error.message()))?,
        None => Profile::Development,
    };
    let mut whole = Table::try_from(Config::of(profile))
        .map_err(|error| ConfigError::setting("config", error.to_string()))?;
    merge(&mut whole, set);
    Config::deserialize(whole).map_err(|error| ConfigError::setting("config", error.message()))
}

/// Reads the file twice: once as it must be, for errors that name the line, and once as it is.
fn read_file(path: &PathBuf) -> Result<Table, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::file(path, &error))?;
    let file = Text { path, text: &text };
    let wrong = |error: toml::de::Error| {
        ConfigError::in_file(&file, error.span().map(|span| span.start), error.message())
    };
    let typed: Config = toml::from_str(&text).map_err(wrong)?;
    // Keys of adapters are not known to the types above, and their errors not to the parser.
    let lines: Lines = toml::from_str(&text).map_err(wrong)?;
    for (acquirer, line) in typed.acquirers.iter().zip(&lines.acquirers) {
        if let Err(error) = acquirer.check() {
            return Err(ConfigError::in_file(&file, Some(line.span().start), &error.to_string()));
        }
    }
    toml::from_str(&text).map_err(wrong)
}

#[derive(Deserialize)]
struct Lines {
    #[serde(default)]
    acquirers: Vec<Spanned<IgnoredAny>>,
}

/// Sets one value, in the first of its possible readings that the configuration takes.
fn apply(set: &mut Table, one: &Override) -> Result<(), ConfigError> {
    let mut first_error = None;
    for value in readings(&one.value) {
        let mut attempt = set.clone();
        insert(&mut attempt, &one.path, value);
        match Config::deserialize(attempt.clone()) {
            Ok(_) => {
                *set = attempt;
                return Ok(());
            }
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    let what = first_error.map_or_else(String::new, |error| error.message().trim_end().to_owned());
    Err(ConfigError::setting(one.origin.clone(), what))
}

/// Text has no types. A number may be meant as text, but never the other way round.
fn readings(text: &str) -> Vec<Value> {
    let mut readings = Vec::new();
    if let Ok(number) = text.parse() {
        readings.push(Value::Integer(number));
    }
    if let Ok(truth) = text.parse() {
        readings.push(Value::Boolean(truth));
    }
    readings.push(Value::String(text.to_owned()));
    let list = text.split(',').map(|item| Value::String(item.trim().to_owned()));
    readings.push(Value::Array(list.collect()));
    readings
}

fn insert(table: &mut Table, path: &[String], value: Value) {
    let Some((key, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        table.insert(key.clone(), value);
        return;
    }
    let inner = table.entry(key.clone()).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(inner) = inner {
        insert(inner, rest, value);
    }
}

fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}
