//! A node that runs pods: scheduler, container runtime, kubelet, kube-proxy.

mod cgroup;
mod config;
mod enforcer;
mod exec;
mod namespaces;
mod outside;
mod provisioner;
mod requirements;

use std::{fs, net::Ipv4Addr, process::Command, time::Duration};

use k8s_openapi::api::core::v1;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;

pub(crate) use self::requirements::install;
use self::{
    config::NAME,
    namespaces::{Addresses, Namespaces},
    provisioner::Provisioner,
};
pub use self::{enforcer::Enforcer, outside::Outside};
use crate::{
    api,
    assets::Program,
    command,
    control_plane::{ControlPlane, Network},
    error::{IoContext, Result},
    images::Image,
    process::Server,
};

const READY: Duration = Duration::from_mins(2);

/// A whole cluster of one node. Pods run as usual, from the images of [`Image`].
///
/// The node lives in its own PID, mount and network namespaces, so that it disturbs no other containers of the
/// machine, and all of it ends when this value is dropped or this process ends in any way. The host can reach
/// the addresses of pods and Services.
#[derive(Debug)]
pub struct Node {
    // In the order in which they are stopped.
    _provisioner: Provisioner,
    _scheduler: Server,
    _kube_proxy: Server,
    kubelet: Server,
    _containerd: Server,
    namespaces: Namespaces,
    control_plane: ControlPlane,
    addresses: Addresses,
}

impl Node {
    /// Starts the control plane and the node and returns once the node is ready for pods of the images
    /// [`Image::Pause`] and [`Image::Http`].
    pub fn start() -> Result<Self> {
        requirements::check()?;
        let pause = Image::Pause.archive()?;
        let addresses = Addresses::find_free()?;
        let control_plane = ControlPlane::start_on(&Network {
            bind: Ipv4Addr::UNSPECIFIED,
            advertise: Some(addresses.host()),
            services: addresses.services(),
            prefix: 24,
        })?;
        control_plane.assets.prepare(&Program::NODE)?;
        cgroup::create(&control_plane.data.cgroup())?;
        let namespaces = Namespaces::start(&control_plane.data, addresses)?;
        let containerd = start_containerd(&control_plane, &namespaces, addresses)?;
        import(&namespaces, &pause)?;
        let kubelet = start_kubelet(&control_plane, &namespaces, addresses)?;
        let this = Self {
            _provisioner: Provisioner::start(&control_plane)?,
            _scheduler: start_scheduler(&control_plane)?,
            _kube_proxy: start_kube_proxy(&control_plane, &namespaces, addresses)?,
            kubelet,
            _containerd: containerd,
            namespaces,
            control_plane,
            addresses,
        };
        this.load(Image::Http)?;
        this.wait_until_ready()?;
        Ok(this)
    }

    /// The control plane of this node.
    pub fn control_plane(&self) -> &ControlPlane {
        &self.control_plane
    }

    /// The address of the node.
    pub fn address(&self) -> Ipv4Addr {
        self.addresses.node()
    }

    /// The host, as pods see it. The API server is there.
    pub fn host_address(&self) -> Ipv4Addr {
        self.addresses.host()
    }

    /// Loads `image` into the node, as if it had been pulled. Repeating it has no effect.
    pub fn load(&self, image: Image) -> Result<()> {
        let known = command::run(ctr(&self.namespaces).args(["images", "list", "--quiet"]))?;
        if known.lines().any(|line| line == image.reference()) {
            return Ok(());
        }
        import(&self.namespaces, &image.archive()?)
    }

    /// Makes the node offer `count` of an extended resource, such as `nvidia.com/gpu`, as the Kubernetes page
    /// "Advertise Extended Resources for a Node" describes: the scheduler counts them, and no device is there.
    pub fn advertise(&self, resource: &str, count: u32) -> Result<()> {
        let resources = json!({ resource: count.to_string() });
        let patch = json!({ "status": { "capacity": resources, "allocatable": resources } });
        api::block_on(async || {
            let nodes: Api<v1::Node> = Api::all(api::client(self.control_plane.kubeconfig()).await?);
            nodes
                .patch_status(NAME, &PatchParams::default(), &Patch::Merge(patch))
                .await?;
            Ok(())
        })
    }

    fn wait_until_ready(&self) -> Result<()> {
        api::block_on(async || {
            let nodes: Api<v1::Node> = Api::all(api::client(self.control_plane.kubeconfig()).await?);
            api::wait_until("the node", READY, async || {
                let node = nodes.get(NAME).await.map_err(|error| error.to_string())?;
                not_ready(&node).map_or(Ok(()), Err)
            })
            .await
        })
        .map_err(|error| error.with_log(|| self.kubelet.log_tail()))
    }
}

/// The reason why pods can't run on `node` yet.
fn not_ready(node: &v1::Node) -> Option<String> {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    let Some(ready) = conditions.and_then(|all| all.iter().find(|condition| condition.type_ == "Ready"))
    else {
        return Some("the kubelet has not reported yet".into());
    };
    if ready.status != "True" {
        return Some(ready.message.clone().unwrap_or_default());
    }
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    taints
        .and_then(|taints| taints.first())
        .map(|taint| format!("taint {}", taint.key))
}

fn start_containerd(
    control_plane: &ControlPlane,
    namespaces: &Namespaces,
    addresses: Addresses,
) -> Result<Server> {
    let data = &control_plane.data;
    let cni = data.write("cni/10-bridge.conflist", &config::cni(addresses).to_string())?;
    let cni = cni.parent().unwrap_or(data.path());
    let path = data.write("containerd.toml", &config::containerd(cni))?;
    let mut command = namespaces.command("containerd");
    command.arg("--config").arg(path);
    let mut server = Server::spawn("containerd", &command, &data.log("containerd"))?;
    api::block_on(async || {
        api::wait_for_server(&mut server, READY, async || {
            command::run(ctr(namespaces).arg("version"))
                .map(drop)
                .map_err(|error| error.to_string())
        })
        .await
    })?;
    Ok(server)
}

fn start_kubelet(
    control_plane: &ControlPlane,
    namespaces: &Namespaces,
    addresses: Addresses,
) -> Result<Server> {
    let data = &control_plane.data;
    let authority = &control_plane.authority;
    authority
        .server(&[NAME], &[addresses.node().into()])?
        .write(data, "kubelet-server")?;
    let identity = authority.client(&format!("system:node:{NAME}"), Some("system:nodes"))?;
    let kubeconfig =
        control_plane.write_kubeconfig("kubelet.kubeconfig", &url(control_plane, addresses), &identity)?;
    let config = config::kubelet(addresses, &data.cgroup(), &data.join("pki"));
    let config = data.write("kubelet.json", &config.to_string())?;
    let mut command = namespaces.command(control_plane.assets.get(Program::Kubelet)?);
    command
        .arg(format!("--config={}", config.display()))
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        .arg(format!("--hostname-override={NAME}"))
        .arg(format!("--node-ip={}", addresses.node()));
    Server::spawn("kubelet", &command, &data.log("kubelet"))
}

fn start_kube_proxy(
    control_plane: &ControlPlane,
    namespaces: &Namespaces,
    addresses: Addresses,
) -> Result<Server> {
    let data = &control_plane.data;
    let identity = control_plane.authority.client("system:kube-proxy", None)?;
    let kubeconfig =
        control_plane.write_kubeconfig("kube-proxy.kubeconfig", &url(control_plane, addresses), &identity)?;
    let config = data.write(
        "kube-proxy.json",
        &config::kube_proxy(addresses, &kubeconfig).to_string(),
    )?;
    let mut command = namespaces.command(control_plane.assets.get(Program::KubeProxy)?);
    command.arg(format!("--config={}", config.display()));
    Server::spawn("kube-proxy", &command, &data.log("kube-proxy"))
}

fn start_scheduler(control_plane: &ControlPlane) -> Result<Server> {
    let identity = control_plane.authority.client("system:kube-scheduler", None)?;
    let kubeconfig =
        control_plane.write_kubeconfig("scheduler.kubeconfig", control_plane.url(), &identity)?;
    let mut command = Command::new(control_plane.assets.get(Program::KubeScheduler)?);
    command
        .arg(format!("--kubeconfig={}", kubeconfig.display()))
        .args(["--leader-elect=false", "--secure-port=0"]);
    Server::spawn(
        "kube-scheduler",
        &command,
        &control_plane.data.log("kube-scheduler"),
    )
}

/// The address of the API server as the node reaches it.
fn url(control_plane: &ControlPlane, addresses: Addresses) -> String {
    format!("https://{}:{}", addresses.host(), control_plane.port)
}

fn ctr(namespaces: &Namespaces) -> Command {
    let mut command = namespaces.command("ctr");
    // The namespace that the kubelet uses.
    command.args(["--address", config::SOCKET, "--namespace", "k8s.io"]);
    command
}

fn import(namespaces: &Namespaces, archive: &std::path::Path) -> Result<()> {
    fs::metadata(archive).at_path(archive)?;
    command::run(ctr(namespaces).args(["images", "import"]).arg(archive)).map(drop)
}
