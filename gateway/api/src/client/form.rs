//! Builds form bodies and query strings.

use bytes::Bytes;
use std::fmt::Display;
use std::fmt::Write as _;

/// The parameters of a call, encoded as they are added. `Debug` prints no value: there may be a card number.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form {
    encoded: String,
}

impl Form {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter. The name may have brackets: `metadata[order]`, `expand[]`.
    pub fn pair(mut self, name: &str, value: impl Display) -> Self {
        self.push(name, value);
        self
    }

    /// Adds a parameter if it has a value.
    pub fn optional(mut self, name: &str, value: Option<impl Display>) -> Self {
        if let Some(value) = value {
            self.push(name, value);
        }
        self
    }

    /// Adds a parameter in place.
    pub fn push(&mut self, name: &str, value: impl Display) {
        if !self.encoded.is_empty() {
            self.encoded.push('&');
        }
        escape(name, b"[]", &mut self.encoded);
        self.encoded.push('=');
        write!(Escaped(&mut self.encoded), "{value}").expect("a string takes all text");
    }

    /// The encoded text.
    pub fn as_str(&self) -> &str {
        &self.encoded
    }

    /// Whether there are no parameters.
    pub fn is_empty(&self) -> bool {
        self.encoded.is_empty()
    }

    /// The encoded body.
    pub fn into_bytes(self) -> Bytes {
        Bytes::from(self.encoded)
    }
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Form({} bytes, not shown)", self.encoded.len())
    }
}

/// Escapes what is written to it.
struct Escaped<'s>(&'s mut String);

impl std::fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        escape(text, b"", self.0);
        Ok(())
    }
}

/// Percent-encodes everything but unreserved characters and those of `keep`; a space becomes a plus sign.
fn escape(text: &str, keep: &[u8], out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ if keep.contains(&byte) => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("a string takes all text"),
        }
    }
}

/// An id as one segment of a path: nothing in it can begin another segment or a query.
pub(super) fn segment(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    escape(&id.replace(' ', "%20"), b"", &mut out);
    out
}
