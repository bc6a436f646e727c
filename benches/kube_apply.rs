//! The time from `apply` of a new pod until a real API server has accepted the last object, and the time of an
//! `apply` that changes nothing. `cargo bench --bench kube_apply`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement"
)]

#[path = "../tests/kube/mod.rs"]
mod kube;

use std::time::Duration;

use neuropod_core::ClusterBackend;
use neuropod_core::cluster::{VolumePolicy, Workload};
use tokio::time::Instant;

use self::kube::{Site, cluster, workload};

const ROUNDS: usize = 40;

#[tokio::main]
async fn main() {
    // `cargo test` also runs it, to check that it builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let Some(cluster) = cluster("kube_apply") else {
        return;
    };
    let site = Site::new(cluster).await;
    // The first one checks the classes, and opens connections.
    apply(&site, &workload("first", 8)).await;
    println!("{ROUNDS} pods each; the time of apply, in ms");
    println!("{:<28}{:>8}{:>8}{:>8}", "", "median", "p95", "max");
    for ports in [1, 8] {
        let mut new = Vec::new();
        let mut again = Vec::new();
        for _ in 0..ROUNDS {
            let workload = workload("lab", ports);
            new.push(apply(&site, &workload).await);
            again.push(apply(&site, &workload).await);
            // The test cluster only has addresses for some 250 Services.
            let removed = site.backend.remove(&workload.reference, VolumePolicy::Delete);
            assert!(removed.await.unwrap().is_cleared());
        }
        let objects = 4 + 2 * ports;
        print(&format!("new, {ports} ports, {objects} objects"), new);
        print(&format!("again, {ports} ports"), again);
    }
    let workloads: Vec<_> = (0..ROUNDS).map(|_| workload("crowd", 2)).collect();
    let started = Instant::now();
    let all = futures::future::join_all(workloads.iter().map(|workload| apply(&site, workload))).await;
    let took = started.elapsed();
    print(&format!("{ROUNDS} at once, 2 ports"), all);
    println!("all of them after {:.0} ms", took.as_secs_f64() * 1000.0);
}

async fn apply(site: &Site, workload: &Workload) -> Duration {
    let started = Instant::now();
    site.backend.apply(workload).await.unwrap();
    started.elapsed()
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1000.0;
    println!("{what:<28}{:>8.1}{:>8.1}{:>8.1}", at(50), at(95), at(100));
}
