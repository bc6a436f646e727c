//! Every example of this package but the quickstart runs by itself and prints what it is there to show.
//! `tests/quickstart.rs` tests the quickstart.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "common/example.rs"]
mod example;

use std::time::{Duration, Instant};

/// The longest an example may take on a busy machine; its own time is simulated.
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
            "0 pods are left",
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
    // An hour of an RTX 4090 with its disks costs 2.70.
    prints("own_billing", &["lines of the invoice: ", "in all: 2.70 "]);
}

#[test]
fn own_store() {
    prints(
        "own_store",
        &[
            "training is stored in version 1",
            "1 pods are in the store",
            "the store passes the suite",
        ],
    );
}

#[test]
fn plan_without_cluster() {
    prints(
        "plan_without_cluster",
        &[
            "name: ",
            "gpu: ",
            "image: ",
            "port 8888 at https://training-",
            "port 7860 at https://training-",
            r#""PersistentVolumeClaim""#,
            r#""Pod" "training-"#,
            "kind: ",
        ],
    );
}

#[test]
fn price_list() {
    prints(
        "price_list",
        &[
            "running: ",
            "stopped: ",
            "price list 1: ",
            "training still costs ",
        ],
    );
}

#[test]
fn sim_faults() {
    prints(
        "sim_faults",
        &[
            "detail: ",
            "what to do: ",
            "dial tcp: i/o timeout",
            "it runs",
            "calls of apply",
        ],
    );
}

#[test]
fn subscribe() {
    prints(
        "subscribe",
        &[
            "snapshot: 0 pods, 0 changes missed",
            "changed: training: ",
            "low balance: less than ",
            "deleted: training",
        ],
    );
}
