//! Connections that stay open, and the sessions that they end with.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use neuropod::{Role, UserId};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::{Caller, ended};
use crate::app::App;

/// How often the store is asked whether a session holds: another server may have ended it.
const CHECK: Duration = Duration::from_secs(30);

/// The open connections of this server.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    open: HashMap<u64, Open>,
}

#[derive(Debug)]
struct Open {
    user: UserId,
    session: String,
    ended: CancellationToken,
}

/// A connection that is known until this is dropped.
struct Connection<'a> {
    sessions: &'a Sessions,
    number: u64,
    ended: CancellationToken,
}

impl Sessions {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, caller: &Caller) -> Connection<'_> {
        let ended = CancellationToken::new();
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        let open = Open {
            user: caller.user.id.clone(),
            session: caller.session.id.clone(),
            ended: ended.clone(),
        };
        state.open.insert(number, open);
        Connection {
            sessions: self,
            number,
            ended,
        }
    }

    /// A session was ended.
    pub(super) fn end(&self, caller: &Caller) {
        self.end_where(|open| open.user == caller.user.id && open.session == caller.session.id);
    }

    /// A user is gone.
    pub(crate) fn end_all(&self, user: &UserId) {
        self.end_where(|open| open.user == *user);
    }

    fn end_where(&self, is_it: impl Fn(&Open) -> bool) {
        for open in self.state().open.values().filter(|open| is_it(open)) {
            open.ended.cancel();
        }
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.sessions.state().open.remove(&self.number);
    }
}

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

    /// Whether somebody is still who they were when they connected. While the store can't say, they are.
    async fn still_holds(&self, caller: &Caller) -> bool {
        match self.store.user(&caller.user.id).await {
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
