//! A browser with its driver.

use crate::{
    command,
    data_dir::is_root,
    debian,
    error::{Error, Result},
};

/// Programs and their Debian packages.
const PROGRAMS: [(&str, &str); 2] = [("chromium", "chromium"), ("chromedriver", "chromium-driver")];

/// Finds Chromium and its driver, or installs them, which requires root on Debian.
///
/// # Errors
/// Unavailable if they are missing and can't be installed.
pub fn prepare_browser() -> Result<()> {
    let missing = missing();
    if !missing.is_empty() && is_root() && command::exists("apt-get") {
        debian::install(&missing)?;
    }
    check_browser()
}

/// Whether Chromium and its driver exist.
///
/// # Errors
/// Unavailable, with the missing programs.
pub fn check_browser() -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Unavailable(format!(
        "a browser needs the Debian packages {}: install them, or run `cargo xtask test` as root, which does",
        missing.join(", ")
    )))
}

fn missing() -> Vec<&'static str> {
    PROGRAMS
        .into_iter()
        .filter_map(|(program, package)| (!command::exists(program)).then_some(package))
        .collect()
}
