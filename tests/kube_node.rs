//! `KubeCluster` on a real node: reports of a real scheduler, kubelet and container runtime.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod kube;

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use neuropod_core::ClusterBackend;
use neuropod_core::cluster::workload::Accelerator;
use neuropod_core::cluster::{
    ClusterEvent, LogOptions, Objects, ObservedPod, ObservedVolume, Phase, ReasonCode, Step, VolumePolicy,
    Workload,
};
use neuropod_test_cluster::{Image, TestCluster, service_address, skip, wait_until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use self::kube::{Site, rbac, workload};

/// Long enough for a node on a busy machine.
const LIMIT: Duration = Duration::from_mins(3);

type Changes = BoxStream<'static, ClusterEvent>;

#[tokio::test(flavor = "multi_thread")]
async fn a_real_node() {
    let cluster = match TestCluster::node() {
        Err(error) if error.is_unavailable() => return skip("kube_node/a_real_node", &error.to_string()),
        other => other.unwrap(),
    };
    let Some(node) = cluster.own_node() else {
        return skip(
            "kube_node/a_real_node",
            "the images are not in a cluster of someone else's",
        );
    };
    node.load(Image::Http).unwrap();
    let site = Site::with(&cluster, &[rbac()], |config| config.storage.class = None).await;
    let mut changes = site.backend.watch();
    a_life(&site, &mut changes).await;
    a_port_that_nobody_listens_on(&site, &mut changes).await;
    pods_that_do_not_run(&site, &mut changes).await;
}

fn http(name: &str) -> Workload {
    let mut workload = workload(name, 1);
    workload.container.image = Image::Http.reference().into();
    workload.container.ready_port = Some(8080);
    workload.endpoints[0].port = 8080;
    workload.volume.size_gb = 1;
    workload
}

/// Reads changes until `holds` is true for the pod of `workload`, and returns all of its reports.
async fn until(
    changes: &mut Changes,
    workload: &Workload,
    holds: impl Fn(&ObservedPod) -> bool,
) -> Vec<ObservedPod> {
    let mut reported = Vec::new();
    let read = async {
        while let Some(event) = changes.next().await {
            if let ClusterEvent::Changed { pod_id, pod } = event
                && pod_id == workload.reference.pod_id
            {
                reported.push(pod.clone());
                if holds(&pod) {
                    return;
                }
            }
        }
    };
    let in_time = timeout(LIMIT, read).await;
    assert!(
        in_time.is_ok(),
        "{} in time: {reported:#?}",
        workload.reference.name
    );
    reported
}

async fn a_life(site: &Site, changes: &mut Changes) {
    let workload = http("life");
    let reference = &workload.reference;
    site.backend.apply(&workload).await.unwrap();
    let reported = until(changes, &workload, |pod| pod.ready).await;
    let steps: Vec<_> = reported.iter().map(|pod| pod.step).collect();
    assert!(steps.is_sorted(), "{steps:?}");
    let ready = reported.last().unwrap();
    assert_eq!(
        (ready.phase, ready.step, &ready.reason),
        (Phase::Running, Step::Ready, &None)
    );
    let seen = site.backend.observe(reference).await.unwrap();
    assert_eq!(seen.pod.as_ref(), Some(ready));
    assert_eq!(
        (seen.objects, seen.volume),
        (Objects::Complete, ObservedVolume::Bound { size_gb: 1 })
    );

    // The log is followed from its first byte, and ends with the container.
    let service = &workload.endpoints[0].service;
    let address = service_address(&site.admin, &site.namespace, service).await;
    let address = format!("{}:8080", address.unwrap());
    let page = wait_until("the page", LIMIT, async || {
        get(&address).await.map_err(|error| error.to_string())
    });
    assert!(page.await.unwrap().ends_with("neuropod-test\n"));
    let follow = LogOptions::default().with_follow();
    let mut log = site.backend.logs(reference, follow).await.unwrap();
    let first = timeout(LIMIT, log.next()).await.unwrap().unwrap().unwrap();
    assert!(!first.is_empty(), "busybox notes each request");
    let tail = LogOptions::default().with_tail(1);
    let tail: Vec<_> = site.backend.logs(reference, tail).await.unwrap().collect().await;
    let tail: Vec<u8> = tail.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(String::from_utf8_lossy(&tail).lines().count(), 1);

    let going = site.backend.remove(reference, VolumePolicy::Keep).await.unwrap();
    assert!(
        going.pod.is_some_and(|pod| pod.terminating),
        "it has its time to end"
    );
    let gone = async {
        loop {
            match changes.next().await.unwrap() {
                ClusterEvent::Gone { uid, .. } if uid == ready.uid => break,
                _ => {}
            }
        }
    };
    timeout(LIMIT, gone).await.unwrap();
    let rest = log.collect::<Vec<_>>();
    timeout(LIMIT, rest)
        .await
        .expect("the log ends with its container");
    let left = site.backend.observe(reference).await.unwrap();
    assert!(
        left.is_cleared() && left.volume == ObservedVolume::Bound { size_gb: 1 },
        "{left:?}"
    );
    wait_until("the volume's end", LIMIT, async || {
        let left = site.backend.remove(reference, VolumePolicy::Delete).await;
        match left.map(|left| left.volume) {
            Ok(ObservedVolume::Absent) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
}

/// A page over plain HTTP/1.0.
async fn get(address: &str) -> std::io::Result<String> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    let mut page = String::new();
    stream.read_to_string(&mut page).await?;
    Ok(page)
}

/// A pod whose port opens at once may never be reported as starting: kubelets report both in one change.
async fn a_port_that_nobody_listens_on(site: &Site, changes: &mut Changes) {
    let mut deaf = http("deaf");
    deaf.container.ready_port = Some(8081);
    site.backend.apply(&deaf).await.unwrap();
    let reported = until(changes, &deaf, |pod| pod.container.is_some()).await;
    let pod = reported.last().unwrap();
    assert_eq!(
        (pod.phase, pod.step, pod.ready),
        (Phase::Running, Step::Starting, false)
    );
    site.backend
        .remove(&deaf.reference, VolumePolicy::Delete)
        .await
        .unwrap();
}

async fn pods_that_do_not_run(site: &Site, changes: &mut Changes) {
    let mut no_gpu = http("gpu");
    no_gpu.container.resources.accelerator = Some(Accelerator {
        resource: "nvidia.com/gpu".into(),
        count: 1,
    });
    let mut no_node = http("node");
    no_node
        .container
        .node_selector
        .insert("example.com/none".into(), "none".into());
    let mut no_registry = http("registry");
    no_registry.container.image = "localhost:1/none:1".into();
    let mut no_name = http("name");
    no_name.container.image = "localhost/UPPER:1".into();
    // The volume hides the program.
    let mut no_program = http("program");
    no_program.volume.mount_path = "/bin".into();
    let cases = [
        (no_gpu, vec![ReasonCode::NoGpuFree]),
        (no_node, vec![ReasonCode::Unschedulable]),
        (no_registry, vec![ReasonCode::ImagePullFailed]),
        (no_name, vec![ReasonCode::ImageInvalid]),
        (no_program, vec![ReasonCode::ContainerStart]),
    ];
    for (workload, codes) in cases {
        site.backend.apply(&workload).await.unwrap();
        let code = |pod: &ObservedPod| pod.reason.as_ref().map(|reason| reason.code);
        let reported = until(changes, &workload, |pod| {
            code(pod).is_some_and(|code| codes.contains(&code))
        })
        .await;
        let pod = reported.last().unwrap();
        assert!(!pod.reason.as_ref().unwrap().detail.is_empty(), "{pod:?}");
        assert!(!pod.ready && pod.container.is_none(), "{pod:?}");
        site.backend
            .remove(&workload.reference, VolumePolicy::Delete)
            .await
            .unwrap();
    }
}
