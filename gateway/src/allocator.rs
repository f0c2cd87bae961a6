//! The allocator of the process, and the one setting of it that is not the default.

use libmimalloc_sys::{mi_option_get, mi_option_set_default, mi_option_t};
use std::ffi::c_long;

/// An authorization allocates a few hundred times; this halves what that costs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 2, for which its crate has no name.
const PURGE_DELAY: mi_option_t = 15;
/// What mimalloc waits by itself, in milliseconds.
const BY_ITSELF_MS: c_long = 10;
/// Pages that are free for so long go back to the system, in milliseconds (whole blocks of them after ten times as long). A gateway at
/// work takes again what it gave back ten milliseconds ago, and pays for both.
const KEPT_MS: c_long = 100;

/// Has free memory kept for a while, unless the environment (`MIMALLOC_PURGE_DELAY`) says how long. To be called before there is
/// a second thread.
#[allow(
    unsafe_code,
    reason = "mimalloc's settings can be reached in no other way after the process has begun"
)]
pub(super) fn settle() {
    // SAFETY: both only read or write an entry of a table by its number, which is in range; nobody else does so, since there is one
    // thread.
    unsafe {
        // Another number would mean that this is another option by now: then it stays as it is.
        if mi_option_get(PURGE_DELAY) == BY_ITSELF_MS {
            mi_option_set_default(PURGE_DELAY, KEPT_MS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code, reason = "as above")]
    fn it_is_the_setting_that_it_is_meant_to_be() {
        settle();
        // SAFETY: it reads an entry of a table by its number, which is in range.
        let delay = unsafe { mi_option_get(PURGE_DELAY) };
        let by_environment = std::env::var_os("MIMALLOC_PURGE_DELAY").is_some();
        assert!(delay == KEPT_MS || by_environment, "another version's table? {delay}");
    }
}
