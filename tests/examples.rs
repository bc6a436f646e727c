//! Every example of this package except the quickstart runs by itself and prints its main results.
//! `tests/quickstart.rs` tests the quickstart.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "common/example.rs"]
mod example;

use std::time::{Duration, Instant};

/// The time limit of an example on a busy machine; its own time is simulated.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs an example and checks that it prints these texts, in this order.
fn prints(name: &str, texts: &[&str]) {
    let begun = Instant::now();
    let printed = example::output(name, &[]);
    let took = begun.elapsed();
    let mut rest = printed.as_str();
    for text in texts {
        let Some((_, after)) = rest.split_once(text) else {
            panic!("{name} does not print {text:?} in its turn: {printed}");
        };
        rest = after;
    }
    assert!(took < LIMIT, "{name} took {took:?}");
}

#[test]
fn create_and_wait() {
    prints(
        "create_and_wait",
        &[
            "training is creating",
            "training is running",
            "port 8888: https://training-",
            "-8888.pods.example.com?token=",
            "pods left: 0",
        ],
    );
}

#[test]
fn embed_axum() {
    prints(
        "embed_axum",
        &[
            "POST /pods: 200 OK",
            r#""name":"training""#,
            "POST /pods: 422 ",
            "Name is required",
            "GET /pods: 200 OK [{",
            "GET /pods: 401 ",
        ],
    );
}

#[test]
fn follow_logs() {
    prints(
        "follow_logs",
        &[
            "epoch 1 of 3",
            "epoch 2 of 3",
            "epoch 3 of 3",
            "the training is done",
        ],
    );
}

#[test]
fn own_billing() {
    prints("own_billing", &["lines of the invoice: ", "in all: €2.69"]);
}

#[test]
fn own_store() {
    prints(
        "own_store",
        &[
            "training is stored in version ",
            "pods in the store: 1",
            "the store passes the suite",
        ],
    );
}

#[test]
fn plan_without_cluster() {
    prints(
        "plan_without_cluster",
        &[
            "image: The Docker image contains spaces",
            "name: Name is required",
            "gpu: Unknown GPU",
            "port 8888 at https://training-",
            "port 7860 at https://training-",
            r#""PersistentVolumeClaim" "workspace-"#,
            r#""Pod" "training-"#,
            "kind: NetworkPolicy",
            "kind: Pod",
        ],
    );
}

#[test]
fn price_list() {
    prints(
        "price_list",
        &[
            "running: €2.50 per hour",
            "stopped: €0.50 per hour",
            "price list 1: €3.10 per hour",
            "training still costs €2.50",
        ],
    );
}

#[test]
fn sim_faults() {
    prints(
        "sim_faults",
        &[
            "what to do: ",
            "dial tcp: i/o timeout",
            "what to do: ",
            "it runs",
            "the cluster got 3 calls of apply",
        ],
    );
}

#[test]
fn subscribe() {
    prints(
        "subscribe",
        &[
            "snapshot: pods 1",
            "changed: training: ",
            "low balance: less than 60 minutes are left",
            "low balance: less than 5 minutes are left",
            "deleted: training",
        ],
    );
}
