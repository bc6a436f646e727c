//! Measurements of tests.

use std::{fmt, io::Write};

/// The prefix of lines with measurements; `cargo xtask test` repeats them at the end.
pub const MEASURED: &str = "measured: ";

/// Prints a measurement, even if the test passes: only `println!` is captured.
pub fn measured(what: impl fmt::Display) {
    // The output may be closed.
    writeln!(std::io::stdout(), "{MEASURED}{what}").ok();
}
