//! What the operating system has counted of a process: CPU time, memory, descriptors, threads.

use crate::failure::{Failure, Result};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Ticks a second in `/proc/PID/stat`: fixed for user space on Linux, whatever the kernel's own clock.
const TICKS_PER_S: u64 = 100;

/// A process that is looked at from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process(pub u32);

/// What a process holds at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Holdings {
    /// Resident memory, bytes.
    pub memory_bytes: u64,
    pub threads: u64,
    /// Descriptors of sockets and whatever else is no file.
    pub descriptors: u64,
    /// Descriptors of files.
    pub files: u64,
}

impl Process {
    /// This process.
    pub fn own() -> Self {
        Self(std::process::id())
    }

    fn read(self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.0);
        fs::read_to_string(&path).map_err(|error| {
            Failure::failed(format!("{path}: {error}; CPU time and memory are read from Linux's /proc"))
        })
    }

    /// User and system time of all its threads, ended ones too, to ten milliseconds.
    ///
    /// # Errors
    /// The process is gone, or there is no `/proc`.
    pub fn cpu(self) -> Result<Duration> {
        let text = self.read("stat")?;
        cpu_of(&text).ok_or_else(|| Failure::failed(format!("/proc/{}/stat is not as expected", self.0)))
    }

    /// Memory, threads and descriptors now.
    ///
    /// # Errors
    /// The process is gone, or there is no `/proc`.
    pub fn holdings(self) -> Result<Holdings> {
        let status = self.read("status")?;
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()
        };
        let path = format!("/proc/{}/fd", self.0);
        let open = fs::read_dir(&path).map_err(|error| Failure::failed(format!("{path}: {error}")))?;
        // One that was closed since has no link any more.
        let links = open.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        let (files, others): (Vec<_>, Vec<_>) = links.partition(|link| is_file(link));
        Ok(Holdings {
            memory_bytes: field("VmRSS:").unwrap_or(0) * 1024,
            threads: field("Threads:").unwrap_or(0),
            descriptors: others.len() as u64,
            files: files.len() as u64,
        })
    }
}

/// Whether a descriptor's link names a file: sockets and their like have no path, and devices are no storage.
fn is_file(link: &Path) -> bool {
    link.is_absolute() && !link.starts_with("/dev")
}

/// Fields 14 and 15, counted after the command's name, which may hold anything.
fn cpu_of(stat: &str) -> Option<Duration> {
    let (_before, after) = stat.rsplit_once(')')?;
    let mut fields = after.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1000 / TICKS_PER_S))
}

/// CPU time of the calling thread, to the nanosecond; zero where the system does not tell.
pub fn thread_cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let ns = text.split_ascii_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0);
    Duration::from_nanos(ns)
}

/// Bytes of all files below a directory, as they lie on the disk.
pub fn disk_bytes(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => disk_bytes(&entry.path()),
            Ok(meta) => meta.blocks() * 512,
            Err(_gone) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_any_name() {
        let stat = "42 (a ) b (c) S 1 1 1 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 3 0 100 1 1";
        assert_eq!(cpu_of(stat), Some(Duration::from_millis(2_000)));
        assert_eq!(cpu_of("nonsense"), None);
    }

    #[test]
    fn this_process_is_seen() {
        let mut sum = 0_u64;
        let began = std::time::Instant::now();
        let before = (Process::own().cpu().expect("proc"), thread_cpu());
        while began.elapsed() < Duration::from_millis(120) {
            sum = sum.wrapping_mul(31).wrapping_add(began.elapsed().subsec_nanos().into());
        }
        assert_ne!(sum, 1);
        assert!(thread_cpu() - before.1 > Duration::from_millis(5));
        assert!(Process::own().cpu().expect("proc") > before.0);
        let holdings = Process::own().holdings().expect("proc");
        assert!(holdings.memory_bytes > 1 << 20 && holdings.threads >= 1);
    }

    #[test]
    fn files_are_told_from_other_descriptors() {
        for (link, expected) in [
            ("/data/store/000000000001.segment", true),
            ("/data/store/gone (deleted)", true),
            ("/dev/null", false),
            ("socket:[123]", false),
            ("pipe:[123]", false),
            ("anon_inode:[eventpoll]", false),
        ] {
            assert_eq!(is_file(Path::new(link)), expected, "{link}");
        }
        // Other tests open and close theirs meanwhile; these stay.
        let _file = fs::File::open("/proc/self/exe").expect("this program");
        let _socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        let holdings = Process::own().holdings().expect("proc");
        assert!(holdings.descriptors >= 1 && holdings.files >= 1, "{holdings:?}");
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        assert!(Process(u32::MAX / 2).cpu().is_err());
    }
}
