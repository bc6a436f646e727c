//! The suite of hints detects faulty implementations.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod verdict;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use neuropod_core::conformance::hints::{self, Client};
use neuropod_core::store::{ListOptions, Page, PodHint, PodHints};
use neuropod_core::{Pod, PodId, PodStore, Result, UserId};
use neuropod_store::MemoryStore;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::sleep;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Reports nothing.
    Silent,
    ForgetsInserts,
    ForgetsUpdates,
    ForgetsRemovals,
    /// Reports a change before it can be read.
    TooEarly,
    /// Reports its own changes, too.
    ReportsOwn,
    /// Reports what was only read.
    ReportsReads,
    /// Reports each change on one of its streams.
    OneStream,
    /// Drops what does not fit into a stream, and says nothing.
    LosesTheRest,
    /// A change waits until there is room in each stream.
    HoldsUp,
    /// The stream ends.
    Ends,
    /// Says that hints were lost, instead of which.
    OnlyMissed,
    /// Says nothing after a break.
    HidesBreaks,
    /// Reports nothing after a break but that there was one.
    StaysBroken,
}

/// As many hints as a stream of a faulty client has room for.
const FEW: usize = 40;
const ENOUGH: usize = 10_000;

/// A stream of a client.
struct Listener {
    client: usize,
    is_broken: bool,
    hints: Sender<PodHint>,
}

type Listeners = Arc<Mutex<Vec<Listener>>>;

/// One of several clients of a [`MemoryStore`], who tell each other what they change.
struct Hinting {
    fault: Fault,
    number: usize,
    store: Arc<MemoryStore>,
    listeners: Listeners,
}

impl Hinting {
    /// Tells the others of a change.
    async fn tell(&self, pod: &PodId) {
        if self.fault == Fault::Silent {
            return;
        }
        let is_told = |listener: &&Listener| {
            let is_other = listener.client != self.number;
            (is_other || self.fault == Fault::ReportsOwn) && !listener.is_broken
        };
        let told: Vec<_> = {
            let listeners = self.listeners.lock().unwrap();
            let told = listeners.iter().filter(is_told);
            let told = told.map(|listener| listener.hints.clone());
            let most = if self.fault == Fault::OneStream { 1 } else { ENOUGH };
            // The newest first.
            told.rev().take(most).collect()
        };
        for listener in told {
            let hint = match self.fault {
                Fault::OnlyMissed => PodHint::Missed,
                _ => PodHint::Changed(pod.clone()),
            };
            if self.fault == Fault::HoldsUp {
                // One that is gone needs no hint.
                let _ = listener.send(hint).await;
            } else {
                let _ = listener.try_send(hint);
            }
        }
    }

    async fn change<T>(&self, pod: &PodId, forgets: Fault, change: impl Future<Output = T>) -> T {
        if self.fault == Fault::TooEarly {
            self.tell(pod).await;
            sleep(Duration::from_millis(1)).await;
            return change.await;
        }
        let done = change.await;
        if self.fault != forgets {
            self.tell(pod).await;
        }
        done
    }

    /// Breaks the streams of this client, for a moment.
    fn cut(&self) {
        if self.fault == Fault::HidesBreaks {
            return;
        }
        let mut listeners = self.listeners.lock().unwrap();
        for listener in listeners
            .iter_mut()
            .filter(|listener| listener.client == self.number)
        {
            let _ = listener.hints.try_send(PodHint::Missed);
            listener.is_broken = self.fault == Fault::StaysBroken;
        }
    }
}

impl PodHints for Hinting {
    fn hints(&self) -> BoxStream<'static, PodHint> {
        let room = match self.fault {
            Fault::LosesTheRest | Fault::HoldsUp => FEW,
            _ => ENOUGH,
        };
        let (sender, receiver) = mpsc::channel(room);
        self.listeners.lock().unwrap().push(Listener {
            client: self.number,
            is_broken: false,
            hints: sender,
        });
        let hints = stream::unfold(receiver, async |mut hints| Some((hints.recv().await?, hints)));
        match self.fault {
            Fault::Ends => hints.take(FEW).boxed(),
            _ => hints.boxed(),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl PodStore for Hinting {
    async fn insert(&self, pod: &Pod) -> Result<Pod> {
        let insert = self.store.insert(pod);
        self.change(&pod.id, Fault::ForgetsInserts, insert).await
    }

    async fn get(&self, id: &PodId) -> Result<Option<Pod>> {
        if self.fault == Fault::ReportsReads {
            self.tell(id).await;
        }
        self.store.get(id).await
    }

    async fn list(&self, options: &ListOptions) -> Result<Page> {
        self.store.list(options).await
    }

    async fn count(&self, owner: &UserId) -> Result<u64> {
        self.store.count(owner).await
    }

    async fn update(&self, pod: &Pod) -> Result<Pod> {
        let update = self.store.update(pod);
        self.change(&pod.id, Fault::ForgetsUpdates, update).await
    }

    async fn remove(&self, id: &PodId, version: u64) -> Result<()> {
        let remove = self.store.remove(id, version);
        self.change(id, Fault::ForgetsRemovals, remove).await
    }
}

/// The result of the suite for clients with this fault.
async fn verdict(fault: Fault) -> Result<(), String> {
    let (store, listeners) = (Arc::new(MemoryStore::new()), Listeners::default());
    let [here, there] = [0, 1].map(|number| {
        Arc::new(Hinting {
            fault,
            number,
            store: store.clone(),
            listeners: listeners.clone(),
        })
    });
    let suite = async move {
        let clients = (Client::new(here.clone()), Client::new(there));
        hints::run(clients.0.clone(), clients.1.clone()).await;
        hints::a_break_is_reported(&clients.0, &clients.1, async || here.cut()).await;
    };
    verdict::of(suite).await
}

#[tokio::test(start_paused = true)]
async fn finds_each_fault() {
    assert_eq!(verdict(Fault::None).await, Ok(()));
    for (fault, expected) in [
        (Fault::Silent, "no change is reported at all"),
        (Fault::ForgetsInserts, "no hint of an insert"),
        (Fault::ForgetsUpdates, "no hint of an update"),
        (Fault::ForgetsRemovals, "no hint of a removal"),
        (Fault::TooEarly, "no hint of an insert came after it"),
        (Fault::ReportsOwn, "to the process that made it"),
        (Fault::ReportsReads, "only read"),
        (Fault::OneStream, "of 1 changed pods"),
        (Fault::LosesTheRest, "changed pods"),
        (Fault::HoldsUp, "waits until somebody reads"),
        (Fault::Ends, "has ended"),
        (Fault::OnlyMissed, "nothing has happened"),
        (Fault::HidesBreaks, "says nothing of it"),
        (Fault::StaysBroken, "of 1 changed pods"),
    ] {
        verdict::finds(&verdict(fault).await, fault, expected);
    }
}
