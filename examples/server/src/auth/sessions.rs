//! Open connections, each of which ends with its session.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use neuropod::UserId;
use tokio_util::sync::CancellationToken;

use super::caller::Caller;

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
pub(super) struct Connection<'a> {
    sessions: &'a Sessions,
    number: u64,
    pub(super) ended: CancellationToken,
}

impl Sessions {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open(&self, caller: &Caller) -> Connection<'_> {
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
