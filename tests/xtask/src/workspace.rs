//! The packages of this repository, as Cargo sees them.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::needs::Needs;

/// A package of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    /// Its identity in Cargo's messages.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    /// The oldest Rust that builds it.
    pub(crate) rust_version: Option<String>,
    /// The registries that it may go to: without a list all, with an empty one none.
    publish: Option<Vec<String>>,
    /// Its features by name.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// Its crates.
    targets: Vec<Target>,
    metadata: Option<Metadata>,
}

/// A crate of a package.
#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: PathBuf,
}

/// The part of a package's metadata for other programs.
#[derive(Debug, Deserialize)]
struct Metadata {
    xtask: Option<Settings>,
}

/// `[package.metadata.xtask]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The requirements of its integration tests, by name.
    needs: BTreeMap<String, Listed>,
}

/// One thing, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Listed {
    One(Needs),
    Several(Vec<Needs>),
}

impl Package {
    pub(crate) fn is_published(&self) -> bool {
        self.publish
            .as_ref()
            .is_none_or(|registries| !registries.is_empty())
    }

    /// The root files of its crates, without tests and benches.
    pub(crate) fn program_roots(&self) -> impl Iterator<Item = &Path> {
        let is_program = |target: &&Target| !target.kind.iter().any(|kind| kind == "test" || kind == "bench");
        self.targets
            .iter()
            .filter(is_program)
            .map(|target| target.src_path.as_path())
    }

    /// The requirements of an integration test: those in `[package.metadata.xtask.needs]` of its package, else
    /// none.
    pub(crate) fn needs_of(&self, test: &str) -> Vec<Needs> {
        let settings = self
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.xtask.as_ref());
        match settings.and_then(|settings| settings.needs.get(test)) {
            Some(Listed::One(needs)) => vec![*needs],
            Some(Listed::Several(needs)) => needs.clone(),
            None => Vec::new(),
        }
    }
}

/// The workspace, as Cargo describes it.
#[derive(Debug, Deserialize)]
struct Workspace {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

/// All packages of the workspace.
pub(crate) fn packages() -> Result<Vec<Package>> {
    Ok(workspace()?.packages)
}

/// The folder that Cargo builds in.
pub(crate) fn target_folder() -> Result<PathBuf> {
    Ok(workspace()?.target_directory)
}

fn workspace() -> Result<Workspace> {
    let output = cargo()
        .args(["metadata", "--no-deps", "--format-version=1"])
        .output()
        .context("cargo metadata")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo metadata: {errors}");
    serde_json::from_slice(&output.stdout).context("what cargo metadata prints")
}

/// The Cargo that runs this program.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // The variables that Cargo set for this program must not reach another Cargo: ring's build script, among
    // others, asks to be run again when they differ, and half of the dependencies would be rebuilt at every
    // change between the two.
    for (name, _) in env::vars_os() {
        let is_ours = name.to_str().is_some_and(|name| {
            ["CARGO_PKG_", "CARGO_MANIFEST_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        });
        if is_ours {
            command.env_remove(name);
        }
    }
    command
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}
