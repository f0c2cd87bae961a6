//! One unambiguous byte form of the parameters, for the digest that an idempotency key is bound to.
//!
//! Two requests have the same bytes exactly when they have the same parameters: order and encoding do not matter, and
//! text is preceded by its length, so that no value can imitate a name. What is secret of a card is replaced or left out
//! by the caller.
//!
//! A branch is `u16` [`BRANCH`] and the number of its entries, then the entries in the order of their names' tags. An entry
//! is a byte with the length of its name, the name, and a branch or a value; a value is `u16` with its length, or
//! [`REPLACED`] for a fingerprint, and its bytes.

use super::tree::{Node, ROOT};
use super::{MAX_ENTRIES, MAX_NAME_BYTES, MAX_VALUE_BYTES, Params};

/// What a value is that may not stand in the canonical form, as far as its place tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardSecret {
    /// `payment_method_data[card][number]`, `card[number]`.
    Number,
    /// `payment_method_data[card][cvc]`, `cvc_update[cvc]`: it may not enter even a digest.
    VerificationCode,
}

/// What becomes of a card's secret in the canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redaction {
    /// The value stands as it is: for those who compare forms and keep none.
    Keep,
    /// The parameter is left out, as if it had not been sent.
    Omit,
    /// This fingerprint stands in its place; it never equals a kept value.
    Replace([u8; 16]),
}

/// Marks a branch, whose entries are counted in the lower bits.
const BRANCH: u16 = 1 << 15;
/// Marks a fingerprint.
const REPLACED: u16 = BRANCH | 1 << 14;

const _: () = assert!(MAX_VALUE_BYTES < BRANCH as usize && MAX_ENTRIES < 1 << 14 && MAX_NAME_BYTES < 256);

/// How many entries are put in order without memory of their own.
const FEW: usize = 16;

/// Where values stand that may be secret.
#[derive(Clone, Copy)]
enum Place {
    Card,
    CvcUpdate,
    Other,
}

impl Place {
    fn named(name: &[u8]) -> Self {
        match name {
            b"card" => Self::Card,
            b"cvc_update" => Self::CvcUpdate,
            _other => Self::Other,
        }
    }

    fn secret(self, name: &[u8]) -> Option<CardSecret> {
        match (self, name) {
            (Self::Card, b"number") => Some(CardSecret::Number),
            (Self::Card | Self::CvcUpdate, b"cvc") => Some(CardSecret::VerificationCode),
            (Self::Card | Self::CvcUpdate | Self::Other, _) => None,
        }
    }
}

impl Params<'_> {
    /// Writes the canonical form at the end of `out`. `redact` is asked about every value that may be a card's secret.
    pub fn canonical(&self, out: &mut Vec<u8>, redact: &mut impl FnMut(CardSecret, &str) -> Redaction) {
        out.reserve(self.source.len() + self.scratch.len() + 3 * self.nodes.len());
        self.write_branch(out, ROOT, redact);
    }

    fn write_branch(
        &self,
        out: &mut Vec<u8>,
        index: u16,
        redact: &mut impl FnMut(CardSecret, &str) -> Redaction,
    ) {
        let node = self.node(index);
        let place = Place::named(self.bytes(node.name));
        let counted_at = out.len();
        out.extend_from_slice(&[0; 2]);
        let mut few = [0; FEW];
        let mut many = Vec::new();
        let mut written = BRANCH;
        for &entry in self.in_order(node, index, (&mut few, &mut many)) {
            let entry = entry as u16;
            let node = self.node(entry);
            let name = self.bytes(node.name);
            let from = out.len();
            out.push(name.len() as u8);
            out.extend_from_slice(name);
            if !node.leaf {
                self.write_branch(out, entry, redact);
            } else if let Some(secret) = place.secret(name) {
                if !write_secret(out, redact(secret, self.text(node.value)), self.bytes(node.value)) {
                    out.truncate(from);
                    continue;
                }
            } else {
                write_value(out, self.bytes(node.value));
            }
            written += 1;
        }
        out[counted_at..counted_at + 2].copy_from_slice(&written.to_be_bytes());
    }

    /// The entries of a branch, whatever the order in which they were sent: tags above, indices in the lowest 16 bits.
    fn in_order<'r>(
        &self,
        node: &Node,
        index: u16,
        (few, many): (&'r mut [u64; FEW], &'r mut Vec<u64>),
    ) -> &'r [u64] {
        let entries = usize::from(node.entries);
        let room = if entries <= FEW {
            &mut few[..entries]
        } else {
            many.resize(entries, 0);
            &mut many[..]
        };
        for (slot, entry) in room.iter_mut().zip(self.entries(index)) {
            *slot = u64::from(self.node(entry).tag.number()) << 16 | u64::from(entry);
        }
        let name = |slot: u64| self.bytes(self.node(slot as u16).name);
        room.sort_unstable_by(|&left, &right| {
            // Different names may share a tag.
            (left >> 16).cmp(&(right >> 16)).then_with(|| name(left).cmp(name(right)))
        });
        room
    }
}

fn write_value(out: &mut Vec<u8>, value: &[u8]) {
    out.extend_from_slice(&(value.len() as u16).to_be_bytes());
    out.extend_from_slice(value);
}

/// Returns false if nothing may be written.
fn write_secret(out: &mut Vec<u8>, redaction: Redaction, value: &[u8]) -> bool {
    match redaction {
        Redaction::Omit => return false,
        Redaction::Keep => write_value(out, value),
        Redaction::Replace(fingerprint) => {
            out.extend_from_slice(&REPLACED.to_be_bytes());
            out.extend_from_slice(&fingerprint);
        }
    }
    true
}
