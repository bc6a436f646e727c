//! Enforces network policies on the node, with the firewall of kube-router.

use std::time::Duration;

use super::{Node, config::NAME, url};
use crate::{
    api,
    assets::Program,
    command,
    error::{IoContext, Result},
    process::Server,
};

const READY: Duration = Duration::from_mins(1);
/// The first chain of rules that it creates.
const CHAIN: &str = "KUBE-ROUTER-FORWARD";

/// Enforces network policies on the node as long as this lives. Its rules stay in the kernel until the node
/// ends.
#[derive(Debug)]
pub struct Enforcer {
    _server: Server,
}

impl Node {
    /// Enforces network policies on this node, also for running pods, and returns once its rules exist. Without
    /// it nothing enforces them, as in clusters whose network plug-in does not.
    pub fn enforce_policies(&self) -> Result<Enforcer> {
        let control_plane = &self.control_plane;
        let data = &control_plane.data;
        let identity = control_plane
            .authority
            .client("neuropod-test-kube-router", Some("system:masters"))?;
        let address = url(control_plane, self.addresses);
        let kubeconfig = control_plane.write_kubeconfig("kube-router.kubeconfig", &address, &identity)?;
        let (a, b, c) = self.addresses.services();
        let mut command = self
            .namespaces
            .command(control_plane.assets.get(Program::KubeRouter)?);
        command
            .arg("--iptables-sync-period=1m")
            .arg(format!("--service-cluster-ip-range={a}.{b}.{c}.0/24"))
            .arg(format!("--hostname-override={NAME}"))
            .arg(format!("--kubeconfig={}", kubeconfig.display()));
        let mut server = Server::spawn("kube-router", &command, &data.log("kube-router"))?;
        api::block_on(async || {
            api::wait_for_server(&mut server, READY, async || {
                let mut rules = self.namespaces.command("iptables");
                command::run(rules.args(["-w", "-S", CHAIN]))
                    .map(drop)
                    .map_err(|error| error.to_string())
            })
            .await
        })?;
        Ok(Enforcer { _server: server })
    }

    /// The kernel's rules for network policies, for the report of a failed test.
    pub fn firewall(&self) -> Result<String> {
        let mut rules = self.namespaces.command("iptables-save");
        let rules = command::run(rules.args(["-t", "filter"]))?;
        let sets = command::run(self.namespaces.command("ipset").arg("save"))?;
        std::fs::write(self.control_plane.data.log("firewall"), rules.clone() + &sets)
            .during("keep the rules")?;
        Ok(rules + &sets)
    }
}
