//! The rights of the platform, as granted by `examples/deploy`.

use std::collections::BTreeSet;

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

/// All documents of a YAML text.
pub(crate) fn documents(text: &str) -> Documents {
    serde_yaml_ng::Deserializer::from_str(text)
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .collect()
}

/// A right that the rules of a role give.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Right {
    pub(crate) verb: String,
    pub(crate) group: String,
    /// With the subresource, as in rules: `pods/log`.
    pub(crate) resource: String,
    /// From a `Role`, not cluster-wide.
    pub(crate) in_namespace: bool,
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = if self.in_namespace { "namespace" } else { "cluster" };
        write!(f, "{} {}/{} ({place})", self.verb, self.group, self.resource)
    }
}

/// Every right granted by the roles in these documents.
pub(crate) fn rights(documents: &[Value]) -> BTreeSet<Right> {
    let mut all = BTreeSet::new();
    let texts = |value: &Value| -> Vec<String> {
        let texts = value.as_array().unwrap().iter();
        texts.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    for role in documents.iter().filter(|document| document["rules"].is_array()) {
        for rule in role["rules"].as_array().unwrap() {
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    for verb in texts(&rule["verbs"]) {
                        all.insert(Right {
                            verb,
                            group: group.clone(),
                            resource: resource.clone(),
                            in_namespace: role["kind"] == "Role",
                        });
                    }
                }
            }
        }
    }
    all
}

/// The documents without a right. A right of a `Role` is removed from all roles, because another may grant it
/// cluster-wide.
pub(crate) fn without(documents: &[Value], right: &Right) -> Documents {
    let mut all = documents.to_vec();
    for role in all.iter_mut().filter(|document| document["rules"].is_array()) {
        if right.in_namespace || role["kind"] == "ClusterRole" {
            let rules = role["rules"].as_array().unwrap().iter();
            let left = rules.flat_map(|rule| rule_without(rule, right));
            role["rules"] = left.collect::<Vec<_>>().into();
        }
    }
    all
}

/// The remains of a rule: one without the verb for the resource, and one with all verbs for the others.
fn rule_without(rule: &Value, right: &Right) -> Vec<Value> {
    let is_about = rule["apiGroups"]
        .as_array()
        .unwrap()
        .iter()
        .any(|group| *group == right.group);
    if !is_about {
        return vec![rule.clone()];
    }
    let (of_resource, others): (Vec<_>, Vec<_>) = rule["resources"]
        .as_array()
        .unwrap()
        .iter()
        .cloned()
        .partition(|name| *name == right.resource);
    let verbs = rule["verbs"].as_array().unwrap();
    let fewer: Vec<_> = verbs
        .iter()
        .filter(|verb| **verb != right.verb)
        .cloned()
        .collect();
    let with = |resources: Vec<Value>, verbs: &[Value]| {
        let mut rule = rule.clone();
        rule["resources"] = resources.into();
        rule["verbs"] = verbs.into();
        rule
    };
    let rules = [with(of_resource, &fewer), with(others, verbs)];
    let is_left = |rule: &Value| {
        let says = |field: &str| !rule[field].as_array().unwrap().is_empty();
        says("resources") && says("verbs")
    };
    rules.into_iter().filter(is_left).collect()
}

/// `rbac.yaml` without the right to `verb` `resource` of any group in the namespace.
pub(crate) fn role_without(verb: &str, resource: &str) -> Documents {
    let is_meant = |right: &&Right| right.in_namespace && right.verb == verb && right.resource == resource;
    let all = rights(&rbac());
    let mut meant = all.iter().filter(is_meant).peekable();
    assert!(
        meant.peek().is_some(),
        "the role has no right to {verb} {resource}"
    );
    meant.fold(rbac(), |documents, right| without(&documents, right))
}

/// Creates the objects of `documents` for the namespace; cluster-wide objects get unique names.
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
            // Indexing has added it.
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

/// Waits until the API server grants the last right of each role: they reach its own cache a moment after they
/// are stored.
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
