//! The index port over fjall: two keyspaces, because claims come in no order and would drag everything else through their compactions.
//!
//! Changes come sorted, many at once, and become tables at once, past fjall's log and its memory: both would hold each entry once more,
//! and the journal keeps them safe already. fjall holds back those who write through its log while it is behind with merging tables; here
//! that is ours to do. At a checkpoint the last tables of both keyspaces carry the seal, and all is synced. A table, a list of tables or a
//! keyspace that is missing afterwards fails the opening or hides the seal, and the index is rebuilt.

use super::keys;
use super::port::{Change, Index, IndexError, Seal, Visit};
use fjall::compaction::Leveled;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use gateway_core::journal::First;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

/// Below all keys of rows and lists. Its second byte is the version of the entries' encoding: an index of another version shows no seal,
/// and is rebuilt.
const SEAL: &[u8] = &[0, 1];
/// The sequence number that fjall had reached when it was sealed. If it has lost its log it numbers its writes from the beginning, and
/// everything old then wins over everything new.
const REACHED: &[u8] = &[0, 0];
/// Tables that lie unmerged before more are written: each is one more place to look at.
const MAX_UNMERGED: usize = 16;
/// Tables that are merged at once, at least. Whatever they overlap is written anew with them, which is nearly everything, since each has keys
/// of all kinds: fewer and larger merges cost less, and each table is a filter more to ask.
const MERGED_AT: u8 = 8;
/// How long another table waits for room at most. Then it is written all the same: each new table makes fjall look for what to merge, and
/// without one it might not look again.
const MERGE_PATIENCE: Duration = Duration::from_secs(5);
const MERGE_POLL: Duration = Duration::from_millis(5);

/// Sizes of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexSizes {
    /// Bytes of blocks kept in memory.
    pub cache_bytes: u64,
}

impl Default for IndexSizes {
    fn default() -> Self {
        Self { cache_bytes: 96 << 20 }
    }
}

/// An index in a directory of its own.
pub struct FjallIndex {
    dir: PathBuf,
    sizes: IndexSizes,
    /// `None` only while it is being made anew, or after that failed.
    spaces: RwLock<Option<Spaces>>,
}

struct Spaces {
    database: Database,
    ordered: Keyspace,
    claims: Keyspace,
}

const HELD: &str = "nothing panics while it holds this lock";

fn failed(error: impl std::fmt::Display) -> IndexError {
    IndexError(error.to_string())
}

/// Empties fjall's log before it is read. All that was sealed is in tables, and what came after is told again from the journal; reading the log
/// would cost a second for nothing. The files must stay: without one, fjall numbers its writes from the beginning.
fn empty_log(dir: &Path) -> std::io::Result<()> {
    if !dir.join("keyspaces").exists() {
        return Ok(());
    }
    let mut logs = 0;
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jnl") {
            std::fs::OpenOptions::new().write(true).open(path)?.set_len(0)?;
            logs += 1;
        }
    }
    if logs == 0 { Err(std::io::Error::other("its log is missing")) } else { Ok(()) }
}

fn missing_is_fine(result: std::io::Result<()>) -> Result<(), IndexError> {
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

impl Spaces {
    fn open(dir: &Path, sizes: IndexSizes) -> Result<Self, IndexError> {
        // Damaged files have been seen to panic.
        let opened = catch_unwind(AssertUnwindSafe(|| Self::open_checked(dir, sizes)));
        opened.unwrap_or_else(|_| Err(IndexError("it panicked while opening".to_owned())))
    }

    fn open_checked(dir: &Path, sizes: IndexSizes) -> Result<Self, IndexError> {
        empty_log(dir).map_err(failed)?;
        let database = Database::builder(dir)
            .manual_journal_persist(true)
            .cache_size(sizes.cache_bytes)
            // With two, the first passes every compaction back into the line while the second is at one, as fast as it can.
            .worker_threads(1)
            .open()
            .map_err(failed)?;
        let merging = Arc::new(Leveled::default().with_l0_threshold(MERGED_AT));
        let options = || {
            KeyspaceCreateOptions::default()
                .manual_journal_persist(true)
                .compaction_strategy(Arc::<Leveled>::clone(&merging))
        };
        let ordered = database.keyspace("ordered", options).map_err(failed)?;
        let claims = database.keyspace("claims", options).map_err(failed)?;
        for space in [&ordered, &claims] {
            let reached = space.get(REACHED).map_err(failed)?;
            let reached = reached.and_then(|bytes| bytes.first_chunk().copied()).map(u64::from_be_bytes);
            if reached.is_some_and(|reached| database.seqno() <= reached) {
                return Err(IndexError("it has forgotten how far it had come".to_owned()));
            }
        }
        Ok(Self { database, ordered, claims })
    }

    fn of(&self, key: &[u8]) -> &Keyspace {
        if keys::is_unordered(key) { &self.claims } else { &self.ordered }
    }

    /// Writes tables in each keyspace that any of it belongs to; with a seal, in both. The seal is first in them, since its keys are below
    /// all others: with tables of its own it would fill the places of those that are merged at once.
    fn write(
        &self,
        seal: Option<Seal>,
        changes: &mut dyn Iterator<Item = Change<'_>>,
    ) -> Result<(), IndexError> {
        let begin = |space| {
            self.wait_for_room(space)?;
            Keyspace::start_ingestion(space).map_err(failed)
        };
        let (mut ordered, mut claims) = (None, None);
        if let Some(seal) = seal {
            let bytes = [seal.store.to_be_bytes(), seal.position.to_be_bytes()].concat();
            for (table, space) in [(&mut ordered, &self.ordered), (&mut claims, &self.claims)] {
                let table = table.insert(begin(space)?);
                // At most the number that the table itself gets.
                table.write(REACHED, self.database.seqno().to_be_bytes()).map_err(failed)?;
                table.write(SEAL, bytes.as_slice()).map_err(failed)?;
            }
        }
        for (key, value) in changes {
            let table = if keys::is_unordered(key) { &mut claims } else { &mut ordered };
            let table = match table {
                Some(begun) => begun,
                None => table.insert(begin(self.of(key))?),
            };
            match value {
                Some(value) => table.write(key, value.as_slice()).map_err(failed)?,
                None => table.write_tombstone(key).map_err(failed)?,
            }
        }
        [ordered, claims].into_iter().flatten().try_for_each(|table| table.finish().map_err(failed))
    }

    /// Gives merging time to catch up before another table is written.
    fn wait_for_room(&self, space: &Keyspace) -> Result<(), IndexError> {
        let begun = Instant::now();
        loop {
            // Fails if the thread that merges tables has failed.
            self.database.persist(PersistMode::Buffer).map_err(failed)?;
            if space.l0_table_count() < MAX_UNMERGED || begun.elapsed() > MERGE_PATIENCE {
                return Ok(());
            }
            std::thread::sleep(MERGE_POLL);
        }
    }
}

impl FjallIndex {
    /// Opens the index in `dir`. One that can't be opened is dropped and made anew, empty.
    ///
    /// # Errors
    /// It can't be made anew either.
    pub fn open(dir: &Path, sizes: IndexSizes) -> Result<Self, IndexError> {
        let index = Self { dir: dir.to_owned(), sizes, spaces: RwLock::new(None) };
        match Spaces::open(dir, sizes) {
            Ok(spaces) => *index.spaces.write().expect(HELD) = Some(spaces),
            Err(error) => {
                tracing::warn!(%error, "the index can't be opened: it is made anew");
                index.clear()?;
            }
        }
        Ok(index)
    }

    fn with<T>(&self, run: impl FnOnce(&Spaces) -> Result<T, IndexError>) -> Result<T, IndexError> {
        let guard: RwLockReadGuard<'_, _> = self.spaces.read().expect(HELD);
        run(guard.as_ref().ok_or_else(|| IndexError("it could not be made anew".to_owned()))?)
    }
}

impl Index for FjallIndex {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        self.with(|spaces| Ok(spaces.of(key).get(key).map_err(failed)?.map(|value| value.to_vec())))
    }

    fn write(&self, changes: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), IndexError> {
        self.with(|spaces| spaces.write(None, changes))
    }

    fn range(&self, from: &[u8], to: &[u8], first: First, visit: &mut Visit<'_>) -> Result<(), IndexError> {
        self.with(|spaces| {
            let mut range = spaces.of(from).range(from..=to);
            while let Some(item) = match first {
                First::Oldest => range.next(),
                First::Newest => range.next_back(),
            } {
                let (key, value) = item.into_inner().map_err(failed)?;
                if visit(&key, &value) == ControlFlow::Break(()) {
                    break;
                }
            }
            Ok(())
        })
    }

    fn persist(&self, changes: &mut dyn Iterator<Item = Change<'_>>, seal: Seal) -> Result<(), IndexError> {
        self.with(|spaces| {
            spaces.write(Some(seal), changes)?;
            spaces.database.persist(PersistMode::SyncAll).map_err(failed)
        })
    }

    fn seal(&self) -> Result<Option<Seal>, IndexError> {
        self.with(|spaces| {
            let one = |space: &Keyspace| -> Result<Option<Seal>, IndexError> {
                let Some(bytes) = space.get(SEAL).map_err(failed)? else { return Ok(None) };
                let (store, position) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>());
                Ok(store.zip(position).map(|(store, position)| Seal {
                    store: u64::from_be_bytes(*store),
                    position: u64::from_be_bytes(*position),
                }))
            };
            let (ordered, claims) = (one(&spaces.ordered)?, one(&spaces.claims)?);
            // A crash between the two leaves the older one for the whole.
            Ok(ordered.zip(claims).map(|(a, b)| if a.position <= b.position { a } else { b }))
        })
    }

    fn clear(&self) -> Result<(), IndexError> {
        let mut spaces = self.spaces.write().expect(HELD);
        drop(spaces.take());
        // Renamed first, so that a crash leaves all of it or nothing.
        let dropped = self.dir.with_extension("dropped");
        missing_is_fine(std::fs::remove_dir_all(&dropped))?;
        missing_is_fine(std::fs::rename(&self.dir, &dropped))?;
        if let Some(parent) = self.dir.parent() {
            std::fs::File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)?;
        }
        missing_is_fine(std::fs::remove_dir_all(&dropped))?;
        *spaces = Some(Spaces::open(&self.dir, self.sizes)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::port::Value;
    use super::*;

    #[test]
    fn a_seal_goes_with_what_is_written_and_alone_where_nothing_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let open = || FjallIndex::open(dir.path(), IndexSizes::default()).expect("it opens");
        // A payment and a claim.
        let (ordered, claim) = ([0x10, 1], [0x11, 1]);
        let entry = |key| (key, Some(Value::from_slice(&[7])));
        let index = open();
        assert_eq!(index.seal(), Ok(None));
        let first = Seal { store: 3, position: 10 };
        index.persist(&mut [entry(&ordered[..]), entry(&claim[..])].into_iter(), first).expect("it seals");
        assert_eq!(index.seal(), Ok(Some(first)));
        let second = Seal { position: 20, ..first };
        index.persist(&mut std::iter::empty(), second).expect("it seals");
        assert_eq!(index.seal(), Ok(Some(second)));
        drop(index);
        let index = open();
        assert_eq!(index.seal(), Ok(Some(second)));
        for key in [ordered, claim] {
            assert_eq!(index.get(&key), Ok(Some(vec![7])));
        }
    }

    #[test]
    fn an_index_that_was_sealed_in_part_shows_the_older_seal() {
        let dir = tempfile::tempdir().expect("a directory");
        let index = FjallIndex::open(dir.path(), IndexSizes::default()).expect("it opens");
        let first = Seal { store: 3, position: 10 };
        index.persist(&mut std::iter::empty(), first).expect("it seals");
        let newer = [first.store.to_be_bytes(), 20u64.to_be_bytes()].concat();
        index
            .with(|spaces| spaces.ordered.insert(SEAL, newer.as_slice()).map_err(failed))
            .expect("one of the two");
        assert_eq!(index.seal(), Ok(Some(first)));
    }
}
