//! Remembers the warnings that were sent: one for each account and threshold, not one for each pod.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use neuropod::{Pod, PodId, UserId};

use super::mailbox::Alert;

/// Deletions of volumes of one account within this time of each other are one warning, because volumes are
/// charged by the hour.
const TOGETHER: SignedDuration = SignedDuration::from_hours(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A source of money that can run out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Purse {
    /// The balance of an account.
    Account(UserId),
    /// The rest of an account's daily cap.
    Cap(UserId),
    /// The rest of a pod's daily cap.
    PodCap(PodId),
}

impl Purse {
    fn of(pod: &Pod, daily_cap: bool) -> Self {
        match daily_cap {
            false => Self::Account(pod.owner.clone()),
            true if pod.options.daily_cap.is_some() => Self::PodCap(pod.id.clone()),
            true => Self::Cap(pod.owner.clone()),
        }
    }
}

/// The warnings that were sent.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    /// The lowest threshold reported, in seconds, until a pod has that much again.
    low: HashMap<Purse, i64>,
    /// The deletion times of volumes that were reported; `true`: within a day.
    volumes: HashMap<(UserId, bool), Timestamp>,
}

impl Alerts {
    /// Whether this is the first warning of its account and threshold.
    pub(super) fn is_first(&mut self, pod: &Pod, alert: Alert, now: Timestamp) -> bool {
        let (daily_cap, threshold) = match alert {
            Alert::Account { threshold, .. } => (false, threshold),
            Alert::Cap { threshold, .. } => (true, threshold),
            Alert::Volume(at) => return self.is_first_volume(pod, at, now),
        };
        let lowest = self.low.entry(Purse::of(pod, daily_cap)).or_insert(i64::MAX);
        let is_first = threshold < *lowest;
        *lowest = threshold.min(*lowest);
        is_first
    }

    fn is_first_volume(&mut self, pod: &Pod, at: Timestamp, now: Timestamp) -> bool {
        let soon = at.duration_since(now) <= DAY;
        let last = self.volumes.insert((pod.owner.clone(), soon), at);
        last.is_none_or(|last| at.duration_since(last).abs() > TOGETHER)
    }

    /// Handles a change of a pod: if its money was topped up, its account is warned again next time.
    pub(super) fn changed(&mut self, before: Option<&Pod>, pod: &Pod) {
        let remaining = |pod: &Pod| pod.meter.remaining_seconds();
        let Some(now) = remaining(pod) else { return };
        let had = before.and_then(remaining);
        for purse in [
            Purse::Account(pod.owner.clone()),
            Purse::Cap(pod.owner.clone()),
            Purse::PodCap(pod.id.clone()),
        ] {
            let filled = |lowest: &i64| now >= *lowest && had.is_none_or(|had| had < *lowest);
            if self.low.get(&purse).is_some_and(filled) {
                self.low.remove(&purse);
            }
        }
    }

    /// Handles the end of a pod.
    pub(super) fn deleted(&mut self, pod: &Pod) {
        self.low.remove(&Purse::PodCap(pod.id.clone()));
    }
}

#[cfg(test)]
mod tests {
    use neuropod::Money;

    use super::*;
    use crate::test_api::{Api, config};

    async fn pods() -> (Pod, Pod) {
        let api = Api::start(config()).await;
        let ana = api.sign_in("ana@example.com").await;
        let actor = api.app.caller(&ana).await.unwrap().actor();
        let mut pods = Vec::new();
        for name in ["one", "two"] {
            let id = api.create(&ana, name).await.parse().unwrap();
            pods.push(api.app.platform.get(&actor, &id).await.unwrap());
        }
        (pods.remove(0), pods.remove(0))
    }

    fn account(threshold: i64) -> Alert {
        Alert::Account {
            threshold,
            seconds_left: threshold - 1,
        }
    }

    /// The pod with this much of its hold remaining.
    fn with(pod: &Pod, seconds: i64) -> Pod {
        let mut pod = pod.clone();
        pod.meter.remaining = Some(pod.meter.price.hourly.for_seconds(seconds));
        pod
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_is_warned_once_for_each_threshold_until_it_is_topped_up() {
        let (one, two) = pods().await;
        let mut alerts = Alerts::default();
        let now = one.created_at;
        let mut warned = |pod: &Pod, threshold| alerts.is_first(pod, account(threshold), now);
        assert!(warned(&one, 3600));
        assert!(!warned(&two, 3600));
        assert!(warned(&two, 900));
        assert!(!warned(&one, 900));
        assert!(
            !warned(&one, 3600),
            "later ones that are less urgent say nothing new"
        );
        // Time passes, but nothing is topped up.
        alerts.changed(Some(&with(&two, 2000)), &with(&two, 1900));
        assert!(!alerts.is_first(&two, account(900), now));
        // Somebody has paid in.
        alerts.changed(Some(&with(&one, 800)), &with(&one, 3600));
        assert!(alerts.is_first(&two, account(3600), now));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cap_of_one_pod_is_its_own_and_that_of_an_account_is_not() {
        let (one, two) = pods().await;
        let mut alerts = Alerts::default();
        let now = one.created_at;
        let cap = Alert::Cap {
            threshold: 900,
            seconds_left: 800,
        };
        assert!(alerts.is_first(&one, cap, now) && !alerts.is_first(&two, cap, now));
        assert!(
            alerts.is_first(&one, account(900), now),
            "the account is something else"
        );
        let capped = |pod: &Pod| {
            let mut pod = pod.clone();
            pod.options.daily_cap = Some(Money::from_cents(100));
            pod
        };
        assert!(alerts.is_first(&capped(&one), cap, now) && alerts.is_first(&capped(&two), cap, now));
        assert!(!alerts.is_first(&capped(&one), cap, now));
        alerts.deleted(&one);
        assert!(alerts.is_first(&capped(&one), cap, now));
    }

    #[tokio::test(start_paused = true)]
    async fn volumes_deleted_together_are_one_warning_early_and_one_late() {
        let (one, two) = pods().await;
        let mut alerts = Alerts::default();
        let now = one.created_at;
        let at = now + SignedDuration::from_hours(72);
        let soon = at - SignedDuration::from_hours(20);
        let later = at + SignedDuration::from_mins(30);
        assert!(alerts.is_first(&one, Alert::Volume(at), now));
        assert!(!alerts.is_first(&two, Alert::Volume(later), now));
        assert!(alerts.is_first(&one, Alert::Volume(at), soon));
        assert!(!alerts.is_first(&two, Alert::Volume(later), soon));
        let again = at + SignedDuration::from_hours(500);
        assert!(alerts.is_first(&one, Alert::Volume(again), at));
    }
}
