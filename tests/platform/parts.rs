//! Platforms whose stores were set one by one.

use std::sync::Arc;

use async_trait::async_trait;
use neuropod::cluster::VolumePolicy;
use neuropod::sim::Settings;
use neuropod::store::MemoryStore;
use neuropod::store::{ListOptions, Page, UserStore};
use neuropod::{
    Actor, Billing, CreatePod, ErrorKind, Money, Platform, Pod, PodId, PodStore, PriceList, Result, Role,
    Status, UserId,
};

use crate::common::{Driver, World, eventually, jupyter_template, request, until_status};
use crate::users::user;

/// A store of pods only.
struct OnlyPods(MemoryStore);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl PodStore for OnlyPods {
    async fn insert(&self, pod: &Pod) -> Result<Pod> {
        self.0.insert(pod).await
    }

    async fn get(&self, id: &PodId) -> Result<Option<Pod>> {
        self.0.get(id).await
    }

    async fn list(&self, options: &ListOptions) -> Result<Page> {
        self.0.list(options).await
    }

    async fn count(&self, owner: &UserId) -> Result<u64> {
        self.0.count(owner).await
    }

    async fn update(&self, pod: &Pod) -> Result<Pod> {
        self.0.update(pod).await
    }

    async fn remove(&self, id: &PodId, version: u64) -> Result<()> {
        self.0.remove(id, version).await
    }
}

fn only_pods(world: &World) -> Platform {
    world
        .parts_without_store()
        .pods(Arc::new(OnlyPods(MemoryStore::new())))
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_store_of_pods_alone_is_enough_for_a_pod_from_creation_to_deletion() {
    let world = World::new(Settings::default()).await;
    let platform = only_pods(&world);
    let _driver = Driver::start(&platform);
    let keyed = request("Training").idempotency_key("abc");
    let pod = platform.create(&world.ana, &keyed).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    let again = platform.create(&world.ana, &keyed).await.unwrap();
    assert_eq!(again.id, pod.id, "its record knows the key");
    let prices = platform.prices().await.unwrap();
    assert_eq!(prices, PriceList::default(), "those it was built with");

    platform.stop(&world.ana, &pod.id).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Stopped).await;
    platform.start(&world.ana, &pod.id).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    platform
        .delete(&world.ana, &pod.id, VolumePolicy::Delete)
        .await
        .unwrap();
    eventually("all is gone", async || {
        world.cluster.objects().is_empty() && world.money().await.1 == Money::ZERO
    })
    .await;
    let spent = Money::from_cents(1000) - world.store.balance(&world.ana.id).await.unwrap().available;
    assert!(spent > Money::ZERO, "it was charged");
    eventually("the record is gone", async || {
        let made = platform.create(&world.ana, &keyed).await;
        made.is_ok_and(|made| made.created_at > pod.created_at)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn calls_that_need_a_missing_store_say_so() {
    let world = World::new(Settings::default()).await;
    let platform = only_pods(&world);
    let root = Actor::admin("root");
    let template = jupyter_template();
    let refused = [
        (
            platform.create_template(&root, &template).await.map(drop),
            "templates",
        ),
        (
            platform.set_prices(&root, &PriceList::default()).await.map(drop),
            "prices",
        ),
        (
            platform.register(&user("eva", Role::Client)).await.map(drop),
            "users",
        ),
    ];
    for (result, method) in refused {
        let error = result.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NotConfigured, "{error}");
        let text = error.to_string();
        assert!(text.contains(&format!("PlatformBuilder::{method}")), "{text}");
    }
    let from_template = CreatePod::from_template("Training", "jupyter");
    let error = platform.create(&world.ana, &from_template).await.unwrap_err();
    assert_eq!(error.to_string(), "template: template_unknown");
    let assigned = request("Training").assign_to("ana@example.com");
    let error = platform.create(&root, &assigned).await.unwrap_err();
    assert_eq!(error.to_string(), "assign_to: assignee_unknown");
}

#[tokio::test(start_paused = true)]
async fn users_may_be_in_another_store_than_pods() {
    let world = World::new(Settings::default()).await;
    let people = Arc::new(MemoryStore::new());
    let platform = world
        .parts_without_store()
        .pods(Arc::new(OnlyPods(MemoryStore::new())))
        .users(people.clone())
        .build()
        .unwrap();
    let root = Actor::admin("root");
    platform.register(&user("ana", Role::Client)).await.unwrap();
    assert!(people.user(&world.ana.id).await.unwrap().is_some());
    let assigned = request("Training").assign_to("ana@example.com");
    let pod = platform.create(&root, &assigned).await.unwrap();
    assert_eq!(pod.owner, world.ana.id);
    platform.suspend(&root, &world.ana.id, true).await.unwrap();
    let error = platform.create(&world.ana, &request("Other")).await.unwrap_err();
    assert_eq!(error.context("user"), Some("suspended"));
}
