//! The one place that reads the operating system's generator; everything else draws through [`Entropy`].
//!
//! A payment draws several short values (a nonce, ids), and each system call costs more than sealing a card. So short
//! draws are served from a small buffer of the thread, refilled in one call, and wiped as it is handed out. Long
//! draws, keys above all, go to the operating system directly.

use ring::rand::SecureRandom;
use std::cell::RefCell;
use zeroize::Zeroize;

/// A source of bytes that nobody can guess. A simulation may give a seeded one; production gives [`System`].
pub trait Entropy: Send + Sync {
    /// Overwrites all of `out`.
    fn fill(&self, out: &mut [u8]);
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Entropy for System {
    fn fill(&self, out: &mut [u8]) {
        fill(out);
    }
}

impl<F: Fn(&mut [u8]) + Send + Sync> Entropy for F {
    fn fill(&self, out: &mut [u8]) {
        self(out);
    }
}

/// Bytes that a thread keeps ready.
const POOL_BYTES: usize = 1024;

/// Longest draw that is served from the pool: nonces and ids. A 256-bit key is longer, on purpose.
const SHORT_BYTES: usize = 31;

struct Pool {
    bytes: [u8; POOL_BYTES],
    /// Where the unused bytes begin.
    used: usize,
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; POOL_BYTES], used: POOL_BYTES }) };
}

/// Overwrites all of `out` with bytes from the operating system's generator.
///
/// # Panics
/// If the operating system has no randomness to give: no key, nonce or id may be made then.
pub fn fill(out: &mut [u8]) {
    let pooled = out.len() <= SHORT_BYTES && POOL.try_with(|pool| take(&mut pool.borrow_mut(), out)).is_ok();
    if !pooled {
        draw(out);
    }
}

fn take(pool: &mut Pool, out: &mut [u8]) {
    if POOL_BYTES - pool.used < out.len() {
        draw(&mut pool.bytes);
        pool.used = 0;
    }
    let chunk = &mut pool.bytes[pool.used..pool.used + out.len()];
    out.copy_from_slice(chunk);
    // What was handed out must not be found here again, nor be handed out twice.
    chunk.zeroize();
    pool.used += out.len();
}

fn draw(out: &mut [u8]) {
    ring::rand::SystemRandom::new()
        .fill(out)
        .expect("the operating system's generator answers; without it no key or nonce may be made");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn short_draws_never_repeat_over_many_refills_and_threads() {
        let draw_many = || {
            (0..2_000)
                .map(|_| {
                    let mut b = [0; 12];
                    fill(&mut b);
                    b
                })
                .collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(draw_many)).collect();
        let all: Vec<[u8; 12]> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 8_000);
    }

    #[test]
    fn every_length_is_overwritten_whole() {
        for length in [0, 1, SHORT_BYTES - 1, SHORT_BYTES, SHORT_BYTES + 1, 32, 4096] {
            // A byte that stays 0 in 64 draws was not written (chance 2^-512 each).
            let mut seen = vec![0u8; length];
            for _ in 0..64 {
                let mut out = vec![0u8; length];
                fill(&mut out);
                seen.iter_mut().zip(&out).for_each(|(seen, byte)| *seen |= byte);
            }
            assert!(seen.iter().all(|byte| *byte != 0), "length {length}");
        }
    }

    #[test]
    fn what_was_handed_out_is_wiped_from_the_pool() {
        let mut pool = Pool { bytes: [0; POOL_BYTES], used: POOL_BYTES };
        let mut out = [0; SHORT_BYTES];
        take(&mut pool, &mut out);
        assert_eq!(pool.used, SHORT_BYTES);
        assert_eq!(pool.bytes[..SHORT_BYTES], [0; SHORT_BYTES]);
        assert_ne!(out, [0; SHORT_BYTES]);
    }

    #[test]
    fn a_closure_is_a_source() {
        let seeded = |out: &mut [u8]| out.fill(7);
        let source: &dyn Entropy = &seeded;
        let mut out = [0; 3];
        source.fill(&mut out);
        assert_eq!(out, [7; 3]);
    }
}
