//! Reading the journal from a position to its end, checking everything on the way, and judging what a crash can have left there.
//!
//! A group that is bad ends the journal if nothing stands behind it: it was being written when the process or the machine died. If
//! anything does, it was synced once and acknowledged, and the store is refused: serving without it would lose payments.

use super::error::{OpenError, damaged, io_error};
use super::format::Malformed;
use super::format::group::{self, GroupHead};
use super::format::record::{self, Commit};
use super::format::segment::{self, SegmentHead};
use super::machine::Tail;
use super::port::Disk;
use gateway_core::journal::{Committed, Cursor, Part};

/// Bytes that are read at once.
const WINDOW: usize = 1 << 20;

/// A segment file on disk.
#[derive(Debug, Clone)]
pub(crate) struct SegmentFile {
    pub name: String,
    pub head: SegmentHead,
    pub len: u64,
}

/// All segments of a journal.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    /// By number, without a gap.
    pub files: Vec<SegmentFile>,
    /// The name of a last file whose head was never finished: it holds nothing.
    pub unfinished: Option<String>,
}

/// Finds and checks the segments.
pub(crate) fn segments<D: Disk>(disk: &D) -> Result<Segments, OpenError> {
    let names = disk.list().map_err(io_error("listing the store's directory"))?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment::number_of(name)).collect();
    numbers.sort_unstable();
    let mut found = Segments::default();
    for (at, number) in numbers.iter().enumerate() {
        let name = segment::file_name(*number);
        let expected = at as u64 + 1;
        if *number != expected {
            return Err(damaged(&segment::file_name(expected), "the file is missing"));
        }
        let len = disk.len(&name).map_err(io_error(format!("looking at {name}")))?;
        let mut head = [0; segment::HEAD_LEN];
        let count = disk.read(&name, 0, &mut head).map_err(io_error(format!("reading {name}")))?;
        match SegmentHead::decode(&head[..count]) {
            Ok(head) => {
                check_order(&name, &head, *number, found.files.last())?;
                found.files.push(SegmentFile { name, head, len });
            }
            Err(Malformed::Newer(version)) => return Err(OpenError::Newer { file: name, version }),
            // Groups are written only after the head was synced.
            Err(_) if at + 1 == numbers.len() && len <= segment::HEAD_LEN as u64 => {
                found.unfinished = Some(name);
            }
            Err(error) => return Err(damaged(&name, format!("its head: {error}"))),
        }
    }
    Ok(found)
}

fn check_order(
    name: &str,
    head: &SegmentHead,
    number: u64,
    before: Option<&SegmentFile>,
) -> Result<(), OpenError> {
    if head.number != number {
        return Err(damaged(name, format!("its head says that it is segment {}", head.number)));
    }
    let Some(before) = before else { return Ok(()) };
    if head.store != before.head.store {
        return Err(damaged(name, "it belongs to another store"));
    }
    if head.base != before.head.base + before.len {
        return Err(damaged(&before.name, "it does not end where the next segment begins"));
    }
    Ok(())
}

/// Where to start reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub segment: u64,
    pub position: u64,
    pub sequence: u64,
}

/// Where the journal ends.
#[derive(Debug)]
pub(crate) struct End {
    pub tail: Tail,
    /// Bytes behind the last good group: what a crash left of the one being written.
    pub torn: u64,
    /// The last good group that was read, if it stands in the last segment: its offset and length.
    pub last_group: Option<(u64, usize)>,
    pub groups: u64,
}

/// A commit with its place.
pub(crate) struct Read<'a> {
    /// Position of the commit.
    pub position: u64,
    pub commit: &'a Commit,
}

/// Receives every commit in order.
pub(crate) type Each<'a> = dyn FnMut(Read<'_>) -> Result<(), OpenError> + 'a;

/// Reads from `start` to the end. There is at least one segment.
pub(crate) fn walk<D: Disk>(
    disk: &D,
    segments: &Segments,
    start: Start,
    each: &mut Each<'_>,
) -> Result<End, OpenError> {
    let mut sequence = start.sequence;
    let mut groups = 0;
    let mut end = None;
    let from = segments.files.iter().filter(|file| file.head.number >= start.segment);
    for file in from {
        let offset = start.position.saturating_sub(file.head.base).max(segment::HEAD_LEN as u64);
        if offset > file.len {
            return Err(damaged(
                &file.name,
                "it ends before the checkpoint: acknowledged commits are missing",
            ));
        }
        if file.head.number > start.segment && file.head.first_sequence != sequence {
            return Err(damaged(&file.name, "groups are missing before it"));
        }
        let mut reader = Reader { disk, file, window: Window::default(), offset, sequence, last_group: None };
        while reader.group(each)? {
            groups += 1;
        }
        sequence = reader.sequence;
        let torn = file.len - reader.offset;
        let is_last = file.head.number == segments.files.len() as u64 && segments.unfinished.is_none();
        if torn > 0 && !is_last {
            return Err(damaged(
                &file.name,
                format!("a bad group at {}, with a segment after it", reader.offset),
            ));
        }
        let last_group = reader.last_group;
        let tail = Tail { head: file.head, name: file.name.clone(), len: reader.offset, sequence };
        end = Some(End { tail, torn, last_group, groups: 0 });
    }
    let mut end = end.ok_or_else(|| damaged(&segment::file_name(start.segment), "the file is missing"))?;
    end.groups = groups;
    Ok(end)
}

/// Commits of one part of the journal, about: a group is never divided.
const PART: usize = 256;

/// A part of a journal that is being written: from a place that an earlier part named, up to `durable` at most.
pub(crate) fn part<D: Disk>(disk: &D, from: Cursor, durable: u64) -> Result<Part, OpenError> {
    let segments = segments(disk)?;
    let [number, offset, sequence] = from.0.map(|part| part.max(1));
    let Some(file) = segments.files.iter().find(|file| file.head.number == number) else {
        return Ok(Part::default());
    };
    let mut file = file.clone();
    file.len = file.len.min(durable.saturating_sub(file.head.base));
    let offset = offset.max(segment::HEAD_LEN as u64);
    let mut commits = Vec::new();
    let mut reader =
        Reader { disk, file: &file, window: Window::default(), offset, sequence, last_group: None };
    let mut more = true;
    while more && commits.len() < PART && reader.offset < file.len {
        more = reader.group(&mut |read| {
            commits.push(Committed { position: read.position, batch: read.commit.batch.clone() });
            Ok(())
        })?;
    }
    let (offset, sequence) = (reader.offset, reader.sequence);
    let at_end = !more || offset >= file.len;
    let follows = segments.files.iter().any(|next| next.head.number == number + 1);
    let next = match (at_end, follows) {
        (false, _) => Some(Cursor([number, offset, sequence])),
        (true, true) => Some(Cursor([number + 1, 0, sequence])),
        (true, false) => None,
    };
    Ok(Part { commits, next })
}

/// Bytes of a file around the place that is read.
#[derive(Default)]
struct Window {
    offset: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// `len` bytes at `offset`, or as many as there are.
    fn get<D: Disk>(&mut self, disk: &D, name: &str, place: (u64, usize)) -> Result<&[u8], OpenError> {
        let (offset, len) = place;
        let end = self.offset + self.bytes.len() as u64;
        if offset < self.offset || offset + len as u64 > end {
            self.bytes.resize(len.max(WINDOW), 0);
            let count = disk
                .read(name, offset, &mut self.bytes)
                .map_err(io_error(format!("reading {name} at {offset}")))?;
            self.bytes.truncate(count);
            self.offset = offset;
        }
        let from = (offset - self.offset) as usize;
        let to = (from + len).min(self.bytes.len());
        Ok(&self.bytes[from..to])
    }
}

/// Reads one segment.
struct Reader<'a, D> {
    disk: &'a D,
    file: &'a SegmentFile,
    window: Window,
    /// Of the next group.
    offset: u64,
    /// Of the next group.
    sequence: u64,
    last_group: Option<(u64, usize)>,
}

impl<D: Disk> Reader<'_, D> {
    /// Reads a group and tells its commits; `false` at the end of what is good.
    fn group(&mut self, each: &mut Each<'_>) -> Result<bool, OpenError> {
        let name = &self.file.name;
        let head = self.window.get(self.disk, name, (self.offset, group::HEAD_LEN))?;
        if head.is_empty() {
            return Ok(false);
        }
        let head = match GroupHead::decode(head, self.file.head.salt) {
            Ok(head) if self.expects(&head) => head,
            Err(Malformed::Newer(version)) => {
                return Err(OpenError::Newer { file: name.clone(), version });
            }
            Ok(_) | Err(_) => return self.bad(),
        };
        let (start, len) = (self.offset + group::HEAD_LEN as u64, head.len as usize);
        if start + len as u64 > self.file.len {
            return self.bad();
        }
        let payload = self.window.get(self.disk, name, (start, len))?;
        if payload.len() < len || group::checksum(self.file.head.salt, payload) != head.checksum {
            return self.bad();
        }
        let mut done = 0;
        while done < payload.len() {
            let position = self.file.head.base + start + done as u64;
            let commit = record::take_commit(&payload[done..])
                .map_err(|error| damaged(name, format!("the commit at position {position}: {error}")))?;
            each(Read { position, commit: &commit })?;
            done += commit.len;
        }
        self.last_group = Some((self.offset, group::HEAD_LEN + len));
        self.offset = start + len as u64;
        self.sequence += 1;
        Ok(true)
    }

    fn expects(&self, head: &GroupHead) -> bool {
        head.sequence == self.sequence && u64::from(head.segment) == self.file.head.number
    }

    /// A group is bad: the end, unless something stands behind it that can only have been written after it was good.
    fn bad(&mut self) -> Result<bool, OpenError> {
        let name = &self.file.name;
        let len = usize::try_from(self.file.len - self.offset).map_err(|error| damaged(name, error))?;
        let rest = self.window.get(self.disk, name, (self.offset, len))?;
        if group::follows(rest, self.file.head.salt, self.sequence + 1) {
            let why = format!("a bad group at {}, with good ones after it", self.offset);
            return Err(damaged(name, why));
        }
        Ok(false)
    }
}
