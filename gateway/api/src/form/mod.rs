//! Bytes to parameters: one tree for form bodies, JSON bodies and query strings, with exact limits.
//!
//! The tree borrows from the body. Text that had to be decoded stands in one scratch buffer, and nodes refer to either
//! by offsets, so that a typical body costs three allocations. Every value is text: integers, booleans and their
//! spellings as strings are the same thing, as they are in a form body.

mod canonical;
mod fields;
mod json;
mod tree;
mod urlencoded;
mod values;

pub use canonical::{CardSecret, Redaction};
pub use fields::Fields;
pub use values::Change;

use crate::error::ApiError;
use tree::{Node, Span};

/// The most pairs (form) or leaves (JSON) that one request may carry.
pub const MAX_PAIRS: usize = 512;
/// The most entries of one object or list.
pub const MAX_ENTRIES: usize = 128;
/// The deepest nesting: `a[b][c]` has depth 3.
pub const MAX_DEPTH: usize = 8;
/// The longest name of one parameter, in bytes, without its brackets.
pub const MAX_NAME_BYTES: usize = 128;
/// The longest value, in bytes after decoding.
pub const MAX_VALUE_BYTES: usize = 16 * 1024;
/// The largest body, in bytes; the edge refuses larger ones before they are read.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// The decoded parameters of one request.
///
/// `Debug` prints no value: a body may hold a card number.
pub struct Params<'a> {
    source: &'a str,
    scratch: String,
    nodes: Vec<Node>,
    pairs: usize,
    /// No control character stands in `source`.
    plain: bool,
}

/// The encodings in which a body may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-www-form-urlencoded`, also when no content type is given.
    Form,
    /// `application/json`, an object.
    Json,
}

impl Encoding {
    /// The encoding that a `Content-Type` names, whatever its parameters and case. Anything else is 415.
    pub fn of_content_type(value: Option<&str>) -> Result<Self, ApiError> {
        let Some(value) = value else { return Ok(Self::Form) };
        let essence = value.split(';').next().unwrap_or_default().trim();
        if essence.is_empty() || essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Ok(Self::Form)
        } else if essence.eq_ignore_ascii_case("application/json") {
            Ok(Self::Json)
        } else {
            Err(ApiError::unsupported_media_type())
        }
    }
}

impl<'a> Params<'a> {
    /// No parameters at all.
    pub fn empty() -> Self {
        Self::new("", 1)
    }

    /// Decodes a body. An empty one has no parameters, in either encoding.
    ///
    /// # Errors
    /// 400 in the dialect for anything that can't be read, repeats a field or passes a limit; 413 over
    /// [`MAX_BODY_BYTES`].
    pub fn from_body(encoding: Encoding, body: &'a [u8]) -> Result<Self, ApiError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(ApiError::body_too_large(MAX_BODY_BYTES));
        }
        let text = std::str::from_utf8(body).map_err(|_| not_utf8())?;
        match encoding {
            Encoding::Form => urlencoded::decode(text),
            Encoding::Json if text.trim().is_empty() => Ok(Self::empty()),
            Encoding::Json => json::decode(text),
        }
    }

    /// Decodes a query string (without its question mark) under the rules of form bodies.
    ///
    /// # Errors
    /// As for [`Params::from_body`].
    pub fn from_query(query: &'a str) -> Result<Self, ApiError> {
        Self::from_body(Encoding::Form, query.as_bytes())
    }

    /// The typed reader of the outermost object.
    pub fn fields(&self) -> Fields<'_> {
        Fields::new(self, tree::ROOT)
    }

    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.nodes[usize::from(tree::ROOT)].entries == 0
    }

    fn new(source: &'a str, nodes: usize) -> Self {
        let mut all = Vec::with_capacity(nodes);
        all.push(Node::root());
        let plain = !tree::holds_control_characters(source.as_bytes());
        Self { source, scratch: String::new(), nodes: all, pairs: 0, plain }
    }

    fn text(&self, span: Span) -> &str {
        let (scratch, range) = span.range();
        if scratch { &self.scratch[range] } else { &self.source[range] }
    }

    /// The same as [`Params::text`], where only comparisons are made.
    #[inline]
    fn bytes(&self, span: Span) -> &[u8] {
        let (scratch, range) = span.range();
        if scratch { &self.scratch.as_bytes()[range] } else { &self.source.as_bytes()[range] }
    }
}

impl std::fmt::Debug for Params<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Params({} values, not shown)", self.pairs)
    }
}

fn not_utf8() -> ApiError {
    ApiError::invalid_request(
        "The parameters are not valid UTF-8. Encode text as UTF-8 before percent-encoding it.",
    )
}

#[cfg(test)]
mod tests;
