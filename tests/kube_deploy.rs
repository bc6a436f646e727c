//! The manifests of `examples/deploy` on a real API server: each is accepted without a warning, and the pods of
//! each workload are admitted to its namespace, at the Pod Security level in `namespaces.yaml`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod kube;

use std::fs;
use std::path::Path;

use ::kube::api::{DynamicObject, PostParams};
use ::kube::client::Body;
use ::kube::core::{GroupVersionKind, Request};
use ::kube::discovery::{Scope, pinned_kind};
use ::kube::{Api, Client, Resource};
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use serde_json::{Value, from_value, json};

use self::kube::{cluster, documents, rbac};

/// Every object of every YAML file below `examples/deploy`, with the name of the file. Documents without a kind
/// are not for an API server.
fn objects() -> Vec<(String, Value)> {
    fn collect(folder: &Path, all: &mut Vec<(String, Value)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, all);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let found = documents(&fs::read_to_string(&path).unwrap()).into_iter();
                let found = found.filter(|document| document["kind"].is_string());
                all.extend(found.map(|document| (name.clone(), document)));
            }
        }
    }
    let mut all = Vec::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/deploy");
    collect(Path::new(folder), &mut all);
    all
}

/// The problems of an object: the refusal of the API server, or its warnings. Nothing is created.
async fn flaws(client: &Client, object: &Value) -> Vec<String> {
    let text = |field: &str| object[field].as_str().unwrap();
    let (group, version) = text("apiVersion")
        .split_once('/')
        .unwrap_or(("", text("apiVersion")));
    let kind = GroupVersionKind::gvk(group, version, text("kind"));
    let (resource, capabilities) = pinned_kind(client, &kind).await.unwrap();
    let namespace = object["metadata"]["namespace"].as_str();
    if (capabilities.scope == Scope::Namespaced) != namespace.is_some() {
        return vec!["it is in no namespace, or in one and should not be".into()];
    }
    let path = DynamicObject::url_path(&resource, namespace);
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let body = serde_json::to_vec(object).unwrap();
    let (mut head, body) = Request::new(path).create(&dry, body).unwrap().into_parts();
    // An unknown field is a typo.
    head.uri = format!("{}&fieldValidation=Strict", head.uri).parse().unwrap();
    let answer = client
        .send(http::Request::from_parts(head, Body::from(body)))
        .await
        .unwrap();
    let warnings = answer.headers().get_all("warning").iter();
    let mut flaws: Vec<_> = warnings
        .map(|warning| warning.to_str().unwrap().to_owned())
        .collect();
    if !answer.status().is_success() {
        let body = answer.into_body().collect_bytes().await.unwrap();
        let said: Value = serde_json::from_slice(&body).unwrap();
        flaws.push(said["message"].as_str().unwrap_or_default().to_owned());
    }
    flaws
}

/// The pod of a workload; `None` if the object is not a workload.
fn pod_of(object: &Value) -> Option<Value> {
    let spec = &object["spec"];
    let template = [&spec["template"], &spec["jobTemplate"]["spec"]["template"]];
    let template = template.into_iter().find(|template| template["spec"].is_object());
    let template = match template {
        Some(template) => template,
        None if object["kind"] == "Pod" => object,
        None => return None,
    };
    let mut pod = json!({ "apiVersion": "v1", "kind": "Pod", "spec": template["spec"] });
    pod["metadata"] = json!({ "name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"],
        "labels": template["metadata"]["labels"] });
    // A StatefulSet adds its claims.
    for claim in spec["volumeClaimTemplates"].as_array().into_iter().flatten() {
        let name = &claim["metadata"]["name"];
        let volume = json!({ "name": name, "persistentVolumeClaim": { "claimName": name } });
        match pod["spec"]["volumes"].as_array_mut() {
            Some(volumes) => volumes.push(volume),
            None => pod["spec"]["volumes"] = json!([volume]),
        }
    }
    Some(pod)
}

#[tokio::test]
async fn an_api_server_takes_every_manifest_and_its_pods_into_their_namespaces() {
    let Some(cluster) =
        cluster("kube_deploy/an_api_server_takes_every_manifest_and_its_pods_into_their_namespaces")
    else {
        return;
    };
    let client = cluster.client().await.unwrap();
    cluster.install_gateway_api().await.unwrap();
    let objects = objects();

    // They have to exist for the rest.
    let namespaces = objects.iter().filter(|(_, object)| object["kind"] == "Namespace");
    let mut levels = Vec::new();
    for (_, namespace) in namespaces {
        let labels = &namespace["metadata"]["labels"];
        for mode in ["enforce", "warn"] {
            levels.push(
                labels[format!("pod-security.kubernetes.io/{mode}")]
                    .as_str()
                    .unwrap(),
            );
        }
        kube::make(Api::<Namespace>::all(client.clone()), namespace.clone()).await;
    }
    assert_eq!(levels, ["restricted", "restricted", "baseline", "baseline"]);
    let account = rbac()
        .into_iter()
        .find(|document| document["kind"] == "ServiceAccount");
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "neuropod");
    let account = from_value(account.unwrap()).unwrap();
    accounts.create(&PostParams::default(), &account).await.unwrap();
    kube::make(
        Api::<ServiceAccount>::namespaced(client.clone(), "neuropod-pods"),
        json!({
        "metadata": { "name": "default" } }),
    )
    .await;

    let mut wrong = Vec::new();
    let mut workloads = Vec::new();
    let is_there = |object: &Value| object["kind"] == "Namespace" || object["kind"] == "ServiceAccount";
    for (file, object) in objects.iter().filter(|(_, object)| !is_there(object)) {
        let pod = pod_of(object);
        workloads.extend(pod.is_some().then_some(file.as_str()));
        for checked in [Some(object.clone()), pod].into_iter().flatten() {
            for flaw in flaws(&client, &checked).await {
                wrong.push(format!(
                    "{file}: {} {}: {flaw}",
                    checked["kind"], checked["metadata"]["name"]
                ));
            }
        }
    }
    workloads.sort_unstable();
    assert_eq!(workloads, ["mongo.yaml", "postgres.yaml", "server.yaml"]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // And each level refuses pods of a lower level.
    let pod = |namespace: &str, spec: Value| {
        json!({ "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "probe", "namespace": namespace }, "spec": spec })
    };
    let root =
        json!({ "automountServiceAccountToken": false, "containers": [{ "name": "a", "image": "a" }] });
    let mut on_node = root.clone();
    on_node["hostNetwork"] = true.into();
    for (namespace, spec, is_refused) in [
        ("neuropod", &root, true),
        ("neuropod-pods", &root, false),
        ("neuropod-pods", &on_node, true),
    ] {
        let flaws = flaws(&client, &pod(namespace, spec.clone())).await.join("\n");
        assert_eq!(
            flaws.contains("violates PodSecurity"),
            is_refused,
            "{namespace}: {flaws}"
        );
    }
}
