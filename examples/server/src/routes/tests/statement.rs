//! Statements: by day and pod, and as CSV.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use futures::StreamExt;
use http::Method;
use neuropod::money::billing::{Draw, Drawn, EntryOptions, Hold, MAX_ENTRIES, Posting};
use neuropod::money::{AccountKind, Balance, BillingExt, LedgerEntry};
use neuropod::store::AuditLog;
use neuropod::store::MemoryStore;
use neuropod::{Billing, Error, ErrorKind, Money, Result, UserId};
use serde_json::{Value, json};

use crate::backends::Store;
use crate::test_api::{Api, config, secrets};

/// The sum of these amounts of a statement, in micro-euros.
fn micros<'a>(amounts: impl IntoIterator<Item = &'a Value>) -> i64 {
    let micros = |amount: &Value| {
        Money::from_decimal(&amount.as_f64().unwrap().to_string())
            .unwrap()
            .micros()
    };
    amounts.into_iter().map(micros).sum()
}

#[tokio::test(start_paused = true)]
async fn a_day_is_shown_by_pod_adds_up_and_keeps_the_names_of_pods_that_are_gone() {
    let api = Api::start(config()).await;
    let ana = api.sign_in("ana@example.com").await;
    let pod = api.create(&ana, "Año 1").await;
    api.until(&ana, &pod, "running").await;
    tokio::time::sleep(Duration::from_secs(1234)).await;
    let path = format!("/api/pods/{pod}");
    api.call(Method::DELETE, &path, &ana, None).await.expect(200);
    tokio::time::sleep(Duration::from_mins(10)).await;

    let statement = api.get("/api/account/statement", &ana).await.expect(200)["data"].clone();
    assert_eq!(statement["timeZone"], "UTC");
    let days = statement["days"].as_array().unwrap();
    for day in days {
        let lines = day["lines"].as_array().unwrap();
        assert_eq!(
            micros(lines.iter().map(|line| &line["amount"])),
            micros([&day["total"]]),
            "{day}"
        );
        let is_hold = lines
            .iter()
            .any(|line| line["kind"] == "hold" || line["kind"] == "release");
        assert!(!is_hold, "{day}");
    }
    let kinds = statement["kinds"].as_array().unwrap();
    let total = micros([&statement["total"]]);
    assert_eq!(micros(days.iter().map(|day| &day["total"])), total);
    assert_eq!(micros(kinds.iter().map(|kind| &kind["amount"])), total);
    let balance = api.get("/api/account/balance", &ana).await.expect(200)["data"].clone();
    assert_eq!(total, micros([&balance["balance"]]), "{statement} {balance}");

    let mut usage = days.iter().flat_map(|day| day["lines"].as_array().unwrap());
    let usage = usage.find(|line| line["kind"] == "usage").unwrap();
    assert_eq!(
        (&usage["podId"], &usage["podName"]),
        (&json!(pod), &json!("Año 1"))
    );
    assert_eq!(usage["usage"][0]["perHour"], 3.0);
    for entry in statement["entries"].as_array().unwrap().iter().skip(1) {
        assert_eq!(
            (&entry["podId"], &entry["podName"]),
            (&json!(pod), &json!("Año 1")),
            "{entry}"
        );
    }
    let csv = api.get("/api/account/statement.csv", &ana).await;
    let type_and_name =
        ["content-type", "content-disposition"].map(|name| csv.headers[name].to_str().unwrap());
    assert_eq!(
        type_and_name,
        [
            "text/csv; charset=utf-8; header=present",
            "attachment; filename=\"neuropod.csv\""
        ]
    );
    let rows: Vec<_> = csv.text.split("\r\n").collect();
    let entries = statement["entries"].as_array().unwrap();
    assert_eq!(rows.len(), entries.len() + 3, "head, entries, end, and nothing");
    assert!(
        rows[2].contains(&format!(",hold,{pod},Año 1,0.00,3.00,")),
        "{}",
        rows[2]
    );
    let end = format!(",,end,,,,,entries={} amountEur=", entries.len());
    assert!(
        rows[entries.len() + 1].starts_with(&end),
        "{}",
        rows[entries.len() + 1]
    );
}

#[tokio::test(start_paused = true)]
async fn a_range_has_all_that_it_names_and_one_that_is_none_is_refused() {
    let api = Api::start(config()).await;
    let ana = api.sign_in("ana@example.com").await;
    let entries = api.get("/api/account/statement", &ana).await.expect(200)["data"]["entries"].clone();
    let at: jiff::Timestamp = entries[0]["at"].as_str().unwrap().parse().unwrap();
    let second = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let count = async |query: String| {
        let statement = api.get(&format!("/api/account/statement?{query}"), &ana).await;
        statement.expect(200)["data"]["entries"].as_array().unwrap().len()
    };
    // The second in which it was booked, the minute, and the day.
    for end in [
        second.clone(),
        at.strftime("%Y-%m-%dT%H:%MZ").to_string(),
        second[..10].into(),
    ] {
        assert_eq!(count(format!("until={end}")).await, 1, "{end}");
        assert_eq!(count(format!("from={end}&until={end}")).await, 1, "{end}");
    }
    let before = (at - jiff::SignedDuration::from_secs(1)).strftime("%Y-%m-%dT%H:%M:%SZ");
    assert_eq!(count(format!("until={before}")).await, 0);
    for path in ["/api/account/statement", "/api/account/statement.csv"] {
        for wrong in [
            "from=yesterday",
            "until=2026-02-30",
            "from=2026-01-02&until=2026-01-01",
            "from=2026-01-01T00:00:01Z&until=2026-01-01T00:00:00Z",
        ] {
            let refused = api.get(&format!("{path}?{wrong}"), &ana).await.expect(400);
            assert_eq!(refused["code"], "invalid", "{path}?{wrong}");
        }
    }
    api.get("/api/account/statement?entries=1001", &ana)
        .await
        .expect(400);
    assert_eq!(count("entries=0".into()).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_long_statement_sums_all_and_shows_the_newest() {
    let api = Api::start(config()).await;
    let ana = api.sign_in("ana@example.com").await;
    let user = api.app.caller(&ana).await.unwrap().user.id;
    // With the opening credit these are four more than are shown.
    for number in 1..=1003 {
        let key = number.to_string();
        let paid = api.store.billing.deposit(&key, &user, Money::from_cents(1));
        paid.await.unwrap();
    }
    let statement = api
        .get("/api/account/statement?entries=1000", &ana)
        .await
        .expect(200);
    let entries = statement["data"]["entries"].as_array().unwrap();
    assert_eq!((entries.len(), &statement["data"]["omitted"]), (1000, &json!(4)));
    assert_eq!(entries.last().unwrap()["number"], 1004);
    assert_eq!(statement["data"]["total"], 20.03);
}

/// Billing whose pages are counted, and from a page on can't be read.
struct Counted {
    inner: MemoryStore,
    pages: AtomicUsize,
    fails_after: usize,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Billing for Counted {
    async fn open(&self, user: &UserId, kind: AccountKind) -> Result<()> {
        self.inner.open(user, kind).await
    }

    async fn balance(&self, user: &UserId) -> Result<Balance> {
        self.inner.balance(user).await
    }

    async fn post(&self, posting: &Posting) -> Result<()> {
        self.inner.post(posting).await
    }

    async fn hold(&self, hold: &Hold) -> Result<()> {
        self.inner.hold(hold).await
    }

    async fn draw(&self, draw: &Draw) -> Result<Drawn> {
        self.inner.draw(draw).await
    }

    async fn release(&self, key: &str) -> Result<()> {
        self.inner.release(key).await
    }

    async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<LedgerEntry>> {
        if self.pages.fetch_add(1, Ordering::Relaxed) >= self.fails_after {
            return Err(Error::new(ErrorKind::Unavailable, "the store is gone"));
        }
        self.inner.entries(user, options).await
    }
}

/// A server with an account of `entries` entries, whose CSV is on its way.
async fn csv_of(entries: usize, fails_after: usize) -> (Arc<Counted>, Body) {
    crate::tls::use_ring();
    let billing = Arc::new(Counted {
        inner: MemoryStore::new(),
        pages: AtomicUsize::new(0),
        fails_after,
    });
    let store = Store {
        pods: Arc::new(MemoryStore::new()) as Arc<dyn neuropod::store::Store>,
        billing: Arc::clone(&billing) as Arc<dyn Billing>,
        audit: Arc::new(MemoryStore::new()) as Arc<dyn AuditLog>,
        folding: None,
        hints: None,
    };
    let api = Api::with(
        config(),
        &secrets(),
        store,
        Arc::new(crate::test_api::simulated()),
    );
    let ana = api.sign_in("ana@example.com").await;
    let user = api.app.caller(&ana).await.unwrap().user.id;
    // The opening credit is the first.
    for number in 1..entries {
        let key = number.to_string();
        let paid = billing.inner.deposit(&key, &user, Money::from_cents(1));
        paid.await.unwrap();
    }
    let response = api.open("/api/account/statement.csv", &ana).await;
    assert_eq!(response.status(), 200);
    (billing, response.into_body())
}

#[tokio::test(start_paused = true)]
async fn a_csv_is_whole_and_no_more_than_a_page_of_it_is_in_memory() {
    const ENTRIES: usize = 100_000;
    let page = usize::try_from(MAX_ENTRIES).unwrap();
    let (billing, body) = csv_of(ENTRIES, usize::MAX).await;
    let mut chunks = body.into_data_stream();
    let (mut rows, mut taken, mut last) = (0, 0, String::new());
    while let Some(chunk) = chunks.next().await {
        let text = String::from_utf8(chunk.unwrap().to_vec()).unwrap();
        taken += 1;
        let lines = text.lines().count();
        // With the head.
        assert!(lines <= page + 1, "{lines} rows at once");
        let read = billing.pages.load(Ordering::Relaxed);
        assert!(
            read <= taken,
            "{read} pages were read when {taken} chunks were taken"
        );
        rows += lines;
        last = text;
    }
    assert_eq!(rows, ENTRIES + 2, "with head and end");
    assert_eq!(
        last,
        format!(",,end,,,,,entries={ENTRIES} amountEur=1009.99,\r\n")
    );
}

#[tokio::test(start_paused = true)]
async fn a_csv_that_breaks_off_is_known_by_its_connection_and_its_last_row() {
    let (_, body) = csv_of(5000, 3).await;
    let mut chunks = body.into_data_stream();
    let mut text = String::new();
    let broken = loop {
        match chunks.next().await.expect("it does not end as a whole one does") {
            Ok(chunk) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
            Err(error) => break error,
        }
    };
    assert!(broken.to_string().contains("the store is gone"), "{broken}");
    assert_eq!(text.lines().count(), 3001);
    assert!(!text.contains(",end,"), "{text}");
}
