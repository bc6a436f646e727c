//! The costs of pods that run and need nothing: how often the stores are asked.

use std::time::Duration;

use neuropod::cluster::Step;
use neuropod::money::BillingExt;
use neuropod::sim::Settings;
use neuropod::{Actor, CreatePod, Money, Status};
use tokio::time::sleep;

use crate::common::counting::CountingStore;
use crate::common::{Driver, World, request, until, until_status};

/// The reads and writes for each pod and minute in a day, of so many running pods.
async fn work_at_rest(pods: u32) -> [f64; 2] {
    let world = World::new(Settings::default()).await;
    let money = Money::from_cents(100_000_000);
    world.store.deposit("more", &world.ana.id, money).await.unwrap();
    let store = CountingStore::new(&world);
    let parts = world.parts_without_store().pods(store.clone());
    let platform = parts.billing(store.clone()).max_pods(pods).build().unwrap();
    let _driver = Driver::start(&platform);
    for n in 0..pods {
        let request = CreatePod::from_image(format!("Pod {n}"), "quay.io/jupyter/base-notebook");
        platform.create(&world.ana, &request).await.unwrap();
    }
    sleep(Duration::from_mins(10)).await;
    let all = platform.list_all(&world.ana, None).await.unwrap();
    assert!(
        all.iter().all(|pod| pod.status == Status::Running),
        "{:?}",
        all[0]
    );
    store.take();
    sleep(Duration::from_hours(24)).await;
    let counted = store.take();
    let all = platform.list_all(&world.ana, None).await.unwrap();
    for pod in &all {
        assert_eq!(pod.status, Status::Running);
        let day = pod.meter.price.hourly.for_seconds(23 * 3600);
        assert!(pod.charged >= day, "{} is charged", pod.charged);
    }
    [counted.reads, counted.writes]
        .map(|calls| f64::from(u32::try_from(calls).unwrap()) / f64::from(pods) / (24.0 * 60.0))
}

#[tokio::test(start_paused = true)]
async fn a_running_pod_costs_the_stores_a_tenth_of_a_call_each_minute() {
    for pods in [50, 200] {
        let [reads, writes] = work_at_rest(pods).await;
        // Three writes for each charge: the period is noted, drawn, and noted as drawn.
        assert!((0.05..0.1).contains(&writes), "{pods} pods: {writes}");
        assert!((0.02..0.1).contains(&reads), "{pods} pods: {reads}");
    }
}

/// Between two charges nobody sees stale money.
#[tokio::test(start_paused = true)]
async fn what_has_accrued_is_shown_as_spent() {
    let world = World::new(Settings::default()).await;
    let money = Money::from_cents(99_000);
    world.store.deposit("more", &world.ana.id, money).await.unwrap();
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let (ana, root) = (&world.ana, Actor::admin("root"));
    let pod = platform.create(ana, &request("Training")).await.unwrap();
    until_status(&platform, ana, &pod.id, Status::Running).await;
    sleep(Duration::from_mins(20)).await;

    let pod = platform.get(ana, &pod.id).await.unwrap();
    let cost = pod.cost(platform.now());
    assert_eq!(
        pod.charged,
        pod.price.hourly.for_seconds(60),
        "only the first minute is booked"
    );
    assert!(cost >= pod.price.hourly.for_seconds(20 * 60), "{cost}");
    let standing = platform.standing(ana, &ana.id).await.unwrap();
    assert_eq!(standing.current().total(), Money::from_cents(100_000) - cost);
    assert_eq!(
        (standing.spent_today, standing.accrued),
        (cost, cost - pod.charged)
    );

    // What an administrator sets is what is shown.
    let fifty = Money::from_cents(5000);
    platform.set_balance(&root, &ana.id, fifty, "set").await.unwrap();
    let standing = platform.standing(ana, &ana.id).await.unwrap();
    assert_eq!(standing.current().available, fifty);
    let total = standing.current().total();
    platform.stop(ana, &pod.id).await.unwrap();
    let stopped = until(&platform, ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    let standing = platform.standing(ana, &ana.id).await.unwrap();
    let since = stopped.cost(platform.now()) - cost;
    assert_eq!(
        standing.current().total(),
        total - since,
        "no cent is lost or counted twice"
    );
}
