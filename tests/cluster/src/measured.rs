//! What tests measure.

use std::{fmt, io::Write};

/// What the lines begin with that tell what was measured; `cargo xtask test` shows them again at the end.
pub const MEASURED: &str = "measured: ";

/// Tells what was measured, also when the test passes: only `println!` is captured.
pub fn measured(what: impl fmt::Display) {
    // Nobody may be reading.
    writeln!(std::io::stdout(), "{MEASURED}{what}").ok();
}
