//! Accounts: balance, statement, entries, standing, and reports of changes.

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use jiff::Timestamp;

use crate::error::kind::Result;
use crate::id::{Actor, UserId};
use crate::money::billing::{Balance, BillingExt, EntryOptions, LedgerEntry};
use crate::money::standing::Standing;
use crate::money::statement::Statement;
use crate::platform::handle::Platform;

impl Platform {
    /// The balance of a user's account as it is booked: for clients their own, for administrators any. Usage is booked
    /// every 40 minutes or sooner; [`standing`](Self::standing) has what has accrued since.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` when there is no account.
    pub async fn balance(&self, actor: &Actor, user: &UserId) -> Result<Balance> {
        actor.require_access(user)?;
        self.0.billing.balance(user).await
    }

    /// The entries of an account, summed by day, pod and kind: those that are for a time from `from` on and before `until`
    /// ([`LedgerEntry::effective_at`]), whenever they were booked. Take midnights (UTC): days that were
    /// [folded](crate::money::LedgerFolding) count as a whole for the time of their first charge. The last usage of a day is
    /// booked within five minutes after its end, unless the platform stands still.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` when there is no account.
    pub async fn statement(
        &self,
        actor: &Actor,
        user: &UserId,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Statement> {
        actor.require_access(user)?;
        let mut statement = Statement::default();
        let add = |entry: LedgerEntry| {
            if entry.is_within(from, until) {
                statement.add(&entry);
            }
        };
        let options = EntryOptions::effective_from(from);
        self.0.billing.for_each_entry(user, &options, add).await?;
        Ok(statement)
    }

    /// A page of the entries of an account, oldest first.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` when there is no account; `Invalid` when the limit is 0 or more than
    /// [`MAX_ENTRIES`](crate::money::billing::MAX_ENTRIES).
    pub async fn entries(
        &self,
        actor: &Actor,
        user: &UserId,
        options: &EntryOptions,
    ) -> Result<Vec<LedgerEntry>> {
        actor.require_access(user)?;
        self.0.billing.entries(user, options).await
    }

    /// The standing of a user's account: its balance, what has accrued, the cost of its pods, and whether it runs low.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` when there is no account.
    pub async fn standing(&self, actor: &Actor, user: &UserId) -> Result<Standing> {
        actor.require_access(user)?;
        let parts = &*self.0;
        let balance = parts.billing.balance(user).await?;
        let record = parts.users.user(user).await?;
        let pods = parts.records.all(Some(user), false).await?;
        let thresholds = &parts.rules.low_balance_thresholds;
        let mut standing = Standing::of(balance, &pods, thresholds, parts.clock.now());
        standing.suspended = record.as_ref().is_some_and(|user| user.suspended);
        standing.daily_cap = parts.admission.daily_cap(record.as_ref());
        Ok(standing)
    }

    /// Reports the accounts that change: their money, the cost of their pods, or their permissions. Several changes of
    /// an account may be reported as one; read [`standing`](Self::standing) for its current state. Clients see their own
    /// account, administrators all. A slow subscriber misses no account.
    ///
    /// The stream never ends. Changes by other processes on the same store are not reported, and neither are postings to
    /// [`Billing`](crate::Billing) that bypass the platform: to see them, read the accounts from time to time.
    pub fn account_changes(&self, actor: &Actor) -> BoxStream<'static, UserId> {
        let mailbox = self.0.feed.subscribe_accounts(actor);
        stream::unfold(mailbox, |mailbox| async {
            let user = mailbox.recv().await;
            Some((user, mailbox))
        })
        .boxed()
    }
}
