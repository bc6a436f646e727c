//! Copies between stores that are lists, with every fault that a store can have.

use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::{Billing, Error, ErrorKind, Money, Result, UserId};
use serde_json::{Value, json};

use super::ends::{Source, Target};
use super::item::{Id, Item, Kind, to_tree};
use super::transfer::{check_free, compare, copy};
use crate::MemoryStore;
use crate::shape::stored::Stored;

type Records = Vec<(Kind, Item)>;

/// A store that is a list.
struct List {
    records: Records,
    /// What it has when the last kind is copied.
    later: Option<Records>,
}

impl List {
    fn new(records: Records) -> Self {
        Self { records, later: None }
    }
}

#[async_trait]
impl Source for List {
    fn records(&mut self, kind: Kind) -> BoxStream<'_, Result<Item>> {
        if kind == Kind::Audit
            && let Some(later) = self.later.take()
        {
            self.records = later;
        }
        let of_kind = self.records.iter().filter(move |(of, _)| *of == kind);
        stream::iter(of_kind.map(|(_, item)| Ok(item.clone()))).boxed()
    }

    async fn close(self: Box<Self>) {}
}

/// How a target goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// It loses one record.
    Loses,
    /// It changes one record.
    Changes,
    /// It has one record more.
    Adds,
    /// It fails at the last kind.
    Fails,
}

struct Faulty {
    fault: Fault,
    records: Mutex<Records>,
    is_unfinished: Mutex<bool>,
    billing: MemoryStore,
}

impl Faulty {
    fn new(fault: Fault) -> Self {
        Self {
            fault,
            records: Mutex::default(),
            is_unfinished: Mutex::default(),
            billing: MemoryStore::new(),
        }
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap()
    }

    fn is_half(&self) -> bool {
        *self.is_unfinished.lock().unwrap()
    }
}

#[async_trait]
impl Target for Faulty {
    async fn is_unfinished(&self) -> Result<bool> {
        Ok(self.is_half())
    }

    async fn count(&self, kind: Kind) -> Result<u64> {
        Ok(self.records().iter().filter(|(of, _)| *of == kind).count() as u64)
    }

    async fn begin(&self) -> Result<()> {
        if self.is_half() {
            self.records().clear();
        }
        *self.is_unfinished.lock().unwrap() = true;
        Ok(())
    }

    async fn write(&self, kind: Kind, mut items: Vec<Item>) -> Result<()> {
        assert!(self.is_half(), "nothing is written before the mark");
        if kind == Kind::Keys {
            match self.fault {
                Fault::None => {}
                Fault::Loses => drop(items.pop()),
                Fault::Changes => items[0].document = json!({ "kind": "other" }),
                Fault::Adds => items.push(key("more")),
                Fault::Fails => return Err(Error::new(ErrorKind::Unavailable, "the disk is full")),
            }
        }
        self.records().extend(items.into_iter().map(|item| (kind, item)));
        Ok(())
    }

    async fn find(&self, kind: Kind, ids: Vec<Id>) -> Result<Vec<Item>> {
        let records = self.records();
        let found = records
            .iter()
            .filter(|(of, item)| *of == kind && ids.contains(&item.id));
        Ok(found.map(|(_, item)| item.clone()).collect())
    }

    fn billing(&self) -> &dyn Billing {
        &self.billing
    }

    async fn finish(&self) -> Result<()> {
        *self.is_unfinished.lock().unwrap() = false;
        Ok(())
    }

    async fn close(self: Box<Self>) {}
}

fn key(name: &str) -> Item {
    Item {
        id: Id::text(name),
        document: json!({ "kind": "closed" }),
    }
}

/// More than one batch of keys, and a removed user.
fn records() -> Records {
    let keys = (0..1200).map(|number| (Kind::Keys, key(&format!("key {number}"))));
    let gone = Item {
        id: Id::text("gone"),
        document: Value::Null,
    };
    keys.chain([(Kind::RemovedUsers, gone)]).collect()
}

#[tokio::test]
async fn everything_is_copied_and_then_the_mark_goes() {
    let to = Faulty::new(Fault::None);
    check_free(&to).await.unwrap();
    let report = copy(&mut List::new(records()), &to).await.unwrap();
    let counts: Vec<_> = report
        .kinds
        .iter()
        .filter(|kind| kind.copied > 0)
        .map(|kind| (kind.name, kind.copied, kind.compared))
        .collect();
    assert_eq!(counts, [("deleted users", 1, 1), ("keys of money", 1200, 1200)]);
    assert!(!to.is_half());
    let error = check_free(&to).await.unwrap_err();
    let found = "(found: 1 deleted user, 1200 keys of money)";
    assert!(error.to_string().contains(found), "{error}");
}

#[tokio::test]
async fn a_target_that_goes_wrong_keeps_the_mark() {
    for (fault, expected) in [
        (Fault::Loses, "missing in the target (key of money: key 499)"),
        (
            Fault::Changes,
            "not the same in both stores (key of money: key 0)",
        ),
        (Fault::Adds, "the source has 1200 keys of money, the target 1203"),
        (Fault::Fails, "the disk is full"),
    ] {
        let mut to = Faulty::new(fault);
        for _ in 0..2 {
            let error = copy(&mut List::new(records()), &to).await.unwrap_err();
            assert!(error.to_string().contains(expected), "{fault:?}: {error}");
            assert!(to.is_half());
            check_free(&to).await.unwrap();
        }
        to.fault = Fault::None;
        copy(&mut List::new(records()), &to).await.unwrap();
        assert_eq!(to.records().len(), 1201, "{fault:?}: it begins anew");
    }
}

/// A record that is added, removed or changed during the copy, also where nothing else differs.
#[tokio::test]
async fn a_source_that_changes_is_found() {
    let mut removed = records();
    removed.remove(0);
    let mut added = records();
    added.push((Kind::Keys, key("new")));
    let mut changed = records();
    changed[5].1.document = json!({ "kind": "other" });
    for later in [removed, added, changed] {
        let mut from = List::new(records());
        from.later = Some(later);
        let to = Faulty::new(Fault::None);
        let error = copy(&mut from, &to).await.unwrap_err();
        assert_eq!(error.kind().code(), "conflict", "{error}");
        assert!(to.is_half());
    }
}

#[tokio::test]
async fn an_empty_source_leaves_no_mark() {
    let to = Faulty::new(Fault::None);
    let error = copy(&mut List::new(Vec::new()), &to).await.unwrap_err();
    assert_eq!(error.kind().code(), "not_found", "{error}");
    assert!(!to.is_half());
}

/// The sums are asked of the target as a platform asks, also where its records are all right.
#[tokio::test]
async fn sums_that_differ_are_found() {
    let (ana, books) = (UserId::new("ana"), MemoryStore::new());
    books.open(&ana, AccountKind::Prepaid).await.unwrap();
    books.deposit("first", &ana, Money::from_cents(1)).await.unwrap();
    let account = json!({
        "kind": "prepaid", "available": 10_000, "held": 0, "spent": null, "lastEntry": 1,
    });
    let account = Item {
        id: Id::text("ana"),
        document: account,
    };
    let mut records = vec![(Kind::Accounts, account)];
    for entry in books.all_entries(&ana).await.unwrap() {
        let id = Id {
            text: "ana".into(),
            number: 1,
        };
        let document = to_tree(&entry.to_shape()).unwrap();
        records.push((Kind::Entries, Item { id, document }));
    }
    let mut to = Faulty::new(Fault::None);
    to.records.get_mut().unwrap().clone_from(&records);
    let mut from = List::new(records);
    to.billing.open(&ana, AccountKind::Prepaid).await.unwrap();
    let error = compare(&mut from, &to, None).await.unwrap_err();
    assert!(error.to_string().contains("(account: ana)"), "{error}");
    to.billing
        .deposit("half", &ana, Money::from_micros(5000))
        .await
        .unwrap();
    to.billing
        .deposit("rest", &ana, Money::from_micros(5000))
        .await
        .unwrap();
    let error = compare(&mut from, &to, None).await.unwrap_err();
    assert!(
        error.to_string().contains("(account: ana)"),
        "the number of entries: {error}"
    );
    to.billing = books;
    let report = compare(&mut from, &to, None).await.unwrap();
    assert_eq!((report.available, report.unbalanced), (Money::from_cents(1), 0));
}

/// A copy may run in a task.
#[tokio::test]
async fn a_copy_can_be_sent() {
    let task = tokio::spawn(async {
        let (mut from, to) = (List::new(records()), Faulty::new(Fault::None));
        copy(&mut from, &to).await.map(drop)
    });
    task.await.unwrap().unwrap();
}
