//! The rules of the house that no compiler keeps: what files open with, how long they are, what they may not say, and
//! which crate may know which.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines of code a file may have, tests counted apart.
const MAX_LINES: usize = 600;
/// Lines `main.rs` of the gateway may have.
const MAX_MAIN_LINES: usize = 60;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace").to_owned()
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a readable directory") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if path.is_dir() && !matches!(name, "target" | "node_modules" | ".git" | "data") {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for crate_dir in ["gateway", "risk", "crypto", "loadtest"] {
        sources(&root().join(crate_dir), &mut found);
    }
    assert!(found.len() > 100, "the walk finds the sources");
    found
}

fn is_test(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.contains("/tests/") || text.ends_with("tests.rs") || text.contains("/benches/")
}

/// The lines before a file's own test module.
fn code(text: &str) -> Vec<&str> {
    text.lines().take_while(|line| line.trim() != "#[cfg(test)]").collect()
}

fn each(check: impl Fn(&Path, &str) -> Option<String>) {
    let broken: Vec<String> = all_sources()
        .iter()
        .filter_map(|path| {
            let text = fs::read_to_string(path).expect("sources are text");
            check(path, &text)
                .map(|what| format!("{}: {what}", path.strip_prefix(root()).unwrap_or(path).display()))
        })
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    each(|_, text| (!text.starts_with("//! ")).then(|| "does not open with //!".to_owned()));
}

#[test]
fn files_are_small() {
    each(|path, text| {
        let lines = code(text).len();
        (!is_test(path) && lines > MAX_LINES).then(|| format!("{lines} lines"))
    });
    let main = fs::read_to_string(root().join("gateway/src/main.rs")).expect("the gateway has a main");
    assert!(
        main.lines().count() <= MAX_MAIN_LINES,
        "gateway/src/main.rs is longer than {MAX_MAIN_LINES} lines"
    );
}

#[test]
fn nothing_unfinished_or_switched_off() {
    // Written in two halves, so that this file does not find itself.
    let banned = [
        concat!("to", "do!("),
        concat!("unim", "plemented!("),
        concat!("#[ig", "nore"),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
    ];
    each(|_, text| banned.iter().find(|word| text.contains(**word)).map(|word| format!("holds {word}")));
}

#[test]
fn code_gives_reasons_instead_of_unwrapping() {
    let unwrap = concat!(".unw", "rap()");
    each(|path, text| {
        let held =
            code(text).iter().any(|line| line.contains(unwrap) && !line.trim_start().starts_with("//"));
        (!is_test(path) && held).then(|| format!("holds {unwrap}: use expect with why it holds"))
    });
    each(|_, text| {
        let bare =
            text.lines().any(|line| line.trim_start().starts_with("#[allow(") && !line.contains("reason"));
        let multi = text.contains("#[allow(\n");
        (bare && !multi).then(|| "allows a lint without a reason".to_owned())
    });
}

#[test]
fn no_room_is_called_utils() {
    let broken: Vec<_> = all_sources()
        .into_iter()
        .filter(|path| {
            let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
            matches!(stem, "utils" | "util" | "helpers" | "helper" | "common" | "manager")
        })
        .collect();
    assert!(broken.is_empty(), "{broken:?}");
}

/// Our crates that a crate's manifest names, dev-dependencies left out.
fn ours(manifest: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(manifest)).expect("the crate has a manifest");
    let table: toml::Table = text.parse().expect("manifests are TOML");
    let known = [
        "crypto",
        "risk",
        "gateway",
        "gateway-core",
        "gateway-api",
        "gateway-store",
        "gateway-acquirers",
        "loadtest",
    ];
    let named = table.get("dependencies").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    named.keys().filter(|name| known.contains(&name.as_str())).cloned().collect()
}

#[test]
fn crates_know_only_whom_they_may() {
    let edges: [(&str, &[&str]); 7] = [
        ("crypto/Cargo.toml", &[]),
        ("risk/Cargo.toml", &[]),
        ("gateway/core/Cargo.toml", &[]),
        ("gateway/api/Cargo.toml", &["gateway-core"]),
        ("gateway/store/Cargo.toml", &["gateway-core"]),
        ("gateway/acquirers/Cargo.toml", &["crypto", "gateway-api", "gateway-core"]),
        ("loadtest/Cargo.toml", &["gateway-acquirers", "gateway-api", "gateway-core"]),
    ];
    for (manifest, allowed) in edges {
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let extra: Vec<_> = ours(manifest).difference(&allowed).cloned().collect();
        assert!(extra.is_empty(), "{manifest} may not know {extra:?}");
    }
}

#[test]
fn serving_needs_nothing_of_training() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "-p", "gateway", "-e", "normal", "--prefix", "none"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8_lossy(&tree.stdout);
    for banned in ["linfa", "argmin", "arrow", "parquet", "openssl", "aws-lc"] {
        let held: Vec<&str> = text.lines().filter(|line| line.starts_with(banned)).collect();
        assert!(held.is_empty(), "the gateway's tree holds {held:?}");
    }
}

#[test]
fn the_top_level_is_as_agreed() {
    let agreed = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "certs-dev",
        "crypto",
        "gateway",
        "loadtest",
        "risk",
    ];
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output();
    // Outside a checkout (a source archive) there is nothing to list.
    let Ok(listed) = listed else { return };
    let text = String::from_utf8_lossy(&listed.stdout);
    let top: BTreeSet<&str> = text.lines().filter_map(|line| line.split('/').next()).collect();
    let extra: Vec<_> = top.iter().filter(|name| !name.starts_with('.') && !agreed.contains(name)).collect();
    assert!(extra.is_empty(), "unexpected at the top level: {extra:?}");
}
