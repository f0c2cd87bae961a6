//! Processors of their own for the gateway and for its client, where the question is what the gateway does when it has none left: a
//! client that offers three times as much as can be done would otherwise take them from it.

use crate::failure::{Failure, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fmt;

/// The processors that this process may use, in two halves.
#[derive(Debug)]
pub struct Halves {
    gateway: Vec<usize>,
    client: Vec<usize>,
}

impl Halves {
    /// Halves what the calling thread may use.
    ///
    /// # Errors
    /// There is one processor only, or the system does not tell.
    pub fn new() -> Result<Self> {
        let allowed = sched_getaffinity(None)
            .map_err(|error| Failure::failed(format!("the processors are not known: {error}")))?;
        Self::of((0..CpuSet::MAX_CPU).filter(|processor| allowed.is_set(*processor)).collect())
    }

    fn of(mut all: Vec<usize>) -> Result<Self> {
        if all.len() < 2 {
            return Err(Failure::usage("the gateway and its client need a processor each: there is one"));
        }
        let client = all.split_off(all.len() / 2);
        Ok(Self { gateway: all, client })
    }

    /// What the calling thread starts from now on, threads and processes, runs on the gateway's half.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn start_gateway(&self) -> Result<()> {
        confine(&self.gateway)
    }

    /// What the calling thread starts from now on runs on the client's half.
    ///
    /// # Errors
    /// The system does not allow it.
    pub fn start_client(&self) -> Result<()> {
        confine(&self.client)
    }
}

impl fmt::Display for Halves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gateway on processors {:?}, client on {:?}", self.gateway, self.client)
    }
}

fn confine(processors: &[usize]) -> Result<()> {
    let mut set = CpuSet::new();
    processors.iter().for_each(|processor| set.set(*processor));
    sched_setaffinity(None, &set)
        .map_err(|error| Failure::failed(format!("a thread can't be kept to its processors: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_get_processors_and_share_none() {
        let halves = Halves::of(vec![0, 2, 5]).expect("three are enough");
        assert_eq!((halves.gateway.as_slice(), halves.client.as_slice()), (&[0][..], &[2, 5][..]));
        assert!(Halves::of(vec![7]).is_err());
    }
}
