//! The rights of the platform, as `examples/deploy` gives them.

use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use neuropod_test_cluster::wait_until;
use serde_json::{Value, from_value, json};

use super::LIMIT;

/// The documents of a YAML file.
pub(crate) type Documents = Vec<Value>;

/// `rbac.yaml`.
pub(crate) fn rbac() -> Documents {
    documents(include_str!("../../examples/deploy/rbac.yaml"))
}

/// `rbac-namespace-per-user.yaml`.
pub(crate) fn rbac_for_namespaces() -> Documents {
    documents(include_str!("../../examples/deploy/rbac-namespace-per-user.yaml"))
}

fn documents(text: &str) -> Documents {
    serde_yaml_ng::Deserializer::from_str(text)
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .collect()
}

/// `rbac.yaml` without the right to `verb` `resource` in the namespace.
pub(crate) fn role_without(verb: &str, resource: &str) -> Documents {
    let mut all = rbac();
    let role = all
        .iter_mut()
        .find(|document| document["kind"] == "Role")
        .unwrap();
    let mut taken = 0;
    let mut rules = Vec::new();
    for rule in role["rules"].as_array().unwrap() {
        let (with, without): (Vec<_>, Vec<_>) = rule["resources"]
            .as_array()
            .unwrap()
            .iter()
            .cloned()
            .partition(|name| name == resource);
        let mut less = rule.clone();
        less["resources"] = with.clone().into();
        let verbs = rule["verbs"].as_array().unwrap();
        let left: Vec<_> = verbs.iter().filter(|name| *name != verb).cloned().collect();
        taken += usize::from(!with.is_empty() && left.len() < verbs.len());
        let any_left = !with.is_empty() && !left.is_empty();
        less["verbs"] = left.into();
        rules.extend(any_left.then_some(less));
        let mut others = rule.clone();
        others["resources"] = without.clone().into();
        rules.extend((!without.is_empty()).then_some(others));
    }
    assert!(taken > 0, "the role has no right to {verb} {resource}");
    role["rules"] = rules.into();
    all
}

/// Makes the objects of `documents` for the namespace; what belongs to the whole cluster gets names of its own.
pub(crate) async fn install(admin: &Client, documents: &[Value], namespace: &str) {
    for document in documents {
        let mut document = document.clone();
        let kind = document["kind"].as_str().unwrap().to_owned();
        let is_for_all = ["Cluster", "Validating"]
            .iter()
            .any(|start| kind.starts_with(start));
        if is_for_all {
            let own = |name: &mut Value| {
                if let Some(text) = name.as_str() {
                    *name = format!("{text}-{namespace}").into();
                }
            };
            own(&mut document["metadata"]["name"]);
            for reference in ["/roleRef/name", "/spec/policyName"] {
                document.pointer_mut(reference).map(own);
            }
            for condition in document["spec"]["matchConditions"]
                .as_array_mut()
                .into_iter()
                .flatten()
            {
                let text = condition["expression"].as_str().unwrap();
                let whom = format!(":{namespace}:neuropod");
                condition["expression"] = text.replace(":neuropod:neuropod", &whom).into();
            }
        } else {
            document["metadata"]["namespace"] = namespace.into();
        }
        for subject in document["subjects"].as_array_mut().into_iter().flatten() {
            subject["namespace"] = namespace.into();
        }
        for field in ["roleRef", "subjects", "spec"] {
            // Asking for it has made it.
            if document[field].is_null() {
                document.as_object_mut().unwrap().remove(field);
            }
        }
        let (group, version) = match document["apiVersion"].as_str().unwrap().split_once('/') {
            Some((group, version)) => (group.to_owned(), version.to_owned()),
            None => (String::new(), document["apiVersion"].as_str().unwrap().to_owned()),
        };
        let resource = ApiResource::from_gvk(&GroupVersionKind {
            group,
            version,
            kind: kind.clone(),
        });
        let api: Api<DynamicObject> = if is_for_all {
            Api::all_with(admin.clone(), &resource)
        } else {
            Api::namespaced_with(admin.clone(), namespace, &resource)
        };
        let object = from_value(document).unwrap();
        api.create(&PostParams::default(), &object).await.unwrap();
    }
}

/// Waits until the API server grants the last right of each role: they reach its own cache a moment after they are
/// stored.
pub(crate) async fn wait_for_rights(connection: &kube::Config, namespace: &str, rights: &[Documents]) {
    let client = Client::try_from(connection.clone()).unwrap();
    let roles = rights
        .iter()
        .flatten()
        .filter(|document| document["rules"].is_array());
    for role in roles {
        let rule = role["rules"].as_array().unwrap().last().unwrap();
        let scope = (role["kind"] == "Role").then_some(namespace);
        let review = json!({ "spec": { "resourceAttributes": {
            "group": rule["apiGroups"][0],
            "resource": rule["resources"][0],
            "verb": rule["verbs"][0],
            "namespace": scope,
        }}});
        let review: SelfSubjectAccessReview = from_value(review).unwrap();
        let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
        wait_until("the rights", LIMIT, async || {
            match reviews.create(&PostParams::default(), &review).await {
                Ok(answer) if answer.status.as_ref().is_some_and(|status| status.allowed) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await
        .unwrap();
    }
}
