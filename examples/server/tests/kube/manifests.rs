//! The files of `examples/deploy`.

use serde::Deserialize;
use serde_json::Value;

/// The namespaces of the server and of the pods.
pub(crate) const NAMESPACES: &str = include_str!("../../../deploy/namespaces.yaml");
/// The rights of the server.
pub(crate) const RBAC: &str = include_str!("../../../deploy/rbac.yaml");
/// The server itself.
pub(crate) const SERVER: &str = include_str!("../../../deploy/server.yaml");

/// The files applied to a cluster.
pub(crate) const FILES: [(&str, &str); 9] = [
    ("namespaces.yaml", NAMESPACES),
    ("rbac.yaml", RBAC),
    (
        "rbac-namespace-per-user.yaml",
        include_str!("../../../deploy/rbac-namespace-per-user.yaml"),
    ),
    ("server.yaml", SERVER),
    ("network.yaml", include_str!("../../../deploy/network.yaml")),
    ("mongo.yaml", include_str!("../../../deploy/mongo.yaml")),
    ("postgres.yaml", include_str!("../../../deploy/postgres.yaml")),
    ("ingress.yaml", include_str!("../../../deploy/ingress.yaml")),
    ("gateway.yaml", include_str!("../../../deploy/gateway.yaml")),
];

/// The documents of a YAML file.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    serde_yaml_ng::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).unwrap())
        .collect()
}

/// The configuration in `server.yaml`.
pub(crate) fn configuration() -> String {
    let maps = documents(SERVER);
    let map = maps.iter().find(|document| document["kind"] == "ConfigMap");
    map.unwrap()["data"]["server.toml"].as_str().unwrap().to_owned()
}
