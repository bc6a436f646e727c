//! A browser, its driver, and what is run in its pages to find what is not accessible.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    cache, command,
    data_dir::is_root,
    debian,
    error::{Error, IoContext, Result},
};

/// Programs and the Debian packages they are in.
const PROGRAMS: [(&str, &str); 2] = [("chromium", "chromium"), ("chromedriver", "chromium-driver")];
/// What npm is told to install, and which of it exactly.
const PACKAGE: &str = include_str!("browser/package.json");
const LOCK: &str = include_str!("browser/package-lock.json");

/// Installs Chromium and its driver where they are missing, which root on Debian can, and axe-core.
pub fn prepare_browser() -> Result<()> {
    let missing = missing();
    if !missing.is_empty() && is_root() && command::exists("apt-get") {
        debian::install(&missing)?;
    }
    check()?;
    let script = script()?;
    let is_current = folder()?.join("package-lock.json");
    if script.is_file() && fs::read_to_string(&is_current).is_ok_and(|lock| lock == LOCK) {
        return Ok(());
    }
    if !command::exists("npm") {
        return Err(Error::Unavailable("axe-core needs npm".into()));
    }
    let folder = folder()?;
    fs::create_dir_all(&folder).at(&folder)?;
    for (name, text) in [("package.json", PACKAGE), ("package-lock.json", LOCK)] {
        let path = folder.join(name);
        fs::write(&path, text).at(&path)?;
    }
    let mut npm = Command::new("npm");
    npm.current_dir(&folder)
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    command::run(&mut npm).map(drop)
}

/// The script of axe-core, which finds what is not accessible in the page it is run in. Unavailable where that, a
/// browser or its driver is missing: [`prepare_browser`] installs them.
pub fn axe() -> Result<String> {
    check()?;
    let script = script()?;
    if !script.is_file() {
        return Err(Error::Unavailable(
            "axe-core is missing: `cargo xtask test` installs it".into(),
        ));
    }
    fs::read_to_string(&script).at(&script)
}

fn folder() -> Result<PathBuf> {
    Ok(cache::folder()?.join("browser"))
}

fn script() -> Result<PathBuf> {
    Ok(folder()?.join("node_modules/axe-core/axe.min.js"))
}

fn check() -> Result<()> {
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
