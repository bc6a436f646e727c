//! Checks that everything called by `.ci/run` and the workflows of `.github` exists.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use clap::Parser;
use serde_yaml_ng::Value;

use crate::{Arguments, workspace::root};

/// The commands that a workflow may call besides `.ci/run` and `cargo xtask`, to prepare the machine.
const PREPARATIONS: [&str; 2] = ["sudo apt-get install ", "rustup toolchain install "];

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the functions `part_…` of `.ci/run`.
fn parts() -> BTreeSet<String> {
    let script = fs::read_to_string(root().join(".ci/run")).unwrap();
    let names = script
        .lines()
        .filter_map(|line| line.strip_prefix("part_")?.strip_suffix("() {"));
    names.map(str::to_owned).collect()
}

/// The problem of a command in a workflow, if any.
fn problem(command: &str, parts: &BTreeSet<String>) -> Option<String> {
    let command = command.trim();
    let command = command
        .strip_prefix("sudo --preserve-env=HOME,PATH ")
        .unwrap_or(command);
    let mut words = command.split_whitespace();
    match (words.next(), words.next()) {
        (Some(".ci/run"), first) => first
            .into_iter()
            .chain(words)
            .find(|part| !parts.contains(*part))
            .map(|part| format!("`.ci/run` has no part `{part}`")),
        (Some("cargo"), Some("xtask")) => {
            let arguments = std::iter::once("xtask").chain(words);
            Arguments::try_parse_from(arguments)
                .err()
                .map(|error| format!("{command}: {error}"))
        }
        _ => (!PREPARATIONS.iter().any(|known| command.starts_with(known)))
            .then(|| format!("`{command}` is no part of `.ci/run`")),
    }
}

/// The commands of a workflow, in all steps of all jobs.
fn commands(workflow: &Value) -> Vec<String> {
    let jobs = workflow["jobs"].as_mapping().expect("jobs");
    let steps = jobs
        .values()
        .flat_map(|job| job["steps"].as_sequence().expect("steps"));
    steps
        .filter_map(|step| step["run"].as_str())
        .flat_map(str::lines)
        .map(str::to_owned)
        .collect()
}

#[test]
fn workflows_call_only_what_exists() {
    let parts = parts();
    let mut called = 0;
    for path in files(".github/workflows") {
        let workflow = yaml(&path);
        assert!(
            workflow["on"].is_mapping(),
            "{}: when does it run?",
            path.display()
        );
        for command in commands(&workflow) {
            let problem = problem(&command, &parts);
            assert_eq!(problem, None, "{}", path.display());
            called += 1;
        }
    }
    assert!(called >= 5, "{called} commands");
}

#[test]
fn the_script_calls_only_tasks_that_exist() {
    let script = fs::read_to_string(root().join(".ci/run")).unwrap();
    let parts = parts();
    let tasks: Vec<_> = script
        .lines()
        .map(str::trim)
        .map(|line| line.strip_prefix("oldest_").unwrap_or(line))
        .filter(|line| line.starts_with("cargo xtask "))
        .collect();
    assert!(tasks.len() >= 4, "{tasks:?}");
    for task in tasks {
        assert_eq!(problem(task, &parts), None);
    }
    let usual = script
        .lines()
        .find_map(|line| line.strip_prefix("before_a_merge=(")?.strip_suffix(')'))
        .expect("the parts before a merge");
    assert_eq!(problem(&format!(".ci/run {usual}"), &parts), None);
}

#[test]
fn missing_tasks_are_noticed() {
    let parts = parts();
    for command in [
        ".ci/run fmt everything",
        "cargo xtask tests",
        "cargo xtask test --lenient",
        "cargo test --workspace",
    ] {
        assert!(problem(command, &parts).is_some(), "{command}");
    }
    assert_eq!(problem(".ci/run fmt clippy", &parts), None);
    assert_eq!(problem("cargo xtask test --strict neuropod-core", &parts), None);
}

#[test]
fn issue_forms_have_what_the_hosting_page_needs() {
    let forms = files(".github/ISSUE_TEMPLATE");
    assert!(forms.len() >= 2);
    for path in forms {
        let form = yaml(&path);
        for field in ["name", "description"] {
            assert!(form[field].is_string(), "{}: {field}", path.display());
        }
        let body = form["body"].as_sequence().expect("a body");
        let asks = body.iter().filter(|part| part["type"] != "markdown");
        for part in asks {
            assert!(part["id"].is_string(), "{}: {part:?}", path.display());
            assert!(
                part["attributes"]["label"].is_string(),
                "{}: {part:?}",
                path.display()
            );
        }
    }
}
