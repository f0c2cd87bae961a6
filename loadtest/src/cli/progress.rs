//! Progress: on a terminal only, on standard error.

use crate::load::engine::Observer;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

/// Tells a line, if somebody looks.
pub fn tell(line: &str) {
    if std::io::stderr().is_terminal() {
        eprintln!("{line}");
    }
}

/// A bar that follows a run.
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// For a run of this length; hidden where there is no terminal.
    pub fn new(length: Duration) -> Self {
        let bar = ProgressBar::with_draw_target(Some(length.as_secs().max(1)), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} s  {msg}")
            .expect("the template is well formed");
        bar.set_style(style);
        Self { bar }
    }
}

impl Observer for Bar {
    fn tick(&mut self, at: Duration, (done, errors): (u64, u64)) {
        self.bar.set_position(at.as_secs());
        let rate = done as f64 / at.as_secs_f64().max(1e-3);
        self.bar.set_message(format!("{rate:.0}/s, {errors} errors"));
    }

    fn closed(&mut self) {
        self.bar.finish_and_clear();
    }
}
