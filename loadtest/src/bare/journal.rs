//! Group commits with nothing to say: a thread that appends what has gathered, syncs it, and tells the waiting.

use crate::failure::{Failure, Result};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use tokio::sync::oneshot;

/// The most requests of one group.
const GROUP: usize = 4_096;
/// What one commit writes: as much as an authorization's commit of the gateway does, half of 1.74 KB.
const RECORD: [u8; 870] = [0x5A; 870];

/// Where commits are asked for.
#[derive(Debug, Clone)]
pub struct Journal {
    queue: SyncSender<oneshot::Sender<()>>,
}

impl Journal {
    /// Starts the thread, with a new file.
    ///
    /// # Errors
    /// The file can't be made.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|error| Failure::file("making the journal", path, &error))?;
        let (queue, asked) = sync_channel(GROUP * 4);
        std::thread::Builder::new()
            .name("bare-journal".to_owned())
            .spawn(move || commit(file, &asked))
            .map_err(|error| Failure::failed(format!("starting the journal's thread: {error}")))?;
        Ok(Self { queue })
    }

    /// Returns when a record of this caller's is on the disk; `false` if it will never be.
    pub async fn commit(&self) -> bool {
        let (tell, told) = oneshot::channel();
        self.queue.try_send(tell).is_ok() && told.await.is_ok()
    }
}

fn commit(mut file: File, asked: &Receiver<oneshot::Sender<()>>) {
    let mut group = Vec::with_capacity(GROUP);
    let mut bytes = Vec::new();
    while let Ok(first) = asked.recv() {
        group.push(first);
        group.extend(asked.try_iter().take(GROUP - 1));
        bytes.clear();
        group.iter().for_each(|_record| bytes.extend_from_slice(&RECORD));
        if file.write_all(&bytes).and_then(|()| file.sync_data()).is_err() {
            // Dropping the senders tells everyone that nothing was committed.
            return;
        }
        for tell in group.drain(..) {
            let _gone = tell.send(());
        }
    }
}
