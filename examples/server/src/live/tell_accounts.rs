//! How the accounts of those who listen stand, told to them at every change.
//!
//! An account is read once for all connections of its owner, and once for changes that come together. What other servers
//! on the same store do to it is found by asking from time to time.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use neuropod::platform::AccountChange;
use neuropod::{Actor, ErrorKind, UserId};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::listener::Listener;
use crate::app::App;

/// Changes within this time are sent as one: a charge changes money and record one after the other.
const TOGETHER: Duration = Duration::from_millis(250);
/// How often accounts are read again where other servers may change them.
const SHARED: Duration = Duration::from_secs(5);
/// How often they are read again where no other server does, for changes made to the store by hand.
const ALONE: Duration = Duration::from_mins(1);
/// The pause before an account that could not be read is read again.
const PAUSE: Duration = Duration::from_secs(1);
/// The most accounts that are read at a time.
const AT_ONCE: usize = 8;

impl App {
    /// Tells somebody who listens how their account stands, now and at every change.
    pub(crate) fn tell_account(&self, listener: &Listener) {
        listener.follow_account();
        self.accounts.touch(&listener.actor().id);
    }
}

/// Tells those who listen how their accounts stand, until it is dropped.
pub(crate) async fn watch(app: Arc<App>) {
    tokio::join!(follow(&app), sweep(&app), tell(&app));
}

/// Notes what this server changes.
async fn follow(app: &App) {
    let mut changes = app.platform.account_changes(&Actor::admin("live updates"));
    while let Some(change) = changes.next().await {
        match change {
            AccountChange::Changed(user) if app.live.hears(&user) => app.accounts.touch(&user),
            AccountChange::Changed(_) => {}
            AccountChange::Missed(_) => touch_all(app),
        }
    }
}

/// Notes all of them from time to time.
async fn sweep(app: &App) {
    let mut ticks = interval(if app.config.is_shared() { SHARED } else { ALONE });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        touch_all(app);
    }
}

fn touch_all(app: &App) {
    for user in app.live.who_listens() {
        app.accounts.touch(&user);
    }
}

async fn tell(app: &App) {
    loop {
        let mut users = app.accounts.take().await;
        sleep(TOGETHER).await;
        users.append(&mut app.accounts.changed());
        let reads = users.into_iter().map(|user| tell_one(app, user));
        let unread: Vec<_> = stream::iter(reads)
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        if !unread.is_empty() {
            sleep(PAUSE).await;
            for user in &unread {
                app.accounts.touch(user);
            }
        }
    }
}

/// Reads an account and tells who listens. Returns the user where it can't be read now.
async fn tell_one(app: &App, user: UserId) -> Option<UserId> {
    if !app.live.hears(&user) {
        return None;
    }
    match app.platform.standing(&Actor::admin("live updates"), &user).await {
        Ok(standing) => app.live.tell_standing(&user, &Arc::new(standing)),
        // It is opened when they sign in the next time.
        Err(error) if *error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            tracing::debug!(%error, %user, "an account can't be read now");
            return Some(user);
        }
    }
    None
}
