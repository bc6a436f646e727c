//! etcd, the API server and the controller manager.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, api::GetParams, core::Request};

use crate::{
    api,
    assets::{Assets, Program},
    data_dir::{DataDir, require_linux},
    error::Result,
    kubeconfig,
    pki::{self, Authority, Identity},
    ports::free_ports,
    process::Server,
};

/// Long enough for a machine that compiles something else meanwhile.
const READY: Duration = Duration::from_mins(2);
/// The user of the API server towards aggregated API servers.
const FRONT_PROXY: &str = "front-proxy-client";

/// The address of the API server, and the range of Services.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network {
    pub(crate) bind: Ipv4Addr,
    /// The address for pods; `None` if there are no pods.
    pub(crate) advertise: Option<Ipv4Addr>,
    /// The first three bytes of the range of Services.
    pub(crate) services: (u8, u8, u8),
    /// The bits that all addresses of Services have in common.
    pub(crate) prefix: u8,
}

/// A running control plane with its own certificates and data, on free loopback ports.
///
/// Pods stay pending, because no scheduler and no node run. Dropping it kills the servers and removes their
/// data; the same happens when this process ends in any other way.
#[derive(Debug)]
pub struct ControlPlane {
    // In the order in which they are stopped.
    controller_manager: Mutex<Option<Server>>,
    api_server: Mutex<Option<Server>>,
    etcd: Server,
    pub(crate) assets: Assets,
    pub(crate) authority: Authority,
    api_server_flags: Vec<String>,
    kubeconfig: String,
    kubeconfig_path: PathBuf,
    url: String,
    pub(crate) port: u16,
    pub(crate) data: DataDir,
}

impl ControlPlane {
    /// Starts the servers and returns once the API answers and the controllers work.
    pub fn start() -> Result<Self> {
        Self::start_on(&Network {
            bind: Ipv4Addr::LOCALHOST,
            advertise: None,
            services: (10, 214, 0),
            // For tens of thousands of them.
            prefix: 16,
        })
    }

    pub(crate) fn start_on(network: &Network) -> Result<Self> {
        require_linux()?;
        let assets = Assets::from_env();
        assets.prepare(&Program::CONTROL_PLANE)?;
        let data = DataDir::create()?;
        let authority = Authority::new()?;
        let [etcd_port, peer_port, port] = free_ports()?;

        let etcd = start_etcd(&assets, &data, etcd_port, peer_port)?;
        let url = format!("https://127.0.0.1:{port}");
        let admin = authority.client("neuropod-test-admin", Some("system:masters"))?;
        let kubeconfig = kubeconfig::render(&url, &authority.certificate, &admin);
        let kubeconfig_path = data.write("kubeconfig", &kubeconfig)?;
        let api_server_flags = api_server_flags(&data, &authority, network, etcd_port, port)?;
        let this = Self {
            controller_manager: Mutex::new(None),
            api_server: Mutex::new(None),
            etcd,
            assets,
            authority,
            api_server_flags,
            kubeconfig,
            kubeconfig_path,
            url,
            port,
            data,
        };
        this.start_api_server()?;
        let mut controller_manager = this.start_controller_manager()?;
        this.wait_for_controllers(&mut controller_manager)?;
        *this.controller_manager() = Some(controller_manager);
        Ok(this)
    }

    /// The kubeconfig of a cluster administrator.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// The file that holds [`kubeconfig`](Self::kubeconfig).
    pub fn kubeconfig_path(&self) -> &Path {
        &self.kubeconfig_path
    }

    /// The address of the API server.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder of this cluster's data and logs.
    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// Kills the API server, as a crash would. The stored objects stay.
    pub fn stop_api_server(&self) {
        drop(self.api_server().take());
    }

    /// Starts the API server again, on the same port, and returns once it is ready. Does nothing while it runs.
    pub fn start_api_server(&self) -> Result<()> {
        let mut running = self.api_server();
        if running.is_some() {
            return Ok(());
        }
        let mut command = Command::new(self.assets.get(Program::KubeApiserver)?);
        command.args(&self.api_server_flags);
        let mut server = Server::spawn("kube-apiserver", &command, &self.data.log("kube-apiserver"))?;
        self.wait_for_api(&mut server)?;
        *running = Some(server);
        Ok(())
    }

    /// Ends the controllers and starts new ones, which see everything in seconds. After a restart of the API server the
    /// old ones need up to a minute for each step that waits for another one.
    pub fn restart_controllers(&self) -> Result<()> {
        let mut running = self.controller_manager();
        drop(running.take());
        *running = Some(self.start_controller_manager()?);
        Ok(())
    }

    /// The process of the API server, while it runs.
    pub fn api_server_process(&self) -> Option<u32> {
        self.api_server().as_ref().map(Server::id)
    }

    /// Freezes etcd: the API server keeps its connections, but every request that needs the store hangs.
    pub fn pause_etcd(&self) -> Result<()> {
        self.etcd.signal("STOP")
    }

    /// Ends [`pause_etcd`](Self::pause_etcd).
    pub fn resume_etcd(&self) -> Result<()> {
        self.etcd.signal("CONT")
    }

    fn api_server(&self) -> MutexGuard<'_, Option<Server>> {
        self.api_server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn controller_manager(&self) -> MutexGuard<'_, Option<Server>> {
        self.controller_manager
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn start_controller_manager(&self) -> Result<Server> {
        let identity = self.authority.client("system:kube-controller-manager", None)?;
        let kubeconfig = self.write_kubeconfig("controller-manager.kubeconfig", &self.url, &identity)?;
        let mut command = Command::new(self.assets.get(Program::KubeControllerManager)?);
        command
            .arg(format!("--kubeconfig={}", kubeconfig.display()))
            .arg(format!(
                "--root-ca-file={}",
                self.data.join("pki/ca.crt").display()
            ))
            .arg(format!(
                "--service-account-private-key-file={}",
                self.data.join("pki/service-account.key").display()
            ))
            .args([
                "--use-service-account-credentials=true",
                "--leader-elect=false",
                "--secure-port=0",
            ]);
        let name = "kube-controller-manager";
        Server::spawn(name, &command, &self.data.log(name))
    }

    /// Writes a kubeconfig for another user into the data folder.
    pub(crate) fn write_kubeconfig(&self, name: &str, url: &str, identity: &Identity) -> Result<PathBuf> {
        self.data.write(
            name,
            &kubeconfig::render(url, &self.authority.certificate, identity),
        )
    }

    fn wait_for_api(&self, server: &mut Server) -> Result<()> {
        api::block_on(async || {
            let client = api::client(&self.kubeconfig).await?;
            api::wait_for_server(server, READY, async || {
                let ready = Request::new("")
                    .get("readyz", &GetParams::default())
                    .map_err(|e| e.to_string())?;
                client
                    .request_text(ready)
                    .await
                    .map(drop)
                    .map_err(|error| error.to_string())
            })
            .await
        })
    }

    /// The `ServiceAccount` named `default` is the first object that controllers create and pods need.
    fn wait_for_controllers(&self, server: &mut Server) -> Result<()> {
        api::block_on(async || {
            let accounts: Api<ServiceAccount> =
                Api::namespaced(api::client(&self.kubeconfig).await?, "default");
            api::wait_for_server(server, READY, async || {
                accounts
                    .get("default")
                    .await
                    .map(drop)
                    .map_err(|error| error.to_string())
            })
            .await
        })
    }
}

fn start_etcd(assets: &Assets, data: &DataDir, port: u16, peer_port: u16) -> Result<Server> {
    let client_url = format!("http://127.0.0.1:{port}");
    let peer_url = format!("http://127.0.0.1:{peer_port}");
    let mut command = Command::new(assets.get(Program::Etcd)?);
    command
        .arg("--data-dir")
        .arg(data.join("etcd"))
        .args([
            "--listen-client-urls",
            &client_url,
            "--advertise-client-urls",
            &client_url,
        ])
        .args([
            "--listen-peer-urls",
            &peer_url,
            "--initial-advertise-peer-urls",
            &peer_url,
        ])
        .args(["--initial-cluster", &format!("default={peer_url}")])
        // The data need not survive a power cut.
        .arg("--unsafe-no-fsync");
    Server::spawn("etcd", &command, &data.log("etcd"))
}

fn api_server_flags(
    data: &DataDir,
    authority: &Authority,
    network: &Network,
    etcd_port: u16,
    port: u16,
) -> Result<Vec<String>> {
    let (a, b, c) = network.services;
    let mut addresses = vec![
        IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::from(Ipv4Addr::new(a, b, c, 1)),
    ];
    addresses.extend(network.advertise.map(IpAddr::from));
    let names = [
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
    ];
    let (certificate, key) = authority.server(&names, &addresses)?.write(data, "api-server")?;
    let kubelet_client = authority.client("kube-apiserver-kubelet-client", Some("system:masters"))?;
    let (kubelet_certificate, kubelet_key) = kubelet_client.write(data, "kubelet-client")?;
    let ca = data.write("pki/ca.crt", &authority.certificate)?;
    // The identity for forwarding requests to aggregated API servers, such as metrics-server.
    let (proxy_certificate, proxy_key) = authority.client(FRONT_PROXY, None)?.write(data, "front-proxy")?;
    let (token_key, token_public_key) = pki::write_token_keys(data)?;

    let file = |name: &str, path: &Path| format!("--{name}={}", path.display());
    let mut flags = vec![
        format!("--etcd-servers=http://127.0.0.1:{etcd_port}"),
        format!("--bind-address={}", network.bind),
        format!("--secure-port={port}"),
        format!("--service-cluster-ip-range={a}.{b}.{c}.0/{}", network.prefix),
        file("tls-cert-file", &certificate),
        file("tls-private-key-file", &key),
        file("client-ca-file", &ca),
        file("kubelet-certificate-authority", &ca),
        file("kubelet-client-certificate", &kubelet_certificate),
        file("kubelet-client-key", &kubelet_key),
        "--kubelet-preferred-address-types=InternalIP".into(),
        file("service-account-key-file", &token_public_key),
        file("service-account-signing-key-file", &token_key),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        "--authorization-mode=Node,RBAC".into(),
        "--enable-admission-plugins=NodeRestriction".into(),
        "--allow-privileged=true".into(),
        file("requestheader-client-ca-file", &ca),
        format!("--requestheader-allowed-names={FRONT_PROXY}"),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".into(),
        "--requestheader-group-headers=X-Remote-Group".into(),
        "--requestheader-username-headers=X-Remote-User".into(),
        file("proxy-client-cert-file", &proxy_certificate),
        file("proxy-client-key-file", &proxy_key),
    ];
    match network.advertise {
        Some(address) => flags.push(format!("--advertise-address={address}")),
        // A loopback address may not be the endpoint of the Service `kubernetes`.
        None => flags.push("--endpoint-reconciler-type=none".into()),
    }
    Ok(flags)
}
