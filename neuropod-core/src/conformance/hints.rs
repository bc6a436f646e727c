//! Checks for every [`PodHints`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{join, join_all};
use futures::stream::BoxStream;
use tokio::time::timeout;

use super::store::sample;
use crate::id::PodId;
use crate::pod::record::Pod;
use crate::store::hints::{PodHint, PodHints};
use crate::store::traits::{ListOptions, PodStore};

/// How long a hint may take: "at once", on a machine that has a lot to do.
const PATIENCE: Duration = Duration::from_mins(1);
/// The pause between changes that are made until a stream listens.
const PAUSE: Duration = Duration::from_millis(200);
/// More changes than a stream has room for while nobody reads it.
const UNREAD: usize = 300;
/// More pods than an implementation may report at a time.
const MANY: usize = 250;

type Hints = BoxStream<'static, PodHint>;

/// One of several processes on a store.
#[derive(Clone)]
pub struct Client {
    store: Arc<dyn PodStore>,
    hints: Arc<dyn PodHints>,
}

impl Client {
    /// A process that changes pods through `store`, and asks the same value for hints.
    pub fn new<S: PodStore + PodHints>(store: Arc<S>) -> Self {
        Self {
            store: store.clone(),
            hints: store,
        }
    }

    async fn insert(&self) -> Pod {
        let pod = sample::pod(&sample::user_id(), "hinted");
        self.store.insert(&pod).await.unwrap()
    }

    async fn update(&self, pod: &Pod) -> Pod {
        self.store.update(pod).await.unwrap()
    }

    async fn remove(&self, pod: &Pod) {
        self.store.remove(&pod.id, pod.version).await.unwrap();
    }

    /// A stream that listens already: it has reported a change of `other`.
    async fn listen(&self, other: &Self) -> Hints {
        let mut hints = self.hints.hints();
        let listens = timeout(PATIENCE, async {
            loop {
                let pod = sample::pod(&sample::user_id(), "hinted");
                let changes = async {
                    let pod = other.store.insert(&pod).await.unwrap();
                    other.remove(&other.update(&pod).await).await;
                };
                let seen = timeout(PAUSE, async { while changed(&mut hints).await != pod.id {} });
                if join(changes, seen).await.1.is_ok() {
                    break;
                }
            }
        });
        listens.await.expect("no change is reported at all");
        hints
    }

    /// Waits for a hint of this pod with which its change can be read.
    async fn sees(&self, hints: &mut Hints, id: &PodId, is_changed: impl Fn(Option<&Pod>) -> bool) {
        loop {
            if changed(hints).await == *id && is_changed(self.store.get(id).await.unwrap().as_ref()) {
                return;
            }
        }
    }

    /// Makes a change of this pod, which must be reported on `hints` of `listener`.
    async fn shows<T>(
        listener: &Self,
        hints: &mut Hints,
        id: &PodId,
        change: impl Future<Output = T>,
        is_changed: impl Fn(Option<&Pod>) -> bool,
        what: &str,
    ) -> T {
        let seen = timeout(PATIENCE, listener.sees(hints, id, is_changed));
        let (value, seen) = join(change, seen).await;
        assert!(
            seen.is_ok(),
            "no hint of {what} came after it within {PATIENCE:?}"
        );
        value
    }
}

/// The next hint, on a stream that has lost none.
async fn changed(hints: &mut Hints) -> PodId {
    match hints.next().await {
        Some(PodHint::Changed(id)) => id,
        Some(PodHint::Missed) => panic!("hints are said to be lost, and nothing has happened"),
        None => panic!("the stream of hints has ended"),
    }
}

/// Runs every check that needs no more than two processes, one after the other. [`a_break_is_reported`] needs somebody who
/// breaks connections.
pub async fn run(here: Client, there: Client) {
    let (here, there) = (&here, &there);

    every_change_is_hinted(here, there).await;
    a_stream_has_no_other_hints(here, there).await;
    each_stream_has_every_hint(here, there).await;
    many_at_once(here, there).await;
    an_unread_stream_holds_up_nobody(here, there).await;
}

/// An insert, an update and a removal are reported, each once it can be read.
pub async fn every_change_is_hinted(here: &Client, there: &Client) {
    let mut hints = here.listen(there).await;
    for _ in 0..5 {
        let new = sample::pod(&sample::user_id(), "hinted");
        let id = &new.id;
        let insert = async { there.store.insert(&new).await.unwrap() };
        let is_there = |found: Option<&Pod>| found.is_some();
        let pod = Client::shows(here, &mut hints, id, insert, is_there, "an insert").await;
        let is_new = |found: Option<&Pod>| found.is_some_and(|found| found.version == pod.version + 1);
        let update = there.update(&pod);
        let pod = Client::shows(here, &mut hints, id, update, is_new, "an update").await;
        let is_gone = |found: Option<&Pod>| found.is_none();
        Client::shows(here, &mut hints, id, there.remove(&pod), is_gone, "a removal").await;
    }
}

/// Neither what this process changes nor what others only read is reported: each such hint would cost everybody a pass.
pub async fn a_stream_has_no_other_hints(here: &Client, there: &Client) {
    let mut hints = here.listen(there).await;
    let read = there.insert().await;
    let id = &read.id;
    timeout(PATIENCE, here.sees(&mut hints, id, |found| found.is_some()))
        .await
        .expect("no hint of an insert");
    let mut own = here.insert().await;
    // What is late in one round is there in the next.
    for _ in 0..3 {
        own = here.update(&own).await;
        there.store.get(&read.id).await.unwrap();
        let options = ListOptions {
            owner: Some(read.owner.clone()),
            ..ListOptions::default()
        };
        assert_eq!(there.store.list(&options).await.unwrap().pods.len(), 1);
        there.store.count(&read.owner).await.unwrap();
        let changed_last = there.insert().await;
        let all = timeout(PATIENCE, async {
            loop {
                let hint = changed(&mut hints).await;
                assert_ne!(hint, own.id, "a change is reported to the process that made it");
                assert_ne!(hint, read.id, "a pod is reported that was only read");
                if hint == changed_last.id {
                    break;
                }
            }
        });
        all.await.expect("no hint of an insert");
    }
}

/// Streams of one process do not share the hints among them, and end one by one.
pub async fn each_stream_has_every_hint(here: &Client, there: &Client) {
    let (mut one, mut other) = (here.listen(there).await, here.listen(there).await);
    let pod = there.insert().await;
    for hints in [&mut one, &mut other] {
        reported(hints, [pod.id.clone()].into()).await;
    }
    drop(one);
    let pod = there.update(&pod).await;
    reported(&mut other, [pod.id].into()).await;
}

/// Changes of many pods at the same time are all reported.
pub async fn many_at_once(here: &Client, there: &Client) {
    let mut hints = here.listen(there).await;
    let pods: Vec<_> = (0..MANY)
        .map(|_| sample::pod(&sample::user_id(), "hinted"))
        .collect();
    let ids = pods.iter().map(|pod| pod.id.clone()).collect();
    let inserts = pods.iter().map(|pod| there.store.insert(pod));
    let (inserted, ()) = join(join_all(inserts), reported(&mut hints, ids)).await;
    assert!(inserted.iter().all(Result::is_ok), "{inserted:?}");
}

/// A process that does not read its hints slows nobody down, and learns afterwards what has changed, or that it has missed
/// something.
pub async fn an_unread_stream_holds_up_nobody(here: &Client, there: &Client) {
    let mut hints = here.listen(there).await;
    let mut pod = there.insert().await;
    for number in 0..UNREAD {
        let update = timeout(PATIENCE, there.update(&pod));
        pod = update
            .await
            .unwrap_or_else(|_| panic!("change {number} waits until somebody reads the hints"));
    }
    let last = there.insert().await;
    let learns = timeout(PATIENCE, async {
        loop {
            match hints.next().await {
                Some(PodHint::Changed(id)) if id == last.id => break,
                Some(PodHint::Changed(_)) => {}
                Some(PodHint::Missed) => break,
                None => panic!("the stream of hints has ended"),
            }
        }
    });
    learns
        .await
        .expect("what was changed while nobody read the hints is neither reported nor missed");
}

/// After `cut` has broken the connections of `here`, if only for a moment, the stream says that hints may be lost, and then
/// reports changes as before.
pub async fn a_break_is_reported(here: &Client, there: &Client, cut: impl AsyncFnOnce()) {
    let mut hints = here.listen(there).await;
    cut().await;
    let missed = timeout(PATIENCE, async {
        loop {
            match hints.next().await {
                Some(PodHint::Missed) => break,
                Some(PodHint::Changed(_)) => {}
                None => panic!("the stream of hints has ended"),
            }
        }
    });
    missed
        .await
        .expect("a stream whose connection was broken says nothing of it");
    let pod = there.insert().await;
    reported(&mut hints, [pod.id].into()).await;
}

/// Waits for hints of all these pods.
async fn reported(hints: &mut Hints, mut pods: BTreeSet<PodId>) {
    let all = timeout(PATIENCE, async {
        while !pods.is_empty() {
            pods.remove(&changed(hints).await);
        }
    });
    let in_time = all.await.is_ok();
    assert!(in_time, "no hint of {} changed pods: {pods:?}", pods.len());
}
