//! `application/x-www-form-urlencoded` with bracketed names, as SDKs and curl send it.

use super::tree::{ROOT, Span};
use super::{MAX_DEPTH, MAX_ENTRIES, Params, not_utf8};
use crate::error::ApiError;
use memchr::{memchr, memchr2};
use std::ops::Range;

pub(super) fn decode(text: &str) -> Result<Params<'_>, ApiError> {
    let bytes = text.as_bytes();
    // A guess at the nodes, so that they are allocated once: pairs of some 16 bytes, and the objects around them.
    let mut params = Params::new(text, (bytes.len() / 16 + 8).min(256));
    let mut outer = Outer::default();
    let mut start = 0;
    while start < bytes.len() {
        if bytes[start] == b'&' {
            start += 1;
        } else if let Some(pair) = plain_pair(bytes, &outer, start) {
            start = pair.value.end + 1;
            params.insert_plain(&mut outer, pair)?;
        } else {
            let end = memchr(b'&', &bytes[start..]).map_or(bytes.len(), |at| start + at);
            let equals = memchr(b'=', &bytes[start..end]).map_or(end, |at| start + at);
            let name = params.decoded(start, equals)?;
            let value = params.decoded((equals + 1).min(end), end)?;
            params.insert((name, value))?;
            start = end + 1;
        }
    }
    Ok(params)
}

/// The object in which the last pair stood that was in one: most pairs stand where the one before them does, or deeper.
#[derive(Default)]
struct Outer {
    /// The name as far as its field begins, `a[b][`, where it stands in the body; empty before there is one.
    prefix: Range<usize>,
    node: u16,
    depth: usize,
}

/// A pair that stands in the body as it is meant.
struct Plain {
    start: usize,
    /// The names begin in the outer object, not in the outermost.
    inside: bool,
    /// The names that lead to the value, as far as they are filled.
    names: [Range<usize>; MAX_DEPTH],
    filled: usize,
    value: Range<usize>,
}

/// The letters at which a plain name ends, and those at which a plain value does.
const ENDS_NAME: u8 = 1;
const ENDS_VALUE: u8 = 2;
const ENDS: [u8; 256] = {
    let mut ends = [0; 256];
    ends[b'&' as usize] = ENDS_NAME | ENDS_VALUE;
    ends[b'%' as usize] = ENDS_NAME | ENDS_VALUE;
    ends[b'+' as usize] = ENDS_NAME | ENDS_VALUE;
    ends[b'=' as usize] = ENDS_NAME;
    ends[b'[' as usize] = ENDS_NAME;
    ends[b']' as usize] = ENDS_NAME;
    ends
};

/// Where from `start` on one of these letters stands, or the end. What is looked through is short: byte by byte is fastest.
#[inline(always)]
fn run(bytes: &[u8], start: usize, ends: u8) -> usize {
    let rest = &bytes[start..];
    let length = rest.iter().position(|&byte| ENDS[usize::from(byte)] & ends != 0);
    start + length.unwrap_or(rest.len())
}

/// The pair that begins at `start`, if nothing in it has to be decoded and its brackets are in order: `a=1`, `a[b][c]=2`. Nothing
/// for all others, which are read with more care.
fn plain_pair(bytes: &[u8], outer: &Outer, start: usize) -> Option<Plain> {
    let prefix = &bytes[outer.prefix.clone()];
    let inside = !prefix.is_empty() && bytes[start..].starts_with(prefix);
    let (mut at, most) =
        if inside { (start + prefix.len(), MAX_DEPTH - outer.depth) } else { (start, MAX_DEPTH) };
    let mut bracketed = inside;
    let mut names = [const { 0..0 }; MAX_DEPTH];
    let mut filled = 0;
    loop {
        let end = run(bytes, at, ENDS_NAME);
        if end == at || filled == most {
            return None;
        }
        names[filled] = at..end;
        filled += 1;
        let closed = if bracketed && bytes.get(end) == Some(&b']') { end + 1 } else { end };
        match bytes.get(closed) {
            Some(b'=') if bracketed == (closed > end) => {
                at = closed + 1;
                break;
            }
            Some(b'[') if bracketed == (closed > end) => at = closed + 1,
            _other => return None,
        }
        bracketed = true;
    }
    let end = run(bytes, at, ENDS_VALUE);
    let whole = end == bytes.len() || bytes[end] == b'&';
    whole.then_some(Plain { start, inside, names, filled, value: at..end })
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

    /// Puts one plain pair into the tree.
    fn insert_plain(&mut self, outer: &mut Outer, pair: Plain) -> Result<(), ApiError> {
        let (last, branches) = pair.names[..pair.filled].split_last().expect("a pair has a name");
        let (mut parent, depth) = if pair.inside { (outer.node, outer.depth) } else { (ROOT, 0) };
        for name in branches {
            parent = self.branch(parent, Span::source(name.clone()))?;
        }
        if !branches.is_empty() {
            *outer = Outer { prefix: pair.start..last.start, node: parent, depth: depth + branches.len() };
        }
        self.leaf(parent, Span::source(last.clone()), Span::source(pair.value))
    }

    /// Puts one pair into the tree, by the brackets of its name.
    fn insert(&mut self, (name, value): (Span, Span)) -> Result<(), ApiError> {
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
            (here, rest) = self.bracket(parent, rest)?;
        }
        self.leaf(parent, here, value)
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
