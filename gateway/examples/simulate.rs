//! Runs the seeded simulation: `cargo run --release -p gateway --example simulate -- --seeds N [--seed S] [--jobs J]
//! [--planted B] [--json]`. Exits with 1 on a violation, naming the invariant and the seed. `gateway/docs/simulation.md` explains it.

#[path = "../tests/sim/lab/mod.rs"]
mod lab;

use clap::Parser;
use lab::{Options, Planted, Report};
use std::process::ExitCode;

/// Runs the real engine through seeded disasters on virtual time, and audits what is left.
#[derive(Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed; with --seeds 1 it is replayed alone.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads, each with seeds of its own.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Plant the bug of this number (1 to 15): the run must then end with a violation.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=15))]
    planted: Option<u64>,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
    /// Tell what the witnesses say of the first violation of each seed.
    #[arg(long)]
    tell: bool,
    /// List the pairs that were not hit, and those that can't be, with the reasons.
    #[arg(long)]
    pairs: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let planted =
        arguments.planted.and_then(|number| Planted::numbered(usize::try_from(number).unwrap_or(0)));
    let report = lab::run(Options {
        first: arguments.seed,
        seeds: arguments.seeds,
        jobs: arguments.jobs,
        planted,
        until_found: planted.is_some(),
    });
    if arguments.json {
        println!("{}", report.json());
    } else {
        print(&report, &arguments);
    }
    if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print(report: &Report, arguments: &Arguments) {
    if let Some(object) = report.json().as_object() {
        for (name, value) in object.iter().filter(|(name, _)| *name != "violations") {
            println!("{name:32} {value}");
        }
    }
    println!("{:32} {}", "violations", report.violations.len());
    let plant = arguments.planted.map_or(String::new(), |number| format!(" --planted {number}"));
    for (seed, violation) in report.violations.iter().take(50) {
        println!("seed {seed}: invariant {}: {}", violation.invariant, violation.what);
        if arguments.tell {
            print!("{}", violation.story);
        }
    }
    if let Some((seed, _)) = report.violations.first() {
        println!(
            "replay: cargo run --release -p gateway --example simulate -- --seeds 1 --seed {seed}{plant}"
        );
    }
    if arguments.pairs {
        report.missed().iter().for_each(|pair| println!("not hit: {pair:?}"));
        for (fault, stage, why) in lab::faults::unreachable() {
            println!("unreachable: {fault:?} at {stage:?}: {why}");
        }
    }
}
