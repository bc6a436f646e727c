//! Users.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use neuropod::{Money, Role, User};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Under this name the address of their picture is kept with a user.
pub(crate) const AVATAR: &str = "avatar";

/// A user.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserView {
    /// Their id.
    pub(crate) id: String,
    /// Their e-mail address.
    pub(crate) email: String,
    /// Their name.
    pub(crate) name: String,
    /// `client` or `admin`.
    #[schema(value_type = String)]
    pub(crate) role: Role,
    /// In the currency of the platform; the text `Infinity` for administrators.
    pub(crate) balance: Spendable,
    /// The day (UTC) on which they came, to be shown as it is.
    #[schema(value_type = String, format = Date)]
    pub(crate) registration_date: Date,
    /// When that was.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) registered_at: Timestamp,
    /// Pods that run or are on their way to it.
    pub(crate) active_pods: usize,
    /// All pods.
    pub(crate) total_pods: usize,
    /// `online` or `offline`.
    pub(crate) status: &'static str,
    /// What they may spend on a day; null: what the platform says.
    pub(crate) daily_cap: Option<f64>,
    /// Whether they may start no pods.
    pub(crate) suspended: bool,
    /// Where they sign in (`iss`); null: nobody has signed in as them since the server asks who they are there.
    pub(crate) issuer: Option<String>,
    /// Whether it is known that the address is theirs.
    pub(crate) email_verified: bool,
    /// A picture of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) avatar: Option<String>,
}

/// What somebody can spend.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Spendable {
    /// So much.
    Amount(f64),
    /// As much as they like: the text `Infinity`, since JSON has no such number.
    Unlimited(&'static str),
}

/// How many pods somebody has.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pods {
    /// Those that run or are on their way to it.
    pub(crate) active: usize,
    /// All.
    pub(crate) total: usize,
}

impl UserView {
    /// A user, with what is known of them besides.
    pub(crate) fn of(user: User, amount: f64, pods: Pods, is_there: bool) -> Self {
        Self {
            balance: match user.role {
                Role::Admin => Spendable::Unlimited("Infinity"),
                Role::Client => Spendable::Amount(amount),
            },
            id: user.id.to_string(),
            email: user.email,
            name: user.name,
            role: user.role,
            registration_date: Offset::UTC.to_datetime(user.registration_date).date(),
            registered_at: user.registration_date,
            active_pods: pods.active,
            total_pods: pods.total,
            status: if is_there { "online" } else { "offline" },
            daily_cap: user.daily_cap.map(Money::as_f64),
            suspended: user.suspended,
            issuer: user.identity.map(|identity| identity.issuer),
            email_verified: user.email_verified,
            avatar: user.extra.get(AVATAR).and_then(Value::as_str).map(str::to_owned),
        }
    }
}
