//! The account page of an owner: its balance and rate as they change, a statement of weeks, a low balance, and
//! a suspension.

use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use neuropod::clock::Clock;
use neuropod::money::billing::{Details, Draw, Hold, Period, Posting, PostingKind};
use neuropod::store::SqliteStore;
use neuropod::store::UserStore;
use neuropod::{Billing, Money, PodId, UserId};
use serde_json::{Value, json};

use crate::axe;
use crate::page::Page;
use crate::site::Site;

/// A clock that is set by hand.
struct SetClock(Mutex<Timestamp>);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// Creates the history of some weeks with two pods, which are deleted.
async fn weeks(folder: &Path, email: &str) {
    let clock = Arc::new(SetClock(Mutex::new(Timestamp::now())));
    let store = SqliteStore::open_with_clock(folder.join("neuropod.db"), clock.clone());
    let store = store.await.unwrap();
    let user = store.user_by_email(email).await.unwrap().unwrap().id;
    // At noon, so that no run continues into the next day.
    let noon = TimeZone::UTC.to_datetime(Timestamp::now()).date().at(12, 0, 0, 0);
    let today = TimeZone::UTC.to_timestamp(noon).unwrap();
    let days = SignedDuration::from_hours(24 * 20);
    let set = |time: Timestamp| *clock.0.lock().unwrap() = time;
    set(today - days);
    let paid = Posting::new(
        "payment-1",
        &user,
        PostingKind::Deposit,
        Money::from_cents(20_000),
    );
    store.post(&paid).await.unwrap();
    for (name, hourly, every) in [
        ("Entrenamiento de la red", 2_700_001, 24),
        ("notebook", 310_000, 36),
    ] {
        let pod = PodId::random();
        let details = Details {
            pod: Some(pod.clone()),
            pod_name: Some(name.into()),
            hourly: Some(Money::from_micros(hourly)),
            ..Details::default()
        };
        for run in 0..(24 * 20 / every) {
            let begin = today - days + SignedDuration::from_hours(run * every);
            let key = format!("{pod}:{run}");
            let hold = Hold {
                details: details.clone(),
                ..Hold::new(&key, &user, Money::from_micros(hourly))
            };
            set(begin);
            store.hold(&hold).await.unwrap();
            for minute in 0..7 {
                let from = begin + SignedDuration::from_mins(minute);
                let until = from + SignedDuration::from_mins(1);
                set(until);
                let draw = minute_of(&hold, minute, &user, Period { from, until });
                store.draw(&draw).await.unwrap();
            }
            store.release(&key).await.unwrap();
        }
    }
    let gift = Posting {
        details: Details {
            note: Some("Taller de noviembre".into()),
            ..Details::default()
        },
        ..Posting::new("gift", &user, PostingKind::Adjustment, Money::from_cents(2000))
    };
    store.post(&gift).await.unwrap();
    store.close().await;
}

fn minute_of(hold: &Hold, minute: i64, user: &UserId, period: Period) -> Draw {
    Draw {
        key: format!("{}:{minute}", hold.key),
        user: user.clone(),
        hold: Some(hold.key.clone()),
        amount: hold.amount.for_seconds(60),
        top_up: hold.amount,
        at_most: None,
        daily_cap: None,
        details: Details {
            period: Some(period),
            ..hold.details.clone()
        },
    }
}

/// The lines of every table with a total, and the total, in micro-euros as they are shown.
const ADDED: &str = r"
    const micros = (text) => Math.round(Number(text.replace(/[^\d.,\-−]/gu, '').replace('−', '-').replace(',', '')) * 1e6);
    return [...document.querySelectorAll('.statement table:has(tfoot)')].map((table) => {
        const amounts = [...table.querySelectorAll('td.number')].map((cell) => micros(cell.textContent));
        return [amounts.slice(0, -1).reduce((sum, amount) => sum + amount, 0), amounts.at(-1)];
    });
";

#[tokio::test]
async fn a_statement_of_weeks_adds_up_in_every_guise() {
    let Some(axe) = axe("a_statement_of_weeks_adds_up") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut site = Site::start(folder.path()).await;
    let page = Page::open(&site, "statement").await;
    page.expect_offline();
    page.sign_in("ana@example.com").await;
    site.kill().await;
    weeks(folder.path(), "ana@example.com").await;
    site.begin().await;
    page.browser.open(&site.url()).await;
    page.go("account").await;
    let from = (Timestamp::now() - SignedDuration::from_hours(24 * 21)).strftime("%Y-%m-%d");
    let set = "const from = document.querySelector('input[name=from]'); from.value = arguments[0]; \
        from.form.requestSubmit(); return true";
    page.run(set, json!([from.to_string()])).await;
    page.reads("Entrenamiento de la red").await;
    page.reads("Taller de noviembre").await;
    page.reads("7 min at €2.700001/h").await;
    let added = page.run(ADDED, json!([])).await;
    let added = added.as_array().unwrap();
    assert!(added.len() > 15, "{added:?}");
    for pair in added {
        assert_eq!(
            pair[0], pair[1],
            "the lines that are shown add up to the total: {added:?}"
        );
    }
    page.check("wide", &axe).await;
    let details = page
        .until(
            "a day",
            "return document.querySelectorAll('.day summary')[1]",
            json!([]),
        )
        .await;
    page.browser.click(&details).await;
    page.reads("Hold released").await;
    page.check("entries", &axe).await;
    // The saved file is the fetched one.
    let file = "window.kept = null; const create = URL.createObjectURL;
        URL.createObjectURL = (blob) => { blob.text().then((text) => { window.kept = text; }); return create(blob); };
        return true";
    page.run(file, json!([])).await;
    page.click("Download CSV").await;
    let csv = page.until("the file", "return kept", json!([])).await;
    let csv = csv.as_str().unwrap();
    assert!(
        csv.contains("Entrenamiento de la red") && csv.contains(",,end,"),
        "{csv}"
    );

    page.size(360, 740).await;
    page.check("narrow", &axe).await;
    page.click("Menu").await;
    page.click("Use dark theme").await;
    page.click("Español").await;
    page.click("Menú").await;
    page.go("account").await;
    page.run(set, json!([from.to_string()])).await;
    page.reads("Los días son en UTC").await;
    page.reads("Taller de noviembre").await;
    page.check("narrow-dark-es", &axe).await;
    page.size(1280, 900).await;
    page.check("wide-dark-es", &axe).await;
    page.close().await;
}

#[tokio::test]
async fn a_low_balance_and_a_suspension_are_shown_live_and_after_a_reload() {
    let Some(axe) = axe("money_that_runs_out_and_a_suspension") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start(folder.path()).await;
    let page = Page::open(&site, "standing").await;
    page.sign_in("ana@example.com").await;
    let head = "return document.querySelector('.side .balance').textContent";
    page.until(
        "the opening credit",
        &format!("{head}.includes('€10.00')"),
        json!([]),
    )
    .await;
    page.go("deploy").await;
    page.fill("name", "training").await;
    page.choose("deploymentType", "docker").await;
    page.fill("dockerImage", "quay.io/jupyter/base-notebook").await;
    page.choose("gpu", "rtx-4050").await;
    page.click("Deploy").await;
    page.pod_is("training", "Running").await;
    // Without a reload, as soon as it changes.
    let billed = format!("{head}.includes('/h now')");
    page.until("what is charged now", &billed, json!([])).await;
    let admin = admin(&page).await;
    let set_balance = json!(["/api/auth/users/balance", { "balance": 0.0 }]);
    administer(&page, &admin, &set_balance).await;
    page.until("the balance", &format!("{head}.includes('€0.00')"), json!([]))
        .await;
    let suspend = json!(["/api/auth/users/suspend", { "suspended": true }]);
    administer(&page, &admin, &suspend).await;
    page.reads("Your account is suspended").await;
    page.pod_is("training", "Stopped").await;
    page.go("pods").await;
    page.reads("Stopped because the account is suspended").await;
    page.check("suspended", &axe).await;
    page.browser.open(&site.url()).await;
    page.reads("Your account is suspended").await;
    let lift = json!(["/api/auth/users/suspend", { "suspended": false }]);
    administer(&page, &admin, &lift).await;
    let gone = "return !document.body.innerText.includes('Your account is suspended')";
    page.until("the suspension is lifted", gone, json!([])).await;
    page.close().await;
}

/// The token of an administrator, who signs in without the page.
async fn admin(page: &Page) -> Value {
    let body = "const headers = { 'content-type': 'application/json' };
        return fetch('/api/auth/mock-login', { method: 'POST', headers, body: '{\"email\":\"admin@example.com\"}' })
            .then((answer) => answer.json()).then(({ token }) => token)";
    page.run(body, json!([])).await
}

/// Changes the account of the signed-in user as an administrator.
async fn administer(page: &Page, token: &Value, what: &Value) {
    let body = "const [token, [path, body]] = arguments;
        const mine = { authorization: `Bearer ${localStorage.getItem('neuropod.token')}` };
        const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
        return fetch('/api/auth/me', { headers: mine }).then((answer) => answer.json())
            .then(({ user }) => fetch(path, { method: 'POST', headers, body: JSON.stringify({ userId: user.id, ...body }) }))
            .then(({ ok }) => ok)";
    assert_eq!(page.run(body, json!([token, what])).await, true, "{what}");
}
