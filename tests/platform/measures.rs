//! The use of pods, and the inventory of the cluster.

use neuropod::cluster::Step;
use neuropod::cluster::gpus::by_model;
use neuropod::sim::{GpuPool, Settings};
use neuropod::{Actor, ErrorKind, PodId, Status};

use crate::common::{Driver, World, request, until, until_status};

#[tokio::test(start_paused = true)]
async fn clients_see_what_their_pods_use_and_administrators_all() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let (bea, root) = (Actor::client("bea"), Actor::admin("root"));
    world.pay_in(&bea, 1000).await;
    let mut pods = Vec::new();
    for owner in [&world.ana, &bea] {
        let pod = platform.create(owner, &request("One")).await.unwrap();
        until_status(&platform, owner, &pod.id, Status::Running).await;
        pods.push(pod.id);
    }
    let seen = async |actor: &Actor| -> Vec<PodId> {
        let usage = platform.usage(actor).await.unwrap();
        let mut ids: Vec<_> = usage.into_iter().map(|usage| usage.pod_id).collect();
        ids.sort_by_key(|id| pods.iter().position(|pod| pod == id));
        ids
    };
    assert_eq!(seen(&world.ana).await, pods[..1]);
    assert_eq!(seen(&bea).await, pods[1..]);
    assert_eq!(seen(&root).await, pods);
    assert_eq!(seen(&Actor::client("zoe")).await, []);

    let own = platform.pod_usage(&world.ana, &pods[0]).await.unwrap().unwrap();
    assert!(own.memory_bytes.is_some());
    let other = platform.pod_usage(&world.ana, &pods[1]).await.unwrap_err();
    let missing = platform.pod_usage(&root, &PodId::from_bits(1)).await.unwrap_err();
    assert_eq!(
        (other.kind(), missing.kind()),
        (&ErrorKind::Forbidden, &ErrorKind::NotFound)
    );
    platform.stop(&world.ana, &pods[0]).await.unwrap();
    until(&platform, &world.ana, &pods[0], |pod| pod.step == Step::Stopped).await;
    assert_eq!(platform.pod_usage(&world.ana, &pods[0]).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn everybody_sees_how_many_gpus_are_free_and_administrators_who_holds_them() {
    let pool = GpuPool {
        resource: "nvidia.com/gpu".into(),
        model: None,
        total: 4,
    };
    let world = World::new(Settings {
        gpus: vec![pool],
        ..Settings::default()
    })
    .await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("One")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;

    let stock = platform.gpu_stock().await.unwrap();
    assert_eq!(
        stock.iter().map(|gpu| (gpu.total, gpu.free)).collect::<Vec<_>>(),
        [(4, 3)]
    );
    let error = platform.inventory(&world.ana).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Forbidden);
    let inventory = platform.inventory(&Actor::admin("root")).await.unwrap();
    let nodes = platform.gpu_nodes(&Actor::admin("root")).await.unwrap().unwrap();
    assert_eq!(by_model(&nodes), stock);
    assert_eq!(nodes[0].holders[0].pod_id.as_ref(), Some(&pod.id));
    let error = platform.gpu_nodes(&world.ana).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Forbidden);
    let held = inventory.workloads.iter().map(|owned| &owned.reference.pod_id);
    assert_eq!(held.collect::<Vec<_>>(), [&pod.id]);
    assert_eq!(inventory.volumes.len(), 1);
}
