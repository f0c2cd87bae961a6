//! The host's book on disk: one line of JSON for each message that had an effect, or was refused one. It is only ever
//! appended to, and a line is written before its answer leaves.
//!
//! `{"at","op","reference","amount_minor","currency","result","id","original"}`: `at` in milliseconds since the epoch; `op` one of
//! authorize, capture, refund, reverse, void (a sale is an authorize and a capture); `reference` the twelve digits of field 37;
//! `result` approved, declined or not_found. `id` and `original` let the host find its place again after a restart.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line<'a> {
    /// Milliseconds since the epoch.
    pub at: i64,
    pub op: Cow<'a, str>,
    pub reference: Cow<'a, str>,
    pub amount_minor: i64,
    /// ISO 4217, lower case.
    pub currency: Cow<'a, str>,
    pub result: Cow<'a, str>,
    /// The host's own name for the message.
    pub id: u64,
    /// The host's own name for the message that it is about; 0 if it is about none.
    pub original: u64,
}

/// The file; nothing is kept without one.
pub struct BookFile {
    file: Option<Mutex<File>>,
}

impl BookFile {
    /// Keeps nothing.
    #[must_use]
    pub fn none() -> BookFile {
        BookFile { file: None }
    }

    /// Opens the file to append, and hands every line that is there already to `each`. A last line that was cut short is
    /// cut away.
    ///
    /// # Errors
    /// The file can't be read or written, or a line that is not the last is not one of a book.
    pub fn open(path: &Path, mut each: impl FnMut(&Line<'_>)) -> io::Result<BookFile> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut whole = 0u64;
        let mut reader = BufReader::new(&file);
        let mut text = String::new();
        loop {
            text.clear();
            let read = reader.read_line(&mut text)?;
            if read == 0 || !text.ends_with('\n') {
                break;
            }
            let line = serde_json::from_str(&text).map_err(|error| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("{} at byte {whole}: {error}", path.display()),
                )
            })?;
            each(&line);
            whole += read as u64;
        }
        file.set_len(whole)?;
        Ok(BookFile { file: Some(Mutex::new(file)) })
    }

    /// Appends whole lines with one write.
    ///
    /// # Errors
    /// The disk's.
    pub fn append(&self, lines: &[u8]) -> io::Result<()> {
        match &self.file {
            Some(file) if !lines.is_empty() => {
                file.lock().unwrap_or_else(PoisonError::into_inner).write_all(lines)
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// What a book says in total.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Lines and minor units by `op result currency`.
    pub totals: BTreeMap<String, Total>,
    /// References with more than one approved authorization that was not reversed.
    pub double_approvals: u64,
}

/// Lines and minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Total {
    pub lines: u64,
    pub amount_minor: i64,
}

/// Adds a book up.
///
/// # Errors
/// A line that can't be read, or is not one of a book.
pub fn summary(reader: impl BufRead) -> io::Result<Summary> {
    let mut summary = Summary::default();
    let mut approvals: BTreeMap<String, i64> = BTreeMap::new();
    for text in reader.lines() {
        let text = text?;
        let line: Line<'_> =
            serde_json::from_str(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let total =
            summary.totals.entry(format!("{} {} {}", line.op, line.result, line.currency)).or_default();
        total.lines += 1;
        total.amount_minor = total.amount_minor.saturating_add(line.amount_minor);
        if line.result == "approved" && line.op == "authorize" {
            *approvals.entry(line.reference.into_owned()).or_default() += 1;
        }
    }
    summary.double_approvals = approvals.values().filter(|count| **count > 1).count() as u64;
    Ok(summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_is_found_again_and_a_torn_line_is_cut_away() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("book.jsonl");
        let line = Line {
            at: 5,
            op: "authorize".into(),
            reference: "000000000001".into(),
            amount_minor: 100,
            currency: "usd".into(),
            result: "approved".into(),
            id: 1,
            original: 0,
        };
        let mut text = serde_json::to_vec(&line).expect("plain data");
        text.push(b'\n');
        let book = BookFile::open(&path, |_| panic!("a new book is empty")).expect("opens");
        book.append(&text).expect("writes");
        book.append(&text[..20]).expect("writes");
        let mut found = Vec::new();
        let book =
            BookFile::open(&path, |line| found.push((line.id, line.amount_minor))).expect("opens again");
        assert_eq!(found, [(1, 100)]);
        book.append(&text).expect("writes");
        let summary = summary(BufReader::new(File::open(&path).expect("opens"))).expect("whole lines only");
        let total = Total { lines: 2, amount_minor: 200 };
        assert_eq!(summary.totals.get("authorize approved usd"), Some(&total));
        assert_eq!(summary.double_approvals, 1);
    }
}
