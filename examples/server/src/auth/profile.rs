//! The identity and address of a person, as an issuer of tokens states them.

use jiff::Timestamp;
use neuropod::user::Identity;
use neuropod::user::person::{check_email, clean_person_name};
use neuropod::{Role, User};
use serde_json::Value;

use crate::contract::failure::Failure;
use crate::contract::user::AVATAR;

/// The issuer of people who sign in by address alone, in development.
const DEVELOPMENT: &str = "development";

/// The identity and address of a person, as an issuer of tokens or they themselves state them. All of it is checked.
#[derive(Debug, Clone)]
pub(crate) struct Profile {
    /// The person's identity at the issuer.
    pub(crate) identity: Identity,
    /// The e-mail address.
    pub(crate) email: String,
    /// Whether the issuer knows that the address is theirs.
    pub(crate) email_verified: bool,
    /// The name.
    pub(crate) name: Option<String>,
    /// A picture of them (a URL).
    pub(crate) avatar: Option<String>,
}

impl Profile {
    /// The profile of a person in development, whose address is believed.
    ///
    /// # Errors
    /// 400 when this is no address.
    pub(crate) fn in_development(email: &str) -> Result<Self, Failure> {
        let email = check_email(email).map_err(|violation| Failure::field("email", violation))?;
        Ok(Self {
            identity: Identity::new(DEVELOPMENT, email.to_lowercase()),
            email: email.to_owned(),
            email_verified: true,
            name: None,
            avatar: None,
        })
    }

    /// The part of it that is kept with the user.
    pub(super) fn extra(&self) -> impl Iterator<Item = (String, Value)> {
        let avatar = self.avatar.clone();
        avatar
            .into_iter()
            .map(|avatar| (AVATAR.to_owned(), avatar.into()))
    }

    /// The user that they become.
    pub(super) fn to_user(&self, role: Role) -> User {
        let local = self.email.split('@').next().and_then(clean_person_name);
        let name = self.name.clone().or(local);
        User {
            id: self.identity.user_id(),
            email: self.email.clone(),
            name: name.unwrap_or_else(|| self.email.chars().take(100).collect()),
            role,
            identity: Some(self.identity.clone()),
            email_verified: self.email_verified,
            suspended: false,
            deleted: false,
            daily_cap: None,
            extra: self.extra().collect(),
            registration_date: Timestamp::now(),
            version: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_is_refused() {
        let email = |text: &str| Profile::in_development(text).map(|profile| profile.email);
        assert_eq!(email(" ana@example.com ").unwrap(), "ana@example.com");
        let long = format!("{}@example.com", "a".repeat(250));
        for wrong in ["", " ", "ana", "a@b@c", "a b@c", "a\0@c", "a\u{202e}@c", &long] {
            assert!(email(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn in_development_the_address_is_who_one_is() {
        let id = |email| Profile::in_development(email).unwrap().identity.user_id();
        assert_eq!(id("Ana@Example.com"), id("ana@example.com"));
        assert_ne!(id("ana@example.com"), id("eva@example.com"));
    }
}
