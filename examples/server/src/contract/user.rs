//! Users.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use neuropod::{Money, Role, User};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The name under which the address of a user's picture is stored.
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
    /// The day (UTC) of their registration, to be shown unchanged.
    #[schema(value_type = String, format = Date)]
    pub(crate) registration_date: Date,
    /// The time of their registration.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) registered_at: Timestamp,
    /// Pods that run or are starting.
    pub(crate) active_pods: usize,
    /// All pods.
    pub(crate) total_pods: usize,
    /// `online` or `offline`.
    pub(crate) status: &'static str,
    /// Their daily limit; null: that of the platform.
    pub(crate) daily_cap: Option<f64>,
    /// Whether they are suspended and can't start pods.
    pub(crate) suspended: bool,
    /// Their sign-in provider (`iss`); null: they have not signed in since the server records it.
    pub(crate) issuer: Option<String>,
    /// Whether the address is verified.
    pub(crate) email_verified: bool,
    /// Their picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) avatar: Option<String>,
}

/// The amount that somebody can spend.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Spendable {
    /// A limited amount.
    Amount(f64),
    /// Unlimited: the text `Infinity`, since JSON has no such number.
    Unlimited(&'static str),
}

/// The number of somebody's pods.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pods {
    /// Those that run or are starting.
    pub(crate) active: usize,
    /// All.
    pub(crate) total: usize,
    /// The cost of the time since their last charges.
    pub(crate) accrued: Money,
}

impl UserView {
    /// A user, with related data.
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
