//! Lengths of time as people write them: `30s`, `500ms`, `2m`, `1h`.

use std::time::Duration;

/// The longest that any command may be told.
const LONGEST_S: f64 = 7.0 * 24.0 * 3600.0;

/// Reads a length of time.
///
/// # Errors
/// Says what is expected.
pub fn length(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let value = units.iter().find_map(|(unit, factor)| {
        let number: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        (number >= 0.0 && number * factor <= LONGEST_S).then_some(number * factor)
    });
    value
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("{text:?} is no length of time: write 500ms, 30s, 2m or 1h"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read() {
        assert_eq!(length("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(length("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(length("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(length("1h"), Ok(Duration::from_secs(3_600)));
        for wrong in ["", "5", "-1s", "NaNs", "1000h", "s", "1 year"] {
            assert!(length(wrong).is_err(), "{wrong}");
        }
    }
}
