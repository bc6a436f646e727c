//! The namespaces of a node, and the link between them and the host.

use std::{
    ffi::OsStr,
    fs,
    net::Ipv4Addr,
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::{
    command,
    data_dir::DataDir,
    error::{Error, IoContext, Result},
    process::Server,
};

const INIT: &str = include_str!("init.sh");
const STARTED: Duration = Duration::from_secs(30);

/// The addresses of one node. Several can run on a machine, each with its own number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    number: u8,
}

impl Addresses {
    /// Addresses whose link to the host is free.
    pub(crate) fn find_free() -> Result<Self> {
        (0..=250)
            .map(|number| Self { number })
            .find(|addresses| !PathBuf::from("/sys/class/net").join(addresses.link()).exists())
            .ok_or_else(|| Error::Unavailable("251 nodes run already".into()))
    }

    fn link(self) -> String {
        format!("npt{}", self.number)
    }

    /// The host, as the node sees it.
    pub(crate) fn host(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.number, 1)
    }

    /// The node, as the host sees it.
    pub(crate) fn node(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 213, self.number, 2)
    }

    /// The first three bytes of the /24 of Services.
    pub(crate) fn services(self) -> (u8, u8, u8) {
        (10, 214, self.number)
    }

    /// The network of pods.
    pub(crate) fn pods(self) -> String {
        format!("10.215.{}.0/24", self.number)
    }
}

/// A PID, mount and network namespace. All its processes end with this value.
#[derive(Debug)]
pub(crate) struct Namespaces {
    init: Server,
}

impl Namespaces {
    pub(crate) fn start(data: &DataDir, addresses: Addresses) -> Result<Self> {
        let folder = data.join("node");
        fs::create_dir_all(&folder).at_path(&folder)?;
        let mut command = Command::new("unshare");
        command
            .args([
                "--pid",
                "--fork",
                "--kill-child=KILL",
                "--mount",
                "--mount-proc",
                "--net",
            ])
            .args(["sh", "-c", INIT, "neuropod-test-node"])
            .arg(&folder);
        let init = Server::spawn("node", &command, &data.log("node"))?;
        let mut this = Self { init };
        this.wait_until_started(&folder.join("started"))?;
        this.link(addresses)?;
        Ok(this)
    }

    /// The process that owns the namespaces, in the host's numbering.
    pub(crate) fn id(&self) -> u32 {
        self.init.id()
    }

    /// A command for `program` inside of them. It ends with the process that starts it.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let id = self.id();
        let mut command = Command::new("nsenter");
        command
            .args([format!("--target={id}"), "--mount".into(), "--net".into()])
            // `unshare` itself stays outside of the PID namespace that it makes for its child.
            .arg(format!("--pid=/proc/{id}/ns/pid_for_children"))
            .args(["--", "setpriv", "--pdeathsig", "KILL", "--"])
            .arg(program);
        command
    }

    fn wait_until_started(&mut self, file: &std::path::Path) -> Result<()> {
        let start = Instant::now();
        while !file.exists() {
            let ended = self.init.exited();
            if ended.is_some() || start.elapsed() > STARTED {
                return Err(Error::NotReady {
                    what: "the node's namespaces".into(),
                    waited: start.elapsed(),
                    last: ended.map_or("no answer".into(), |status| status.to_string()),
                    log: self.init.log_tail(),
                });
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Connects host and node, such that the host reaches pods and Services, and pods reach the API server.
    fn link(&self, addresses: Addresses) -> Result<()> {
        let (link, id) = (addresses.link(), self.id().to_string());
        let (host, node) = (addresses.host().to_string(), addresses.node().to_string());
        let (a, b, c) = addresses.services();
        let ip = |arguments: &str| command::run(Command::new("ip").args(arguments.split(' '))).map(drop);
        let inside = |arguments: &str| command::run(self.command("ip").args(arguments.split(' '))).map(drop);
        ip(&format!("link add {link} type veth peer name eth0 netns {id}"))?;
        ip(&format!("address add {host}/30 dev {link}"))?;
        ip(&format!("link set {link} up"))?;
        inside(&format!("address add {node}/30 dev eth0"))?;
        inside("link set eth0 up")?;
        inside(&format!("route add default via {host}"))?;
        ip(&format!("route add {a}.{b}.{c}.0/24 via {node}"))?;
        ip(&format!("route add {} via {node}", addresses.pods()))
    }
}
