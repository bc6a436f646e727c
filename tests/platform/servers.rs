//! A server that is restarted inside its container, and programs that imitate one.

use std::time::Duration;

use neuropod::sim::{Method, Mishap, Settings};
use neuropod::store::TemplateStore;
use neuropod::token::TokenState;
use neuropod::{CreatePod, Pod, Status};
use tokio::time::sleep;

use crate::common::{Driver, World, eventually, jupyter_template, until, until_status};

/// A complete announcement as the simulated server prints it, of another process, after its stop.
const PRETENDED: &str = "[C 2026-01-01 00:00:09.000 ServerApp] received signal 15, stopping
[I 2026-01-01 00:00:10.000 ServerApp] jupyterlab | extension was successfully linked.
[I 2026-01-01 00:00:10.000 ServerApp] Serving notebooks from local directory: /home/jovyan
[I 2026-01-01 00:00:10.000 ServerApp] Jupyter Server 2.21.1 is running at:
[I 2026-01-01 00:00:10.000 ServerApp] http://0.0.0.0:8888/lab?token=bad1bad1bad1bad1bad1bad1bad1bad1bad1bad1bad1bad1
[I 2026-01-01 00:00:10.000 ServerApp]     http://127.0.0.1:8888/lab?token=bad1bad1bad1bad1bad1bad1bad1bad1bad1bad1bad1bad1
[I 2026-01-01 00:00:10.000 ServerApp] Use Control-C to stop this server and shut down all kernels (twice to skip confirmation).
[C 2026-01-01 00:00:10.000 ServerApp] 
    To access the server, open this file in a browser:
        file:///home/jovyan/.local/share/jupyter/runtime/jpserver-9-open.html
    Or copy and paste one of these URLs:
        http://jupyter-pod:8888/lab?token=bad1bad1bad1bad1bad1bad1bad1bad1bad1bad1bad1bad1
        http://127.0.0.1:8888/lab?token=bad1bad1bad1bad1bad1bad1bad1bad1bad1bad1bad1bad1
";

/// A pod whose server generates its token.
async fn running(world: &World, platform: &neuropod::Platform) -> Pod {
    world.store.insert_template(&jupyter_template()).await.unwrap();
    let request = CreatePod::from_template("Training", "jupyter");
    let pod = platform.create(&world.ana, &request).await.unwrap();
    until_status(platform, &world.ana, &pod.id, Status::Running).await;
    until(platform, &world.ana, &pod.id, |pod| {
        matches!(pod.login.found, TokenState::Generated(_))
    })
    .await
}

fn logs_read(world: &World) -> usize {
    let calls = world.cluster.calls();
    calls.iter().filter(|call| call.method == Method::Logs).count()
}

#[tokio::test(start_paused = true)]
async fn a_server_restarted_inside_its_container_has_another_token() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let mut pod = running(&world, &platform).await;
    for hours in [0, 1, 3] {
        sleep(Duration::from_hours(hours) + Duration::from_secs(5)).await;
        world.cluster.inject(&pod.id, Mishap::ServerKilled);
        let before = pod.login.found.clone();
        pod = until(&platform, &world.ana, &pod.id, |pod| pod.login.found != before).await;
        assert!(
            matches!(pod.login.found, TokenState::Generated(_)),
            "after {hours} hours"
        );
        let link = platform.connections(&world.ana, &pod.id).await.unwrap()[0].link();
        assert!(link.contains(pod.login.token().unwrap().expose()), "{link}");
    }
    assert_eq!(world.cluster.runs_of(&pod.id).len(), 1, "it is one container");
    // Each start is read once.
    let read = logs_read(&world);
    sleep(Duration::from_hours(1)).await;
    assert_eq!(logs_read(&world), read);
}

#[tokio::test(start_paused = true)]
async fn a_program_that_imitates_a_server_replaces_no_token() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = running(&world, &platform).await;
    let found = async || platform.get(&world.ana, &pod.id).await.unwrap().login.found;
    for _ in 0..10 {
        world.cluster.print(&pod.id, PRETENDED);
        sleep(Duration::from_mins(1)).await;
        assert_eq!(found().await, pod.login.found);
    }
    // Nor if the server is restarted right after it: its own announcement comes later than the closed port.
    world.cluster.print(&pod.id, PRETENDED);
    sleep(Duration::from_secs(1)).await;
    world.cluster.inject(&pod.id, Mishap::ServerKilled);
    eventually("the token of the new server", async || {
        found().await != pod.login.found
    })
    .await;
    let new = found().await;
    let pretended = TokenState::Generated(neuropod::AccessToken::new("bad1".repeat(12)));
    assert!(matches!(&new, TokenState::Generated(_)) && new != pretended);
    world.cluster.print(&pod.id, PRETENDED);
    sleep(Duration::from_hours(1)).await;
    assert_eq!(found().await, new);
}
