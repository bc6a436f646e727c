//! Kubernetes quantities, as metrics-server sends them.

use neuropod::ClusterBackend;
use neuropod::cluster::Usage;
use serde_json::{Value, json};

use crate::api_server;

const SUFFIXES: [(&str, u128); 7] = [
    ("", 1),
    ("k", 1000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
];

/// A quantity of any form is a figure or nothing; a valid one is exact, or nothing if it is too large.
pub fn quantities(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let plain = memory(&json!(*text));
    if !text.starts_with('+') {
        assert_eq!(memory(&json!(format!("+{text}"))), plain, "{text} with a sign");
    }

    let mut bytes = [0; 8];
    let len = data.len().min(8);
    bytes[..len].copy_from_slice(&data[..len]);
    let number = u64::from_le_bytes(bytes).max(1);
    let (suffix, factor) = SUFFIXES[data.len() % SUFFIXES.len()];
    let exact = u128::from(number) * factor;
    let most = u128::from(u64::MAX / 2);
    let expected = (exact <= most).then(|| u64::try_from(exact).expect("it is less than 2^63"));
    assert_eq!(
        memory(&json!(format!("{number}{suffix}"))),
        expected,
        "{number}{suffix}"
    );
    if suffix.is_empty() {
        assert_eq!(memory(&json!(number)), expected, "{number} as a number");
    }
}

/// The bytes of memory in the figures of a pod with this quantity.
fn memory(quantity: &Value) -> Option<u64> {
    let metrics = json!({ "items": [{
        "metadata": { "labels": {
            "app.kubernetes.io/managed-by": "neuropod", "neuropod.io/pod-id": "3f9a0c1d2e4b5a68",
        } },
        "containers": [{ "name": "main", "usage": { "memory": quantity } }],
    }] });
    let usage: Vec<Usage> = api_server::block_on(async {
        let cluster = api_server::answering(metrics.to_string().into());
        cluster.usage().await.expect("a list of figures")
    });
    usage.first().expect("the figures of one pod").memory_bytes
}
