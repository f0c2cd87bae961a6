//! Room on the disk: enough is kept that what was begun can be concluded.

use super::port::Disk;
use gateway_core::journal::Urgency;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The file that holds room back.
const FILE: &str = "reserve";

/// Whether there is room for new work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Enough,
    /// For what follows up earlier work, and for outcomes.
    Tight,
    /// For outcomes only: the reserve is being used.
    Last,
}

impl Room {
    /// Whether a batch may be written.
    pub(crate) const fn takes(self, urgency: Urgency) -> bool {
        match (self, urgency) {
            (Room::Enough, _) | (Room::Tight | Room::Last, Urgency::Outcome) => true,
            (Room::Tight, Urgency::FollowUp) => true,
            (Room::Tight, Urgency::New) | (Room::Last, Urgency::New | Urgency::FollowUp) => false,
        }
    }
}

/// Watches the room of a disk.
pub(crate) struct Reserve {
    bytes: u64,
    /// Whether it is there. If not, what is free includes what it needs.
    held: Arc<AtomicBool>,
    /// As it was at the last look: a change is told once.
    room: Room,
}

impl Reserve {
    /// Holds `bytes` back, if they are there. If the disk is full, what an earlier process held is given free: opening takes room, too.
    pub(crate) fn hold(disk: &impl Disk, bytes: u64) -> Self {
        let mut reserve = Self { bytes, held: Arc::default(), room: Room::Enough };
        if bytes > 0 && disk.room().is_ok_and(|room| room < bytes / 4) {
            tracing::error!("the disk is full: the store opens with its reserve, and takes outcomes only");
            disk.hold_room(FILE, 0).ok();
        } else {
            reserve.take_back(disk);
        }
        reserve
    }

    pub(crate) fn kept(&self) -> Kept {
        Kept { bytes: self.bytes, held: Arc::clone(&self.held) }
    }

    fn is_held(&self) -> bool {
        self.held.load(Ordering::Relaxed)
    }

    fn take_back(&mut self, disk: &impl Disk) {
        if self.bytes == 0 || self.is_held() {
            return;
        }
        match disk.hold_room(FILE, self.bytes) {
            Ok(()) => self.held.store(true, Ordering::Relaxed),
            Err(error) => {
                tracing::warn!(%error, bytes = self.bytes, "no room for the reserve");
                // Part of it may have been taken.
                disk.hold_room(FILE, 0).ok();
            }
        }
    }

    /// Looks how much room is left before `next` bytes are written, and gives the reserve free if even they would not fit.
    pub(crate) fn look(&mut self, disk: &impl Disk, next: u64) -> io::Result<Room> {
        if self.bytes == 0 {
            return Ok(Room::Enough);
        }
        let free = disk.room()?;
        if free > self.bytes.saturating_mul(3).saturating_add(next) {
            self.take_back(disk);
        }
        let short = free < next.saturating_mul(2).max(self.bytes / 4);
        if short && self.is_held() {
            tracing::error!(free, "the disk is full: giving the reserve free for outcomes");
            disk.hold_room(FILE, 0)?;
            self.held.store(false, Ordering::Relaxed);
        }
        let room = if self.kept().leaves_room(free, next) {
            Room::Enough
        } else if self.is_held() {
            Room::Tight
        } else {
            Room::Last
        };
        self.tell(room, free);
        Ok(room)
    }

    fn tell(&mut self, room: Room, free: u64) {
        match (std::mem::replace(&mut self.room, room), room) {
            (Room::Enough, Room::Tight | Room::Last) => tracing::warn!(
                free,
                reserve = self.bytes,
                "little room is left on the disk of the store: new payments are refused until there is more"
            ),
            (Room::Tight | Room::Last, Room::Enough) => {
                tracing::info!(free, "there is room on the disk of the store again");
            }
            (Room::Enough, Room::Enough) | (Room::Tight | Room::Last, Room::Tight | Room::Last) => {}
        }
    }
}

/// What is kept, as others than the writer see it.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    bytes: u64,
    held: Arc<AtomicBool>,
}

impl Kept {
    /// Whether new work of `next` bytes may be written where `free` bytes are left.
    pub(crate) fn leaves_room(&self, free: u64, next: u64) -> bool {
        let reserves = if self.held.load(Ordering::Relaxed) { 1 } else { 2 };
        self.bytes == 0 || free > self.bytes.saturating_mul(reserves).saturating_add(next)
    }
}
