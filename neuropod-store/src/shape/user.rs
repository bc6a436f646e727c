//! Users.

use jiff::Timestamp;
use neuropod_core::user::Identity;
use neuropod_core::{Money, Role, User, UserId};
use serde::{Deserialize, Serialize};

use super::extra::Extra;
use super::layout::Layout;
use super::stored::Stored;
use super::tree::{Tree, move_field};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserShape {
    #[serde(default)]
    layout: Layout<2>,
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    version: u64,
    email: String,
    name: String,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<Identity>,
    #[serde(default)]
    email_verified: bool,
    #[serde(default)]
    suspended: bool,
    #[serde(default)]
    deleted: bool,
    /// In micro-euros.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    daily_cap: Option<Money>,
    /// Values of an application.
    #[serde(default)]
    extra: Extra,
    registration_date: Timestamp,
}

impl Stored for User {
    type Shape = UserShape;

    fn to_shape(&self) -> UserShape {
        let Self {
            id,
            email,
            name,
            role,
            identity,
            email_verified,
            suspended,
            deleted,
            daily_cap,
            extra,
            registration_date,
            version,
        } = self.clone();
        UserShape {
            layout: Layout,
            id: id.to_string(),
            version,
            email,
            name,
            role,
            identity,
            email_verified,
            suspended,
            deleted,
            daily_cap,
            extra: Extra(extra),
            registration_date,
        }
    }

    fn from_shape(shape: UserShape) -> Self {
        let UserShape {
            layout: _,
            id,
            version,
            email,
            name,
            role,
            identity,
            email_verified,
            suspended,
            deleted,
            daily_cap,
            extra,
            registration_date,
        } = shape;
        Self {
            id: UserId::new(id),
            email,
            name,
            role,
            identity,
            email_verified,
            suspended,
            deleted,
            daily_cap,
            extra: extra.0,
            registration_date,
            version,
        }
    }

    fn upgrade<T: Tree>(document: &mut T) {
        move_field(document, "id", "_id");
        for field in ["avatar", "endedSessions"] {
            move_field(document, field, &format!("extra.{field}"));
        }
    }
}
