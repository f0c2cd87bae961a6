//! One unambiguous byte form of the parameters, for the digest that an idempotency key is bound to.
//!
//! Two requests have the same bytes exactly when they have the same parameters: order and encoding do not matter, and
//! text is preceded by its length, so that no value can imitate a name. Secrets are replaced or left out by the caller.

use super::Params;
use super::tree::ROOT;

/// What becomes of one value in the canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redaction {
    /// The value stands as it is.
    Keep,
    /// The parameter is left out, as if it had not been sent.
    Omit,
    /// These bytes stand in its place (a keyed fingerprint); they never equal a kept value.
    Replace(Vec<u8>),
}

/// Whether a path leads to a card number: `payment_method_data[card][number]`, `card[number]`.
pub fn is_card_number(path: &[&str]) -> bool {
    matches!(path, [.., "card", "number"])
}

/// Whether a path leads to a card verification code, which may not enter even a digest.
pub fn is_card_verification_code(path: &[&str]) -> bool {
    matches!(path, [.., "card", "cvc"] | [.., "cvc_update", "cvc"])
}

const BRANCH: u8 = b'B';
const LEAF: u8 = b'L';
const REPLACED: u8 = b'R';

impl Params<'_> {
    /// Feeds the canonical form to `sink`, in one or more pieces. `redact` is asked about every value, with its path
    /// from the outermost name inward.
    pub fn canonical(&self, sink: &mut dyn FnMut(&[u8]), redact: &dyn Fn(&[&str], &str) -> Redaction) {
        let mut out = Vec::with_capacity(self.source.len() + self.scratch.len() + 16 * self.nodes.len());
        let mut path = Vec::with_capacity(super::MAX_DEPTH);
        self.write_branch(&mut out, ROOT, &mut path, redact);
        sink(&out);
    }

    fn write_branch<'p>(
        &'p self,
        out: &mut Vec<u8>,
        index: u16,
        path: &mut Vec<&'p str>,
        redact: &dyn Fn(&[&str], &str) -> Redaction,
    ) {
        out.push(BRANCH);
        let counted_at = out.len();
        out.extend_from_slice(&[0; 4]);
        let mut names: Vec<(&str, u16)> =
            self.entries(index).map(|entry| (self.text(self.node(entry).name), entry)).collect();
        names.sort_unstable();
        let mut written = 0_u32;
        for (name, entry) in names {
            path.push(name);
            let from = out.len();
            write_text(out, name.as_bytes());
            if self.write_entry(out, entry, path, redact) {
                written += 1;
            } else {
                out.truncate(from);
            }
            path.pop();
        }
        out[counted_at..counted_at + 4].copy_from_slice(&written.to_be_bytes());
    }

    /// Writes one entry's value, or returns false when it is to be left out.
    fn write_entry<'p>(
        &'p self,
        out: &mut Vec<u8>,
        index: u16,
        path: &mut Vec<&'p str>,
        redact: &dyn Fn(&[&str], &str) -> Redaction,
    ) -> bool {
        let node = self.node(index);
        if !node.leaf {
            self.write_branch(out, index, path, redact);
            return true;
        }
        let value = self.text(node.value);
        match redact(path, value) {
            Redaction::Omit => return false,
            Redaction::Keep => {
                out.push(LEAF);
                write_text(out, value.as_bytes());
            }
            Redaction::Replace(bytes) => {
                out.push(REPLACED);
                write_text(out, &bytes);
            }
        }
        true
    }
}

fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    let length = u32::try_from(text.len()).expect("names and values are limited to a few KiB");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text);
}
