//! What a platform sees of a store, and that it can go on with it.

use jiff::Timestamp;
use neuropod_core::money::billing::{Balance, EntryOptions};
use neuropod_core::money::{BillingExt, LedgerEntry, LedgerFolding};
use neuropod_core::store::audit::{AuditEntry, AuditLog, AuditOptions};
use neuropod_core::store::{ListOptions, PastRequest, Store};
use neuropod_core::user::Identity;
use neuropod_core::{Billing, Money, Pod, PriceList, Template, User, UserId};

use crate::failure::failed;
use crate::filled::{ODD, berta, charged_pod, minute};
use crate::layout_1::{ANA, moment, requests};

/// Everything in a store.
#[derive(Debug, PartialEq)]
pub(crate) struct Picture {
    pods: Vec<Pod>,
    on_volume: Vec<Pod>,
    counted: u64,
    users: Vec<User>,
    found: [Option<User>; 3],
    removed: [bool; 2],
    templates: Vec<Template>,
    prices: Vec<Option<PriceList>>,
    requests: Vec<Option<PastRequest>>,
    audit: Vec<AuditEntry>,
    found_in_audit: usize,
    accounts: Vec<(Balance, Vec<LedgerEntry>)>,
}

impl Picture {
    pub(crate) async fn of<S: Store + Billing + AuditLog>(store: &S) -> Self {
        let all = ListOptions::default().with_deleted();
        let on_volume = all.clone().with_owner(berta()).with_volume("volume-of-berta");
        let identity = Identity::new("https://id.example.com", ODD);
        let mut prices = Vec::new();
        for version in [None, Some(1), Some(2), Some(3)] {
            prices.push(store.prices(version).await.unwrap());
        }
        let mut past = Vec::new();
        for request in requests() {
            past.push(store.past_request(&request.id).await.unwrap());
        }
        let mut accounts = Vec::new();
        for user in [UserId::new(ANA), UserId::new("root"), berta()] {
            let balance = store.balance(&user).await.unwrap();
            accounts.push((balance, store.all_entries(&user).await.unwrap()));
        }
        let of_root = AuditOptions {
            who: Some("ROOT@example.com".into()),
            ..AuditOptions::default()
        };
        Self {
            pods: store.list(&all).await.unwrap().pods,
            on_volume: store.list(&on_volume).await.unwrap().pods,
            counted: store.count(&berta()).await.unwrap(),
            users: store.users().await.unwrap(),
            found: [
                store.user_by_email("ana@EXAMPLE.com").await.unwrap(),
                store.user_by_identity(&identity).await.unwrap(),
                store.user(&UserId::new("gone")).await.unwrap(),
            ],
            removed: [
                store.was_removed(&UserId::new("gone")).await.unwrap(),
                store.was_removed(&berta()).await.unwrap(),
            ],
            templates: store.templates().await.unwrap(),
            prices,
            requests: past,
            audit: store.page(&AuditOptions::default()).await.unwrap().entries,
            found_in_audit: store.page(&of_root).await.unwrap().entries.len(),
            accounts,
        }
    }

    /// Checks that there is something of everything.
    pub(crate) fn check(&self) {
        assert_eq!((self.pods.len(), self.on_volume.len(), self.counted), (4, 2, 1));
        assert_eq!(self.users.len(), 3);
        assert!(self.found[..2].iter().all(Option::is_some) && self.found[2].is_none());
        assert_eq!(self.removed, [true, false]);
        assert_eq!(self.templates.len(), 2);
        let known: Vec<_> = self.prices.iter().map(Option::is_some).collect();
        assert_eq!(known, [true, true, true, false]);
        assert!(self.requests.iter().all(Option::is_some));
        assert_eq!((self.audit.len(), self.found_in_audit), (2, 2));
        for (place, (_, entries)) in self.accounts.iter().enumerate() {
            assert_eq!(entries.is_empty(), place == 1, "{entries:?}");
            let nameless = entries
                .iter()
                .find(|entry| entry.pod().is_some() && entry.details.pod_name.is_none());
            assert_eq!(nameless, None, "the names of old pods are known");
        }
    }
}

/// Checks that a platform goes on where it was: what was repeated counts once, and what is new counts.
pub(crate) async fn goes_on<S: Store + Billing + LedgerFolding>(store: &S) {
    let berta = berta();
    let payment = format!("payment {ODD}");
    let before = store.balance(&berta).await.unwrap();
    store
        .deposit(&payment, &berta, Money::from_cents(5000))
        .await
        .unwrap();
    failed(
        store.deposit(&payment, &berta, Money::from_cents(1)).await,
        "conflict",
        false,
    );
    let drawn = store.draw(&minute(20)).await.unwrap();
    assert_eq!(drawn.charged, minute(20).amount);
    failed(store.draw(&minute(3)).await, "invalid_state", false);
    failed(
        store
            .hold_amount("never held", &berta, Money::from_cents(1))
            .await,
        "invalid_state",
        false,
    );
    assert_eq!(
        store.balance(&berta).await.unwrap(),
        before,
        "nothing counts twice"
    );

    let last = store.all_entries(&berta).await.unwrap().pop().unwrap();
    store.draw(&minute(21)).await.unwrap();
    store.release(&format!("{}:0", charged_pod())).await.unwrap();
    store.deposit("new", &berta, Money::from_cents(1)).await.unwrap();
    let options = EntryOptions {
        after: last.number,
        ..EntryOptions::default()
    };
    let new = store.entries(&berta, &options).await.unwrap();
    let numbers: Vec<_> = new.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [last.number + 1, last.number + 2, last.number + 3]);
    assert_eq!(store.balance(&berta).await.unwrap().held, Money::ZERO);
    store.fold(Timestamp::MAX).await.unwrap();
    let entries = store.all_entries(&berta).await.unwrap();
    let total: Money = entries.iter().map(|entry| entry.amount).sum();
    assert_eq!(total, store.balance(&berta).await.unwrap().total());

    let ana = UserId::new(ANA);
    store.release("hold-1").await.unwrap();
    assert_eq!(store.balance(&ana).await.unwrap().held, Money::ZERO);
    let pod = store.get(&charged_pod()).await.unwrap().unwrap();
    let updated = store.update(&pod).await.unwrap();
    assert_eq!(updated.version, pod.version + 1);
    let twin = User {
        id: UserId::new("twin"),
        identity: None,
        ..store.user(&ana).await.unwrap().unwrap()
    };
    failed(store.insert_user(&twin).await, "already_exists", false);
    store.forget_requests(moment(1_000_000)).await.unwrap();
    assert_eq!(store.past_request(&requests()[0].id).await.unwrap(), None);
}
