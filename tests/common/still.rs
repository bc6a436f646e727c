//! Stores in a file and on a server, for tests with paused time: their clock would advance whenever everything waits for
//! the disk or for the server.

use std::convert::Infallible;
use std::sync::{Arc, LazyLock, mpsc};
use std::thread;

use async_trait::async_trait;
use jiff::Timestamp;
use neuropod::clock::Clock;
use neuropod::money::billing::{Draw, Drawn, EntryOptions, Hold, Posting};
use neuropod::money::{AccountKind, Balance, LedgerEntry};
use neuropod::store::{ListOptions, PriceStore, TemplateStore, UserStore};
use neuropod::store::{PostgresOptions, PostgresStore, SqliteStore};
use neuropod::user::Identity;
use neuropod::{Billing, Pod, PodId, PodStore, PriceList, Result, Template, User, UserId};
use neuropod_core::store::{Page, PastRequest, RequestStore};
use neuropod_test_cluster::PostgresServer;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A store whose calls take no simulated time.
pub(crate) struct StillStore<S> {
    store: S,
    place: Place,
}

/// What a store needs, and what goes with it.
#[allow(dead_code, reason = "dropped after the store")]
enum Place {
    File(TempDir),
    Server(Box<PostgresServer>),
}

/// The runtime of connections to servers, in which time passes.
static CONNECTIONS: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

impl StillStore<SqliteStore> {
    /// A store in a file in its own folder.
    pub(crate) async fn in_file(clock: Arc<dyn Clock>) -> Self {
        let _still = stand_still();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("neuropod.db");
        let store = SqliteStore::open_with_clock(path, clock).await.unwrap();
        let place = Place::File(folder);
        Self { store, place }
    }
}

impl StillStore<PostgresStore> {
    /// A store on a server of its own, which waits for the disk. Its calls are made one after the other.
    pub(crate) fn on_postgres(clock: Arc<dyn Clock>) -> Self {
        let server = thread::spawn(PostgresServer::start_durable)
            .join()
            .unwrap()
            .unwrap();
        let options = PostgresOptions::new(server.uri()).with_clock(clock);
        let store = block_on(PostgresStore::open_with(options)).unwrap();
        let place = Place::Server(Box::new(server));
        Self { store, place }
    }
}

/// Blocks this thread until a future of a connection has ended.
fn block_on<T: Send>(future: impl Future<Output = T> + Send) -> T {
    thread::scope(|scope| scope.spawn(|| CONNECTIONS.block_on(future)).join().unwrap())
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
        impl<S: $trait> $trait for StillStore<S> {
            $(async fn $name(&self, $($argument: $of),*) -> Result<$answer> {
                let call = $trait::$name(&self.store, $($argument),*);
                match &self.place {
                    Place::File(_) => {
                        let _still = stand_still();
                        call.await
                    }
                    Place::Server(_) => block_on(call),
                }
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
