//! The real world behind the domain's ports: the operating system's clock and randomness, ids, and leased numbers.

use gateway_core::id::Id;
use gateway_core::journal::{Batch, CommitError, Journal, Row, RowKey, Urgency};
use gateway_core::ports::{BoxFuture, Clock, Ids, Random, SequenceError, Sequences};
use gateway_core::record::Sequence;
use gateway_core::time::Timestamp;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The operating system's clocks.
pub struct SystemClock {
    origin: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The operating system's randomness.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) {
        crypto::random::fill(out);
    }
}

/// Time-ordered ids: a millisecond and a counter that never run backwards, and 64 random bits that keep processes apart.
pub struct TimeOrderedIds {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// The last milliseconds (48 bits) and counter (16 bits) given.
    last: AtomicU64,
}

impl TimeOrderedIds {
    /// Ids of this clock and randomness.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random, last: AtomicU64::new(0) }
    }

    /// All further ids are larger than `id`, also if the clock was set back since it was drawn: whoever lists by the last id that he has
    /// seen must not miss what comes after it.
    pub fn begin_above(&self, id: Id) {
        self.last.fetch_max((id.0 >> 64) as u64, Ordering::Relaxed);
    }
}

impl Ids for TimeOrderedIds {
    fn next(&self) -> Id {
        let now = (self.clock.now().0.max(0) as u64) << 16;
        // A clock that stands still or jumps back leaves the counter to run on.
        let step = |last: u64| Some(now.max(last + 1));
        let last = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap_or(0);
        let stamp = now.max(last + 1);
        let mut tail = [0u8; 8];
        self.random.fill(&mut tail);
        Id(u128::from(stamp) << 64 | u128::from(u64::from_le_bytes(tail)))
    }
}

/// Numbers leased from one block at a time: a crash loses at most the rest of a block.
const LEASE: u64 = 10_000;
/// Another process may lease the same sequence at the same moment; it wins at most this often in a row.
const LEASE_TRIES: usize = 50;

#[derive(Default)]
struct Block {
    next: u64,
    end: u64,
}

#[derive(Default)]
struct Leased {
    block: Mutex<Block>,
    leasing: tokio::sync::Mutex<()>,
}

impl Leased {
    fn take(&self) -> Option<u64> {
        let mut block = self.block.lock().expect("no code panics while it holds this lock");
        (block.next < block.end).then(|| {
            block.next += 1;
            block.next - 1
        })
    }

    fn is_used_up(&self) -> bool {
        let block = self.block.lock().expect("no code panics while it holds this lock");
        block.next >= block.end
    }
}

/// Sequences that survive restarts, leased from the store.
pub struct LeasedSequences {
    journal: Arc<dyn Journal>,
    known: Mutex<HashMap<String, Arc<Leased>>>,
}

impl LeasedSequences {
    /// Sequences kept in `journal`.
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal, known: Mutex::new(HashMap::new()) }
    }

    fn leased(&self, name: &str) -> Arc<Leased> {
        let mut known = self.known.lock().expect("no code panics while it holds this lock");
        if let Some(found) = known.get(name) {
            return Arc::clone(found);
        }
        Arc::clone(known.entry(name.to_owned()).or_default())
    }

    async fn lease(&self, name: &str) -> Result<Block, SequenceError> {
        let key = RowKey::Sequence(name.to_owned());
        let failed = |what: String| SequenceError(format!("numbers for {name} could not be leased: {what}"));
        for _try in 0..LEASE_TRIES {
            let found = self.journal.read(&key).await.map_err(|e| failed(format!("{e:?}")))?;
            let mut batch = Batch::new(Urgency::Outcome);
            let row = |next| Row::Sequence(Sequence { name: name.to_owned(), next });
            let first = match &found {
                Some(held) => {
                    let Row::Sequence(sequence) = &held.row else {
                        return Err(failed("the store holds another row under this key".to_owned()));
                    };
                    batch.replace(held.version, row(sequence.next + LEASE));
                    sequence.next
                }
                None => {
                    batch.insert(row(1 + LEASE));
                    1
                }
            };
            match self.journal.commit(batch).await {
                Ok(_) => return Ok(Block { next: first, end: first + LEASE }),
                Err(CommitError::Conflict { .. } | CommitError::Unknown(_)) => {}
                Err(other) => return Err(failed(format!("{other:?}"))),
            }
        }
        Err(failed("other processes were faster every time".to_owned()))
    }
}

impl Sequences for LeasedSequences {
    fn next<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<u64, SequenceError>> {
        Box::pin(async move {
            let leased = self.leased(name);
            loop {
                if let Some(number) = leased.take() {
                    return Ok(number);
                }
                let _one_at_a_time = leased.leasing.lock().await;
                if !leased.is_used_up() {
                    continue;
                }
                let block = self.lease(name).await?;
                *leased.block.lock().expect("no code panics while it holds this lock") = block;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp(1_000)
        }

        fn monotonic_ns(&self) -> u64 {
            0
        }
    }

    #[test]
    fn ids_go_on_above_what_is_stored_whatever_the_clock_says() {
        let ids = TimeOrderedIds::new(Arc::new(Stopped), Arc::new(SystemRandom));
        let stored = Id(Id::floor_at(2_000).0 | 7 << 64 | u128::from(u64::MAX));
        assert!(ids.next() < stored);
        ids.begin_above(stored);
        let (first, second) = (ids.next(), ids.next());
        assert!(stored < first && first < second);
        ids.begin_above(Id(5));
        assert!(second < ids.next(), "and never go back");
    }
}
