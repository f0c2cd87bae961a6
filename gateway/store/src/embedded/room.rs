//! Room on the disk: enough is kept that what was begun can be concluded.

use super::port::Disk;
use std::io;

/// The file that holds room back.
const FILE: &str = "reserve";

/// Whether there is room for new work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Enough,
    /// For outcomes only.
    Tight,
}

/// Watches the room of a disk.
pub(crate) struct Reserve {
    bytes: u64,
    held: bool,
}

impl Reserve {
    /// Holds `bytes` back, if they are there. If the disk is full, what an earlier process held is given free: opening takes room, too.
    pub(crate) fn hold(disk: &impl Disk, bytes: u64) -> Self {
        let mut reserve = Self { bytes, held: false };
        if bytes > 0 && disk.room().is_ok_and(|room| room < bytes / 4) {
            tracing::error!("the disk is full: the store opens with its reserve, and takes outcomes only");
            disk.hold_room(FILE, 0).ok();
        } else {
            reserve.take_back(disk);
        }
        reserve
    }

    fn take_back(&mut self, disk: &impl Disk) {
        if self.bytes == 0 || self.held {
            return;
        }
        match disk.hold_room(FILE, self.bytes) {
            Ok(()) => self.held = true,
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
        let room = disk.room()?;
        if room > self.bytes.saturating_mul(3).saturating_add(next) {
            self.take_back(disk);
        }
        if room > self.bytes.saturating_add(next) {
            return Ok(Room::Enough);
        }
        if room < next.saturating_mul(2).max(self.bytes / 4) && self.held {
            tracing::error!(room, "the disk is full: giving the reserve free for outcomes");
            disk.hold_room(FILE, 0)?;
            self.held = false;
        }
        Ok(Room::Tight)
    }
}
