//! The account and the time range of a request.

use neuropod::{ErrorKind, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::entries::{Ledger, ledger};
use super::time_range::TimeRange;
use crate::app::{App, Shared};
use crate::auth::Caller;
use crate::contract::failure::Failure;

/// The account and the time range.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct Range {
    /// From the beginning of this day (UTC, `2026-01-31`) or this time (`2026-01-31T08:00:00Z`; without a time zone: UTC)
    /// on. Usage counts for the time at which its period begins; of days that are folded, for that of the first one.
    from: Option<String>,
    /// Up to the end of this day (UTC), minute or second: what it names is in the range as a whole. Not before `from`.
    until: Option<String>,
    /// The user; for administrators.
    user_id: Option<String>,
}

impl Range {
    /// The requested range.
    ///
    /// # Errors
    /// 400 if the range is invalid; 403 and 404 as for the account.
    pub(super) async fn ledger(self, app: &Shared, caller: &Caller) -> Result<Ledger, Failure> {
        let range = TimeRange::read(self.from.as_deref(), self.until.as_deref())?;
        let user = whose(app, caller, self.user_id).await?;
        Ok(ledger(&app.platform, caller.actor(), user, range))
    }
}

/// The owner of the requested account: the caller, or a user that an administrator names.
pub(super) async fn whose(app: &App, caller: &Caller, named: Option<String>) -> Result<UserId, Failure> {
    match named {
        Some(id) if id != caller.user.id.as_str() => {
            if !caller.actor().is_admin() {
                return Err(Failure::admins_only());
            }
            Ok(app.known_user(&id).await?.id)
        }
        _ => Ok(caller.user.id.clone()),
    }
}

/// An account that does not exist is reported as a user who does not exist.
pub(super) fn no_account(error: neuropod::Error) -> Failure {
    if *error.kind() == ErrorKind::NotFound {
        Failure::no_user()
    } else {
        error.into()
    }
}
