//! Drivers that come and go, and races between what they see and what is asked for.

use std::time::Duration;

use neuropod::sim::Settings;
use neuropod::{Status, Step};
use tokio::time::sleep;

use crate::common::{Driver, World, request, until, until_status};

#[tokio::test(start_paused = true)]
async fn the_driver_ends_when_it_is_asked_to_and_the_next_goes_on() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = platform.clone();
    let driver = tokio::spawn(async move { running.run(async { stopped.await.unwrap_or(()) }).await });
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until(&platform, &world.ana, &pod.id, |pod| {
        pod.step == Step::PullingImage
    })
    .await;
    drop(stop);
    driver.await.unwrap().unwrap();
    sleep(Duration::from_mins(1)).await;
    assert_eq!(
        platform.get(&world.ana, &pod.id).await.unwrap().step,
        Step::PullingImage,
        "nobody looks"
    );
    let _driver = Driver::start(&world.platform());
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
}
