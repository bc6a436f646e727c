//! A machine outside of the cluster, which responds at any address that a test gives it: public ones, private
//! ones, and that of a cloud's metadata. An address that can't be reached there is blocked, not just missing.

use std::{fs, net::Ipv4Addr, path::Path, process::Command};

use super::Node;
use crate::{
    command,
    error::{Error, IoContext, Result},
    process::Server,
};

/// The addresses of the link between the node and the machine, apart from IPv6 link-local ones.
const NODE: &str = "198.18.255.1";
const MACHINE: &str = "198.18.255.2";
/// Its reply.
const PAGE: &str = "outside";

/// A machine that replies `outside` by HTTP on port 80 at all of its addresses, as long as this value lives.
#[derive(Debug)]
pub struct Outside {
    server: Server,
}

impl Node {
    /// Connects a machine with these addresses to the node. A node has one at most.
    pub fn connect_outside(&self, addresses: &[Ipv4Addr]) -> Result<Outside> {
        let folder = self.control_plane.data.join("outside");
        fs::create_dir_all(&folder).at_path(&folder)?;
        let page = folder.join("index.html");
        fs::write(&page, PAGE).at_path(&page)?;
        let mut command = Command::new("unshare");
        // Each of these programs replaces the previous one, so that the process itself is in the namespace.
        command
            .args([
                "--net",
                "sh",
                "-c",
                "ip link set lo up && exec busybox httpd -f -p 80 -h \"$1\"",
                "outside",
            ])
            .arg(&folder);
        let log = self.control_plane.data.log("outside");
        let mut outside = Outside {
            server: Server::spawn("outside", &command, &log)?,
        };
        outside.wait_for_namespace()?;
        let id = outside.server.id().to_string();
        let inside = |arguments: &str| ip(&self.namespaces.id().to_string(), arguments);
        let out = |arguments: &str| ip(&id, arguments);
        inside(&format!("link add out0 type veth peer name eth0 netns {id}"))?;
        inside(&format!("address add {NODE}/30 dev out0"))?;
        inside("link set out0 up")?;
        out(&format!("address add {MACHINE}/30 dev eth0"))?;
        out("link set eth0 up")?;
        out(&format!("route add default via {NODE}"))?;
        for address in addresses {
            out(&format!("address add {address}/32 dev lo"))?;
            inside(&format!("route add {address}/32 via {MACHINE}"))?;
        }
        Ok(outside)
    }
}

impl Outside {
    /// Waits until the process has left the namespace of the host.
    fn wait_for_namespace(&mut self) -> Result<()> {
        let namespace = |id: &str| fs::read_link(Path::new("/proc").join(id).join("ns/net"));
        let host = namespace("self").during("the network namespace of the host")?;
        let id = self.server.id().to_string();
        for _ in 0..500 {
            if namespace(&id).is_ok_and(|own| own != host) {
                return Ok(());
            }
            if let Some(status) = self.server.exited() {
                return Err(Error::Command {
                    command: "unshare".into(),
                    output: format!("{status}: {}", self.server.log_tail()),
                });
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Err(Error::Command {
            command: "unshare".into(),
            output: "it did not get its own network in time".into(),
        })
    }
}

/// Runs `ip` in the network of the process `id`, with the processes of the host in view.
fn ip(id: &str, arguments: &str) -> Result<()> {
    let mut command = Command::new("nsenter");
    command.arg(format!("--target={id}")).args(["--net", "ip"]);
    command::run(command.args(arguments.split(' '))).map(drop)
}
