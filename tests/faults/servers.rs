//! A server that is killed and restarted inside its container has another token, which is found whatever call
//! goes wrong meanwhile: the valid token is shown, and the old one no longer. The story is run once for every
//! call and every way in which it can go wrong.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use neuropod::cluster::{LogOptions, WorkloadRef};
use neuropod::sim::faults::{Fault, Faults};
use neuropod::sim::{Mishap, Settings};
use neuropod::store::TemplateStore;
use neuropod::{AccessToken, ClusterBackend, CreatePod, Platform, PodId, PodStore, Status};
use neuropod_test_cluster::measured;
use tokio::time::sleep;

use crate::LIMIT;
use crate::common::{Driver, World, eventually, jupyter_template, until_status};
use crate::story::insist;

/// The number of kills.
const KILLED: usize = 2;

/// The actions of a person and the events of their pod, each once; after a crash they continue where they were.
struct ServerStory {
    id: PodId,
    tokens: Vec<String>,
    killed: usize,
}

impl ServerStory {
    /// A pod whose server generates its token; before anything goes wrong nobody has observed it.
    async fn new(world: &World) -> Self {
        world.store.insert_template(&jupyter_template()).await.unwrap();
        let request = CreatePod::from_template("Training", "jupyter");
        let pod = world.platform().create(&world.ana, &request).await.unwrap();
        Self {
            id: pod.id,
            tokens: Vec::new(),
            killed: 0,
        }
    }

    async fn go_on(&mut self, world: &World, reader: &Platform) {
        loop {
            until_status(reader, &world.ana, &self.id, Status::Running).await;
            let mut opens = String::new();
            eventually("the link opens the server that runs", async || {
                opens = announced(world, &self.id).await;
                let link = insist(async || reader.connections(&world.ana, &self.id).await).await;
                let link = link.unwrap()[0].link();
                !opens.is_empty() && link.ends_with(&format!("?token={opens}"))
            })
            .await;
            assert!(!self.tokens.contains(&opens), "each server has its own");
            if self.killed == KILLED {
                return;
            }
            self.tokens.push(opens);
            self.killed += 1;
            sleep(Duration::from_secs(20)).await;
            world.cluster.inject(&self.id, Mishap::ServerKilled);
        }
    }
}

/// The token that the server announced last; empty if it has announced none.
async fn announced(world: &World, id: &PodId) -> String {
    let workloads = world.cluster.inventory().await.unwrap().workloads;
    let owned = workloads.into_iter().find(|owned| owned.reference.pod_id == *id);
    let log = log(world, &owned.unwrap().reference).await;
    let last = log.rsplit("token=").next().filter(|rest| rest.len() < log.len());
    let token = last.map(|rest| rest.chars().take_while(char::is_ascii_hexdigit).collect());
    token.unwrap_or_default()
}

async fn log(world: &World, reference: &WorkloadRef) -> String {
    let stream = world
        .cluster
        .logs(reference, LogOptions::default())
        .await
        .unwrap();
    let bytes: Vec<_> = stream.try_collect().await.unwrap();
    String::from_utf8(bytes.concat()).unwrap()
}

async fn run_story(faults: &Faults) {
    let world = World::new(Settings::default()).await;
    let mut story = ServerStory::new(&world).await;
    let reader = world.platform();
    let platform = world.platform_on(
        faults.cluster(Arc::new(world.cluster.clone())),
        faults.store(world.store.clone()),
        faults.billing(world.store.clone()),
    );
    let driver = Driver::start(&platform);
    let crashed = tokio::select! {
        () = story.go_on(&world, &reader) => false,
        () = faults.crashed() => true,
    };
    if crashed {
        drop(driver);
        sleep(Duration::from_secs(3)).await;
        let _driver = Driver::start(&reader);
        story.go_on(&world, &reader).await;
    }
    assert_eq!(world.cluster.runs_of(&story.id).len(), 1, "it is one container");
    let pod = world.store.get(&story.id).await.unwrap().unwrap();
    assert!(pod.login.token() != Some(&AccessToken::new(&story.tokens[0])));
}

#[tokio::test(start_paused = true)]
async fn the_token_of_a_restarted_server_is_found_whatever_call_goes_wrong() {
    run_story(&Faults::none()).await;
    let mut tried = 0;
    for fault in Fault::ALL {
        for time in [Duration::ZERO, Duration::from_mins(1)] {
            if fault.is_crash() && !time.is_zero() {
                continue;
            }
            for n in 1.. {
                let faults = Faults::lasting(n, fault, time);
                let result = tokio::time::timeout(LIMIT, Box::pin(run_story(&faults))).await;
                let Some(call) = faults.injected() else { break };
                assert!(
                    result.is_ok(),
                    "{fault:?} for {time:?} at point {n}, {call}: no end"
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "{tried} points");
    measured(format_args!(
        "servers killed: {tried} fault points tried, 0 violations"
    ));
}
