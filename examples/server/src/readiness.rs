//! Whether store and cluster answer, asked at most every few seconds: anybody may ask, without limit.

use std::time::Duration;

use neuropod::{ListOptions, PodId, WorkloadRef};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::app::App;

/// How long an answer is used again.
const FRESH: Duration = Duration::from_secs(3);
/// How long store and cluster may take to answer before they count as gone.
const PATIENCE: Duration = Duration::from_secs(3);

/// What answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answering {
    /// The store.
    pub(crate) store: bool,
    /// The cluster.
    pub(crate) cluster: bool,
}

/// What answered a moment ago.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Answering)>>);

impl Readiness {
    /// What answers now, or did a moment ago.
    pub(crate) async fn get(&self, app: &App) -> Answering {
        let mut known = self.0.lock().await;
        if let Some((at, answering)) = &*known
            && at.elapsed() < FRESH
        {
            return *answering;
        }
        let one = ListOptions {
            limit: 1,
            ..ListOptions::default()
        };
        // A look at a pod that there is not: it takes what every pod takes, and nothing besides, such as a
        // metrics-server, that pods can do without.
        let nobody = WorkloadRef {
            pod_id: PodId::from_bits(0),
            user_hash: String::new(),
            namespace: None,
            name: "neuropod-readiness".into(),
            volume: String::new(),
        };
        let store = timeout(PATIENCE, app.store.list(&one));
        let cluster = timeout(PATIENCE, app.cluster.observe(&nobody));
        let (store, cluster) = tokio::join!(store, cluster);
        let answering = Answering {
            store: matches!(store, Ok(Ok(_))),
            cluster: matches!(cluster, Ok(Ok(_))),
        };
        *known = Some((Instant::now(), answering));
        answering
    }
}
