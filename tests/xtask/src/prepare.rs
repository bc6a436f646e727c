//! Prepares the requirements of suites.

use std::{collections::BTreeMap, env};

use neuropod_test_cluster::{
    KUBECONFIG, npm_modules, prepare_browser, prepare_control_plane, prepare_edge, prepare_mongo,
    prepare_node, prepare_postgres, python,
};

use crate::{needs::Needs, run::Outcome};

/// Prepares each requirement once, and remembers failures.
#[derive(Debug, Default)]
pub(crate) struct Preparation(BTreeMap<Needs, Result<(), Outcome>>);

impl Preparation {
    /// Prepares all of `needs`; otherwise returns the outcome of the suite that needs them.
    pub(crate) fn prepare_all(&mut self, needs: &[Needs]) -> Result<(), Outcome> {
        needs
            .iter()
            .try_for_each(|needs| self.0.entry(*needs).or_insert_with(|| prepare(*needs)).clone())
    }
}

fn prepare(needs: Needs) -> Result<(), Outcome> {
    let result = match needs {
        Needs::Npm => npm_modules().map(drop),
        Needs::Python => python().map(drop),
        Needs::Chromium => prepare_browser(),
        Needs::Mongo => prepare_mongo(),
        Needs::Postgres => prepare_postgres(),
        Needs::ControlPlane | Needs::Node | Needs::Edge if env::var_os(KUBECONFIG).is_some() => Ok(()),
        Needs::ControlPlane => prepare_control_plane(),
        Needs::Node => prepare_node(),
        Needs::Edge => prepare_edge(),
    };
    result.map_err(|error| {
        if error.is_unavailable() {
            Outcome::skipped(error.to_string())
        } else {
            Outcome::failed(error.to_string())
        }
    })
}
