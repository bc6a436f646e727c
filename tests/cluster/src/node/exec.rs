//! Commands in the containers of the node.

use std::{
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use k8s_openapi::api::core::v1::Pod;

use super::{Node, ctr};
use crate::{
    command,
    error::{Error, Result},
};

impl Node {
    /// Runs a command in the first container of `pod`, as its user and in its networks, and returns its output.
    /// A command that fails is an error with its output.
    pub fn exec(&self, pod: &Pod, arguments: &[&str]) -> Result<String> {
        let mut command = self.exec_command(pod, false)?;
        command::run(command.args(arguments))
    }

    /// Starts a command in the first container of `pod`, which runs until the container ends.
    pub fn start_in(&self, pod: &Pod, arguments: &[&str]) -> Result<()> {
        let mut command = self.exec_command(pod, true)?;
        command::run(command.args(arguments)).map(drop)
    }

    fn exec_command(&self, pod: &Pod, detached: bool) -> Result<Command> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let statuses = pod
            .status
            .iter()
            .flat_map(|status| status.container_statuses.iter().flatten());
        let id = statuses
            .filter_map(|status| status.container_id.as_deref())
            .find_map(|id| id.strip_prefix("containerd://"))
            .ok_or_else(|| Error::Command {
                command: "exec".into(),
                output: "the pod has no container".into(),
            })?;
        let name = format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut command = ctr(&self.namespaces);
        command.args(["tasks", "exec", "--exec-id", &name]);
        command.args(detached.then_some("--detach")).arg(id);
        Ok(command)
    }
}
