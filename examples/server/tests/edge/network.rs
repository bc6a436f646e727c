//! The truth table of the network: who reaches what, with enforced policies.

use std::net::Ipv4Addr;

use http::Method;
use k8s_openapi::api::core::v1::{Pod as KubePod, Service};
use neuropod_test_cluster::{Edge, Image, Node, wait_until};
use serde_json::{Value, json};

use crate::LIMIT;
use crate::site::{INTERNET, METADATA, PRIVATE, Platform, Site};

/// A DNS server for UDP and TCP that returns one address for every name.
const NAMES: &str = r#"
import socket, struct, threading

def answer(query):
    end = query.index(b"\0", 12) + 5
    kind = query[end - 4:end - 2]
    found = kind == b"\0\1"
    head = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if found else b"\0\0") + b"\0\0\0\0"
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + bytes([93, 184, 215, 14]) if found else b""
    return head + query[12:end] + record

def tcp(port):
    server = socket.create_server(("", port))
    while True:
        client, _ = server.accept()
        with client:
            try:
                size = struct.unpack("!H", client.recv(2))[0]
                reply = answer(client.recv(size))
                client.sendall(struct.pack("!H", len(reply)) + reply)
            except (OSError, ValueError, struct.error):
                client.sendall(b"not a query")

for port in 53, 8080:
    threading.Thread(target=tcp, args=[port], daemon=True).start()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("", 53))
while True:
    query, client = udp.recvfrom(512)
    udp.sendto(answer(query), client)
"#;

/// The time limit in seconds: long for a busy machine, and every blocked row takes as long.
const PATIENCE: &str = "4";

/// An attempt to connect.
#[derive(Clone, Debug)]
enum Try {
    /// Any reply by TCP. A TLS server that refuses a plain request was reached.
    Tcp(Ipv4Addr, u16),
    /// A name is resolved by UDP.
    Name(Ipv4Addr),
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Seen {
    Open,
    Blocked,
}
use Seen::{Blocked, Open};

/// One row of the table.
struct Row {
    what: String,
    tried: Try,
    /// The expectation for a pod of the platform.
    pod: Seen,
    /// The expectation for a pod without policies, which shows that the policies block the others.
    anybody: Seen,
}

fn row(what: impl Into<String>, tried: Try, pod: Seen, anybody: Seen) -> Row {
    Row {
        what: what.into(),
        tried,
        pod,
        anybody,
    }
}

impl Try {
    async fn from(&self, node: &'static Node, pod: &KubePod) -> Option<(Seen, String)> {
        let (this, pod) = (self.clone(), pod.clone());
        tokio::task::spawn_blocking(move || this.run(node, &pod))
            .await
            .unwrap()
    }

    /// The result, and the program's output; `None` if it could not run because the container is gone.
    fn run(&self, node: &Node, pod: &KubePod) -> Option<(Seen, String)> {
        let program = match self {
            Self::Tcp(address, port) => format!("wget -q -O - http://{address}:{port}/"),
            Self::Name(address) => format!("nslookup example.org {address}"),
        };
        let script = format!("timeout {PATIENCE} {program} 2>&1; echo \" status $?\"; echo ended");
        let said = node.exec(pod, &["sh", "-c", &script]).ok()?;
        let said = said.trim_end().strip_suffix("ended")?.to_owned();
        let is_open = match self {
            // Ended by `timeout`, or refused.
            Self::Tcp(..) => !["status 143", "can't connect", "unreachable"]
                .iter()
                .any(|sign| said.contains(sign)),
            Self::Name(_) => said.contains(&INTERNET.to_string()),
        };
        Some((if is_open { Open } else { Blocked }, said))
    }
}

fn address(pod: &KubePod) -> Ipv4Addr {
    let status = pod.status.as_ref().unwrap();
    status.pod_ip.as_ref().unwrap().parse().unwrap()
}

/// A pod that belongs to no platform.
async fn plain_pod(site: &Site, namespace: &str, name: &str, more: Value) -> KubePod {
    let mut container =
        json!({ "name": "main", "image": Image::Http.reference(), "imagePullPolicy": "Never" });
    container
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    site.apply(&json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "namespace": namespace, "labels": { "app": name } },
        "spec": {
            "containers": [container],
            "terminationGracePeriodSeconds": 0,
            "securityContext": { "sysctls": [{ "name": "net.ipv4.ip_unprivileged_port_start", "value": "0" }] },
        },
    }))
    .await;
    let pods = site.api::<KubePod>(namespace);
    wait_until(name, LIMIT, async || {
        let pod = pods.get(name).await.map_err(|error| error.to_string())?;
        let runs = pod
            .status
            .as_ref()
            .and_then(|status| status.container_statuses.as_ref())
            .is_some_and(|all| all.iter().all(|container| container.ready));
        if runs {
            Ok(pod)
        } else {
            Err(format!("{:?}", pod.status))
        }
    })
    .await
    .unwrap()
}

/// The address of a Service for this port of the pods with this label.
async fn service(site: &Site, namespace: &str, name: &str, port: u16) -> Ipv4Addr {
    let ports = ["UDP", "TCP"]
        .map(|protocol| json!({ "name": protocol.to_lowercase(), "protocol": protocol, "port": port }));
    site.apply(&json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": name, "namespace": namespace },
        "spec": { "selector": { "app": name }, "ports": ports },
    }))
    .await;
    cluster_ip(site, namespace, name).await
}

async fn cluster_ip(site: &Site, namespace: &str, name: &str) -> Ipv4Addr {
    let found = site.api::<Service>(namespace).get(name).await.unwrap();
    found.spec.unwrap().cluster_ip.unwrap().parse().unwrap()
}

/// The pods in the table.
struct Pods {
    ana: KubePod,
    /// Ana's other pod.
    second: KubePod,
    bob: KubePod,
    /// The address of the Service for Bob's port.
    bobs_service: Ipv4Addr,
}

async fn pods(site: &Site, platform: &Platform) -> (Pods, String) {
    let ana = platform.server.sign_in("ana@example.com").await;
    let bob = platform.server.sign_in("bob@example.com").await;
    let mut ids = Vec::new();
    for (token, name) in [(&ana, "First"), (&ana, "Second"), (&bob, "Other")] {
        ids.push(platform.create(token, name, Image::Http, "tiny", "8080").await);
    }
    let bobs = site.kube_pod(platform, &ids[2]).await;
    let name = format!("{}-8080-service", bobs.metadata.name.as_deref().unwrap());
    let pods = Pods {
        ana: site.kube_pod(platform, &ids[0]).await,
        second: site.kube_pod(platform, &ids[1]).await,
        bob: bobs,
        bobs_service: cluster_ip(site, &platform.namespace, &name).await,
    };
    (pods, ids[0].clone())
}

/// The addresses that pods may reach, and those that they may not.
async fn table(site: &Site, pods: &Pods) -> Vec<Row> {
    let node = site.node();
    let names = plain_pod(
        site,
        "kube-system",
        "names",
        json!({ "image": Image::Jupyter.reference(), "command": ["python3", "-c", NAMES] }),
    )
    .await;
    let names_service = service(site, "kube-system", "names", 53).await;
    let api = url_port(node.control_plane().url());
    let kubernetes = cluster_ip(site, "default", "kubernetes").await;
    let mut rows = vec![
        row(
            "a pod of another owner",
            Try::Tcp(address(&pods.bob), 8080),
            Blocked,
            Blocked,
        ),
        row("its Service", Try::Tcp(pods.bobs_service, 8080), Blocked, Blocked),
        row(
            "another pod of the owner",
            Try::Tcp(address(&pods.second), 8080),
            Blocked,
            Blocked,
        ),
        row(
            "the API server",
            Try::Tcp(node.host_address(), api),
            Blocked,
            Open,
        ),
        row(
            "the API server's Service",
            Try::Tcp(kubernetes, 443),
            Blocked,
            Open,
        ),
        row("the kubelet", Try::Tcp(node.address(), 10250), Blocked, Open),
        row("the cloud's metadata", Try::Tcp(METADATA, 80), Blocked, Open),
        row("the internet", Try::Tcp(INTERNET, 80), Open, Open),
        row("the names service", Try::Name(address(&names)), Open, Open),
        row(
            "the names service's Service",
            Try::Name(names_service),
            Open,
            Open,
        ),
        row(
            "the names service by TCP",
            Try::Tcp(address(&names), 53),
            Open,
            Open,
        ),
        row("its other ports", Try::Tcp(address(&names), 8080), Blocked, Open),
    ];
    rows.extend(PRIVATE.map(|address| row(address.to_string(), Try::Tcp(address, 80), Blocked, Open)));
    rows
}

fn url_port(url: &str) -> u16 {
    url.rsplit(':').next().unwrap().parse().unwrap()
}

/// Tries the whole table at once.
async fn check(
    rows: &[Row],
    from: &str,
    node: &'static Node,
    pod: &KubePod,
    expected: impl Fn(&Row) -> Seen,
) {
    let tries = rows.iter().map(|row| row.tried.from(node, pod));
    let seen = futures::future::join_all(tries).await;
    let wrong: Vec<_> = rows
        .iter()
        .zip(&seen)
        .filter(|(row, seen)| seen.as_ref().map(|(seen, _)| *seen) != Some(expected(row)))
        .map(|(row, seen)| format!("{from} → {}: {seen:?} ({:?})", row.what, row.tried))
        .collect();
    assert!(
        wrong.is_empty(),
        "{}\n{}",
        wrong.join("\n"),
        node.firewall().unwrap_or_default()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_reach_the_internet_and_nothing_of_the_cluster() {
    let Some(site) = Site::get("pods_reach_the_internet_and_nothing_of_the_cluster", false).await else {
        return;
    };
    let node = site.node();
    let platform = site
        .platform(
            "edge-network",
            "ingress_class = \"traefik\"\nservices = \"ClusterIp\"",
        )
        .await;
    let (pods, id) = pods(&site, &platform).await;
    site.namespace("edge-others").await;
    let anybody = plain_pod(&site, "edge-others", "anybody", json!({})).await;
    // Anything in that namespace may be the controller.
    site.namespace(Edge::NAMESPACE).await;
    let controller = plain_pod(&site, Edge::NAMESPACE, "controller", json!({})).await;

    // Programs in the container may listen anywhere; only the ports of the pod can be reached.
    node.start_in(&pods.ana, &["httpd", "-f", "-p", "8081", "-h", "/www"])
        .unwrap();
    let inward = [
        row(
            "a port of a pod",
            Try::Tcp(address(&pods.ana), 8080),
            Open,
            Blocked,
        ),
        row(
            "what else listens in it",
            Try::Tcp(address(&pods.ana), 8081),
            Blocked,
            Blocked,
        ),
    ];
    check(&inward, "the ingress controller", node, &controller, |row| {
        row.pod
    })
    .await;
    check(&inward, "anybody", node, &anybody, |row| row.anybody).await;

    let rows = table(&site, &pods).await;
    check(&rows, "anybody", node, &anybody, |row| row.anybody).await;
    check(&rows, "a pod", node, &pods.ana, |row| row.pod).await;

    // A pod stays isolated until its container has ended; this one ignores the signal.
    platform
        .server
        .call(Method::POST, &format!("/api/pods/{id}/stop"), None)
        .await;
    wait_until("the pod is being stopped", LIMIT, async || {
        let name = pods.ana.metadata.name.as_deref().unwrap();
        let pod = site.api::<KubePod>(&platform.namespace).get(name).await;
        let pod = pod.map_err(|error| error.to_string())?;
        pod.metadata
            .deletion_timestamp
            .map(drop)
            .ok_or_else(|| "not yet".into())
    })
    .await
    .unwrap();
    let metadata = Try::Tcp(METADATA, 80);
    let mut tries = 0;
    while let Some((seen, said)) = metadata.from(node, &pods.ana).await {
        assert_eq!(seen, Blocked, "the cloud's metadata while the pod ends: {said}");
        tries += 1;
    }
    assert!(tries > 0, "the container ended at once");
    platform.server.stop().await;
}
