//! What the process asks of the operating system for itself, before it holds anything worth stealing.
//!
//! No core file: memory holds cards. In production also no debugger of the same user, which is the same switch that keeps the memory from
//! programs that collect cores through a pipe; development keeps it, for profilers. And as many descriptors as the administrator allows:
//! what shells begin with (1,024) is less than the connections that are served.

use crate::config::Profile;
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use tracing::warn;

/// Applies all of it. What the system refuses is told, and the process goes on.
pub fn harden(profile: Profile) {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        warn!(%error, "core files can't be switched off");
    }
    match profile {
        Profile::Development => {}
        Profile::Production => {
            if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
                warn!(%error, "the memory can't be kept from debuggers and collectors of cores");
            }
        }
    }
    let descriptors = getrlimit(Resource::Nofile);
    let all = Rlimit { current: descriptors.maximum, ..descriptors };
    if let Err(error) = setrlimit(Resource::Nofile, all) {
        warn!(%error, "the limit of descriptors can't be raised");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::dumpable_behavior;

    /// One test, since it changes the process.
    #[test]
    fn a_crash_leaves_no_memory_behind() {
        let before = dumpable_behavior().unwrap();
        harden(Profile::Development);
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(dumpable_behavior().unwrap(), before);
        let descriptors = getrlimit(Resource::Nofile);
        assert_eq!(descriptors.current, descriptors.maximum);
        harden(Profile::Production);
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
