//! Follows changes made by other servers on the same store.

use std::sync::Arc;
use std::time::Duration;

use neuropod::Actor;
use tokio::time::{MissedTickBehavior, interval};

use crate::app::App;
use crate::contract::failure::Failure;

/// How often the store is read again. Most changes by others show in the cluster, where the driver sees them at
/// once, but the deletion of a stopped pod does not.
const EVERY: Duration = Duration::from_secs(5);

/// Reads the pods regularly while there are listeners, until it is dropped.
pub(crate) async fn watch(app: Arc<App>) {
    if !app.config.is_shared() {
        return;
    }
    let actor = Actor::admin("live updates");
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if app.live.listeners() == 0 {
            continue;
        }
        let known = app.live.known();
        match app.platform.list_all(&actor, None).await.map_err(Failure::from) {
            Ok(pods) => app.live.listed(&known, pods),
            // It was logged at its source.
            Err(failure) => tracing::debug!(code = failure.code(), "what other servers do is not known"),
        }
    }
}
