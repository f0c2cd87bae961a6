//! Opening: the checkpoint says what the index holds for certain, the journal is read from there, and what a crash left half written is
//! cut off. An index that is missing, damaged or not sealed as the checkpoint says is dropped and rebuilt from the whole journal.

use super::error::{OpenError, damaged, io_error, unreadable};
use super::format::Malformed;
use super::format::checkpoint::{self, Checkpoint, ID_KINDS};
use super::format::segment::{self, SegmentHead};
use super::key::Hashed;
use super::keys::{self, Entry, Facets};
use super::layer::{Since, Step};
use super::machine::{Broken, Known, Machine, Sizes, create_segment, relist};
use super::port::{Disk, Index};
use super::recent::Capacity;
use super::told;
use super::view::{Piece, View};
use super::walk::{self, End, Read, Segments, Start};
use gateway_core::id::Id;
use gateway_core::journal::{Observer, Write};
use gateway_core::ports::Random;
use std::sync::Arc;

/// What a machine is opened with.
pub struct Setup {
    pub sizes: Sizes,
    /// Draws the numbers that tell stores and segments apart.
    pub random: Arc<dyn Random>,
    pub observer: Option<Arc<dyn Observer>>,
}

/// How a start went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// Groups that were read from the journal.
    pub groups: u64,
    /// Bytes of journal that they take, heads included.
    pub replayed_bytes: u64,
    /// Bytes of an unfinished group that were cut off.
    pub torn_bytes: u64,
    /// What the index was good for.
    pub index: IndexState,
    /// The largest id of any row whose id is drawn in order of time: new ids must be above it, whatever the clock says.
    pub largest_id: Id,
}

/// What was found of the index at a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexState {
    /// There was no store.
    New,
    /// It held all that the checkpoint promised.
    Kept,
    /// It did not, and was made anew from the whole journal.
    Rebuilt,
}

/// Opens the store on a disk.
///
/// # Errors
/// See [`OpenError`]; nothing is changed then, but for the index.
pub fn recover<D: Disk, I: Index>(
    disk: D,
    index: I,
    setup: Setup,
) -> Result<(Machine<D, I>, Recovered), OpenError> {
    let recent = Capacity { rows: setup.sizes.recent_rows, bytes: setup.sizes.recent_bytes };
    let view = Arc::new(View::new((disk, index), recent, setup.observer.clone()));
    let segments = walk::segments(&view.disk)?;
    let checkpoint = read_checkpoint(&view.disk)?;
    if segments.files.is_empty() {
        if checkpoint.is_some() {
            return Err(damaged(&segment::file_name(1), "there is a checkpoint, but no journal"));
        }
        return begin(view, setup, segments.unfinished.as_deref());
    }
    for file in &segments.files {
        view.add_piece(Piece { base: file.head.base, name: file.name.clone() });
    }
    let mut replay = Replay::new(&view, &setup, checkpoint.as_ref(), &segments)?;
    let end = walk::walk(&view.disk, &segments, replay.start, &mut |read| replay.take(read))?;
    check_reach(checkpoint.as_ref(), &end)?;
    let Replay { largest, index, start, .. } = replay;
    settle(&view.disk, &segments, &end)?;
    let replayed_bytes = end.tail.position() - start.position;
    let recovered = Recovered {
        groups: end.groups,
        replayed_bytes,
        torn_bytes: end.torn,
        index,
        largest_id: Id(largest.into_iter().max().unwrap_or(0)),
    };
    let known = Known { tail: end.tail, largest };
    Ok((Machine::new(view, known, setup.sizes, setup.random), recovered))
}

/// What a checkpoint was made of was acknowledged: the journal must reach to it.
pub(crate) fn check_reach(checkpoint: Option<&Checkpoint>, end: &End) -> Result<(), OpenError> {
    if checkpoint.is_some_and(|checkpoint| checkpoint.position > end.tail.position()) {
        return Err(damaged(
            &end.tail.name,
            "it ends before the checkpoint: acknowledged commits are missing",
        ));
    }
    Ok(())
}

/// Makes a new store.
fn begin<D: Disk, I: Index>(
    view: Arc<View<D, I>>,
    setup: Setup,
    unfinished: Option<&str>,
) -> Result<(Machine<D, I>, Recovered), OpenError> {
    if let Some(name) = unfinished {
        view.disk.remove(name).map_err(io_error(format!("removing the unfinished {name}")))?;
    }
    view.index.clear().map_err(OpenError::Index)?;
    if let Some(observer) = &setup.observer {
        observer.restore(None);
    }
    let mut drawn = [0; 16];
    setup.random.fill(&mut drawn);
    let [store, salt] = [&drawn[..8], &drawn[8..]]
        .map(|half| u64::from_le_bytes(half.try_into().expect("half of sixteen bytes")));
    let head = SegmentHead { number: 1, store, salt, base: 0, first_sequence: 1 };
    let tail = create_segment(&view.disk, head).map_err(io_error("making the first segment"))?;
    view.add_piece(Piece { base: 0, name: tail.name.clone() });
    let replayed_bytes = tail.position();
    let index = IndexState::New;
    let recovered = Recovered { groups: 0, replayed_bytes, torn_bytes: 0, index, largest_id: Id(0) };
    let known = Known { tail, largest: [0; ID_KINDS] };
    Ok((Machine::new(view, known, setup.sizes, setup.random), recovered))
}

/// The checkpoint, if there is a good one. It is replaced by rename, so no crash leaves a bad one; a bad one only costs a rebuild.
pub(crate) fn read_checkpoint<D: Disk>(disk: &D) -> Result<Option<Checkpoint>, OpenError> {
    let name = checkpoint::FILE;
    let reading = || io_error(format!("reading {name}"));
    if !disk.list().map_err(io_error("listing the store's directory"))?.iter().any(|file| file == name) {
        return Ok(None);
    }
    let len = usize::try_from(disk.len(name).map_err(reading())?).map_err(|e| damaged(name, e))?;
    let mut bytes = vec![0; len];
    let count = disk.read(name, 0, &mut bytes).map_err(reading())?;
    match Checkpoint::decode(&bytes[..count]) {
        Ok(checkpoint) => Ok(Some(checkpoint)),
        Err(Malformed::Newer(version)) => Err(OpenError::Newer { file: name.to_owned(), version }),
        Err(error) => {
            tracing::warn!(%error, "the checkpoint is not readable: the index is rebuilt from the journal");
            Ok(None)
        }
    }
}

/// Cuts off what was half written, and makes sure that what was read is on the disk, before anything is served.
///
/// What the last process wrote may be in the machine's memory only. If its last sync failed, the machine may even believe that it is on
/// the disk. So the last group is written once more.
fn settle<D: Disk>(disk: &D, segments: &Segments, end: &End) -> Result<(), OpenError> {
    let name = &end.tail.name;
    let writing = || io_error(format!("settling the end of {name}"));
    if let Some(unfinished) = &segments.unfinished {
        disk.remove(unfinished).map_err(writing())?;
    }
    if end.torn > 0 {
        tracing::warn!(file = %name, bytes = end.torn, "cutting off a group that was never finished");
        disk.truncate(name, end.tail.len).map_err(writing())?;
    }
    let (offset, len) = end.last_group.unwrap_or((0, segment::HEAD_LEN));
    let mut bytes = vec![0; len];
    disk.read(name, offset, &mut bytes).map_err(writing())?;
    disk.rewrite(name, offset, &bytes).map_err(writing())?;
    disk.sync(name).map_err(writing())?;
    disk.sync_dir().map_err(writing())
}

/// Brings the index and the observer up to the journal's end.
struct Replay<'a, D, I> {
    view: &'a View<D, I>,
    sizes: Sizes,
    observer: Option<&'a Arc<dyn Observer>>,
    start: Start,
    /// The index holds everything before this.
    index_from: u64,
    /// The observer knows everything before this.
    observer_from: u64,
    largest: [u128; ID_KINDS],
    index: IndexState,
}

impl<'a, D: Disk, I: Index> Replay<'a, D, I> {
    fn new(
        view: &'a View<D, I>,
        setup: &'a Setup,
        checkpoint: Option<&Checkpoint>,
        segments: &Segments,
    ) -> Result<Self, OpenError> {
        let store = segments.files.first().map(|file| file.head.store);
        let checkpoint = checkpoint.filter(|checkpoint| Some(checkpoint.store) == store);
        let kept = checkpoint.filter(|checkpoint| index_is_whole(view, checkpoint));
        if kept.is_none() {
            tracing::warn!("the index is not whole: it is rebuilt from the journal");
            // First the checkpoint: should clearing leave a part, nothing may vouch for it.
            view.distrust_index().map_err(io_error("removing the checkpoint"))?;
            view.index.clear().map_err(OpenError::Index)?;
        }
        let observer = setup.observer.as_ref();
        let observer_from = observer.map_or(u64::MAX, |observer| restore(observer.as_ref(), checkpoint));
        let index_from = kept.map_or(0, |checkpoint| checkpoint.position);
        let start = match checkpoint.filter(|checkpoint| checkpoint.position <= index_from.min(observer_from))
        {
            Some(it) => Start { segment: it.segment, position: it.position, sequence: it.sequence },
            None => Start { segment: 1, position: 0, sequence: 1 },
        };
        Ok(Self {
            view,
            sizes: setup.sizes,
            observer,
            start,
            index_from,
            observer_from,
            largest: kept.map_or([0; ID_KINDS], |checkpoint| checkpoint.largest),
            index: if kept.is_some() { IndexState::Kept } else { IndexState::Rebuilt },
        })
    }

    fn take(&mut self, read: Read<'_>) -> Result<(), OpenError> {
        if read.position >= self.observer_from
            && let Some(observer) = self.observer
        {
            observer.committed(read.position, &read.commit.batch);
        }
        if read.position < self.index_from {
            return Ok(());
        }
        for (write, placed) in read.commit.batch.writes.iter().zip(&read.commit.records) {
            let entry = Entry {
                version: placed.version,
                position: read.position + placed.offset as u64,
                facets: Facets::of(&write.row),
            };
            self.apply(write, entry, placed.back)?;
        }
        self.feed()
    }

    fn apply(&mut self, write: &Write, entry: Entry, back: u64) -> Result<(), OpenError> {
        let key = Hashed::from(keys::key_of(&write.row));
        if let Some((kind, id)) = keys::timed_id(&key) {
            self.largest[kind] = self.largest[kind].max(id);
        }
        let before = self.before(&key, &entry, back)?;
        let mut layers = self.view.layers_mut();
        let since = match self.index {
            // Before the crash the index may have learned more than the checkpoint knows.
            IndexState::Kept => Since::Unknown,
            IndexState::New | IndexState::Rebuilt => Since::ThisLayer,
        };
        let lists = entry.facets.lists(&key);
        relist(&key, before, (&entry.facets, &lists), |key, step| layers.active.take(key, step, since));
        for awaiting in keys::awaiting_keys(&write.row, &key) {
            layers.active.take(Hashed::from(awaiting), Step::Enlist, since);
        }
        layers.active.take(key, Step::Row(entry), since);
        let last = told::learn(&write.row, entry.position, |key, step| layers.active.take(key, step, since));
        self.largest[keys::EVENTS] = self.largest[keys::EVENTS].max(last);
        Ok(())
    }

    /// The facets of the row before. What is older than the checkpoint is read from the journal: the index may already know better.
    fn before(&self, key: &Hashed, entry: &Entry, back: u64) -> Result<Option<Facets>, OpenError> {
        if back == 0 {
            return Ok(None);
        }
        let broken =
            || damaged("the journal", format!("the record at {} has no predecessor", entry.position));
        let position = entry.position.checked_sub(back).ok_or_else(broken)?;
        let (version, facets) = if position >= self.index_from {
            let before = self.view.entry(key).map_err(OpenError::Index)?.ok_or_else(broken)?;
            (before.version, before.facets)
        } else {
            let record = self.view.record(position).map_err(unreadable)?;
            (record.version, Facets::of(&record.row))
        };
        if version.0 + 1 == entry.version.0 { Ok(Some(facets)) } else { Err(broken()) }
    }

    fn feed(&self) -> Result<(), OpenError> {
        let mut layers = self.view.layers_mut();
        if layers.active.len() < self.sizes.layer_entries {
            return Ok(());
        }
        layers.freeze();
        drop(layers);
        self.view.feed_all().map_err(|error| match error {
            Broken::Index(error) => OpenError::Index(error),
            Broken::Disk(source) => OpenError::Io { what: "feeding the index".to_owned(), source },
        })
    }
}

/// Whether the index holds all that the checkpoint says.
fn index_is_whole<D: Disk, I: Index>(view: &View<D, I>, checkpoint: &Checkpoint) -> bool {
    match view.index.seal() {
        Ok(Some(seal)) => seal.store == checkpoint.store && seal.position >= checkpoint.seal,
        Ok(None) => false,
        Err(error) => {
            tracing::warn!(%error, "the index can't be read");
            false
        }
    }
}

/// Restores the observer; returns from where on it wants to be told.
fn restore(observer: &dyn Observer, checkpoint: Option<&Checkpoint>) -> u64 {
    let snapshot = checkpoint.and_then(|it| it.observer.as_deref().map(|bytes| (it.position, bytes)));
    if let Some((position, bytes)) = snapshot
        && observer.restore(Some(bytes))
    {
        return position;
    }
    observer.restore(None);
    0
}
