//! Makes ready what the suites need.

use std::env;

use neuropod_test_cluster::{
    KUBECONFIG, prepare_browser, prepare_control_plane, prepare_mongo, prepare_node,
};
use serde::Deserialize;

use crate::run::Outcome;

/// What must be there for a suite's tests to run; the dearest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Needs {
    Nothing,
    Chromium,
    Mongo,
    ControlPlane,
    Node,
}

/// Prepares each thing once, and remembers why it could not.
#[derive(Debug, Default)]
pub(crate) struct Preparation {
    chromium: Option<Result<(), Outcome>>,
    mongo: Option<Result<(), Outcome>>,
    control_plane: Option<Result<(), Outcome>>,
    node: Option<Result<(), Outcome>>,
}

impl Preparation {
    /// Makes ready what `needs` says; otherwise answers what becomes of its suites.
    pub(crate) fn of(&mut self, needs: Needs) -> Result<(), Outcome> {
        match needs {
            Needs::Nothing => Ok(()),
            Needs::Chromium => self
                .chromium
                .get_or_insert_with(|| done(prepare_browser()))
                .clone(),
            Needs::Mongo => self.mongo.get_or_insert_with(|| done(prepare_mongo())).clone(),
            Needs::ControlPlane | Needs::Node if env::var_os(KUBECONFIG).is_some() => Ok(()),
            Needs::ControlPlane => self
                .control_plane
                .get_or_insert_with(|| done(prepare_control_plane()))
                .clone(),
            Needs::Node => self.node.get_or_insert_with(|| done(prepare_node())).clone(),
        }
    }
}

fn done(result: neuropod_test_cluster::Result<()>) -> Result<(), Outcome> {
    result.map_err(|error| {
        if error.is_unavailable() {
            Outcome::skipped(error.to_string())
        } else {
            Outcome::failed(error.to_string())
        }
    })
}
