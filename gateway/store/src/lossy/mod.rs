//! A disk and an index that lose at a crash what was not synced: for crash tests and for the simulation.
//!
//! What a crash leaves is drawn from a seed. Of a file, any of the sectors written since its last sync may be missing, its end among them; of the
//! names made, renamed and removed since the directory's last sync, a part from the first on may have happened; of an index, any of the
//! entries written since its last persist may be there. What was synced is always there.

mod disk;
mod index;

pub use disk::{Fault, LossyDisk};
pub use index::LossyIndex;

use gateway_core::ports::Random;

/// One of two ways, evenly.
fn coin(random: &dyn Random) -> bool {
    random.below(2) == 0
}
