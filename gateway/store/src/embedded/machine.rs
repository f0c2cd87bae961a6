//! The journal as a state machine without I/O of its own: batches are judged in the order of their arrival, written as one group, made
//! durable by one sync, and only then shown and answered.
//!
//! Conditions are judged against durable state plus the group under way, so that of two batches in one group that want the same row one
//! wins; its verdicts can be opened only with the proof that the group is durable, conflicts too: what stands in the way is then durable.

use super::format::checkpoint::{Checkpoint, ID_KINDS};
use super::format::group::{self, GroupHead};
use super::format::record;
use super::format::segment::{self, SegmentHead};
use super::key::Hashed;
use super::keys::{self, Entry, Facets, Lists};
use super::layer::{Since, Step};
use super::port::{Disk, Index, IndexError};
use super::prepared::{Prepared, PreparedWrite};
use super::table::Table;
use super::told;
use super::view::{Piece, View};
use gateway_core::id::Id;
use gateway_core::journal::{Expect, Receipt, RowKey, Version};
use gateway_core::ports::Random;
use std::fmt;
use std::io;
use std::sync::Arc;

/// Sizes of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// A segment that has grown to this many bytes is closed.
    pub segment_bytes: u64,
    /// Index entries that are gathered before they go into the index.
    pub layer_entries: usize,
    /// Index entries in memory from which on new work is shed; at twice as many, also what follows up earlier work.
    pub overlay_entries: usize,
    /// Rows kept decoded once they were read: at most twice as many,
    pub recent_rows: usize,
    /// and at most twice as many bytes of them, as the journal has them.
    pub recent_bytes: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            segment_bytes: 128 << 20,
            layer_entries: 131_072,
            overlay_entries: 524_288,
            recent_rows: 8_192,
            recent_bytes: 32 << 20,
        }
    }
}

/// The machine can't go on: nothing of the group under way may be acknowledged, and nothing more be written.
#[derive(Debug)]
pub enum Broken {
    /// Whether the group reached the disk is not known.
    Disk(io::Error),
    Index(IndexError),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Disk(error) => write!(f, "writing the journal: {error}"),
            Broken::Index(error) => write!(f, "the index: {error}"),
        }
    }
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Committed(Receipt),
    /// This row's expectation did not hold.
    Conflict(RowKey),
    /// The index lags too far behind for new work.
    Overloaded,
}

/// A verdict that may not be told yet.
#[derive(Debug)]
#[must_use = "someone waits for this verdict"]
pub struct Judged(Verdict);

/// Batches that were committed, each in the box in which it came and in which it goes back.
pub type Used = std::collections::VecDeque<Box<Prepared>>;

/// Proof that everything staged before is durable and shown.
#[derive(Debug)]
pub struct Durable {
    /// Commits that the sync made durable.
    pub commits: usize,
    /// Bytes that were written.
    pub bytes: usize,
    /// What was committed, in its order, for those who made it: memory is freed cheapest where it was taken.
    pub used: Used,
}

impl Judged {
    /// The verdict, now that it may be told.
    pub fn told(self, _proof: &Durable) -> Verdict {
        self.0
    }
}

/// The group under way.
#[derive(Default)]
struct Group {
    /// Its bytes, from the head's place on.
    bytes: Vec<u8>,
    /// Rows that it writes.
    rows: Table<Entry>,
    /// What the index will have to learn.
    steps: Vec<(Hashed, Step)>,
    /// Its batches with their positions.
    batches: Vec<(u64, Box<Prepared>)>,
}

impl Group {
    /// A row's entry from now on.
    fn learn(&mut self, write: &PreparedWrite, before: Option<&Entry>, entry: Entry) {
        let before = before.map(|entry| entry.facets);
        relist(&write.key, before, (&write.facets, &write.lists), |key, step| self.steps.push((key, step)));
        let awaiting = write.awaiting.iter().map(|key| (Hashed::from(key.clone()), Step::Enlist));
        self.steps.extend(awaiting);
        self.steps.push((write.key.clone(), Step::Row(entry)));
        self.rows.set(&write.key, entry);
    }
}

/// The segment that is written to.
#[derive(Debug, Clone)]
pub(crate) struct Tail {
    pub head: SegmentHead,
    pub name: String,
    /// Bytes in the file.
    pub len: u64,
    /// Sequence of the next group.
    pub sequence: u64,
}

impl Tail {
    pub(crate) const fn position(&self) -> u64 {
        self.head.base + self.len
    }
}

/// The writer's half of the store.
pub struct Machine<D, I> {
    pub(crate) view: Arc<View<D, I>>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) sizes: Sizes,
    pub(crate) tail: Tail,
    /// The largest id ever written, by kind: a larger one can't exist, and needs no look into the index.
    pub(crate) largest: [u128; ID_KINDS],
    group: Group,
    /// What the rows of the batch under judgement were.
    before: Vec<Option<Entry>>,
    broken: bool,
}

/// What must be known of a store to write to it.
pub(crate) struct Known {
    pub tail: Tail,
    pub largest: [u128; ID_KINDS],
}

impl<D: Disk, I: Index> Machine<D, I> {
    pub(crate) fn new(view: Arc<View<D, I>>, known: Known, sizes: Sizes, random: Arc<dyn Random>) -> Self {
        let Known { tail, largest } = known;
        view.reached(tail.position());
        Self {
            view,
            random,
            sizes,
            tail,
            largest,
            group: Group::default(),
            before: Vec::new(),
            broken: false,
        }
    }

    /// Bytes of the group under way.
    pub fn staged_bytes(&self) -> usize {
        self.group.bytes.len()
    }

    /// Position behind the last durable commit.
    pub const fn position(&self) -> u64 {
        self.tail.position()
    }

    /// Judges a batch and adds it to the group under way.
    ///
    /// # Errors
    /// The machine is broken; so it stays.
    pub fn stage(&mut self, mut prepared: Box<Prepared>) -> Result<Judged, Broken> {
        if self.broken {
            return Err(Broken::Disk(io::Error::other("an earlier write failed")));
        }
        if !prepared.fits(self.view.layers().len(), self.sizes.overlay_entries) {
            return Ok(Judged(Verdict::Overloaded));
        }
        prepared.order_events(Id(self.largest[keys::EVENTS]));
        if let Some(at) = self.judge(&prepared).map_err(|error| self.give_up(Broken::Index(error)))? {
            return Ok(Judged(Verdict::Conflict(prepared.batch.writes[at].row.key())));
        }
        if self.group.bytes.is_empty() {
            self.begin_group().map_err(|error| self.give_up(Broken::Disk(error)))?;
        }
        // After this point the batch must succeed.
        let position = self.write(prepared);
        Ok(Judged(Verdict::Committed(Receipt { position })))
    }

    fn give_up(&mut self, broken: Broken) -> Broken {
        self.broken = true;
        broken
    }

    /// Finds what each row was before, or the place of the write whose expectation does not hold.
    fn judge(&mut self, prepared: &Prepared) -> Result<Option<usize>, IndexError> {
        self.before.clear();
        for (at, write) in prepared.writes.iter().enumerate() {
            let current = self.current(write)?;
            let holds = match write.expect {
                Expect::Absent => current.is_none(),
                Expect::Version(version) => current.is_some_and(|entry| entry.version == version),
            };
            if !holds {
                return Ok(Some(at));
            }
            self.before.push(current);
        }
        Ok(None)
    }

    /// The pending view of a row.
    fn current(&self, write: &PreparedWrite) -> Result<Option<Entry>, IndexError> {
        if let Some((kind, id)) = keys::timed_id(&write.key)
            && id > self.largest[kind]
        {
            return Ok(None);
        }
        match self.group.rows.find(&write.key) {
            Some(at) => Ok(Some(*self.group.rows.value(at))),
            None => self.view.entry(&write.key),
        }
    }

    /// Makes room for the group's head, in a new segment if the last one is full.
    fn begin_group(&mut self) -> io::Result<()> {
        if self.tail.len >= self.sizes.segment_bytes {
            self.rotate()?;
        }
        self.group.bytes.resize(group::HEAD_LEN, 0);
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let mut salt = [0; 8];
        self.random.fill(&mut salt);
        let head = SegmentHead {
            number: self.tail.head.number + 1,
            store: self.tail.head.store,
            salt: u64::from_le_bytes(salt),
            base: self.tail.position(),
            first_sequence: self.tail.sequence,
        };
        self.tail = create_segment(&self.view.disk, head)?;
        self.view.add_piece(Piece { base: head.base, name: self.tail.name.clone() });
        Ok(())
    }

    /// Adds a batch to the group; what its rows were is known.
    fn write(&mut self, prepared: Box<Prepared>) -> u64 {
        let Prepared { batch, writes, rows, .. } = &*prepared;
        let start = self.tail.position();
        let position = start + self.group.bytes.len() as u64;
        let records = u16::try_from(writes.len()).expect("checked when it was prepared");
        record::put_commit(&mut self.group.bytes, records, batch.urgency);
        for ((write, before), written) in writes.iter().zip(&self.before).zip(&batch.writes) {
            let at = start + self.group.bytes.len() as u64;
            let version = Version(before.map_or(1, |entry| entry.version.0 + 1));
            let back = before.map_or(0, |entry| at - entry.position);
            record::put_record(&mut self.group.bytes, (rows, &write.row), version, back);
            if let Some((kind, id)) = keys::timed_id(&write.key) {
                self.largest[kind] = self.largest[kind].max(id);
            }
            self.group.learn(write, before.as_ref(), Entry { version, position: at, facets: write.facets });
            let last = told::learn(&written.row, at, |key, step| self.group.steps.push((key, step)));
            self.largest[keys::EVENTS] = self.largest[keys::EVENTS].max(last);
        }
        self.group.batches.push((position, prepared));
        position
    }

    /// Writes the group under way and makes it durable; then shows it.
    ///
    /// # Errors
    /// The machine is broken; so it stays. Nothing of the group may be acknowledged.
    pub fn commit(&mut self) -> Result<Durable, Broken> {
        if self.broken {
            return Err(Broken::Disk(io::Error::other("an earlier write failed")));
        }
        if self.group.bytes.is_empty() {
            return Ok(Durable { commits: 0, bytes: 0, used: Used::new() });
        }
        self.write_group().map_err(|error| self.give_up(Broken::Disk(error)))?;
        let (commits, bytes) = (self.group.batches.len(), self.group.bytes.len());
        self.tail.len += bytes as u64;
        self.tail.sequence += 1;
        self.view.reached(self.tail.position());
        Ok(Durable { commits, bytes, used: self.show() })
    }

    fn write_group(&mut self) -> io::Result<()> {
        let (head, payload) = self.group.bytes.split_at_mut(group::HEAD_LEN);
        let salt = self.tail.head.salt;
        let group_head = GroupHead {
            segment: u32::try_from(self.tail.head.number).map_err(io::Error::other)?,
            sequence: self.tail.sequence,
            len: u32::try_from(payload.len()).map_err(io::Error::other)?,
            checksum: group::checksum(salt, payload),
        };
        head.copy_from_slice(&group_head.encode(salt));
        self.view.disk.append(&self.tail.name, &self.group.bytes)?;
        self.view.disk.sync(&self.tail.name)
    }

    /// The group is durable: readers and the observer may see it.
    fn show(&mut self) -> Used {
        let group = &mut self.group;
        {
            let mut layers = self.view.layers_mut();
            for (key, step) in group.steps.drain(..) {
                layers.active.take(key, step, Since::ThisLayer);
            }
            // A layer that is still on its way gives the next one time to gather more.
            if layers.active.len() >= self.sizes.layer_entries && layers.frozen.is_empty() {
                layers.freeze();
            }
        }
        if let Some(relay) = &self.view.relay {
            for (position, prepared) in &group.batches {
                relay.committed(*position, &prepared.batch);
            }
        }
        group.rows.clear();
        group.bytes.clear();
        group.batches.drain(..).map(|(_, prepared)| prepared).collect()
    }

    /// Draws the line for a checkpoint: all that is durable now goes into the index before the checkpoint is written.
    pub fn begin_checkpoint(&mut self) -> Checkpoint {
        assert!(self.group.bytes.is_empty(), "a line can be drawn between groups only");
        self.view.layers_mut().freeze();
        if let Some(relay) = &self.view.relay {
            relay.hold();
        }
        Checkpoint {
            store: self.tail.head.store,
            position: self.tail.position(),
            segment: self.tail.head.number,
            sequence: self.tail.sequence,
            seal: self.tail.position(),
            largest: self.largest,
            // Taken when the checkpoint is finished, which is not the writer's work.
            observer: None,
        }
    }
}

/// What changes in the lists when a row with the facets `before` gets others, with which it stands in `lists`.
pub(crate) fn relist(
    row: &Hashed,
    before: Option<Facets>,
    (after, lists): (&Facets, &[Hashed]),
    mut tell: impl FnMut(Hashed, Step),
) {
    if before.as_ref() == Some(after) {
        return;
    }
    let old = before.map_or_else(Lists::new, |facets| facets.lists(row));
    for key in &old {
        if !lists.contains(key) {
            tell(key.clone(), Step::Delist);
        }
    }
    for key in lists {
        if !old.contains(key) {
            tell(key.clone(), Step::Enlist);
        }
    }
}

/// Makes a segment file with its head, durable.
pub(crate) fn create_segment<D: Disk>(disk: &D, head: SegmentHead) -> io::Result<Tail> {
    let name = segment::file_name(head.number);
    disk.create(&name)?;
    disk.append(&name, &head.encode())?;
    disk.sync(&name)?;
    disk.sync_dir()?;
    Ok(Tail { head, name, len: segment::HEAD_LEN as u64, sequence: head.first_sequence })
}
