//! The lossy disk.

use super::coin;
use crate::embedded::port::Disk;
use gateway_core::ports::Random;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

/// Bytes that reach the medium together or not at all.
const SECTOR: usize = 512;

/// A disk in memory. Clones are the same disk: one of them outlives the store that crashes.
#[derive(Clone, Default)]
pub struct LossyDisk(Arc<Mutex<State>>);

/// What an operation is to do instead of what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The operation and all after it fail and do nothing: the machine is as good as off.
    PowerLoss,
    /// A sync reports an error, and what it should have synced counts as not synced.
    SyncFails,
    /// An append writes a part of its bytes and reports that the disk is full.
    Full,
}

#[derive(Default)]
struct State {
    files: BTreeMap<u64, Content>,
    next_file: u64,
    names: BTreeMap<String, u64>,
    /// The names as of the directory's last sync.
    durable_names: BTreeMap<String, u64>,
    /// What happened to names since, in order.
    pending: Vec<NameChange>,
    /// Operations so far that write, sync or change names.
    operations: u64,
    /// From this operation on, this fault.
    fault: Option<(u64, Fault)>,
    /// Free bytes that are reported.
    room: Option<u64>,
    /// Bytes that are held back.
    held: u64,
}

#[derive(Default, Clone)]
struct Content {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// What a sync would carry to the medium. After a sync that failed, what it should have carried is in here no more: a later
    /// sync succeeds without it.
    dirty: Vec<Range<usize>>,
}

enum NameChange {
    Set(String, u64),
    Unset(String),
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            NameChange::Set(name, file) => {
                names.insert(name.clone(), *file);
            }
            NameChange::Unset(name) => {
                names.remove(name);
            }
        }
    }
}

impl State {
    /// Counts an operation; the fault that strikes it, if one does.
    fn step(&mut self) -> Option<Fault> {
        self.operations += 1;
        let (from, fault) = self.fault?;
        let strikes = match fault {
            Fault::PowerLoss => self.operations >= from,
            Fault::SyncFails | Fault::Full => self.operations == from,
        };
        strikes.then_some(fault)
    }

    fn id(&self, name: &str) -> io::Result<u64> {
        self.names.get(name).copied().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn content(&mut self, name: &str) -> io::Result<&mut Content> {
        let id = self.id(name)?;
        Ok(self.files.get_mut(&id).expect("every name has a file"))
    }

    fn change_names(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }
}

fn off() -> io::Error {
    io::Error::other("the power is off")
}

impl Content {
    /// The bytes after a crash: as synced, and of what was written since, any sectors.
    fn crash(&mut self, random: &dyn Random) {
        // Grown or cut since the sync, the end may be anywhere between.
        let (short, long) = (self.now.len().min(self.synced.len()), self.now.len().max(self.synced.len()));
        let len = match random.below(3) {
            0 => self.now.len(),
            1 => self.synced.len(),
            _between => short + random.below((long - short) as u64 + 1) as usize,
        };
        let mut after = vec![0; len];
        for (start, sector) in after.chunks_mut(SECTOR).enumerate().map(|(at, sector)| (at * SECTOR, sector))
        {
            let source = if coin(random) { &self.now } else { &self.synced };
            for (at, byte) in sector.iter_mut().enumerate() {
                *byte = source.get(start + at).copied().unwrap_or(0);
            }
        }
        *self = Content { now: after.clone(), synced: after, dirty: Vec::new() };
    }

    fn append(&mut self, bytes: &[u8]) {
        let start = self.now.len();
        self.now.extend_from_slice(bytes);
        self.dirty.push(start..self.now.len());
    }

    fn sync(&mut self) {
        self.synced.resize(self.now.len(), 0);
        for range in self.dirty.drain(..) {
            let range = range.start.min(self.now.len())..range.end.min(self.now.len());
            self.synced[range.clone()].copy_from_slice(&self.now[range]);
        }
    }
}

impl LossyDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }

    /// Operations so far that write, sync or change names: the boundaries at which a crash can strike.
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Lets `fault` strike at the `operation`-th operation, counted as by [`LossyDisk::operations`].
    pub fn strike(&self, operation: u64, fault: Fault) {
        self.lock().fault = Some((operation, fault));
    }

    /// Reports this much room from now on.
    pub fn set_room(&self, bytes: u64) {
        self.lock().room = Some(bytes);
    }

    /// Bytes that are held back for outcomes.
    pub fn held(&self) -> u64 {
        self.lock().held
    }

    /// The power goes and comes back: what was not synced is lost, in part or whole, as drawn. The fault is over.
    pub fn crash(&self, random: &dyn Random) {
        let mut state = self.lock();
        let happened = random.below(state.pending.len() as u64 + 1) as usize;
        let mut names = std::mem::take(&mut state.durable_names);
        for change in &state.pending[..happened] {
            change.apply(&mut names);
        }
        state.pending.clear();
        state.durable_names = names.clone();
        state.names = names;
        let State { files, names, .. } = &mut *state;
        files.retain(|id, _| names.values().any(|named| named == id));
        for content in files.values_mut() {
            content.crash(random);
        }
        state.fault = None;
    }

    /// The process dies, the machine lives: what was written is there, synced or not.
    pub fn kill(&self) {
        self.lock().fault = None;
    }

    /// Changes the bytes of a file behind everyone's back.
    ///
    /// # Errors
    /// No such file.
    pub fn tamper(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut state = self.lock();
        let content = state.content(name)?;
        change(&mut content.now);
        content.synced = content.now.clone();
        content.dirty.clear();
        Ok(())
    }
}

impl Disk for LossyDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.lock().names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        if state.step() == Some(Fault::PowerLoss) {
            return Err(off());
        }
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = state.next_file;
        state.next_file += 1;
        state.files.insert(id, Content::default());
        state.change_names(NameChange::Set(name.to_owned(), id));
        Ok(())
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        match state.step() {
            // The last write before the power goes may have got anywhere.
            Some(Fault::PowerLoss) => {
                if state.fault.is_some_and(|(from, _)| from == state.operations) {
                    state.content(name)?.append(bytes);
                }
                Err(off())
            }
            Some(Fault::Full) => {
                state.content(name)?.append(&bytes[..bytes.len() / 2]);
                Err(io::ErrorKind::StorageFull.into())
            }
            Some(Fault::SyncFails) | None => {
                state.content(name)?.append(bytes);
                Ok(())
            }
        }
    }

    fn rewrite(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        if state.step() == Some(Fault::PowerLoss) {
            return Err(off());
        }
        let range = offset as usize..offset as usize + bytes.len();
        let content = state.content(name)?;
        let there = content.now.get_mut(range.clone());
        there.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?.copy_from_slice(bytes);
        content.dirty.push(range);
        Ok(())
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        match state.step() {
            Some(Fault::PowerLoss) => Err(off()),
            Some(Fault::SyncFails | Fault::Full) => {
                state.content(name)?.dirty.clear();
                Err(io::Error::other("the medium failed"))
            }
            None => {
                state.content(name)?.sync();
                Ok(())
            }
        }
    }

    fn read(&self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.lock();
        let content = &state.content(name)?.now;
        let rest = content.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        Ok(self.lock().content(name)?.now.len() as u64)
    }

    fn truncate(&self, name: &str, len: u64) -> io::Result<()> {
        let mut state = self.lock();
        if state.step() == Some(Fault::PowerLoss) {
            return Err(off());
        }
        state.content(name)?.now.truncate(len as usize);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.lock();
        if state.step() == Some(Fault::PowerLoss) {
            return Err(off());
        }
        let id = state.id(from)?;
        // One change: a rename happens or does not.
        state.names.remove(from);
        state.pending.push(NameChange::Unset(from.to_owned()));
        state.change_names(NameChange::Set(to.to_owned(), id));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        if state.step() == Some(Fault::PowerLoss) {
            return Err(off());
        }
        state.id(name)?;
        state.change_names(NameChange::Unset(name.to_owned()));
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.lock();
        match state.step() {
            Some(Fault::PowerLoss) => Err(off()),
            Some(Fault::SyncFails | Fault::Full) => Err(io::Error::other("the medium failed")),
            None => {
                state.durable_names = state.names.clone();
                state.pending.clear();
                Ok(())
            }
        }
    }

    fn room(&self) -> io::Result<u64> {
        Ok(self.lock().room.unwrap_or(u64::MAX))
    }

    fn hold_room(&self, _name: &str, bytes: u64) -> io::Result<()> {
        let mut state = self.lock();
        state.held = bytes;
        Ok(())
    }
}
