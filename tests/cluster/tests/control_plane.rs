//! The harness's own tests: the control plane.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use k8s_openapi::api::{
    core::v1::{ConfigMap, Namespace},
    rbac::v1::{Role, RoleBinding},
};
use kube::{Api, Client, api::PostParams};
use neuropod_test_cluster::{
    Assets, ControlPlane, KUBECONFIG, Program, TestCluster, client, skip, wait_until,
};
use serde_json::{from_value, json};

const LIMIT: Duration = Duration::from_mins(1);

fn cluster(test: &str) -> Option<TestCluster> {
    match TestCluster::control_plane() {
        Ok(cluster) => Some(cluster),
        Err(error) if error.is_unavailable() => {
            skip(&format!("control_plane/{test}"), &error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

async fn make_namespace(client: &Client, prefix: &str) -> String {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = from_value(json!({ "metadata": { "generateName": prefix } })).unwrap();
    namespaces
        .create(&PostParams::default(), &namespace)
        .await
        .unwrap()
        .metadata
        .name
        .unwrap()
}

async fn make_config_map(client: &Client, namespace: &str) {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let map = from_value(json!({ "metadata": { "name": "kept" }, "data": { "key": "value" } })).unwrap();
    maps.create(&PostParams::default(), &map).await.unwrap();
}

#[tokio::test]
async fn answers_and_stores() {
    let Some(cluster) = cluster("answers_and_stores") else {
        return;
    };
    let client = cluster.client().await.unwrap();
    assert_eq!(client.apiserver_version().await.unwrap().major, "1");

    let namespace = make_namespace(&client, "stores-").await;
    make_config_map(&client, &namespace).await;
    let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    assert_eq!(maps.get("kept").await.unwrap().data.unwrap()["key"], "value");
}

#[tokio::test]
async fn a_restart_keeps_the_data() {
    let Some(cluster) = cluster("a_restart_keeps_the_data") else {
        return;
    };
    let Some(control_plane) = cluster.own_control_plane() else {
        return skip(
            "control_plane/a_restart_keeps_the_data",
            "the cluster is not ours to stop",
        );
    };
    let client = cluster.client().await.unwrap();
    let namespace = make_namespace(&client, "restart-").await;
    make_config_map(&client, &namespace).await;

    control_plane.stop_api_server();
    assert!(client.apiserver_version().await.is_err());
    control_plane.start_api_server().unwrap();

    let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    assert_eq!(maps.get("kept").await.unwrap().data.unwrap()["key"], "value");
}

#[tokio::test]
async fn a_service_account_has_the_rights_of_its_role() {
    let Some(cluster) = cluster("a_service_account_has_the_rights_of_its_role") else {
        return;
    };
    let admin = cluster.client().await.unwrap();
    let namespace = make_namespace(&admin, "account-").await;
    make_config_map(&admin, &namespace).await;
    let roles: Api<Role> = Api::namespaced(admin.clone(), &namespace);
    let role = json!({ "metadata": { "name": "reader" },
        "rules": [{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"] }] });
    roles
        .create(&PostParams::default(), &from_value(role).unwrap())
        .await
        .unwrap();
    let bindings: Api<RoleBinding> = Api::namespaced(admin.clone(), &namespace);
    let binding = json!({ "metadata": { "name": "reader" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader" },
        "subjects": [{ "kind": "ServiceAccount", "name": "default", "namespace": namespace }] });
    bindings
        .create(&PostParams::default(), &from_value(binding).unwrap())
        .await
        .unwrap();

    let config = wait_until("the ServiceAccount", LIMIT, async || {
        cluster
            .service_account_kubeconfig(&namespace, "default")
            .map_err(|error| error.to_string())
    });
    let account = client(&config.await.unwrap()).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(account, &namespace);

    // RBAC changes reach the API server's own cache a moment after they are stored.
    let read = wait_until("the role", LIMIT, async || {
        maps.get("kept").await.map_err(|e| e.to_string())
    });
    read.await.unwrap();
    let refused = maps
        .delete("kept", &kube::api::DeleteParams::default())
        .await
        .unwrap_err();
    assert!(matches!(refused, kube::Error::Api(status) if status.code == 403));
}

#[tokio::test]
async fn nothing_remains_when_it_is_dropped() {
    let control_plane = match ControlPlane::start() {
        Err(error) if error.is_unavailable() => {
            return skip(
                "control_plane/nothing_remains_when_it_is_dropped",
                &error.to_string(),
            );
        }
        other => other.unwrap(),
    };
    let data = control_plane.data_dir().to_owned();
    assert_eq!(servers_of(&data), 3);
    drop(control_plane);
    assert_eq!(servers_of(&data), 0);
    assert!(!data.exists());
}

#[tokio::test]
async fn nothing_is_left_when_the_process_is_killed() {
    if let Err(error) = Assets::from_env().prepare(&Program::CONTROL_PLANE) {
        return skip(
            "control_plane/nothing_is_left_when_the_process_is_killed",
            &error.to_string(),
        );
    }
    let (mut process, kubeconfig) = start_process("control-plane");
    let data = kubeconfig.parent().unwrap().to_owned();
    assert_eq!(servers_of(&data), 3);
    process.kill().unwrap();
    process.wait().unwrap();
    wait_until("the servers' end", LIMIT, async || {
        match (servers_of(&data), data.exists()) {
            (0, false) => Ok(()),
            left => Err(format!("(servers, data folder) left: {left:?}")),
        }
    })
    .await
    .unwrap();
}

/// Starts this crate's program and returns it with the kubeconfig that it prints.
fn start_process(command: &str) -> (Child, PathBuf) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_neuropod-test-cluster"))
        .arg(command)
        .env_remove(KUBECONFIG)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let path = line
        .trim()
        .strip_prefix("export KUBECONFIG=")
        .expect("the program says where its kubeconfig is");
    (process, PathBuf::from(path))
}

/// The number of processes with the folder `data` in their command line, apart from the guard.
fn servers_of(data: &Path) -> usize {
    let name = data.to_str().unwrap().as_bytes();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
        .filter(|line| line.windows(name.len()).any(|part| part == name))
        .filter(|line| !line.windows(5).any(|part| part == b"guard"))
        .count()
}
