//! Whether the platform can do its work. It is checked at most every few seconds, because anybody may ask without limit.

use std::time::Duration;

use neuropod::Platform;
use neuropod::platform::{Health, StoreHealth};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a result is reused.
const FRESH: Duration = Duration::from_secs(5);
/// How long store and cluster may take before they count as unreachable.
const PATIENCE: Duration = Duration::from_secs(3);

/// The last result.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Health)>>);

impl Readiness {
    /// Checks store and cluster, unless they were checked a moment ago.
    pub(crate) async fn get(&self, platform: &Platform) -> Health {
        let mut known = self.0.lock().await;
        if let Some((at, health)) = *known
            && at.elapsed() < FRESH
        {
            return health;
        }
        let health = platform.health(PATIENCE).await;
        let changed = known.is_none_or(|(_, before)| before.store != health.store);
        if changed && health.store != StoreHealth::Works {
            tracing::warn!("the server is not ready: the store is {}", health.store.as_str());
        }
        *known = Some((Instant::now(), health));
        health
    }
}
