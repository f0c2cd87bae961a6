//! The tree of parameters: nodes in one vector, linked in the order in which they were sent.

use super::{MAX_ENTRIES, MAX_NAME_BYTES, MAX_PAIRS, MAX_VALUE_BYTES, Params};
use crate::error::ApiError;
use std::ops::Range;

/// The index of the outermost object.
pub(super) const ROOT: u16 = 0;
/// No node. Real indices stay far below, because pairs and depth are limited.
pub(super) const NONE: u16 = u16::MAX;

/// A piece of text, in the body or in the scratch buffer. Both are far shorter than 2 GiB.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    len: u32,
}

const SCRATCH: u32 = 1 << 31;

impl Span {
    pub(super) const EMPTY: Self = Self { start: 0, len: 0 };

    pub(super) fn source(range: Range<usize>) -> Self {
        Self { start: narrow(range.start), len: narrow(range.len()) }
    }

    pub(super) fn scratch(range: Range<usize>) -> Self {
        Self { start: narrow(range.start) | SCRATCH, len: narrow(range.len()) }
    }

    /// The part of this span from `from` to `to`, in bytes of the span.
    pub(super) fn part(self, from: usize, to: usize) -> Self {
        Self { start: self.start + narrow(from), len: narrow(to - from) }
    }

    /// Whether it lies in the scratch buffer, and where.
    pub(super) fn range(self) -> (bool, Range<usize>) {
        let start = (self.start & !SCRATCH) as usize;
        (self.start & SCRATCH != 0, start..start + self.len as usize)
    }

    pub(super) fn len(self) -> usize {
        self.len as usize
    }
}

fn narrow(offset: usize) -> u32 {
    u32::try_from(offset)
        .expect("bodies are limited to 256 KiB, and decoding makes text shorter or three times longer")
}

/// One parameter: a value, or an object or list of others.
pub(super) struct Node {
    pub(super) name: Span,
    /// Made of the name by [`tag`], so that most comparisons end before they reach the text.
    tag: u32,
    /// The value, when `leaf`.
    pub(super) value: Span,
    pub(super) parent: u16,
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) next: u16,
    pub(super) entries: u16,
    pub(super) leaf: bool,
}

impl Node {
    pub(super) fn root() -> Self {
        Self::branch(Span::EMPTY, NONE)
    }

    fn branch(name: Span, parent: u16) -> Self {
        Self {
            name,
            tag: 0,
            value: Span::EMPTY,
            parent,
            first: NONE,
            last: NONE,
            next: NONE,
            entries: 0,
            leaf: false,
        }
    }
}

/// The length and three letters of a name. Equal names have equal tags.
#[inline]
fn tag(name: &[u8]) -> u32 {
    let letter = |at: usize| u32::from(name.get(at).copied().unwrap_or_default());
    let last = u32::from(name.last().copied().unwrap_or_default());
    (name.len() as u32) << 24 | letter(0) << 16 | letter(name.len() / 2) << 8 | last
}

impl Params<'_> {
    #[inline]
    pub(super) fn node(&self, index: u16) -> &Node {
        &self.nodes[usize::from(index)]
    }

    /// The entries of a branch, in the order in which they were sent.
    pub(super) fn entries(&self, index: u16) -> Entries<'_> {
        Entries { params: self, next: self.node(index).first }
    }

    pub(super) fn find(&self, parent: u16, name: &str) -> Option<u16> {
        self.position_of(parent, name.as_bytes()).map(|(_, index)| index)
    }

    /// Where among the entries of `parent` a name stands, and its node.
    #[inline]
    pub(super) fn position_of(&self, parent: u16, name: &[u8]) -> Option<(u32, u16)> {
        let wanted = tag(name);
        let mut position = 0;
        let mut index = self.node(parent).first;
        while index != NONE {
            let node = self.node(index);
            if node.tag == wanted && self.bytes(node.name) == name {
                return Some((position, index));
            }
            position += 1;
            index = node.next;
        }
        None
    }

    /// The branch of this name, made if it is not there.
    pub(super) fn branch(&mut self, parent: u16, name: Span) -> Result<u16, ApiError> {
        match self.position_of(parent, self.bytes(name)).map(|(_, found)| found) {
            Some(found) if self.node(found).leaf => Err(self.conflict(found)),
            Some(found) => Ok(found),
            None => self.push(Node::branch(name, parent)),
        }
    }

    /// Adds a value. A second one of the same name is refused: which of the two is meant can't be known.
    pub(super) fn leaf(&mut self, parent: u16, name: Span, value: Span) -> Result<(), ApiError> {
        if let Some((_, found)) = self.position_of(parent, self.bytes(name)) {
            return Err(if self.node(found).leaf { self.repeated(found) } else { self.conflict(found) });
        }
        self.pairs += 1;
        if self.pairs > MAX_PAIRS {
            return Err(ApiError::invalid_request(format!("More than {MAX_PAIRS} parameters were sent.")));
        }
        let index = self.push(Node { value, leaf: true, ..Node::branch(name, parent) })?;
        let bytes = self.bytes(value);
        if bytes.len() > MAX_VALUE_BYTES {
            let message = format!("The value is longer than {MAX_VALUE_BYTES} bytes.");
            return Err(ApiError::invalid_parameter(self.path(index), message));
        }
        if memchr::memchr(0, bytes).is_some() {
            return Err(ApiError::invalid_characters(self.path(index)));
        }
        Ok(())
    }

    fn push(&mut self, mut node: Node) -> Result<u16, ApiError> {
        let parent = node.parent;
        self.check_name(node.name, parent)?;
        node.tag = tag(self.bytes(node.name));
        let index = u16::try_from(self.nodes.len()).ok().filter(|&index| index != NONE);
        let Some(index) = index else {
            return Err(ApiError::invalid_request("Too many parameters were sent."));
        };
        self.nodes.push(node);
        let owner = &mut self.nodes[usize::from(parent)];
        let last = std::mem::replace(&mut owner.last, index);
        owner.entries += 1;
        if last == NONE {
            owner.first = index;
        } else {
            self.nodes[usize::from(last)].next = index;
        }
        Ok(index)
    }

    fn check_name(&self, name: Span, parent: u16) -> Result<(), ApiError> {
        let bytes = self.bytes(name);
        if bytes.is_empty() && parent == ROOT {
            return Err(ApiError::invalid_request("A parameter without a name was sent."));
        }
        if bytes.len() > MAX_NAME_BYTES {
            let message = format!("A parameter's name is longer than {MAX_NAME_BYTES} bytes.");
            return Err(ApiError::invalid_request(message));
        }
        if bytes.iter().fold(false, |found, &byte| found | (byte < 0x20) | (byte == 0x7f)) {
            return Err(ApiError::invalid_request("A parameter's name contains control characters."));
        }
        if usize::from(self.node(parent).entries) >= MAX_ENTRIES {
            let message = format!("More than {MAX_ENTRIES} entries were sent in one place.");
            let error = ApiError::invalid_request(message);
            return Err(if parent == ROOT { error } else { error.with_param(self.path(parent)) });
        }
        Ok(())
    }

    /// The bracket form of where a node stands: `payment_method_data[card][number]`.
    pub(super) fn path(&self, index: u16) -> String {
        let mut names = Vec::with_capacity(super::MAX_DEPTH);
        let mut at = index;
        while at != ROOT && at != NONE {
            names.push(self.text(self.node(at).name));
            at = self.node(at).parent;
        }
        let mut path = String::new();
        for (position, name) in names.iter().rev().enumerate() {
            if position == 0 {
                path.push_str(name);
            } else {
                path.push('[');
                path.push_str(name);
                path.push(']');
            }
        }
        path
    }

    /// The bracket form of an entry of `parent`, whether it was sent or not.
    pub(super) fn path_of(&self, parent: u16, name: &str) -> String {
        if parent == ROOT { name.to_owned() } else { format!("{}[{name}]", self.path(parent)) }
    }

    fn repeated(&self, index: u16) -> ApiError {
        let path = self.path(index);
        let message = format!("The parameter '{path}' was sent more than once. Send it once.");
        ApiError::invalid_parameter(path, message)
    }

    fn conflict(&self, index: u16) -> ApiError {
        let path = self.path(index);
        let message =
            format!("The parameter '{path}' was sent both as a value and as an object. Send one of them.");
        ApiError::invalid_parameter(path, message)
    }
}

/// Walks the entries of a branch.
#[derive(Clone)]
pub(super) struct Entries<'p> {
    params: &'p Params<'p>,
    next: u16,
}

impl Iterator for Entries<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        let index = self.next;
        if index == NONE {
            return None;
        }
        self.next = self.params.node(index).next;
        Some(index)
    }
}
