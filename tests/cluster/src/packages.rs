//! Packages of npm and `PyPI` that tests use, at the versions that the repository pins.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{
    cache,
    command::{exists, run},
    error::{Error, IoContext, Result},
};

const PACKAGE: &str = include_str!("../../../examples/server/tests/npm/package.json");
const PACKAGE_LOCK: &str = include_str!("../../../examples/server/tests/npm/package-lock.json");
const REQUIREMENTS: &str = include_str!("../../../examples/server/tests/python/requirements.txt");

/// The folder `node_modules` with what `examples/server/tests/npm` asks for: some seconds the first time. A script finds
/// it by `NODE_PATH`.
///
/// # Errors
/// Unavailable where there is no Node.js with npm.
pub fn npm_modules() -> Result<PathBuf> {
    require(&["node", "npm"])?;
    let folder = cache::get_or_make(&name("npm", PACKAGE_LOCK), |folder| {
        begin(folder)?;
        write(&folder.join("package.json"), PACKAGE)?;
        write(&folder.join("package-lock.json"), PACKAGE_LOCK)?;
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        run(npm.current_dir(folder)).map(drop)
    })?;
    Ok(folder.join("node_modules"))
}

/// A Python that has what `examples/server/tests/python` asks for: half a minute the first time. Its packages are run as
/// modules (`-m`), since the programs of a virtual environment know the folder in which they were made.
///
/// # Errors
/// Unavailable where there is no Python 3 with venv.
pub fn python() -> Result<PathBuf> {
    require(&["python3"])?;
    if run(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_err() {
        return Err(Error::Unavailable("Python has no venv".into()));
    }
    let folder = cache::get_or_make(&name("python", REQUIREMENTS), |folder| {
        begin(folder)?;
        let requirements = folder.join("requirements.txt");
        write(&requirements, REQUIREMENTS)?;
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let mut pip = Command::new(interpreter(folder));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        run(pip.arg("--requirement").arg(&requirements)).map(drop)
    })?;
    Ok(interpreter(&folder))
}

fn interpreter(folder: &Path) -> PathBuf {
    if cfg!(windows) {
        folder.join("Scripts/python.exe")
    } else {
        folder.join("bin/python")
    }
}

/// A name that changes with what is pinned.
fn name(kind: &str, pinned: &str) -> String {
    let hash = HEXLOWER.encode(&Sha256::digest(pinned));
    format!("{kind}-{}", &hash[..12])
}

/// An empty folder; what an interrupted run has left goes.
fn begin(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).at(folder)?;
    }
    fs::create_dir_all(folder).at(folder)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).at(path)
}

fn require(programs: &[&str]) -> Result<()> {
    match programs.iter().find(|program| !exists(program)) {
        Some(missing) => Err(Error::Unavailable(format!("there is no {missing}"))),
        None => Ok(()),
    }
}
