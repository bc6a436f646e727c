//! Notices when the process has stood still.

use std::time::Duration;

use tokio::time::Instant;

/// The longest time between two beats.
const BEAT: Duration = Duration::from_secs(5);
/// After a longer time between two beats, the process counts as having stood still: suspended, or starved of processor
/// time.
const STANDSTILL: Duration = Duration::from_secs(10);

/// The pulse of the controller loop.
///
/// As long as it beats, the loop hands on what the watch shows within seconds, however long the stores take meanwhile,
/// so an observation is as recent as the loop. What was observed before a standstill is outdated after it: the watch
/// may have broken, and first has to catch up.
pub(super) struct Pulse {
    last: Instant,
    resumed_at: Option<Instant>,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self {
            last: Instant::now(),
            resumed_at: None,
        }
    }

    /// Notes that the loop runs. Returns `true` after a standstill.
    pub(super) fn beat(&mut self) -> bool {
        let now = Instant::now();
        let stood_still = now - self.last > STANDSTILL;
        if stood_still {
            self.resumed_at = Some(now);
        }
        self.last = now;
        stood_still
    }

    /// When the next beat is due.
    pub(super) fn next(&self) -> Instant {
        self.last + BEAT
    }

    /// Whether the process has run without a standstill since then.
    pub(super) fn beats_since(&self, at: Instant) -> bool {
        self.resumed_at.is_none_or(|resumed| at >= resumed)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_long_time_without_a_beat_is_a_standstill() {
        let start = Instant::now();
        let mut pulse = Pulse::new();
        for _ in 0..3 {
            advance(BEAT * 2).await;
            assert!(!pulse.beat());
        }
        assert!(pulse.beats_since(start));
        advance(BEAT * 2 + Duration::from_millis(1)).await;
        assert!(pulse.beat());
        assert!(!pulse.beat(), "once");
        assert!(!pulse.beats_since(start));
        assert!(pulse.beats_since(Instant::now()));
    }
}
