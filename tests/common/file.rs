//! A store in a file, for tests with paused time: their clock would advance whenever everything waits for the
//! disk.

use std::convert::Infallible;
use std::sync::{Arc, mpsc};

use async_trait::async_trait;
use jiff::Timestamp;
use neuropod::clock::Clock;
use neuropod::money::billing::{Draw, Drawn, EntryOptions, Hold, Posting};
use neuropod::money::{AccountKind, Balance, LedgerEntry};
use neuropod::store::SqliteStore;
use neuropod::store::{ListOptions, PriceStore, TemplateStore, UserStore};
use neuropod::user::Identity;
use neuropod::{Billing, Pod, PodId, PodStore, PriceList, Result, Template, User, UserId};
use neuropod_core::store::{Page, PastRequest, RequestStore};
use tempfile::TempDir;

/// A [`SqliteStore`] in its own folder, whose calls take no simulated time.
pub(crate) struct FileStore {
    store: SqliteStore,
    #[allow(dead_code, reason = "removed when it is dropped")]
    folder: TempDir,
}

impl FileStore {
    pub(crate) async fn new(clock: Arc<dyn Clock>) -> Self {
        let _still = stand_still();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("neuropod.db");
        let store = SqliteStore::open_with_clock(path, clock).await.unwrap();
        Self { store, folder }
    }
}

/// Stops time until the returned value is dropped: a paused clock does not advance while anything blocks a
/// thread.
fn stand_still() -> mpsc::Sender<Infallible> {
    let (held, dropped) = mpsc::channel::<Infallible>();
    // Nothing can be sent, so it ends when the other end is dropped.
    tokio::task::spawn_blocking(move || dropped.recv().is_err());
    held
}

/// Implements a trait by forwarding every method.
macro_rules! pass {
    ($trait:ident { $(fn $name:ident($($argument:ident: $of:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl $trait for FileStore {
            $(async fn $name(&self, $($argument: $of),*) -> Result<$answer> {
                let _still = stand_still();
                $trait::$name(&self.store, $($argument),*).await
            })*
        }
    };
}

pass!(PodStore {
    fn insert(pod: &Pod) -> Pod;
    fn get(id: &PodId) -> Option<Pod>;
    fn list(options: &ListOptions) -> Page;
    fn count(owner: &UserId) -> u64;
    fn update(pod: &Pod) -> Pod;
    fn remove(id: &PodId, version: u64) -> ();
});

pass!(UserStore {
    fn insert_user(user: &User) -> User;
    fn user(id: &UserId) -> Option<User>;
    fn user_by_email(email: &str) -> Option<User>;
    fn user_by_identity(identity: &Identity) -> Option<User>;
    fn users() -> Vec<User>;
    fn update_user(user: &User) -> User;
    fn remove_user(id: &UserId) -> ();
    fn was_removed(id: &UserId) -> bool;
});

pass!(TemplateStore {
    fn insert_template(template: &Template) -> Template;
    fn template(id: &str) -> Option<Template>;
    fn templates() -> Vec<Template>;
    fn update_template(template: &Template) -> Template;
    fn remove_template(id: &str) -> ();
});

pass!(PriceStore {
    fn prices(version: Option<u64>) -> Option<PriceList>;
    fn add_prices(prices: &PriceList) -> PriceList;
});

pass!(RequestStore {
    fn keep_request(request: &PastRequest) -> ();
    fn past_request(id: &PodId) -> Option<PastRequest>;
    fn forget_requests(time: Timestamp) -> ();
});

pass!(Billing {
    fn open(user: &UserId, kind: AccountKind) -> ();
    fn balance(user: &UserId) -> Balance;
    fn post(posting: &Posting) -> ();
    fn hold(hold: &Hold) -> ();
    fn draw(draw: &Draw) -> Drawn;
    fn release(key: &str) -> ();
    fn entries(user: &UserId, options: &EntryOptions) -> Vec<LedgerEntry>;
});
