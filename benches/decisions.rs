//! The duration of the pure decisions: naming, planning, reconciling, reading a log.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use neuropod::cluster::plan::plan;
use neuropod::cluster::{Catalogue, Layout, Observation};
use neuropod::money::AccountKind;
use neuropod::reconcile::{Deadlines, reconcile};
use neuropod::sim::{Settings, SimCluster};
use neuropod::store::MemoryStore;
use neuropod::token::JupyterTokens;
use neuropod::{Actor, Billing, ClusterBackend, CreatePod, Money, Naming, Platform, Pod, TokenExtractor};

fn naming() -> Naming {
    Naming::new("pods.example.com", "a secret of at least 16 bytes").unwrap()
}

/// A running pod with eight ports, and its observation.
fn running_pod() -> (Pod, Observation) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let cluster = SimCluster::new(Settings::default());
        let store = Arc::new(MemoryStore::new());
        let ana = Actor::client("ana");
        store.open(&ana.id, AccountKind::Unlimited).await.unwrap();
        let platform = Platform::builder()
            .naming(naming())
            .clock(Arc::new(cluster.clock()))
            .cluster(Arc::new(cluster.clone()))
            .store(store.clone())
            .billing(store)
            .build()
            .unwrap();
        let driver = tokio::spawn({
            let platform = platform.clone();
            async move { platform.run(std::future::pending()).await }
        });
        let request = CreatePod::from_image("Training", "quay.io/jupyter/base-notebook").ports(8888..8896);
        let id = platform.create(&ana, &request).await.unwrap().id;
        tokio::time::sleep(std::time::Duration::from_mins(1)).await;
        driver.abort();
        let pod = platform.get(&ana, &id).await.unwrap();
        let seen = cluster
            .observe(&neuropod::cluster::plan::reference(&pod, &naming()))
            .await
            .unwrap();
        (pod, seen)
    })
}

fn decisions(criterion: &mut Criterion) {
    let naming = naming();
    criterion.bench_function("naming: slug, hash and host", |bencher| {
        bencher.iter(|| {
            let hash = naming.user_hash(black_box("64f1c0ffee64f1c0ffee64f1"));
            let slug = naming.slug(black_box("Entrenamiento de Ana")).unwrap();
            naming.host(&slug, &hash, 8888)
        });
    });
    let (pod, seen) = running_pod();
    let (catalogue, layout) = (Catalogue::default(), Layout::default());
    criterion.bench_function("plan: 8 ports", |bencher| {
        bencher.iter(|| plan(black_box(&pod), &catalogue, &naming, &layout).unwrap());
    });
    let workload = plan(&pod, &catalogue, &naming, &layout).unwrap();
    criterion.bench_function("workload digest: 8 ports", |bencher| {
        bencher.iter(|| black_box(&workload).spec_hash());
    });
    let now = pod.updated_at;
    criterion.bench_function("reconcile: nothing to do", |bencher| {
        bencher.iter(|| reconcile(black_box(&pod), black_box(&seen), Deadlines::default(), now));
    });
    criterion.bench_function("quote", |bencher| {
        let prices = neuropod::PriceList::default();
        bencher.iter(|| prices.quote(black_box("rtx-4090"), 20, 30).hourly() + Money::ZERO);
    });
}

fn tokens(criterion: &mut Criterion) {
    let line =
        "[I 2026-11-24 11:26:56.547 ServerApp] 200 GET /api/kernels?1795519616547 (ana@10.0.0.7) 1.21ms\n";
    let log = line.repeat(10_000);
    let mut group = criterion.benchmark_group("tokens");
    group.throughput(Throughput::Bytes(log.len() as u64));
    group.bench_function("a megabyte of log", |bencher| {
        bencher.iter(|| JupyterTokens.start().push(black_box(log.as_bytes())));
    });
    group.finish();
}

criterion_group!(benches, decisions, tokens);
criterion_main!(benches);
