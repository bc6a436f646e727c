//! Tests that this machine can't run.

use std::{env, fs::File, io::Write};

use crate::error::Result;

/// The environment variable with the path of the file in which skipped tests are recorded, one per line.
pub const SKIPS_FILE: &str = "NEUROPOD_TEST_SKIPS";

/// Records that `test` (`suite/test`) can't run here, and the reason. The test then returns; `cargo xtask test`
/// reads the records, so that it counts as skipped and not as passed.
///
/// # Panics
/// If the record can't be written, because an unrecorded skip would count as passed.
pub fn skip(test: &str, reason: &str) {
    let line = format!("{test}: {}", reason.replace('\n', " "));
    eprintln!("SKIPPED {line}");
    if let Some(path) = env::var_os(SKIPS_FILE) {
        let note = File::options().create(true).append(true).open(&path);
        // One write call, as several test processes may append at the same time.
        if let Err(error) = note.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes())) {
            panic!("the skip of {test} can't be noted in {}: {error}", path.display());
        }
    }
}

/// The server, or `None` where this machine can't have it: then the [skip] of `test` is recorded.
///
/// # Panics
/// If the server could be had and has not started.
pub fn or_skip<S>(test: &str, server: Result<S>) -> Option<S> {
    match server {
        Ok(server) => Some(server),
        Err(error) if error.is_unavailable() => {
            skip(test, &error.to_string());
            None
        }
        Err(error) => panic!("{test}: {error}"),
    }
}
