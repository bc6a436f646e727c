//! The configuration files of a node's servers.

use std::path::Path;

use serde_json::{Value, json};

use super::namespaces::Addresses;
use crate::images::Image;

/// The name of the node.
pub(super) const NAME: &str = "neuropod-test";
/// The address of the container runtime, inside the node.
pub(super) const SOCKET: &str = "/run/containerd/containerd.sock";

/// The configuration of containerd. `/var/lib` and `/run` are the node's own.
pub(super) fn containerd(cni: &Path) -> String {
    format!(
        r#"version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
address = "{SOCKET}"

[plugins."io.containerd.internal.v1.opt"]
path = "/var/lib/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
# Without CAP_SYS_RESOURCE, as in some virtual machines, no score can be lowered: runc would fail with "can't get
# final child's PID from pipe: EOF".
restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI_PLUGINS}"
conf_dir = "{cni}"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
"#,
        pause = Image::Pause.reference(),
        cni = cni.display(),
    )
}

/// The path of Debian's containernetworking-plugins.
pub(super) const CNI_PLUGINS: &str = "/usr/lib/cni";

/// Pods share a bridge, and the node routes between it and the host.
pub(super) fn cni(addresses: Addresses) -> Value {
    json!({
        "cniVersion": "0.4.0",
        "name": "neuropod-test",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": true,
                "hairpinMode": true,
                "ipam": {
                    "type": "host-local",
                    "dataDir": "/run/cni-addresses",
                    "ranges": [[{ "subnet": addresses.pods() }]],
                    "routes": [{ "dst": "0.0.0.0/0" }],
                },
            },
            { "type": "portmap", "capabilities": { "portMappings": true } },
        ],
    })
}

/// The configuration of the kubelet.
pub(super) fn kubelet(addresses: Addresses, cgroup: &str, pki: &Path) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        // The machine decides, not the test.
        "failCgroupV1": false,
        "failSwapOn": false,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{cgroup}"),
        "address": addresses.node(),
        "readOnlyPort": 0,
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": true },
            "x509": { "clientCAFile": pki.join("ca.crt") },
        },
        "authorization": { "mode": "Webhook" },
        "tlsCertFile": pki.join("kubelet-server.crt"),
        "tlsPrivateKeyFile": pki.join("kubelet-server.key"),
        "containerRuntimeEndpoint": format!("unix://{SOCKET}"),
        "clusterDomain": "cluster.local",
        // No DNS server runs in this cluster.
        "resolvConf": "",
        // A nearly full disk on the test machine must not evict pods or remove images, which could not be
        // pulled again.
        "evictionHard": { "memory.available": "50Mi", "nodefs.available": "0%", "imagefs.available": "0%",
            "nodefs.inodesFree": "0%", "imagefs.inodesFree": "0%" },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "serializeImagePulls": false,
    })
}

/// The configuration of kube-proxy.
pub(super) fn kube_proxy(addresses: Addresses, kubeconfig: &Path) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": { "kubeconfig": kubeconfig },
        "clusterCIDR": addresses.pods(),
        "hostnameOverride": NAME,
        // The connection tracking table belongs to the host; its size must not change.
        "conntrack": { "maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s" },
        "iptables": { "minSyncPeriod": "0s", "syncPeriod": "30s" },
    })
}
