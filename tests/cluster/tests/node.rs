//! The harness's own tests: a node that runs pods. They share one, because its start is their slowest part.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::{path::Path, process::Command, time::Duration};

use k8s_openapi::api::core::v1::{Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, Service};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams},
};
use neuropod_test_cluster::{Image, TestCluster, skip, wait_until};
use serde::de::DeserializeOwned;
use serde_json::{Value, from_value, json};

const LIMIT: Duration = Duration::from_mins(2);

#[tokio::test]
async fn runs_pods_from_start_to_end() {
    let cluster = match TestCluster::node() {
        Err(error) if error.is_unavailable() => {
            return skip("node/runs_pods_from_start_to_end", &error.to_string());
        }
        other => other.unwrap(),
    };
    let Some(node) = cluster.own_node() else {
        return skip(
            "node/runs_pods_from_start_to_end",
            "the images are not in a cluster of someone else's",
        );
    };
    let client = cluster.client().await.unwrap();
    let namespace: Namespace = create(
        &Api::all(client.clone()),
        json!({ "metadata": { "generateName": "node-" } }),
    )
    .await;
    let namespace = namespace.name_any();

    a_service_answers(&client, &namespace).await;
    a_volume_outlives_its_pod(&client, &namespace).await;
    node.load(Image::Jupyter).unwrap();
    jupyter_prints_a_token(&client, &namespace).await;
    node.advertise("example.com/thing", 2).unwrap();
    the_resource_is_scheduled(&client, &namespace).await;

    let data = node.control_plane().data_dir().to_owned();
    drop(cluster);
    nothing_is_left(&data);
}

/// The host fetches a page through the `ClusterIP`, from a pod that its readiness probe admitted.
async fn a_service_answers(client: &Client, namespace: &str) {
    let pod = pod(
        "web",
        Image::Http,
        json!({
            "readinessProbe": { "httpGet": { "path": "/", "port": 8080 }, "periodSeconds": 1 },
        }),
    );
    let _: Pod = create(&Api::namespaced(client.clone(), namespace), pod).await;
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let service = json!({ "metadata": { "name": "web" },
        "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80, "targetPort": 8080 }] } });
    let service = create(&services, service).await;
    wait_until_ready(client, namespace, "web").await;

    let address = service.spec.unwrap().cluster_ip.unwrap();
    let page = wait_until("the page", LIMIT, async || {
        get(&format!("http://{address}/")).await
    });
    assert_eq!(page.await.unwrap(), (200, "neuropod-test\n".into()));
}

async fn a_volume_outlives_its_pod(client: &Client, namespace: &str) {
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    let claim = json!({ "metadata": { "name": "kept" }, "spec": { "accessModes": ["ReadWriteOnce"],
        "resources": { "requests": { "storage": "1Gi" } } } });
    create(&claims, claim).await;
    for (name, script) in [
        ("writer", "echo written >/workspace/file"),
        ("reader", "cat /workspace/file"),
    ] {
        let mut pod = pod(
            name,
            Image::Http,
            json!({
                "command": ["sh", "-ec", script],
                "volumeMounts": [{ "name": "workspace", "mountPath": "/workspace" }],
            }),
        );
        pod["spec"]["restartPolicy"] = json!("Never");
        pod["spec"]["volumes"] =
            json!([{ "name": "workspace", "persistentVolumeClaim": { "claimName": "kept" } }]);
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        create(&pods, pod).await;
        wait_until_phase(&pods, name, "Succeeded").await;
        let log = pods.logs(name, &LogParams::default()).await.unwrap();
        assert_eq!(log, if name == "reader" { "written\n" } else { "" });
        pods.delete(name, &DeleteParams::default().grace_period(0))
            .await
            .unwrap();
        wait_until(name, LIMIT, async || match pods.get_opt(name).await {
            Ok(None) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await
        .unwrap();
    }

    let larger = json!({ "spec": { "resources": { "requests": { "storage": "2Gi" } } } });
    claims
        .patch("kept", &PatchParams::default(), &Patch::Merge(larger))
        .await
        .unwrap();
    wait_until("the larger volume", LIMIT, async || {
        let capacity = claims
            .get("kept")
            .await
            .map_err(|error| error.to_string())?
            .status
            .unwrap()
            .capacity;
        capacity
            .filter(|all| all["storage"].0 == "2Gi")
            .map(drop)
            .ok_or("it has the old size".into())
    })
    .await
    .unwrap();

    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    claims.delete("kept", &DeleteParams::default()).await.unwrap();
    wait_until("the volume's end", LIMIT, async || {
        let left = volumes
            .list(&ListParams::default())
            .await
            .map_err(|error| error.to_string())?;
        if left.items.is_empty() {
            Ok(())
        } else {
            Err(format!("{} left", left.items.len()))
        }
    })
    .await
    .unwrap();
}

async fn jupyter_prints_a_token(client: &Client, namespace: &str) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    create(&pods, pod("jupyter", Image::Jupyter, json!({}))).await;
    wait_until_phase(&pods, "jupyter", "Running").await;
    let token = wait_until("the token", LIMIT, async || {
        let log = pods
            .logs("jupyter", &LogParams::default())
            .await
            .map_err(|error| error.to_string())?;
        let token = log
            .split("/lab?token=")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next());
        token.map(str::to_owned).ok_or(log)
    })
    .await
    .unwrap();
    let address = pods.get("jupyter").await.unwrap().status.unwrap().pod_ip.unwrap();
    let status = async |query: String| {
        get(&format!("http://{address}:8888/api/status{query}"))
            .await
            .unwrap()
            .0
    };
    assert_eq!(status(format!("?token={token}")).await, 200);
    assert_eq!(status(String::new()).await, 403);
}

async fn the_resource_is_scheduled(client: &Client, namespace: &str) {
    let nodes: Api<Node> = Api::all(client.clone());
    let node = nodes.get("neuropod-test").await.unwrap().status.unwrap();
    assert_eq!(node.allocatable.unwrap()["example.com/thing"].0, "2");
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    for (name, count) in [("fits", 2), ("waits", 1)] {
        let limits = json!({ "resources": { "limits": { "example.com/thing": count } } });
        create(&pods, pod(name, Image::Http, limits)).await;
        if name == "fits" {
            wait_until_phase(&pods, name, "Running").await;
        }
    }
    wait_until("the scheduler's answer", LIMIT, async || {
        let status = pods
            .get("waits")
            .await
            .map_err(|error| error.to_string())?
            .status
            .unwrap_or_default();
        let message = status
            .conditions
            .into_iter()
            .flatten()
            .find_map(|condition| condition.message);
        let message = message.ok_or("no answer")?;
        if message.contains("Insufficient example.com/thing") {
            Ok(())
        } else {
            Err(message)
        }
    })
    .await
    .unwrap();
}

/// No process, folder, control group or interface of the node remains.
fn nothing_is_left(data: &Path) {
    assert!(!data.exists());
    let group = format!("neuropod-test-{}", data.file_name().unwrap().to_str().unwrap());
    let name = data.to_str().unwrap();
    for (program, arguments) in [
        ("find", vec!["/sys/fs/cgroup", "-maxdepth", "2", "-name", &group]),
        ("pgrep", vec!["--full", "--list-full", name]),
    ] {
        let output = Command::new(program).args(arguments).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{program}");
    }
}

fn pod(name: &str, image: Image, container: Value) -> Value {
    let mut all = json!({ "name": "main", "image": image.reference() });
    let (Value::Object(all_fields), Value::Object(container)) = (&mut all, container) else {
        unreachable!()
    };
    all_fields.extend(container);
    json!({
        "metadata": { "name": name, "labels": { "app": name } },
        "spec": { "containers": [all], "terminationGracePeriodSeconds": 1 },
    })
}

async fn create<K>(api: &Api<K>, object: Value) -> K
where
    K: kube::Resource + Clone + std::fmt::Debug + DeserializeOwned + serde::Serialize,
{
    let object = from_value(object).unwrap();
    // Controllers create a new namespace's ServiceAccount a moment after it; a pod needs that.
    wait_until("creation", LIMIT, async || {
        api.create(&PostParams::default(), &object)
            .await
            .map_err(|error| error.to_string())
    })
    .await
    .unwrap()
}

async fn wait_until_phase(pods: &Api<Pod>, name: &str, phase: &str) {
    wait_until(name, LIMIT, async || {
        let status = pods
            .get(name)
            .await
            .map_err(|error| error.to_string())?
            .status
            .unwrap_or_default();
        if status.phase.as_deref() == Some(phase) {
            Ok(())
        } else {
            Err(format!("{status:?}"))
        }
    })
    .await
    .unwrap();
}

async fn wait_until_ready(client: &Client, namespace: &str, name: &str) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    wait_until(name, LIMIT, async || {
        let status = pods
            .get(name)
            .await
            .map_err(|error| error.to_string())?
            .status
            .unwrap_or_default();
        let ready = status
            .conditions
            .iter()
            .flatten()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True");
        if ready { Ok(()) } else { Err(format!("{status:?}")) }
    })
    .await
    .unwrap();
}

async fn get(url: &str) -> Result<(u16, String), String> {
    let answer = reqwest::get(url).await.map_err(|error| error.to_string())?;
    Ok((
        answer.status().as_u16(),
        answer.text().await.map_err(|error| error.to_string())?,
    ))
}
