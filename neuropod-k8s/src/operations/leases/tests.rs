use http::Method;
use neuropod_core::ErrorKind;
use neuropod_core::cluster::Replicas;

use super::*;
use crate::cluster::KubeCluster;
use crate::config::KubeConfig;
use crate::fake::server::{self, Log, Received, Reply};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/users/leases";

fn replica() -> ReplicaId {
    ReplicaId::from_bits(7)
}

fn cluster(reply: impl FnMut(&Received) -> Reply + Send + 'static) -> (KubeCluster, Log) {
    let (client, log) = server::client(reply);
    let config = KubeConfig::default().with_namespace("users").with_instance("lab");
    (KubeCluster::with_client(client, config), log)
}

fn listed(names: &[&str]) -> Reply {
    let items = names.iter().zip(1..).map(|(name, version)| {
        json!({ "metadata": { "name": name, "namespace": "users", "uid": format!("uid-{version}"),
            "resourceVersion": version.to_string() } })
    });
    Reply::Json(200, json!({ "metadata": {}, "items": items.collect::<Vec<_>>() }))
}

#[tokio::test(start_paused = true)]
async fn a_renewal_is_one_write_and_one_list() {
    let names = [
        "neuropod-replica-0000000000000007",
        "neuropod-replica-mine",
        "other",
    ];
    let (cluster, log) = cluster(move |received| match received.method {
        Method::PATCH => Reply::Json(200, received.body.clone()),
        _ => listed(&names),
    });
    let presences = cluster.renew(&replica()).await.unwrap();
    assert_eq!(presences, [Presence::new(replica(), "1")], "others are not ours");
    let [write, list] = &log.all()[..] else {
        panic!("{:?}", log.lines());
    };
    assert_eq!(write.path, format!("{LEASES}/neuropod-replica-0000000000000007"));
    assert_eq!(write.content, "application/apply-patch+yaml");
    assert!(write.query.contains("fieldManager=neuropod"), "{}", write.query);
    assert_eq!(write.body["spec"]["holderIdentity"], "0000000000000007");
    let time = write.body["spec"]["renewTime"].as_str().unwrap();
    assert_eq!(time.len(), "2026-01-02T03:04:05.000006Z".len(), "{time}");
    assert_eq!((&list.method, list.path.as_str()), (&Method::GET, LEASES));
    assert!(list.query.contains("instance%3Dlab"), "{}", list.query);
    assert!(
        list.accept.contains("PartialObjectMetadataList"),
        "{}",
        list.accept
    );
}

#[tokio::test(start_paused = true)]
async fn giving_up_deletes_the_lease_that_was_listed() {
    let names = [
        "neuropod-replica-0000000000000006",
        "neuropod-replica-0000000000000007",
    ];
    let (cluster, log) = cluster(move |received| match received.method {
        Method::DELETE => Reply::Json(200, json!({ "kind": "Status", "status": "Success" })),
        _ => listed(&names),
    });
    cluster.give_up(&replica()).await.unwrap();
    let last = log.all().pop().unwrap();
    assert_eq!(last.path, format!("{LEASES}/neuropod-replica-0000000000000007"));
    assert_eq!(last.body["preconditions"]["uid"], "uid-2");
    log.clear();
    cluster.give_up(&ReplicaId::from_bits(1)).await.unwrap();
    assert_eq!(log.lines(), [format!("GET {LEASES}")]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_renewal_says_so() {
    let (cluster, _) = cluster(|_| {
        let text = r#"leases.coordination.k8s.io "x" is forbidden: User "x" cannot patch resource "leases""#;
        Reply::refused(403, "Forbidden", text)
    });
    let error = cluster.renew(&replica()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::PermissionDenied, "{error}");
}
