//! The fuzz targets on stable Rust, without libFuzzer: what is committed of their corpora is replayed, and mutated for a while,
//! the same way each time. `gateway/docs/fuzzing.md` tells how the targets are run for longer.

mod mutate;
mod seeds;

#[path = "../../fuzz/src/lib.rs"]
mod targets;

use mutate::Mutator;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use targets::{TARGETS, Target};

/// Inputs that are kept to be mutated further, beside the first ones.
const KEPT: usize = 400;
/// The longest input that is kept, in bytes.
const LONGEST: usize = 4_096;

fn corpus(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name)
}

/// What is committed, in the order of the names.
fn committed(name: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(corpus(name)).expect("each target has a corpus");
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    let mut files: Vec<_> = paths
        .map(|path| (path.display().to_string(), std::fs::read(&path).expect("a readable file")))
        .collect();
    files.sort();
    files
}

fn target(name: &str) -> Target {
    TARGETS.iter().find(|(known, _)| *known == name).expect("a target of this name").1
}

/// Runs one input; a failure says how to keep it.
fn tried(name: &str, input: &[u8], from: &str) -> bool {
    let run = target(name);
    catch_unwind(AssertUnwindSafe(|| run(input))).unwrap_or_else(|_| {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        panic!(
            "{name} fails on an input made from {from} (above is why):\n{:?}\nkeep it with: printf {hex} | xxd -r -p > \
             gateway/fuzz/corpus/{name}/NAME",
            String::from_utf8_lossy(input)
        )
    })
}

/// Replays what there is, then tries so many inputs made from it.
fn replayed_and_mutated(name: &str, rounds: u32) {
    let mut pool = committed(name);
    assert!(pool.len() >= 8, "{} inputs of {name} are committed", pool.len());
    pool.extend(seeds::of(name));
    for (from, input) in &pool {
        tried(name, input, from);
    }
    let mut mutator = Mutator::new(seeds::words(name));
    let (first, mut accepted) = (pool.len(), 0);
    for _round in 0..rounds {
        let (at, other) = (mutator.below(pool.len()), mutator.below(pool.len()));
        let input = mutator.mutated(&pool[at].1, &pool[other].1);
        if !tried(name, &input, &pool[at].0) {
            continue;
        }
        accepted += 1;
        let kept = (pool[at].0.clone(), input);
        if kept.1.len() > LONGEST {
            continue;
        }
        if pool.len() < first + KEPT {
            pool.push(kept);
        } else {
            let place = first + mutator.below(KEPT);
            pool[place] = kept;
        }
    }
    println!("{name}: {first} inputs, {rounds} mutated, of which {accepted} were accepted");
    assert!(accepted > rounds / 20 && accepted < rounds * 19 / 20, "{accepted}: one side is hardly tried");
}

#[test]
fn form_bodies() {
    replayed_and_mutated("form", 2_500);
}

#[test]
fn json_bodies() {
    replayed_and_mutated("json", 2_500);
}

#[test]
fn records_of_the_store() {
    replayed_and_mutated("record", 20_000);
}

#[test]
fn iso_8583_messages() {
    replayed_and_mutated("iso8583", 12_000);
}

/// Each target is tried above, and has a file for libFuzzer.
#[test]
fn every_target_is_there_for_both() {
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["form", "json", "record", "iso8583"]);
    for name in names {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("fuzz/fuzz_targets/{name}.rs"));
        let text = std::fs::read_to_string(path).expect("a file for libFuzzer");
        assert!(text.contains(&format!("gateway_fuzz::{name}(data)")), "{text}");
    }
}

/// The corpora's own seeds are written anew on request, after a format has changed: `TOLLGATE_BLESS=1`.
#[test]
fn made_seeds_can_be_written_to_the_corpora() {
    for (name, run) in TARGETS {
        for (what, input) in seeds::of(name) {
            assert!(run(&input), "the seed {what} of {name} is not accepted");
            if std::env::var_os("TOLLGATE_BLESS").is_some() {
                let file = format!("seed-{}", what.replace([' ', ':'], "-"));
                std::fs::write(corpus(name).join(file), input).expect("the corpus can be written");
            }
        }
    }
}
