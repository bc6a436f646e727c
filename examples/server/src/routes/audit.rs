//! The audit log, for administrators.

use axum::Json;
use axum::extract::State;
use data_encoding::BASE64URL_NOPAD;
use neuropod::error::Violation;
use neuropod::store::audit::{AuditAction, AuditCursor, AuditOptions, MAX_AUDIT_ENTRIES};
use serde::Deserialize;
use utoipa::IntoParams;

use super::time_range::TimeRange;
use crate::app::Shared;
use crate::auth::Admin;
use crate::contract::audit::AuditView;
use crate::contract::failure::{Failure, FailureBody};
use crate::contract::reply::{Answer, Parameters, data};

/// Entries of a page, unless it is asked for another number.
const USUAL_LIMIT: u32 = 100;

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only what this person did: their id or their e-mail address.
    who: Option<String>,
    /// Only this action, such as `balance_set`.
    #[param(value_type = Option<String>)]
    what: Option<AuditAction>,
    /// Only what was done to this user or their pods, to this pod or template: an id, an e-mail address or the name of
    /// a template.
    whom: Option<String>,
    /// From this time (RFC 3339), or day (UTC), on.
    from: Option<String>,
    /// Up to the end of this day (UTC), minute or second. Not before `from`.
    until: Option<String>,
    /// Only those after this place, which are older: `next` of the page before.
    after: Option<String>,
    /// At most so many; 100 unless given.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// The actions of administrators, and refused attempts at them, newest first.
#[utoipa::path(get, path = "/api/admin/audit", tag = "Administration", params(Which), security(("bearer" = [])), responses(
    (status = 200, body = Answer<AuditView>), (status = 400, body = FailureBody),
    (status = 401, body = FailureBody), (status = 403, body = FailureBody),
))]
pub(crate) async fn list(
    State(app): State<Shared>,
    Admin(admin): Admin,
    Parameters(which): Parameters<Which>,
) -> Result<Json<Answer<AuditView>>, Failure> {
    let page = app.platform.audit_log(&admin.actor(), &which.options()?).await?;
    let next = page.next.as_ref().map(to_text);
    Ok(data(AuditView::of(page.entries, next)))
}

impl Which {
    fn options(self) -> Result<AuditOptions, Failure> {
        let limit = self.limit.unwrap_or(USUAL_LIMIT);
        if !(1..=MAX_AUDIT_ENTRIES).contains(&limit) {
            let range = Violation::OutOfRange {
                min: 1,
                max: MAX_AUDIT_ENTRIES,
            };
            return Err(Failure::field("limit", range));
        }
        if self.what == Some(AuditAction::Unknown) {
            return Err(Failure::field("what", Violation::Malformed));
        }
        let given = |text: Option<String>| {
            let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        let range = TimeRange::read(given(self.from).as_deref(), given(self.until).as_deref())?;
        let after = given(self.after).map(|text| {
            let place = from_text(&text);
            place.ok_or_else(|| Failure::field("after", Violation::Malformed))
        });
        Ok(AuditOptions {
            who: given(self.who),
            action: self.what,
            whom: given(self.whom),
            from: range.from,
            until: range.until,
            after: after.transpose()?,
            limit,
        })
    }
}

/// A place as it is written into addresses.
fn to_text(place: &AuditCursor) -> String {
    BASE64URL_NOPAD.encode(&serde_json::to_vec(place).unwrap_or_default())
}

fn from_text(text: &str) -> Option<AuditCursor> {
    serde_json::from_slice(&BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()
}
