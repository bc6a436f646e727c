//! The traits of stores: pods, users, templates, price lists, past requests. A platform only needs the store of
//! pods; each of the others may be left out or kept elsewhere.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::kind::Result;
use crate::id::{PodId, UserId};
use crate::money::amount::Money;
use crate::money::pricing::PriceList;
use crate::naming::Slug;
use crate::pod::record::Pod;
use crate::pod::template::Template;
use crate::user::profile::{Identity, User};

/// Keeps pods. A platform needs no other store; see [`Store`] for a store of everything.
///
/// Every document, of this and of the other traits here, has a version. An insert stores version 1, whatever
/// version is given. An update stores the next version if the given one is still the stored one, and returns
/// the document as stored. Texts are kept exactly, times at least to the millisecond. The suite
/// `conformance::store` (feature `conformance`) checks implementations, and each trait alone as well.
#[async_trait]
pub trait PodStore: Send + Sync + 'static {
    /// Stores a new pod and returns it as stored.
    ///
    /// # Errors
    /// `AlreadyExists`, with the context `field`: `id`, or `name` when its owner has a pod with this slug.
    async fn insert(&self, pod: &Pod) -> Result<Pod>;

    /// Returns the pod with this id.
    async fn get(&self, id: &PodId) -> Result<Option<Pod>>;

    /// Returns a page of pods, oldest first.
    ///
    /// # Errors
    /// `Invalid` when the limit is 0 or more than [`MAX_LIMIT`].
    async fn list(&self, options: &ListOptions) -> Result<Page>;

    /// Returns how many pods this user has, without deleted ones, and reads none of them.
    async fn count(&self, owner: &UserId) -> Result<u64>;

    /// Stores a changed pod and returns it as stored. Owner, slug and time of creation never change.
    ///
    /// # Errors
    /// `Conflict` when it was changed meanwhile; `NotFound` when it does not exist; `InvalidState`, with the context
    /// `field`, when it has another `owner`, `slug` or `createdAt`.
    async fn update(&self, pod: &Pod) -> Result<Pod>;

    /// Removes a pod. Removing one that does not exist succeeds.
    ///
    /// # Errors
    /// `Conflict` when it was changed since `version`.
    async fn remove(&self, id: &PodId, version: u64) -> Result<()>;
}

/// A store of everything that a platform keeps. Every type with all five traits implements it.
pub trait Store: PodStore + UserStore + TemplateStore + PriceStore + RequestStore {}

impl<S> Store for S where S: PodStore + UserStore + TemplateStore + PriceStore + RequestStore {}

/// Keeps users. A platform without this store knows no users: the application is responsible for their
/// identity, and every owner is a client.
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// Stores a new user and returns them as stored.
    ///
    /// # Errors
    /// `AlreadyExists`, with the context `field`: `id`, `email` or `identity`.
    async fn insert_user(&self, user: &User) -> Result<User>;

    /// Returns the user with this id.
    async fn user(&self, id: &UserId) -> Result<Option<User>>;

    /// Returns the user with this e-mail address, ignoring case (compared by [`str::to_lowercase`]).
    async fn user_by_email(&self, email: &str) -> Result<Option<User>>;

    /// Returns the user with this identity at the sign-in provider.
    async fn user_by_identity(&self, identity: &Identity) -> Result<Option<User>>;

    /// Returns all users, sorted by e-mail address in lower case.
    async fn users(&self) -> Result<Vec<User>>;

    /// Stores a changed user and returns them as stored.
    ///
    /// # Errors
    /// `Conflict` when they were changed meanwhile; `NotFound`; `AlreadyExists`, with the context `field`, when
    /// another user has the e-mail or the identity.
    async fn update_user(&self, user: &User) -> Result<User>;

    /// Removes a user. Removing one who does not exist succeeds. The store remembers the removal for good, see
    /// [`was_removed`](Self::was_removed).
    async fn remove_user(&self, id: &UserId) -> Result<()>;

    /// Whether a user with this id was removed and not stored again. A late request in their name is then refused. `false`
    /// for a user who was never stored.
    async fn was_removed(&self, id: &UserId) -> Result<bool>;
}

/// Keeps templates. A platform without this store has none.
#[async_trait]
pub trait TemplateStore: Send + Sync + 'static {
    /// Stores a new template and returns it as stored.
    ///
    /// # Errors
    /// `AlreadyExists`, with the context `field`: `id` or `name`.
    async fn insert_template(&self, template: &Template) -> Result<Template>;

    /// Returns the template with this id.
    async fn template(&self, id: &str) -> Result<Option<Template>>;

    /// Returns all templates, sorted by name in lower case.
    async fn templates(&self) -> Result<Vec<Template>>;

    /// Stores a changed template and returns it as stored.
    ///
    /// # Errors
    /// `Conflict` when it was changed meanwhile; `NotFound`; `AlreadyExists` when another one has the name.
    async fn update_template(&self, template: &Template) -> Result<Template>;

    /// Removes a template. Removing one that does not exist succeeds. Pods created from it stay.
    async fn remove_template(&self, id: &str) -> Result<()>;
}

/// Keeps all versions of the price list, so that each charge can be explained. A platform without this store uses the
/// prices that it was built with.
#[async_trait]
pub trait PriceStore: Send + Sync + 'static {
    /// Returns the price list of this version; `None`: the newest.
    async fn prices(&self, version: Option<u64>) -> Result<Option<PriceList>>;

    /// Stores a price list as the next version, if the given version is still the newest (0: no list is stored yet), and
    /// returns it as stored.
    ///
    /// # Errors
    /// `Conflict` when there is a newer one.
    async fn add_prices(&self, prices: &PriceList) -> Result<PriceList>;
}

/// Keeps the outcomes of requests with an idempotency key, once the record of their pod is removed. A platform without
/// this store forgets a key with the record of its pod.
#[async_trait]
pub trait RequestStore: Send + Sync + 'static {
    /// Stores a request, unless one with this id is stored already.
    async fn keep_request(&self, request: &PastRequest) -> Result<()>;

    /// Returns the request for the pod with this id.
    async fn past_request(&self, id: &PodId) -> Result<Option<PastRequest>>;

    /// Forgets all requests that were made before `time`.
    async fn forget_requests(&self, time: Timestamp) -> Result<()>;
}

/// A request with an idempotency key, and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PastRequest {
    /// The id of its pod, which is derived from the user and the key.
    pub id: PodId,
    /// A digest of the whole request.
    pub digest: String,
    /// The outcome.
    pub outcome: Outcome,
    /// The time of the request.
    pub created_at: Timestamp,
}

/// The outcome of a request whose pod no longer has a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Outcome {
    /// The pod was created, and deleted later.
    Deleted,
    /// The account could not pay for the first hour, in micro-euros.
    InsufficientFunds {
        /// The amount that was required.
        required: Money,
        /// The amount that was available.
        available: Money,
    },
    /// The user had no account.
    NoAccount,
}

/// The maximum number of pods in a page.
pub const MAX_LIMIT: u32 = 1000;

/// Selects a page of pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListOptions {
    /// Only pods of this user.
    pub owner: Option<UserId>,
    /// Only pods with this slug: of one user at most one. To be found by an index.
    pub slug: Option<Slug>,
    /// Only pods whose workspace volume has this name, in whichever namespace.
    pub volume: Option<String>,
    /// Only pods that may take their volume with them: deleted ones (with [`include_deleted`](Self::include_deleted)), and
    /// those with a [`volume_deletion`](Pod::volume_deletion).
    pub may_take_volume: bool,
    /// Also deleted pods that still have objects in the cluster.
    pub include_deleted: bool,
    /// Only pods after this place.
    pub after: Option<Cursor>,
    /// The maximum number of pods in the page; 1 to [`MAX_LIMIT`].
    pub limit: u32,
}

impl Default for ListOptions {
    fn default() -> Self {
        Self {
            owner: None,
            slug: None,
            volume: None,
            may_take_volume: false,
            include_deleted: false,
            after: None,
            limit: 100,
        }
    }
}

impl ListOptions {
    /// Only pods of this user.
    pub fn with_owner(mut self, owner: UserId) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Only pods with this slug.
    pub fn with_slug(mut self, slug: Slug) -> Self {
        self.slug = Some(slug);
        self
    }

    /// Only pods whose workspace volume has this name.
    pub fn with_volume(mut self, name: impl Into<String>) -> Self {
        self.volume = Some(name.into());
        self
    }

    /// Only pods that may take their volume with them.
    pub fn with_may_take_volume(mut self) -> Self {
        self.may_take_volume = true;
        self
    }

    /// Also deleted pods that still have objects in the cluster.
    pub fn with_deleted(mut self) -> Self {
        self.include_deleted = true;
        self
    }

    /// Only pods after this place.
    pub fn with_after(mut self, place: Cursor) -> Self {
        self.after = Some(place);
        self
    }

    /// At most so many pods; 1 to [`MAX_LIMIT`].
    pub fn with_limit(mut self, pods: u32) -> Self {
        self.limit = pods;
        self
    }
}

/// A place in the list of pods, which are sorted by creation and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cursor {
    /// The creation time of the last pod before this place.
    pub created_at: Timestamp,
    /// Its id.
    pub id: PodId,
}

/// A page of pods.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Page {
    /// The pods.
    pub pods: Vec<Pod>,
    /// The place where the next page begins; `None`: this is the last page.
    pub next: Option<Cursor>,
}

impl Page {
    /// These pods; the next page begins at `next`.
    pub fn new(pods: Vec<Pod>, next: Option<Cursor>) -> Self {
        Self { pods, next }
    }
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
        async fn count(&self, owner: &UserId) -> Result<u64>;
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
