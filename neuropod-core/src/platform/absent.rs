//! Stand-ins for the stores that a platform was built without: nothing is kept, and writing reports the missing
//! store.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::{PodId, UserId};
use crate::money::pricing::PriceList;
use crate::pod::template::Template;
use crate::store::traits::{PastRequest, PriceStore, RequestStore, TemplateStore, UserStore};
use crate::user::profile::{Identity, User};

/// No users are kept: the application is responsible for who owns pods.
pub(crate) struct NoUsers;

/// No templates are kept: there are none.
pub(crate) struct NoTemplates;

/// No price lists are kept: the prices that the platform was built with hold.
pub(crate) struct NoPrices;

/// No outcomes of requests are kept: an idempotency key is forgotten with the record of its pod.
pub(crate) struct NoRequests;

fn missing<T>(what: &str, method: &str) -> Result<T> {
    Err(Error::new(
        ErrorKind::NotConfigured,
        format!("this platform keeps no {what}: give `PlatformBuilder::{method}` a store of them"),
    ))
}

#[async_trait]
impl UserStore for NoUsers {
    async fn insert_user(&self, _: &User) -> Result<User> {
        missing("users", "users")
    }

    async fn user(&self, _: &UserId) -> Result<Option<User>> {
        Ok(None)
    }

    async fn user_by_email(&self, _: &str) -> Result<Option<User>> {
        Ok(None)
    }

    async fn user_by_identity(&self, _: &Identity) -> Result<Option<User>> {
        Ok(None)
    }

    async fn users(&self) -> Result<Vec<User>> {
        Ok(Vec::new())
    }

    async fn update_user(&self, _: &User) -> Result<User> {
        missing("users", "users")
    }

    async fn remove_user(&self, _: &UserId) -> Result<()> {
        missing("users", "users")
    }

    async fn was_removed(&self, _: &UserId) -> Result<bool> {
        Ok(false)
    }
}

#[async_trait]
impl TemplateStore for NoTemplates {
    async fn insert_template(&self, _: &Template) -> Result<Template> {
        missing("templates", "templates")
    }

    async fn template(&self, _: &str) -> Result<Option<Template>> {
        Ok(None)
    }

    async fn templates(&self) -> Result<Vec<Template>> {
        Ok(Vec::new())
    }

    async fn update_template(&self, _: &Template) -> Result<Template> {
        missing("templates", "templates")
    }

    async fn remove_template(&self, _: &str) -> Result<()> {
        missing("templates", "templates")
    }
}

#[async_trait]
impl PriceStore for NoPrices {
    async fn prices(&self, _: Option<u64>) -> Result<Option<PriceList>> {
        Ok(None)
    }

    async fn add_prices(&self, _: &PriceList) -> Result<PriceList> {
        missing("price lists", "prices")
    }
}

#[async_trait]
impl RequestStore for NoRequests {
    async fn keep_request(&self, _: &PastRequest) -> Result<()> {
        Ok(())
    }

    async fn past_request(&self, _: &PodId) -> Result<Option<PastRequest>> {
        Ok(None)
    }

    async fn forget_requests(&self, _: Timestamp) -> Result<()> {
        Ok(())
    }
}
