//! Whether nothing has changed in the cluster, by what the watch alone reports: then a resync need not list it.

use std::time::Duration;

use tokio::time::Instant;

/// The longest time without a list of the cluster. A watch is trusted, but not for ever.
const LIST_EVERY: Duration = Duration::from_hours(1);
/// Without a sign of life for this long, the watch counts as broken. Signs of life come about once a minute.
const SILENCE: Duration = Duration::from_secs(150);
/// Signs of life that come closer together were waiting for the process.
const LEAST_INTERVAL: Duration = Duration::from_secs(30);

/// What the watch has reported of the cluster as a whole.
#[derive(Debug, Default)]
pub(super) struct Stillness {
    /// The last list began then, and no object other than a pod has changed since.
    listed_at: Option<Instant>,
    /// When the last sign of life came, and the one before.
    alive_at: Option<Instant>,
    before: Option<Instant>,
}

impl Stillness {
    /// Something may have changed, or may have been missed.
    pub(super) fn altered(&mut self) {
        self.listed_at = None;
    }

    /// The watch was interrupted, or the process stood still.
    pub(super) fn interrupted(&mut self) {
        *self = Self::default();
    }

    /// The watch has reported every change up to now.
    pub(super) fn alive(&mut self) {
        let now = Instant::now();
        if self.alive_at.is_none_or(|at| now - at >= LEAST_INTERVAL) {
            self.before = self.alive_at.replace(now);
        }
    }

    /// Whether the cluster has to be listed, as the last list may not hold any more. Then the next list begins now: a change
    /// during it is one after it.
    pub(super) fn begin_list_if_due(&mut self) -> bool {
        let within = |at: Option<Instant>, limit| at.is_some_and(|at| at.elapsed() <= limit);
        let holds = within(self.listed_at, LIST_EVERY) && within(self.alive_at, SILENCE);
        if !holds {
            self.listed_at = Some(Instant::now());
        }
        !holds
    }

    /// What the watch has reported was true at this time. That is the sign of life before the last: the last one was sent
    /// after it, even if it took most of a minute to arrive.
    pub(super) fn confirmed_at(&self) -> Option<Instant> {
        self.before
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn a_list_holds_while_signs_of_life_come_and_nothing_changes() {
        let mut stillness = Stillness::default();
        assert!(stillness.begin_list_if_due());
        assert!(stillness.begin_list_if_due(), "no sign of life yet");
        stillness.alive();
        assert!(!stillness.begin_list_if_due());
        advance(SILENCE * 2).await;
        assert!(stillness.begin_list_if_due(), "silence");
        stillness.alive();
        assert!(!stillness.begin_list_if_due());
        stillness.altered();
        assert!(stillness.begin_list_if_due());
        assert!(!stillness.begin_list_if_due());
        stillness.interrupted();
        assert!(stillness.begin_list_if_due());
    }

    #[tokio::test(start_paused = true)]
    async fn no_list_holds_for_ever() {
        let mut stillness = Stillness::default();
        assert!(stillness.begin_list_if_due());
        for _ in 0..60 {
            advance(MINUTE).await;
            stillness.alive();
            assert!(!stillness.begin_list_if_due());
        }
        advance(MINUTE).await;
        stillness.alive();
        assert!(stillness.begin_list_if_due());
    }

    #[tokio::test(start_paused = true)]
    async fn a_sign_of_life_confirms_what_was_true_at_the_one_before() {
        let mut stillness = Stillness::default();
        let begin = Instant::now();
        stillness.alive();
        assert_eq!(stillness.confirmed_at(), None);
        stillness.alive();
        assert_eq!(
            stillness.confirmed_at(),
            None,
            "both waited until the process went on"
        );
        advance(MINUTE).await;
        stillness.alive();
        assert_eq!(stillness.confirmed_at(), Some(begin));
    }
}
