//! Open connections, each of which ends with its session.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use neuropod::UserId;
use tokio_util::sync::CancellationToken;

use super::caller::Caller;

/// The open connections of this server.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<OpenConnections>);

#[derive(Debug, Default)]
struct OpenConnections {
    next: u64,
    open: HashMap<u64, OpenConnection>,
}

#[derive(Debug)]
struct OpenConnection {
    user: UserId,
    session: String,
    ended: CancellationToken,
}

/// A connection that is known until this is dropped.
pub(super) struct ConnectionGuard<'a> {
    sessions: &'a Sessions,
    number: u64,
    pub(super) ended: CancellationToken,
}

impl Sessions {
    fn state(&self) -> MutexGuard<'_, OpenConnections> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open(&self, caller: &Caller) -> ConnectionGuard<'_> {
        let ended = CancellationToken::new();
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        let open = OpenConnection {
            user: caller.user.id.clone(),
            session: caller.session.id.clone(),
            ended: ended.clone(),
        };
        state.open.insert(number, open);
        ConnectionGuard {
            sessions: self,
            number,
            ended,
        }
    }

    /// A session was ended.
    pub(super) fn end_one(&self, caller: &Caller) {
        self.end_where(|open| open.user == caller.user.id && open.session == caller.session.id);
    }

    /// A user is gone.
    pub(crate) fn end_all(&self, user: &UserId) {
        self.end_where(|open| open.user == *user);
    }

    fn end_where(&self, is_it: impl Fn(&OpenConnection) -> bool) {
        for open in self.state().open.values().filter(|open| is_it(open)) {
            open.ended.cancel();
        }
    }
}

impl Drop for ConnectionGuard<'_> {
    fn drop(&mut self) {
        self.sessions.state().open.remove(&self.number);
    }
}
