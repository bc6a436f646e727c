//! Users.

use jiff::Timestamp;
use neuropod::{Role, User};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A user.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// Their id.
    pub id: String,
    /// Their e-mail address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// `client` or `admin`.
    #[schema(value_type = String)]
    pub role: Role,
    /// In EUR; the text `Infinity` for administrators.
    #[schema(value_type = Object)]
    pub balance: Value,
    /// Since when they are here.
    #[schema(value_type = String, format = DateTime)]
    pub registration_date: Timestamp,
    /// Pods that run or are on their way to it.
    pub active_pods: usize,
    /// All pods.
    pub total_pods: usize,
    /// `online` or `offline`.
    pub status: &'static str,
    /// Whether they may start no pods.
    pub suspended: bool,
    /// A picture of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
}

/// How many pods somebody has.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pods {
    /// Those that run or are on their way to it.
    pub active: usize,
    /// All.
    pub total: usize,
}

impl UserView {
    /// A user, with what is known of them besides.
    pub fn of(user: User, euros: f64, pods: Pods, is_there: bool) -> Self {
        Self {
            balance: match user.role {
                Role::Admin => json!("Infinity"),
                Role::Client => json!(euros),
            },
            id: user.id.to_string(),
            email: user.email,
            name: user.name,
            role: user.role,
            registration_date: user.registration_date,
            active_pods: pods.active,
            total_pods: pods.total,
            status: if is_there { "online" } else { "offline" },
            suspended: user.suspended,
            avatar: user.avatar,
        }
    }
}
