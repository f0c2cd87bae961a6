//! `gateway routing ...`: where a payment would go, and how the acquirers are doing.

use super::Failure;
use super::admin_client::{Ask, ask};
use super::args::{Explain, Mode, Routing, Target};
use crate::config::{self, AcquirerMode, Config, Sources};
use crate::routing::{self, Acquirers, Described};
use crate::world::{SystemClock, SystemRandom};
use gateway_core::acquirer::{Abilities, Able, Acquirer, AcquirerRequest, Answer, Link, Permit};
use gateway_core::means::MeansKind;
use gateway_core::ports::BoxFuture;
use gateway_core::tenant;
use http::Method;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

pub(super) fn routing(command: Routing) -> Result<(), Failure> {
    match command {
        Routing::Explain(explain) => explain_payment(*explain),
        Routing::Show { target } => {
            let found = ask(&target.admin, Ask { method: Method::GET, path: "/routing", body: None })
                .map_err(Failure::Work)?;
            print(&found, &target, &states(&found));
            Ok(())
        }
    }
}

fn explain_payment(explain: Explain) -> Result<(), Failure> {
    if let Some(payment) = &explain.payment {
        return ask_gateway(&explain.target, json!({ "payment": payment }));
    }
    let described = described(&explain).map_err(Failure::Usage)?;
    let Some(file) = &explain.config else {
        let body = serde_json::to_value(&described).map_err(|error| Failure::Work(error.to_string()))?;
        return ask_gateway(&explain.target, body);
    };
    let facts = described.read().map_err(Failure::Usage)?;
    let acquirers = configured(file).map_err(Failure::Usage)?;
    let found = json!({ "now": acquirers.explain(&facts.question()) });
    print(&found, &explain.target, &explanation(&found));
    Ok(())
}

fn ask_gateway(target: &Target, body: Value) -> Result<(), Failure> {
    let body = Some(body);
    let found = ask(&target.admin, Ask { method: Method::POST, path: "/routing/explain", body })
        .map_err(Failure::Work)?;
    print(&found, target, &explanation(&found));
    Ok(())
}

fn described(explain: &Explain) -> Result<Described, String> {
    let pair = |text: &String| {
        let pair = text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
        pair.ok_or_else(|| format!("--metadata {text:?}: write KEY=VALUE"))
    };
    let mode = match explain.mode {
        Mode::Test => tenant::Mode::Test,
        Mode::Live => tenant::Mode::Live,
    };
    Ok(Described {
        mode: mode.as_str().to_owned(),
        amount: explain.amount.unwrap_or_default(),
        currency: explain.currency.clone().unwrap_or_default(),
        bin: explain.bin.clone(),
        brand: explain.brand.clone(),
        country: explain.country.clone(),
        merchant: explain.merchant.clone(),
        payment_method: explain.payment_method.clone(),
        metadata: explain.metadata.iter().map(pair).collect::<Result<_, _>>()?,
    })
}

/// The acquirers of a configuration as they would be if all were up: their names alone, and nobody behind them.
fn configured(file: &Path) -> Result<Acquirers, String> {
    let sources = Sources { file: Some(file.to_owned()), ..Sources::default() };
    let config = Config::load(&sources).map_err(|error| error.to_string())?;
    let modes = |modes: &[AcquirerMode]| {
        let mode = |mode: &AcquirerMode| match mode {
            AcquirerMode::Test => tenant::Mode::Test,
            AcquirerMode::Live => tenant::Mode::Live,
        };
        modes.iter().map(mode).collect()
    };
    let targets = config.acquirers.iter().map(|acquirer| routing::Target {
        acquirer: Arc::new(Named(acquirer.clone())),
        modes: modes(&acquirer.modes),
        timeout_ms: 0,
    });
    let world = (Arc::new(SystemClock::default()) as _, Arc::new(SystemRandom) as _);
    Acquirers::new(targets.collect(), &config.routing, world)
}

/// A name that takes no message.
struct Named(config::Acquirer);

impl Acquirer for Named {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn serves(&self, means: MeansKind) -> bool {
        self.0.serves(means)
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            inquiry: Able::No,
            partial_capture: Able::No,
            multiple_capture: Able::No,
            incremental: Able::No,
            repeat_window_ms: 0,
            max_delay_ms: 0,
        }
    }

    fn link(&self) -> Link {
        Link::Up
    }

    fn send<'a>(&'a self, _permit: Permit, _request: AcquirerRequest) -> BoxFuture<'a, Answer> {
        Box::pin(std::future::ready(Answer::NotSent("only its name is known".to_owned())))
    }
}

fn print(found: &Value, target: &Target, text: &str) {
    if target.json {
        println!("{found}");
    } else {
        print!("{text}");
    }
}

fn word<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or("-")
}

fn rows<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object[key].as_array().map_or(&[], Vec::as_slice)
}

/// Writing to a string can't fail, so what it returns is of no interest.
fn explanation(found: &Value) -> String {
    let (mut out, now) = (String::new(), &found["now"]);
    for attempt in rows(found, "attempts") {
        let _ = writeln!(out, "attempt {} went to {}", attempt["attempt"], word(attempt, "acquirer"));
        let _ = writeln!(out, "  {}", replayed(&attempt["replay"]));
    }
    for skipped in rows(now, "skipped") {
        let _ =
            writeln!(out, "rule {:?} does not fit: {}", word(skipped, "rule"), word(skipped, "because_of"));
    }
    let _ = match now["rule"].as_str() {
        Some(rule) => writeln!(out, "rule {rule:?} decides, strategy {}", word(now, "strategy")),
        None => writeln!(out, "no rule decides, strategy {}", word(now, "strategy")),
    };
    for (number, one) in rows(now, "candidates").iter().enumerate() {
        let asked = if one["asked"] == true { "" } else { " (not asked: beyond routing.tries)" };
        let (name, standing) = (word(one, "acquirer"), word(one, "standing"));
        let _ = writeln!(out, "{:>3}. {name:<24} {standing:<10} {}{asked}", number + 1, word(one, "because"));
    }
    if rows(now, "candidates").is_empty() {
        out.push_str("no acquirer serves this mode\n");
    }
    out
}

fn replayed(replay: &Value) -> String {
    if replay.is_null() {
        return "there was no choice: one candidate".to_owned();
    }
    let names = |key: &str| {
        let names: Vec<&str> = rows(replay, key).iter().filter_map(Value::as_str).collect();
        names.join(", ")
    };
    let policy = if replay["same_policy"] == true { "the same policy" } else { "another policy by now" };
    let recorded = names("recorded");
    match replay["again"].as_array() {
        None => format!("chosen then: {recorded}; its candidates are not the same any more ({policy})"),
        Some(_) if names("again") == recorded => {
            format!("chosen then: {recorded}; the same numbers give the same again ({policy})")
        }
        Some(_) => {
            format!("chosen then: {recorded}; the same numbers give {} now ({policy})", names("again"))
        }
    }
}

fn states(found: &Value) -> String {
    let mut out = String::new();
    for one in rows(found, "acquirers") {
        let _ = writeln!(
            out,
            "{:<24} link {:<10} {:<10} in flight {} of {}  answers in {} us",
            word(one, "acquirer"),
            word(one, "link"),
            word(one, "standing"),
            one["in_flight"],
            one["max_in_flight"],
            one["answer_us"]
        );
    }
    out
}
