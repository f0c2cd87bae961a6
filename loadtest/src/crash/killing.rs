//! How a gateway dies: by a signal at a random moment, or within a system call that makes its state durable.

use crate::random::Random;
use std::process::{Command, Stdio};
use std::time::Duration;

/// One way to die.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Killing {
    /// kill -9, this long after the load has begun.
    After(Duration),
    /// By strace, at this call of one of these system calls in any thread.
    At { calls: &'static str, number: u64 },
}

/// Whether deaths within system calls can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracer {
    Strace,
    Absent,
}

/// System calls that make state durable, or are about to.
const SYNCS: &str = "fdatasync,fsync";
const WRITES: &str = "write,pwrite64,writev,pwritev";
const RENAMES: &str = "rename,renameat,renameat2,ftruncate";

impl Killing {
    /// Draws one: every third by strace, where there is one.
    pub fn draw(random: &mut Random, cycle: u32, tracer: Tracer) -> Self {
        if tracer == Tracer::Strace && cycle.is_multiple_of(3) {
            return match random.below(5) {
                0 | 1 => Self::At { calls: SYNCS, number: 1 + random.below(150) },
                2 | 3 => Self::At { calls: WRITES, number: 1 + random.below(600) },
                _rare => Self::At { calls: RENAMES, number: 1 + random.below(3) },
            };
        }
        Self::After(Duration::from_millis(20 + random.below(1_500)))
    }

    /// The program that the gateway is started under; nothing for a plain kill.
    pub fn wrapper(&self) -> Vec<String> {
        match self {
            Self::After(_) => Vec::new(),
            Self::At { calls, number } => {
                let inject = format!("inject={calls}:signal=KILL:when={number}");
                let words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e"];
                let mut wrapper: Vec<String> = words.map(str::to_owned).into();
                wrapper.extend([format!("trace={calls}"), "-e".to_owned(), inject]);
                wrapper
            }
        }
    }
}

/// Whether strace is there, may trace, and kills when told to: some versions lose injected signals, always so with
/// `--seccomp-bpf`, which is why that is not used.
pub fn tracer() -> Tracer {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=exit_group"]);
    command.args(["-e", "inject=exit_group:signal=KILL:when=1", "/bin/true"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let killed = command.status().is_ok_and(|status| !status.success());
    if killed { Tracer::Strace } else { Tracer::Absent }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_third_death_is_within_a_call() {
        let mut random = Random::new(1, 1);
        let drawn: Vec<_> =
            (1..=300).map(|cycle| Killing::draw(&mut random, cycle, Tracer::Strace)).collect();
        let within = drawn.iter().filter(|killing| matches!(killing, Killing::At { .. })).count();
        assert_eq!(within, 100);
        assert!(
            (1..=300).all(|cycle| Killing::draw(&mut random, cycle, Tracer::Absent).wrapper().is_empty())
        );
        let killing = Killing::At { calls: SYNCS, number: 7 };
        assert_eq!(
            killing.wrapper().last().map(String::as_str),
            Some("inject=fdatasync,fsync:signal=KILL:when=7")
        );
    }
}
