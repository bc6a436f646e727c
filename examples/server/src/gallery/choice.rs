//! The chosen scenarios, and their requirements.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use neuropod::message::{self, Language};
use neuropod::sim::Settings;

use super::scenarios::{SCENARIOS, Scenario, Shows};
use crate::config::Config;

/// All scenarios, as one name.
pub(super) const ALL: &str = "all";

/// Checks that these are names of scenarios.
///
/// # Errors
/// The name that is not.
pub fn check(names: &[String]) -> Result<()> {
    for name in names {
        let known = name == ALL || SCENARIOS.iter().any(|scenario| scenario.name == name);
        ensure!(
            known,
            "scenario: there is none with the name {name:?}; --scenario list shows all of them"
        );
    }
    Ok(())
}

/// The scenarios with descriptions, for `--scenario list`.
pub fn list() -> String {
    let line = |scenario: &Scenario| format!("{:<24}{}\n", scenario.name, scenario.shows.text());
    let lines: String = SCENARIOS.iter().map(line).collect();
    format!("{ALL:<24}One pod for each of these\n{lines}")
}

/// The owners of these scenarios' pods.
pub fn who(names: &[String]) -> String {
    let mut pods: BTreeMap<&str, usize> = BTreeMap::new();
    for scenario in chosen(names) {
        *pods.entry(scenario.account.email()).or_default() += 1;
    }
    let count = |(email, pods)| match pods {
        1 => format!("{email} (1 pod)"),
        _ => format!("{email} ({pods} pods)"),
    };
    format!(
        "sign in as {}",
        pods.into_iter().map(count).collect::<Vec<_>>().join(", ")
    )
}

/// A cluster for the gallery: quick, with a GPU for each pod that needs one.
pub(crate) fn settings(settings: Settings) -> Settings {
    let moment = Duration::from_millis(300);
    Settings {
        schedule: moment,
        prepare: moment,
        pull: moment,
        start: moment,
        ready: moment,
        ..settings
    }
}

/// The maximum number of pods of a client: enough for the gallery, and as many again.
pub(crate) fn max_pods(config: &Config) -> u32 {
    let shown = u32::try_from(chosen(&config.scenario).count()).unwrap_or(u32::MAX);
    config.limits.max_pods.saturating_add(shown)
}

/// The scenarios with these names.
pub(super) fn chosen(names: &[String]) -> impl Iterator<Item = &'static Scenario> {
    let is_chosen = |scenario: &&Scenario| names.iter().any(|name| name == ALL || name == scenario.name);
    SCENARIOS.iter().filter(is_chosen)
}

impl Shows {
    fn text(&self) -> &'static str {
        match self {
            Self::Reason(code) => message::reason(*code, Language::En),
            Self::Step(.., text) => text,
        }
    }
}
