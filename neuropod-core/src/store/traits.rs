//! The traits of stores: pods, users, templates, price lists, past requests. A platform needs the pods alone; each of the
//! others may be left out or kept elsewhere.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::kind::Result;
use crate::id::{PodId, UserId};
use crate::money::amount::Money;
use crate::money::pricing::PriceList;
use crate::pod::record::Pod;
use crate::pod::template::Template;
use crate::user::profile::{Identity, User};

/// Keeps pods. It is all that a platform needs to be given; see [`Store`] for a store of everything.
///
/// Every document, of this and of the other traits here, has a version. An insert stores version 1 whatever the document says; an update stores the next
/// one if the version given is still the stored one, and returns the document as stored. Any text is kept as it is,
/// and times to the millisecond at least. The suite `conformance::store` (feature `conformance`) says what an
/// implementation must do; it runs for each trait alone as well.
#[async_trait]
pub trait PodStore: Send + Sync + 'static {
    /// Stores a new pod and returns it as stored.
    ///
    /// # Errors
    /// `AlreadyExists`, with the context `field`: `id`, or `name` when its owner has a pod with this slug.
    async fn insert(&self, pod: &Pod) -> Result<Pod>;

    /// The pod with this id.
    async fn get(&self, id: &PodId) -> Result<Option<Pod>>;

    /// A page of pods, oldest first.
    ///
    /// # Errors
    /// `Invalid` when the limit is 0 or more than [`MAX_LIMIT`].
    async fn list(&self, options: &ListOptions) -> Result<Page>;

    /// Stores a changed pod and returns it as stored. Owner, slug and time of creation never change.
    ///
    /// # Errors
    /// `Conflict` when it was changed in between; `NotFound` when it is gone; `InvalidState`, with the context
    /// `field`, when it has another `owner`, `slug` or `createdAt`.
    async fn update(&self, pod: &Pod) -> Result<Pod>;

    /// Removes a pod; one that is gone already is fine.
    ///
    /// # Errors
    /// `Conflict` when it was changed since `version`.
    async fn remove(&self, id: &PodId, version: u64) -> Result<()>;
}

/// Everything that a platform keeps, in one store. Implemented for whatever implements all five traits.
pub trait Store: PodStore + UserStore + TemplateStore + PriceStore + RequestStore {}

impl<S> Store for S where S: PodStore + UserStore + TemplateStore + PriceStore + RequestStore {}

/// Keeps users. Without one the platform knows no users: the application is responsible for who they are, and every owner
/// is a client.
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// Stores a new user and returns them as stored.
    ///
    /// # Errors
    /// `AlreadyExists`, with the context `field`: `id`, `email` or `identity`.
    async fn insert_user(&self, user: &User) -> Result<User>;

    /// The user with this id.
    async fn user(&self, id: &UserId) -> Result<Option<User>>;

    /// The user with this e-mail address, in upper or lower case (as [`str::to_lowercase`] compares).
    async fn user_by_email(&self, email: &str) -> Result<Option<User>>;

    /// The user who is this person where they sign in.
    async fn user_by_identity(&self, identity: &Identity) -> Result<Option<User>>;

    /// All users, by e-mail address in lower case.
    async fn users(&self) -> Result<Vec<User>>;

    /// Stores a changed user and returns them as stored.
    ///
    /// # Errors
    /// `Conflict` when they were changed in between; `NotFound`; `AlreadyExists` when another one has the e-mail or the
    /// identity, with the context `field`.
    async fn update_user(&self, user: &User) -> Result<User>;

    /// Removes a user; one who is gone already is fine. The store remembers for good that there was one, see
    /// [`was_removed`](Self::was_removed).
    async fn remove_user(&self, id: &UserId) -> Result<()>;

    /// Whether there was a user with this id, who was removed and is not there again: whatever was asked for in their
    /// name and comes late is nobody's. A user who was never stored was not removed either.
    async fn was_removed(&self, id: &UserId) -> Result<bool>;
}

/// Keeps templates. Without one there are none.
#[async_trait]
pub trait TemplateStore: Send + Sync + 'static {
    /// Stores a new template and returns it as stored.
    ///
    /// # Errors
    /// `AlreadyExists`, with the context `field`: `id` or `name`.
    async fn insert_template(&self, template: &Template) -> Result<Template>;

    /// The template with this id.
    async fn template(&self, id: &str) -> Result<Option<Template>>;

    /// All templates, by name in lower case.
    async fn templates(&self) -> Result<Vec<Template>>;

    /// Stores a changed template and returns it as stored.
    ///
    /// # Errors
    /// `Conflict` when it was changed in between; `NotFound`; `AlreadyExists` when another one has the name.
    async fn update_template(&self, template: &Template) -> Result<Template>;

    /// Removes a template; one that is gone already is fine. Pods made from it stay.
    async fn remove_template(&self, id: &str) -> Result<()>;
}

/// Keeps price lists: every version that ever held, so that each charge can be explained. Without one the prices that the
/// platform was built with hold.
#[async_trait]
pub trait PriceStore: Send + Sync + 'static {
    /// The price list of this version, or the newest.
    async fn prices(&self, version: Option<u64>) -> Result<Option<PriceList>>;

    /// Stores a price list as the next version, if the version given is still the newest (0: there is none yet), and
    /// returns it as stored.
    ///
    /// # Errors
    /// `Conflict` when there is a newer one.
    async fn add_prices(&self, prices: &PriceList) -> Result<PriceList>;
}

/// Keeps the outcomes of requests with an idempotency key, once there is no record of their pod any more. Without one a key
/// is forgotten with the record of its pod.
#[async_trait]
pub trait RequestStore: Send + Sync + 'static {
    /// Keeps a request, unless there is one with this id already, which stays as it is.
    async fn keep_request(&self, request: &PastRequest) -> Result<()>;

    /// The request that was made for the pod with this id.
    async fn past_request(&self, id: &PodId) -> Result<Option<PastRequest>>;

    /// Forgets all requests that were made before `time`.
    async fn forget_requests(&self, time: Timestamp) -> Result<()>;
}

/// A request with an idempotency key, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PastRequest {
    /// The id of its pod, which follows from who asked and the key.
    pub id: PodId,
    /// A digest of all that was asked for.
    pub digest: String,
    /// What became of it.
    pub outcome: Outcome,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What became of a request of whose pod there is no record any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Outcome {
    /// Its pod was made, and deleted later.
    Deleted,
    /// The account could not pay for the first hour, in micro-euros.
    InsufficientFunds {
        /// What had to be available.
        required: Money,
        /// What was available.
        available: Money,
    },
    /// There was no account to pay from.
    NoAccount,
}

/// Most pods of a page.
pub const MAX_LIMIT: u32 = 1000;

/// Which pods, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListOptions {
    /// Only those of this user.
    pub owner: Option<UserId>,
    /// Those too that were deleted and of which something is still in the cluster.
    pub include_deleted: bool,
    /// Only those after this place.
    pub after: Option<Cursor>,
    /// At most so many; 1 to [`MAX_LIMIT`].
    pub limit: u32,
}

impl Default for ListOptions {
    fn default() -> Self {
        Self {
            owner: None,
            include_deleted: false,
            after: None,
            limit: 100,
        }
    }
}

/// A place in the list of pods, which are sorted by creation and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cursor {
    /// When the last pod before this place was created.
    pub created_at: Timestamp,
    /// Its id.
    pub id: PodId,
}

/// A page of pods.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The pods.
    pub pods: Vec<Pod>,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<Cursor>,
}

#[cfg(feature = "mock")]
mockall::mock! {
    /// A [`Store`] that returns what a test tells it to.
    pub PodStore {}

    #[async_trait]
    #[deny(clippy::missing_trait_methods)]
    impl PodStore for PodStore {
        async fn insert(&self, pod: &Pod) -> Result<Pod>;
        async fn get(&self, id: &PodId) -> Result<Option<Pod>>;
        async fn list(&self, options: &ListOptions) -> Result<Page>;
        async fn update(&self, pod: &Pod) -> Result<Pod>;
        async fn remove(&self, id: &PodId, version: u64) -> Result<()>;
    }

    #[async_trait]
    #[deny(clippy::missing_trait_methods)]
    impl UserStore for PodStore {
        async fn insert_user(&self, user: &User) -> Result<User>;
        async fn user(&self, id: &UserId) -> Result<Option<User>>;
        async fn user_by_email(&self, email: &str) -> Result<Option<User>>;
        async fn user_by_identity(&self, identity: &Identity) -> Result<Option<User>>;
        async fn users(&self) -> Result<Vec<User>>;
        async fn update_user(&self, user: &User) -> Result<User>;
        async fn remove_user(&self, id: &UserId) -> Result<()>;
        async fn was_removed(&self, id: &UserId) -> Result<bool>;
    }

    #[async_trait]
    #[deny(clippy::missing_trait_methods)]
    impl TemplateStore for PodStore {
        async fn insert_template(&self, template: &Template) -> Result<Template>;
        async fn template(&self, id: &str) -> Result<Option<Template>>;
        async fn templates(&self) -> Result<Vec<Template>>;
        async fn update_template(&self, template: &Template) -> Result<Template>;
        async fn remove_template(&self, id: &str) -> Result<()>;
    }

    #[async_trait]
    #[deny(clippy::missing_trait_methods)]
    impl PriceStore for PodStore {
        async fn prices(&self, version: Option<u64>) -> Result<Option<PriceList>>;
        async fn add_prices(&self, prices: &PriceList) -> Result<PriceList>;
    }

    #[async_trait]
    #[deny(clippy::missing_trait_methods)]
    impl RequestStore for PodStore {
        async fn keep_request(&self, request: &PastRequest) -> Result<()>;
        async fn past_request(&self, id: &PodId) -> Result<Option<PastRequest>>;
        async fn forget_requests(&self, time: Timestamp) -> Result<()>;
    }
}
