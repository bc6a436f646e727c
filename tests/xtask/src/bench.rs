//! Runs the package `neuropod-bench-peers`.

use std::env::consts::EXE_EXTENSION;
use std::process::{Command, ExitCode};
use std::thread::available_parallelism;

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::{cargo, root, target_folder};

const PACKAGE: &str = "neuropod-bench-peers";
/// The processor of the servers. Whoever is measured is put on the next one.
const OF_SERVERS: &str = "0";

/// Builds, prepares and measures. The program's own code says whether all could be measured.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let processors = available_parallelism().context("count the processors")?.get();
    if processors < 2 {
        bail!("there is one processor: the servers and those who are measured need one each");
    }
    let built = cargo()
        .args(["build", "--release", "--package", PACKAGE])
        .status()
        .context("cargo build")?;
    ensure!(built.success(), "{PACKAGE} does not build");
    let program = target_folder()?
        .join("release")
        .join(PACKAGE)
        .with_extension(EXE_EXTENSION);
    let prepared = Command::new(&program).arg("prepare").current_dir(root()).status();
    ensure!(prepared.context("prepare")?.success(), "the preparation failed");
    let status = Command::new("taskset")
        .args(["--cpu-list", OF_SERVERS])
        .arg(&program)
        .arg("run")
        .args(arguments)
        .current_dir(root())
        .status()
        .context("taskset, of the package util-linux")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
