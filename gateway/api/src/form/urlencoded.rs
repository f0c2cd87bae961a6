//! `application/x-www-form-urlencoded` with bracketed names, as SDKs and curl send it.

use super::tree::{ROOT, Span};
use super::{MAX_DEPTH, MAX_ENTRIES, Params, not_utf8};
use crate::error::ApiError;
use memchr::{memchr, memchr2};

pub(super) fn decode(text: &str) -> Result<Params<'_>, ApiError> {
    let bytes = text.as_bytes();
    // A guess at the nodes, so that they are allocated once: pairs of some 16 bytes, and the objects around them.
    let mut params = Params::new(text, (bytes.len() / 16 + 8).min(256));
    let mut outer = Outer::default();
    let mut encoded_at = next_encoded(bytes, 0);
    let mut start = 0;
    while start < bytes.len() {
        let end = memchr(b'&', &bytes[start..]).map_or(bytes.len(), |at| start + at);
        if end > start {
            let equals = memchr(b'=', &bytes[start..end]).map_or(end, |at| start + at);
            let value = (equals + 1).min(end);
            let pair = if encoded_at < end {
                encoded_at = next_encoded(bytes, end);
                (params.decoded(start, equals)?, params.decoded(value, end)?)
            } else {
                (Span::source(start..equals), Span::source(value..end))
            };
            params.insert(&mut outer, pair)?;
        }
        start = end + 1;
    }
    Ok(params)
}

/// Where the next letter stands that has to be decoded; behind the end if there is none.
fn next_encoded(bytes: &[u8], from: usize) -> usize {
    memchr2(b'%', b'+', &bytes[from..]).map_or(bytes.len(), |at| from + at)
}

/// The object in which the last pair stood that was in one: most pairs stand where the one before them does.
#[derive(Default)]
struct Outer {
    /// The name as far as its field begins: `a[b][`.
    prefix: Option<Span>,
    node: u16,
}

impl Params<'_> {
    /// The text between two offsets of the body: in place where nothing is encoded, else decoded into the scratch.
    fn decoded(&mut self, start: usize, end: usize) -> Result<Span, ApiError> {
        let source = self.source;
        let mut rest = &source[start..end];
        if memchr2(b'%', b'+', rest.as_bytes()).is_none() {
            return Ok(Span::source(start..end));
        }
        if self.scratch.capacity() == 0 {
            self.scratch.reserve(source.len() - start);
        }
        let from = self.scratch.len();
        while let Some(at) = memchr2(b'%', b'+', rest.as_bytes()) {
            self.scratch.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix('+') {
                self.scratch.push(' ');
                rest = after;
            } else {
                rest = self.unescape(rest)?;
            }
        }
        self.scratch.push_str(rest);
        Ok(Span::scratch(from..self.scratch.len()))
    }

    /// Decodes the run of `%XX` at the start of `rest`, and returns what follows it.
    fn unescape<'t>(&mut self, rest: &'t str) -> Result<&'t str, ApiError> {
        let bytes = rest.as_bytes();
        let mut at = 0;
        let mut run = [0_u8; 64];
        let mut filled = 0;
        while at < bytes.len() && bytes[at] == b'%' {
            let byte = match bytes.get(at + 1..at + 3) {
                Some(&[high, low]) => hex(high).zip(hex(low)).map(|(high, low)| high << 4 | low),
                _ => None,
            };
            let Some(byte) = byte else { return Err(bad_escape()) };
            run[filled] = byte;
            filled += 1;
            at += 3;
            if filled == run.len() {
                filled = self.flush(&mut run, filled)?;
            }
        }
        match self.flush(&mut run, filled)? {
            0 => Ok(&rest[at..]),
            _ => Err(not_utf8()),
        }
    }

    /// Moves the whole characters of `run[..filled]` to the scratch; returns how many bytes of an unfinished one stay.
    fn flush(&mut self, run: &mut [u8; 64], filled: usize) -> Result<usize, ApiError> {
        let whole = match std::str::from_utf8(&run[..filled]) {
            Ok(text) => {
                self.scratch.push_str(text);
                filled
            }
            Err(error) if error.error_len().is_some() => return Err(not_utf8()),
            Err(error) => {
                let whole = error.valid_up_to();
                self.scratch.push_str(std::str::from_utf8(&run[..whole]).expect("checked up to here"));
                whole
            }
        };
        run.copy_within(whole..filled, 0);
        Ok(filled - whole)
    }

    /// Puts one pair into the tree, by the brackets of its name.
    fn insert(&mut self, outer: &mut Outer, (name, value): (Span, Span)) -> Result<(), ApiError> {
        if let Some(inner) = self.field_of(outer, name) {
            return self.leaf(outer.node, inner, value);
        }
        let whole = name.len();
        let (mut here, mut rest) = self.head(name)?;
        let mut parent = ROOT;
        let mut depth = 1;
        while rest.len() > 0 {
            parent = self.branch(parent, here)?;
            depth += 1;
            if depth > MAX_DEPTH {
                let message = format!("The parameters are nested deeper than {MAX_DEPTH} levels.");
                return Err(ApiError::invalid_parameter(self.path(parent), message));
            }
            let opens_at = whole - rest.len();
            *outer = Outer { prefix: Some(name.part(0, opens_at + 1)), node: parent };
            (here, rest) = self.bracket(parent, rest)?;
        }
        self.leaf(parent, here, value)
    }

    /// The field that a name means in the object of the pair before it: `c` of `a[b][c]` after `a[b][d]`.
    fn field_of(&self, outer: &Outer, name: Span) -> Option<Span> {
        let prefix = self.bytes(outer.prefix?);
        let field = self.bytes(name).strip_prefix(prefix)?.strip_suffix(b"]")?;
        let bracketed = field.iter().fold(false, |found, &byte| found | matches!(byte, b'[' | b']'));
        (!field.is_empty() && !bracketed).then(|| name.part(prefix.len(), name.len() - 1))
    }

    /// Splits `a[b][c]` into `a` and `[b][c]`.
    fn head(&self, name: Span) -> Result<(Span, Span), ApiError> {
        let bytes = self.bytes(name);
        match memchr2(b'[', b']', bytes) {
            None => Ok((name, Span::EMPTY)),
            Some(open) if bytes[open] == b'[' => Ok((name.part(0, open), name.part(open, bytes.len()))),
            Some(_) => Err(bad_brackets(self.text(name))),
        }
    }

    /// Splits `[b][c]` into `b` and `[c]`. An empty `[]`, allowed only at the end, is the next position of a list.
    fn bracket(&mut self, parent: u16, rest: Span) -> Result<(Span, Span), ApiError> {
        let bytes = self.bytes(rest);
        let close = bytes.iter().skip(1).position(|byte| matches!(byte, b'[' | b']')).map(|at| at + 1);
        let Some(close) = close.filter(|&close| bytes[0] == b'[' && bytes[close] == b']') else {
            return Err(bad_brackets(self.text(rest)));
        };
        let length = bytes.len();
        if close > 1 {
            return Ok((rest.part(1, close), rest.part(close + 1, length)));
        }
        if length > 2 {
            let message = "Lists of objects need numbered brackets, like a[0][b]; a[][b] is ambiguous.";
            return Err(ApiError::invalid_parameter(self.path(parent), message));
        }
        let position = usize::from(self.node(parent).entries);
        let name = self.position(position);
        Ok((name, Span::EMPTY))
    }

    /// The decimal name of a list position, in the scratch.
    pub(super) fn position(&mut self, position: usize) -> Span {
        use std::fmt::Write as _;
        let from = self.scratch.len();
        write!(self.scratch, "{}", position.min(MAX_ENTRIES)).expect("a string takes all text");
        Span::scratch(from..self.scratch.len())
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn bad_escape() -> ApiError {
    ApiError::invalid_request(
        "A percent sign is not followed by two hexadecimal digits. Percent-encode it as %25.",
    )
}

fn bad_brackets(text: &str) -> ApiError {
    let shown: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
    ApiError::invalid_request(format!("The brackets of the parameter name '{shown}' do not match."))
}
