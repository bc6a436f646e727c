//! Reports the standing of accounts to their listening owners, at every change.
//!
//! An account is read once for all connections of its owner, and once for changes that come together. Changes
//! by other servers on the same store are found by polling.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use neuropod::{Actor, ErrorKind, UserId};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::listener::Listener;
use crate::app::App;

/// Changes within this time are sent as one, because a charge changes money and record one after the other.
const TOGETHER: Duration = Duration::from_millis(250);
/// How often accounts are read again if other servers may change them.
const SHARED: Duration = Duration::from_secs(5);
/// How often they are read again otherwise, for changes made to the store by hand.
const ALONE: Duration = Duration::from_mins(1);
/// The pause before an account that could not be read is read again.
const PAUSE: Duration = Duration::from_secs(1);
/// The maximum number of accounts read at the same time.
const AT_ONCE: usize = 8;

impl App {
    /// Reports the standing of a listener's account, now and at every change.
    pub(crate) fn report_account(&self, listener: &Listener) {
        listener.follow_account();
        self.accounts.enqueue(&listener.actor().id);
    }
}

/// Reports the standing of accounts to listeners, until it is dropped.
pub(crate) async fn watch(app: Arc<App>) {
    tokio::join!(follow(&app), sweep(&app), report_changed(&app));
}

/// Enqueues accounts that this server changes.
async fn follow(app: &App) {
    let mut changes = app.platform.account_changes(&Actor::admin("live updates"));
    while let Some(user) = changes.next().await {
        if app.live.hears(&user) {
            app.accounts.enqueue(&user);
        }
    }
}

/// Enqueues all accounts from time to time.
async fn sweep(app: &App) {
    let mut ticks = interval(if app.config.is_shared() { SHARED } else { ALONE });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        enqueue_all(app);
    }
}

fn enqueue_all(app: &App) {
    for user in app.live.who_listens() {
        app.accounts.enqueue(&user);
    }
}

async fn report_changed(app: &App) {
    loop {
        let mut users = app.accounts.take_all().await;
        sleep(TOGETHER).await;
        users.append(&mut app.accounts.changed());
        let reads = users.into_iter().map(|user| report_one(app, user));
        let unread: Vec<_> = stream::iter(reads)
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        if !unread.is_empty() {
            sleep(PAUSE).await;
            for user in &unread {
                app.accounts.enqueue(user);
            }
        }
    }
}

/// Reads an account and notifies its listeners. Returns the user if it can't be read now.
async fn report_one(app: &App, user: UserId) -> Option<UserId> {
    if !app.live.hears(&user) {
        return None;
    }
    match app.platform.standing(&Actor::admin("live updates"), &user).await {
        Ok(standing) => app.live.report_standing(&user, &Arc::new(standing)),
        // It is opened at their next sign-in.
        Err(error) if *error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            tracing::debug!(%error, %user, "an account can't be read now");
            return Some(user);
        }
    }
    None
}
