//! Packages of npm and `PyPI` for tests and benches, at the versions pinned in the repository.

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

/// The folder `node_modules` with the packages of `examples/server/tests/npm`, which takes some seconds the
/// first time. Scripts find it by `NODE_PATH`.
///
/// # Errors
/// Unavailable without Node.js and npm.
pub fn npm_modules() -> Result<PathBuf> {
    npm_packages(PACKAGE, PACKAGE_LOCK)
}

/// The same for the packages of a `package.json` and its lock, whose texts are given.
///
/// # Errors
/// Unavailable without Node.js and npm.
pub fn npm_packages(package: &str, lock: &str) -> Result<PathBuf> {
    require(&["node", "npm"])?;
    let folder = cache::get_or_make(&name("npm", lock), |folder| {
        begin(folder)?;
        write(&folder.join("package.json"), package)?;
        write(&folder.join("package-lock.json"), lock)?;
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        run(npm.current_dir(folder)).map(drop)
    })?;
    Ok(folder.join("node_modules"))
}

/// A Python with the packages of `examples/server/tests/python`, which takes half a minute the first time. Its
/// packages are run as modules (`-m`), because the programs of a virtual environment contain the path at which
/// they were created.
///
/// # Errors
/// Unavailable without Python 3 and venv.
pub fn python() -> Result<PathBuf> {
    python_packages(REQUIREMENTS)
}

/// The same for the packages of a `requirements.txt`, whose text is given.
///
/// # Errors
/// Unavailable without Python 3 and venv.
pub fn python_packages(requirements: &str) -> Result<PathBuf> {
    require(&["python3"])?;
    if run(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_err() {
        return Err(Error::Unavailable("Python has no venv".into()));
    }
    let folder = cache::get_or_make(&name("python", requirements), |folder| {
        begin(folder)?;
        let list = folder.join("requirements.txt");
        write(&list, requirements)?;
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let mut pip = Command::new(interpreter(folder));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        run(pip.arg("--requirement").arg(&list)).map(drop)
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

/// A name that changes with the pinned versions.
fn name(kind: &str, pinned: &str) -> String {
    let hash = HEXLOWER.encode(&Sha256::digest(pinned));
    format!("{kind}-{}", &hash[..12])
}

/// Creates an empty folder, without leftovers of an interrupted run.
fn begin(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).at_path(folder)?;
    }
    fs::create_dir_all(folder).at_path(folder)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).at_path(path)
}

fn require(programs: &[&str]) -> Result<()> {
    match programs.iter().find(|program| !exists(program)) {
        Some(missing) => Err(Error::Unavailable(format!("there is no {missing}"))),
        None => Ok(()),
    }
}
