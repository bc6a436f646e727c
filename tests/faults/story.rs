//! The actions of a person with a pod, from its creation to its deletion.

use std::time::Duration;

use neuropod::cluster::{ReasonCode, Step, VolumePolicy};
use neuropod::store::Store;
use neuropod::{Actor, Billing, ErrorKind, Platform, Pod, PodId, Result, Status};
use tokio::time::{Instant, sleep};

use crate::LIMIT;
use crate::common::{self, World, eventually, request};

/// The actions of a person, each once; after a crash they continue where they were, and repeat the unanswered
/// call.
pub(crate) struct Story {
    volume: VolumePolicy,
    done: usize,
    pod: Option<PodId>,
}

impl Story {
    pub(crate) fn new(volume: VolumePolicy) -> Self {
        Self {
            volume,
            done: 0,
            pod: None,
        }
    }

    /// Continues the story. `reader` sees the true state without faults; `platform` is the one that fails.
    pub(crate) async fn go_on(
        &mut self,
        world: &World<impl Store + Billing>,
        platform: &Platform,
        reader: &Platform,
    ) {
        let ana = &world.ana;
        loop {
            match self.done {
                0 => {
                    let pod = create(ana, platform).await;
                    self.pod = Some(pod.id);
                }
                1 | 5 => {
                    let pod = self.wait_until_it_runs(world, platform, reader).await;
                    assert_eq!((pod.step, &pod.reason), (Step::Ready, &None));
                    let link = reader.connections(ana, &pod.id).await.unwrap()[0].link();
                    assert!(link.contains("?token="), "{link}");
                    sleep(Duration::from_secs(90)).await;
                }
                2 => self.call(async |id| platform.stop(ana, id).await.map(drop)).await,
                3 => {
                    self.wait(world, reader, |pod| pod.step == Step::Stopped).await;
                    assert_eq!(world.cluster.objects(), [], "stopped");
                    assert_eq!(world.cluster.volumes().len(), 1, "the volume stays");
                }
                4 => {
                    self.call(async |id| platform.start(ana, id).await.map(drop))
                        .await;
                }
                6 => {
                    self.call(async |id| platform.delete(ana, id, self.volume).await)
                        .await;
                }
                _ => {
                    let id = self.pod.clone().unwrap();
                    eventually("the record is gone", async || {
                        world.store.get(&id).await.unwrap().is_none()
                    })
                    .await;
                    return;
                }
            }
            self.done += 1;
        }
    }

    /// A call that may have succeeded before a crash, and then reports that.
    async fn call(&self, call: impl AsyncFn(&PodId) -> Result<()>) {
        let id = self.pod.as_ref().unwrap();
        match insist(async || call(id).await).await {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::InvalidState | ErrorKind::NotFound) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Waits for the pod to run. A pod that stopped for lack of money is restarted.
    async fn wait_until_it_runs<S>(&self, world: &World<S>, platform: &Platform, reader: &Platform) -> Pod {
        let unpaid = |pod: &Pod| {
            let reason = pod.reason.as_ref();
            reason.is_some_and(|reason| reason.code == ReasonCode::InsufficientFunds)
        };
        loop {
            let runs = |pod: &Pod| pod.status == Status::Running || unpaid(pod);
            let pod = self.wait(world, reader, runs).await;
            if !unpaid(&pod) {
                return pod;
            }
            self.call(async |id| platform.start(&world.ana, id).await.map(drop))
                .await;
        }
    }

    async fn wait<S>(&self, world: &World<S>, reader: &Platform, is: impl Fn(&Pod) -> bool) -> Pod {
        common::until(reader, &world.ana, self.pod.as_ref().unwrap(), is).await
    }
}

/// After a refusal for lack of money the request needs a new key: under the same key the result stays the same.
async fn create(ana: &Actor, platform: &Platform) -> Pod {
    for attempt in 1.. {
        let request = request("Training").idempotency_key(format!("attempt {attempt}"));
        match insist(async || Box::pin(platform.create(ana, &request)).await).await {
            Err(error) if matches!(error.kind(), ErrorKind::InsufficientFunds { .. }) => {
                sleep(Duration::from_secs(1)).await;
            }
            created => return created.unwrap(),
        }
    }
    unreachable!("the money comes back")
}

/// Repeats a call while a retry can help, as after every injected fault.
pub(crate) async fn insist<T>(call: impl AsyncFn() -> Result<T>) -> Result<T> {
    let end = Instant::now() + LIMIT;
    loop {
        match call().await {
            Err(error)
                if (error.is_retryable() || error.message().starts_with("injected"))
                    && Instant::now() < end =>
            {
                sleep(Duration::from_secs(1)).await;
            }
            other => return other,
        }
    }
}
