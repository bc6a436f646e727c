//! Waits for the end of a session.

use std::time::Duration;

use jiff::Timestamp;
use neuropod::Role;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::caller::Caller;
use super::ended;
use crate::app::App;

/// How often the store is checked for the end of a session: another server may have ended it.
const CHECK: Duration = Duration::from_secs(30);

impl App {
    /// Waits until a session does not hold any more: at once when it is ended on this server, or expires, and within
    /// [`CHECK`] when another server ends it. Whoever waits counts as there.
    pub(crate) async fn session_ends(&self, caller: &Caller) {
        let connection = self.sessions.open(caller);
        let left = caller.session.until.duration_since(Timestamp::now());
        // The first check is made now: it may have ended before the connection was known.
        let mut checks = interval(CHECK);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let checked = async {
            loop {
                checks.tick().await;
                if !self.still_holds(caller).await {
                    return;
                }
            }
        };
        tokio::select! {
            () = connection.ended.cancelled() => {}
            () = sleep(left.try_into().unwrap_or_default()) => {}
            () = checked => {}
        }
    }

    /// Whether the session of a connection is still valid. It counts as valid while the store can't be read.
    async fn still_holds(&self, caller: &Caller) -> bool {
        match self.find_user(&caller.user.id).await {
            Ok(Some(user)) => {
                self.presence.seen(&user.id);
                let (allowed, role) = self.access.holds(&user);
                let same = user.role == caller.user.role && (user.role == Role::Client || role == user.role);
                same && allowed
                    && !user.deleted
                    && user.registration_date == caller.user.registration_date
                    && !ended::has_ended(&user, &caller.session)
            }
            Ok(None) => false,
            Err(error) => {
                tracing::warn!(%error, "a session is not checked");
                true
            }
        }
    }
}
