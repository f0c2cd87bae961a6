//! HdrHistogram's interval log: one line an action and outcome, tagged, in microseconds, which its tools plot and merge.

use crate::failure::{Failure, Result};
use crate::measure::Summary;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Writes the log.
///
/// # Errors
/// The file can't be written.
pub fn write(summary: &Summary, path: &Path) -> Result<()> {
    let failed =
        |error: &dyn std::fmt::Debug| Failure::failed(format!("writing {}: {error:?}", path.display()));
    let file = File::create(path).map_err(|error| Failure::file("making", path, &error))?;
    let (mut writer, mut serializer) = (BufWriter::new(file), V2DeflateSerializer::new());
    let start = SystemTime::now().checked_sub(summary.length).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut builder = IntervalLogWriterBuilder::new();
    builder.add_comment("latencies in microseconds, from the intended start in the open model");
    builder.with_start_time(start).with_base_time(start).with_max_value_divisor(1_000.0);
    let mut log = builder.begin_log_with(&mut writer, &mut serializer).map_err(|error| failed(&error))?;
    for cell in &summary.cells {
        let name = format!("{}_{}", cell.action, cell.outcome);
        let tag = Tag::new(&name).expect("words and digits are legal tags");
        let from = summary.length.saturating_sub(summary.duration);
        log.write_histogram(&cell.latency, from, summary.duration.max(Duration::from_millis(1)), Some(tag))
            .map_err(|error| failed(&error))?;
    }
    drop(log);
    std::io::Write::flush(&mut writer).map_err(|error| Failure::file("writing", path, &error))
}
