//! From who somebody says they are to a user of the platform.

use jiff::Timestamp;
use neuropod::{ErrorKind, Role, User, UserId, Violation};
use serde::Deserialize;

use super::{Caller, ended};
use crate::app::App;
use crate::failure::Failure;

/// The longest e-mail address (RFC 5321, section 4.5.3.1.3).
const MAX_EMAIL_LEN: usize = 254;
/// How often a change of a user is begun anew because somebody else was quicker.
const MAX_CONFLICTS: usize = 20;

/// Who somebody is, as an issuer of tokens or they themselves say.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Profile {
    /// The e-mail address.
    pub(crate) email: String,
    /// The name.
    pub(crate) name: Option<String>,
    /// A picture of them (a URL).
    #[serde(rename = "picture")]
    pub(crate) avatar: Option<String>,
}

impl Profile {
    /// Somebody with this address.
    ///
    /// # Errors
    /// 400 when it can't be one.
    pub(crate) fn with_email(email: &str) -> Result<Self, Failure> {
        let email = email.trim();
        let refuse = |violation| Err(Failure::field("email", violation));
        if email.is_empty() {
            return refuse(Violation::Required);
        }
        if email.len() > MAX_EMAIL_LEN {
            return refuse(Violation::TooLong(MAX_EMAIL_LEN));
        }
        let has_both_parts = email
            .rsplit_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !local.contains('@'));
        if !has_both_parts || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return refuse(Violation::Malformed);
        }
        Ok(Self {
            email: email.to_owned(),
            name: None,
            avatar: None,
        })
    }

    pub(super) fn to_user(&self, role: Role) -> User {
        let id: [u8; 12] = rand::random();
        let local = self.email.split('@').next().unwrap_or_default();
        User {
            id: UserId::new(data_encoding::HEXLOWER.encode(&id)),
            email: self.email.clone(),
            name: self.name.clone().unwrap_or_else(|| local.to_owned()),
            role,
            identity: None,
            email_verified: false,
            suspended: false,
            deleted: false,
            daily_cap: None,
            avatar: self
                .avatar
                .clone()
                .filter(|avatar| avatar.starts_with("https://")),
            ended_sessions: Vec::new(),
            registration_date: Timestamp::now(),
            version: 0,
        }
    }
}

impl App {
    /// The user that somebody is; at the first time they become one.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn welcome(&self, profile: &Profile) -> Result<User, Failure> {
        let role = if profile.email.eq_ignore_ascii_case(&self.config.admin_email) {
            Role::Admin
        } else {
            Role::Client
        };
        let known = match self.store.user_by_email(&profile.email).await? {
            Some(known) if role == Role::Admin && known.role != Role::Admin => {
                self.change_user(&known.id, |user| user.role = Role::Admin)
                    .await?
            }
            // What a first time that broke off has left undone is done now.
            Some(known) => known,
            None => profile.to_user(role),
        };
        match self.platform.register(&known).await {
            // They signed in somewhere else at the same time.
            Err(error) if *error.kind() == ErrorKind::AlreadyExists => {
                let other = self.store.user_by_email(&profile.email).await?;
                other.ok_or_else(|| error.into())
            }
            other => Ok(other?),
        }
    }

    /// Ends a session: its token does not hold any more, on any server, for as long as it would have.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn end_session(&self, caller: &Caller) -> Result<(), Failure> {
        let now = Timestamp::now();
        self.change_user(&caller.user.id, |user| ended::end(user, &caller.session, now))
            .await?;
        self.sessions.end(caller);
        Ok(())
    }

    async fn change_user(&self, id: &UserId, change: impl Fn(&mut User)) -> Result<User, Failure> {
        let mut conflicts = 0;
        loop {
            let mut user = self.store.user(id).await?.ok_or_else(Failure::no_user)?;
            change(&mut user);
            match self.store.update_user(&user).await {
                Err(error) if *error.kind() == ErrorKind::Conflict && conflicts < MAX_CONFLICTS => {
                    conflicts += 1;
                }
                other => return Ok(other?),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_is_refused() {
        assert_eq!(
            Profile::with_email(" ana@example.com ").unwrap().email,
            "ana@example.com"
        );
        let long = format!("{}@example.com", "a".repeat(250));
        for wrong in [
            "",
            " ",
            "ana",
            "@",
            "ana@",
            "@example.com",
            "a@b@c",
            "a b@c",
            "a\0@c",
            &long,
        ] {
            assert!(Profile::with_email(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_picture_is_no_script() {
        let profile = |avatar: &str| Profile {
            avatar: Some(avatar.into()),
            ..Profile::with_email("ana@example.com").unwrap()
        };
        assert_eq!(profile("javascript:alert(1)").to_user(Role::Client).avatar, None);
        assert!(
            profile("https://example.com/a.png")
                .to_user(Role::Client)
                .avatar
                .is_some()
        );
    }
}
