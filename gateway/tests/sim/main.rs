//! The seeded simulation: the real engine on virtual time, hurt in every way that the laboratory knows, healed, and audited.

mod lab;

use lab::{Options, Planted, Report, faults, run};

const JOBS: usize = 2;

fn seeds(first: u64, seeds: u64) -> Report {
    run(Options { first, seeds, jobs: JOBS, planted: None, until_found: false })
}

#[test]
fn a_fixed_set_of_seeds_shows_no_violation() {
    let report = seeds(1, 32);
    let told: Vec<_> = report
        .violations
        .iter()
        .map(|(seed, violation)| {
            format!("seed {seed}: {}: {}\n{}", violation.invariant, violation.what, violation.story)
        })
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    assert!(report.payments > 2_000, "{} payments", report.payments);
    assert!(report.crashes_between > 50, "{} crashes between send and record", report.crashes_between);
    assert!(report.pairs.len() > 300, "{} pairs", report.pairs.len());
}

#[test]
fn the_same_seed_makes_the_same_run() {
    let (once, again, other) = (seeds(3, 2), seeds(3, 2), seeds(5, 2));
    assert_eq!(once.trace_hash, again.trace_hash);
    assert_ne!(once.trace_hash, other.trace_hash);
}

/// Each planted bug is found, most within a few seeds; two thousand are the limit.
#[test]
fn every_planted_bug_is_found() {
    let missed: Vec<Planted> = Planted::ALL
        .into_iter()
        .filter(|planted| {
            let options =
                Options { first: 1, seeds: 2_000, jobs: JOBS, planted: Some(*planted), until_found: true };
            run(options).violations.is_empty()
        })
        .collect();
    assert!(missed.is_empty(), "not found within 2,000 seeds: {missed:?}");
    assert_eq!((Planted::numbered(1), Planted::numbered(16)), (Some(Planted::ALL[0]), None));
}

#[test]
fn the_report_has_the_agreed_keys() {
    let report = seeds(1, 1).json();
    let keys: Vec<&str> = report.as_object().expect("an object").keys().map(String::as_str).collect();
    let mut agreed = [
        "seeds",
        "payments",
        "faults",
        "pairs_hit",
        "pairs_reachable",
        "crashes_between_send_and_record",
        "simulated_seconds",
        "violations",
        "trace_hash",
    ];
    agreed.sort_unstable();
    assert_eq!(keys, agreed);
}

#[test]
fn every_step_that_no_fault_reaches_has_its_reason() {
    for (fault, stage, why) in faults::unreachable() {
        assert!(why.len() > 10, "{fault:?} at {stage:?}");
    }
    assert!(faults::reachable().len() > 500);
}
