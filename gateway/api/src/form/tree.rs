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

    pub(super) fn in_scratch(self) -> bool {
        self.start & SCRATCH != 0
    }

    pub(super) fn len(self) -> usize {
        self.len as usize
    }
}

/// Whether one of the ASCII control characters stands in a text. It looks at all of it, which is faster than to stop at one.
pub(super) fn holds_control_characters(text: &[u8]) -> bool {
    text.iter().fold(false, |found, &byte| found | (byte < 0x20) | (byte == 0x7f))
}

#[inline]
fn narrow(offset: usize) -> u32 {
    u32::try_from(offset)
        .expect("bodies are limited to 256 KiB, and decoding makes text shorter or three times longer")
}

/// One parameter: a value, or an object or list of others.
pub(super) struct Node {
    pub(super) name: Span,
    /// Made of the name, so that most comparisons end before they reach the text.
    pub(super) tag: Tag,
    /// The value, when `leaf`.
    pub(super) value: Span,
    /// What the entries' names may be.
    pub(super) names: Names,
    pub(super) parent: u16,
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) next: u16,
    pub(super) entries: u16,
    pub(super) leaf: bool,
}

impl Node {
    pub(super) fn root() -> Self {
        Self::branch((Span::EMPTY, Tag::of(b"")), NONE)
    }

    fn branch((name, tag): (Span, Tag), parent: u16) -> Self {
        Self {
            name,
            tag,
            value: Span::EMPTY,
            names: Names::default(),
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
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tag(u32);

impl Tag {
    /// Of a constant name this is a constant.
    #[inline(always)]
    pub(super) const fn of(name: &[u8]) -> Self {
        let length = name.len();
        if length == 0 {
            return Self(0);
        }
        let [first, middle, last] = [name[0], name[length / 2], name[length - 1]];
        Self((length as u32) << 24 | (first as u32) << 16 | (middle as u32) << 8 | last as u32)
    }

    pub(super) const fn number(self) -> u32 {
        self.0
    }

    /// One bit of 64, spread over the names that there are.
    #[inline(always)]
    const fn bit(self) -> u64 {
        1 << (self.0.wrapping_mul(0x9E37_79B1) >> 26)
    }
}

/// A set of names that tells at once of most names that they are not in it.
#[derive(Clone, Copy, Default)]
pub(super) struct Names(u64);

impl Names {
    #[inline(always)]
    pub(super) const fn may_hold(self, tag: Tag) -> bool {
        self.0 & tag.bit() != 0
    }
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
        let name = name.as_bytes();
        self.position_of(parent, (Tag::of(name), name)).map(|(_, index)| index)
    }

    /// Where among the entries of `parent` a name stands, and its node.
    #[inline(always)]
    pub(super) fn position_of(&self, parent: u16, (tag, name): (Tag, &[u8])) -> Option<(u32, u16)> {
        if self.node(parent).names.may_hold(tag) { self.search(parent, (tag, name)) } else { None }
    }

    #[inline(never)]
    pub(super) fn search(&self, parent: u16, (tag, name): (Tag, &[u8])) -> Option<(u32, u16)> {
        let mut position = 0;
        let mut index = self.node(parent).first;
        while index != NONE {
            let node = self.node(index);
            if node.tag == tag && self.bytes(node.name) == name {
                return Some((position, index));
            }
            position += 1;
            index = node.next;
        }
        None
    }

    /// The branch of this name, made if it is not there.
    pub(super) fn branch(&mut self, parent: u16, name: Span) -> Result<u16, ApiError> {
        let bytes = self.bytes(name);
        let tag = Tag::of(bytes);
        match self.position_of(parent, (tag, bytes)).map(|(_, found)| found) {
            Some(found) if self.node(found).leaf => Err(self.conflict(found)),
            Some(found) => Ok(found),
            None => self.push(Node::branch((name, tag), parent)),
        }
    }

    /// Adds a value. A second one of the same name is refused: which of the two is meant can't be known.
    pub(super) fn leaf(&mut self, parent: u16, name: Span, value: Span) -> Result<(), ApiError> {
        let bytes = self.bytes(name);
        let tag = Tag::of(bytes);
        if let Some((_, found)) = self.position_of(parent, (tag, bytes)) {
            return Err(if self.node(found).leaf { self.repeated(found) } else { self.conflict(found) });
        }
        self.pairs += 1;
        if self.pairs > MAX_PAIRS {
            return Err(ApiError::invalid_request(format!("More than {MAX_PAIRS} parameters were sent.")));
        }
        let index = self.push(Node { value, leaf: true, ..Node::branch((name, tag), parent) })?;
        if value.len() > MAX_VALUE_BYTES {
            let message = format!("The value is longer than {MAX_VALUE_BYTES} bytes.");
            return Err(ApiError::invalid_parameter(self.path(index), message));
        }
        if !self.is_plain(value) && memchr::memchr(0, self.bytes(value)).is_some() {
            return Err(ApiError::invalid_characters(self.path(index)));
        }
        Ok(())
    }

    /// Whether a text is known to hold no control characters.
    fn is_plain(&self, text: Span) -> bool {
        self.plain && !text.in_scratch()
    }

    fn push(&mut self, node: Node) -> Result<u16, ApiError> {
        let (parent, tag) = (node.parent, node.tag);
        self.check_name(node.name, parent)?;
        let index = u16::try_from(self.nodes.len()).ok().filter(|&index| index != NONE);
        let Some(index) = index else {
            return Err(ApiError::invalid_request("Too many parameters were sent."));
        };
        self.nodes.push(node);
        let owner = &mut self.nodes[usize::from(parent)];
        let last = std::mem::replace(&mut owner.last, index);
        owner.entries += 1;
        owner.names.0 |= tag.bit();
        if last == NONE {
            owner.first = index;
        } else {
            self.nodes[usize::from(last)].next = index;
        }
        Ok(index)
    }

    fn check_name(&self, name: Span, parent: u16) -> Result<(), ApiError> {
        if name.len() == 0 && parent == ROOT {
            return Err(ApiError::invalid_request("A parameter without a name was sent."));
        }
        if name.len() > MAX_NAME_BYTES {
            let message = format!("A parameter's name is longer than {MAX_NAME_BYTES} bytes.");
            return Err(ApiError::invalid_request(message));
        }
        if !self.is_plain(name) && holds_control_characters(self.bytes(name)) {
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
