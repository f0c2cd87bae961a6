//! `TOLLGATE_SECTION_KEY=value`: one setting of a section each. Acquirers come from the file.

use super::layers::Override;
use std::ffi::OsString;

const PREFIX: &str = "TOLLGATE_";
/// Names the file, which is read before anything else.
pub(super) const FILE: &str = "TOLLGATE_CONFIG";
/// What Kubernetes adds to every pod beside a service called `tollgate`: not ours to judge.
const FOREIGN: [&str; 2] = ["TOLLGATE_SERVICE_", "TOLLGATE_PORT"];
/// Sections; a name that begins with none of them is a key of the top level.
const SECTIONS: [&str; 8] = ["store", "vault", "routing", "limits", "risk", "edge", "admin", "log"];

/// The settings in an environment, in the order of their names.
pub(super) fn overrides(environment: &[(OsString, OsString)]) -> Vec<Override> {
    let mut found: Vec<Override> = environment
        .iter()
        .filter_map(|(name, value)| {
            let name = name.to_str()?;
            let key = name.strip_prefix(PREFIX)?.to_ascii_lowercase();
            let foreign = FOREIGN.iter().any(|prefix| name.starts_with(prefix));
            (name != FILE && !foreign).then(|| Override {
                origin: name.to_owned(),
                path: path(&key),
                value: value.to_string_lossy().into_owned(),
            })
        })
        .collect();
    found.sort_by(|a, b| a.origin.cmp(&b.origin));
    found
}

fn path(key: &str) -> Vec<String> {
    for section in SECTIONS {
        if let Some(rest) = key.strip_prefix(section).and_then(|rest| rest.strip_prefix('_')) {
            return vec![section.to_owned(), rest.to_owned()];
        }
    }
    vec![key.to_owned()]
}
