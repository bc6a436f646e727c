//! The suites, and their requirements.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::{
    needs::Needs,
    workspace::{Package, cargo, packages},
};

/// The name of the suite of all documentation tests.
const DOCUMENTATION: &str = "documentation";

/// Tests that are counted together.
#[derive(Debug)]
pub(crate) struct Suite {
    /// The package for its unit tests, `package/test` for an integration test.
    pub(crate) name: String,
    pub(crate) needs: Vec<Needs>,
    /// The commands that run them.
    pub(crate) commands: Vec<Command>,
}

impl Suite {
    /// Whether `name` is its own name, or that of its package.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let package = self.name.split('/').next();
        self.name == name || package == Some(name)
    }
}

/// Builds all tests and returns the suites, the cheap ones first.
///
/// The whole workspace is built at once, so that every dependency is built once, with the features that all
/// packages need together; package by package Cargo would build most of them several times.
pub(crate) fn build() -> Result<Vec<Suite>> {
    let packages = packages()?;
    let output = cargo()
        .args(["test", "--workspace", "--all-features", "--no-run"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .context("cargo test --no-run")?;
    ensure!(output.status.success(), "the tests do not build");
    let mut suites = suites(&packages, &String::from_utf8_lossy(&output.stdout))?;

    let mut documentation = cargo();
    documentation.args(["test", "--workspace", "--all-features", "--doc", "--no-fail-fast"]);
    suites.push(Suite {
        name: DOCUMENTATION.into(),
        needs: Vec::new(),
        commands: vec![documentation],
    });
    suites.sort_by_key(|suite| suite.needs.iter().max().copied());
    Ok(suites)
}

/// A message of Cargo about a built artifact.
#[derive(Deserialize)]
struct Artifact {
    package_id: String,
    target: Target,
    profile: Profile,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// The suites of the test programs in Cargo's messages, by name.
fn suites(packages: &[Package], messages: &str) -> Result<Vec<Suite>> {
    let mut suites: BTreeMap<String, Suite> = BTreeMap::new();
    for message in messages.lines() {
        let message: serde_json::Value = serde_json::from_str(message).context("a message of Cargo")?;
        if message["reason"] != "compiler-artifact" {
            continue;
        }
        let artifact: Artifact = serde_json::from_value(message).context("an artifact of Cargo")?;
        let (true, Some(program)) = (artifact.profile.test, artifact.executable) else {
            continue;
        };
        let package = packages
            .iter()
            .find(|package| package.id == artifact.package_id)
            .with_context(|| format!("{} is not in the workspace", artifact.package_id))?;
        let test = &artifact.target.name;
        let (name, needs) = if artifact.target.kind == ["test"] {
            (format!("{}/{test}", package.name), package.needs_of(test))
        } else {
            (package.name.clone(), Vec::new())
        };
        let suite = suites.entry(name.clone()).or_insert_with(|| Suite {
            name,
            needs,
            commands: Vec::new(),
        });
        suite.commands.push(program_of(package, program)?);
    }
    Ok(suites.into_values().collect())
}

/// The command that runs a test program like Cargo.
fn program_of(package: &Package, program: PathBuf) -> Result<Command> {
    let folder = package
        .manifest_path
        .parent()
        .context("the folder of a package")?;
    let mut command = Command::new(program);
    command.current_dir(folder).env("CARGO_MANIFEST_DIR", folder);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(package: &str, kind: &str, name: &str, test: bool) -> String {
        serde_json::json!({
            "reason": "compiler-artifact",
            "package_id": package,
            "target": { "name": name, "kind": [kind] },
            "profile": { "test": test },
            "executable": format!("/target/{name}"),
        })
        .to_string()
    }

    #[test]
    fn unit_tests_belong_to_their_package_and_integration_tests_stand_alone() {
        let package = |name: &str, metadata: serde_json::Value| -> Package {
            serde_json::from_value(serde_json::json!({
                "id": format!("path#{name}"),
                "name": name,
                "manifest_path": format!("/repository/{name}/Cargo.toml"),
                "features": {},
                "targets": [],
                "metadata": metadata,
            }))
            .unwrap()
        };
        let needs =
            serde_json::json!({ "xtask": { "needs": { "end_to_end": "node", "page": ["node", "npm"] } } });
        let packages = [
            package("neuropod", needs),
            package("store", serde_json::Value::Null),
        ];
        let messages = [
            message("path#neuropod", "test", "end_to_end", true),
            message("path#neuropod", "test", "page", true),
            message("path#neuropod", "lib", "neuropod", true),
            message("path#neuropod", "example", "quickstart", true),
            message("path#neuropod", "example", "quickstart", false),
            message("path#store", "test", "memory", true),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ];
        let suites = suites(&packages, &messages.join("\n")).unwrap();
        let found: Vec<_> = suites
            .iter()
            .map(|suite| (suite.name.as_str(), &*suite.needs, suite.commands.len()))
            .collect();
        assert_eq!(
            found,
            [
                ("neuropod", &[][..], 2),
                ("neuropod/end_to_end", &[Needs::Node], 1),
                ("neuropod/page", &[Needs::Node, Needs::Npm], 1),
                ("store/memory", &[], 1),
            ]
        );
        let called = |name| suites.iter().filter(|suite| suite.is_called(name)).count();
        assert_eq!(
            [called("neuropod"), called("neuropod/end_to_end"), called("end")],
            [3, 1, 0]
        );
    }
}
