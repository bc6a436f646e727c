//! Which suites there are and what each needs.

use std::{env, ffi::OsStr, fs, path::Path};

use anyhow::{Context, Result};
use neuropod_test_cluster::{KUBECONFIG, prepare_control_plane, prepare_node};

/// What must run for a suite's tests to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    ControlPlane,
    Node,
}

/// Tests that are run and counted together.
#[derive(Clone, Debug)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) needs: Needs,
    /// The arguments of each `cargo test` of the suite.
    pub(crate) runs: Vec<Vec<String>>,
}

/// Unit and documentation tests of the packages.
const PACKAGES: [&str; 5] = [
    "neuropod-core",
    "neuropod-k8s",
    "neuropod-store",
    "neuropod",
    "xtask",
];

/// What the integration tests under `/tests` need; one that is not named here needs nothing.
const NEEDS: [(&str, Needs); 6] = [
    ("kube_access", Needs::ControlPlane),
    ("kube_api", Needs::ControlPlane),
    ("kube_conformance", Needs::ControlPlane),
    ("kube_setup", Needs::ControlPlane),
    ("kube_watch", Needs::ControlPlane),
    ("end_to_end", Needs::Node),
];

/// Every suite of the repository at `root`, the cheap ones first.
pub(crate) fn all(root: &Path) -> Result<Vec<Suite>> {
    let mut suites: Vec<_> = PACKAGES.into_iter().map(package).collect();
    for name in integration_tests(&root.join("tests"))? {
        let needs = NEEDS
            .iter()
            .find(|(test, _)| *test == name)
            .map_or(Needs::Nothing, |(_, needs)| *needs);
        let runs = vec![arguments("neuropod", &["--test", &name])];
        suites.push(Suite { name, needs, runs });
    }
    let harness = "neuropod-test-cluster";
    suites.push(Suite {
        name: "cluster-control-plane".into(),
        needs: Needs::ControlPlane,
        runs: vec![
            arguments(harness, &["--lib", "--test", "control_plane"]),
            arguments(harness, &["--doc"]),
        ],
    });
    suites.push(Suite {
        name: "cluster-node".into(),
        needs: Needs::Node,
        runs: vec![arguments(harness, &["--test", "node"])],
    });
    suites.sort_by_key(|suite| suite.needs as u8);
    Ok(suites)
}

fn package(name: &str) -> Suite {
    // The facade's integration tests are suites of their own, as they need more than a compiler.
    let runs = match name {
        "neuropod" => vec![
            arguments(name, &["--lib", "--examples"]),
            arguments(name, &["--doc"]),
        ],
        _ => vec![arguments(name, &[])],
    };
    Suite {
        name: name.into(),
        needs: Needs::Nothing,
        runs,
    }
}

fn arguments(package: &str, more: &[&str]) -> Vec<String> {
    let first = ["--package", package, "--all-features"];
    first.iter().chain(more).map(ToString::to_string).collect()
}

fn integration_tests(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("rs")) {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Prepares what suites need, each thing once, and remembers why it could not.
#[derive(Debug, Default)]
pub(crate) struct Preparation {
    control_plane: Option<Result<(), String>>,
    node: Option<Result<(), String>>,
}

impl Preparation {
    /// Makes ready what `needs` says; the error says why its suites can't run.
    pub(crate) fn of(&mut self, needs: Needs) -> Result<(), String> {
        if env::var_os(KUBECONFIG).is_some() {
            return Ok(());
        }
        match needs {
            Needs::Nothing => Ok(()),
            Needs::ControlPlane => self
                .control_plane
                .get_or_insert_with(|| done(prepare_control_plane()))
                .clone(),
            Needs::Node => self.node.get_or_insert_with(|| done(prepare_node())).clone(),
        }
    }
}

fn done(result: neuropod_test_cluster::Result<()>) -> Result<(), String> {
    result.map_err(|error| error.to_string())
}
