//! The cost of the page: bytes, requests and time for a visitor on a slow line, and the processor time of a
//! page with many pods. Bytes and requests have limits; times depend on the machine and are only reported.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use neuropod_test_cluster::measured;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio::try_join;
use tokio_util::task::AbortOnDropHandle;

use crate::api::Api;
use crate::chromium::{Browser, client};
use crate::page::Page;
use crate::site::Site;
use crate::{LIMIT, axe};

/// The limit of a first visit, in bytes over the wire including headers.
const FIRST_VISIT: u64 = 80 * 1024;
/// Round trip in milliseconds, and bytes per second each way: 1.6 Mbit/s.
const SLOW: (u32, u32) = (150, 200_000);
const PODS: usize = 200;
const CHANGES: u32 = 100;
/// How long processor time is measured.
const WINDOW: Duration = Duration::from_secs(30);

/// Records when the page is usable, and the number of live messages.
const WITNESS: &str = r"
    const seen = setInterval(() => {
        if (!document.querySelector('form input, .pods tbody, .empty')) return;
        window.usableAt = performance.now();
        clearInterval(seen);
    }, 10);
    window.messages = 0;
    window.WebSocket = class extends WebSocket {
        constructor(...values) {
            super(...values);
            this.addEventListener('message', () => (window.messages += 1));
        }
    };
";

/// The cost of loading the page.
struct Visit {
    files: u64,
    calls: u64,
    bytes: u64,
    painted: u64,
    usable: u64,
}

impl fmt::Display for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            files,
            calls,
            bytes,
            painted,
            usable,
        } = self;
        write!(
            f,
            "{files} files and {calls} calls asked for, {bytes} bytes; painted after {painted} ms, usable after {usable} ms"
        )
    }
}

/// The cost of loading the open page.
async fn visit(browser: &Browser, wire: &Wire) -> Visit {
    let loaded = "const paint = performance.getEntriesByName('first-contentful-paint')[0];
        if (!paint || !window.usableAt) return null;
        // Resources from the cache of the browser are not counted.
        const asked = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
            .filter(({ transferSize }) => transferSize > 0);
        const calls = asked.filter(({ name }) => new URL(name).pathname.startsWith('/api/'));
        return [
            asked.length - calls.length,
            calls.length,
            paint.startTime,
            usableAt,
        ].map(Math.round)";
    let end = Instant::now() + LIMIT;
    loop {
        let found = browser.run(loaded, json!([])).await;
        if let Ok([files, calls, painted, usable]) = serde_json::from_value::<[u64; 4]>(found) {
            return Visit {
                files,
                calls,
                bytes: wire.received(),
                painted,
                usable,
            };
        }
        assert!(Instant::now() < end, "the page shows nothing");
        sleep(Duration::from_millis(50)).await;
    }
}

/// A proxy that counts every byte from the server.
struct Wire {
    port: u16,
    received: Arc<AtomicU64>,
    _forward: AbortOnDropHandle<()>,
}

impl Wire {
    async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::<AtomicU64>::default();
        let (server, count) = (server.to_owned(), Arc::clone(&received));
        let forward = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut browser, _)) = listener.accept().await {
                let (server, count) = (server.clone(), Arc::clone(&count));
                connections.spawn(async move {
                    let mut server = TcpStream::connect(server).await?;
                    let (mut from_browser, mut to_browser) = browser.split();
                    let (mut from_server, mut to_server) = server.split();
                    let answers = async {
                        let mut bytes = vec![0; 64 * 1024];
                        loop {
                            let length = from_server.read(&mut bytes).await?;
                            count.fetch_add(length as u64, Relaxed);
                            to_browser.write_all(&bytes[..length]).await?;
                            if length == 0 {
                                return to_browser.shutdown().await;
                            }
                        }
                    };
                    try_join!(copy(&mut from_browser, &mut to_server), answers)
                });
            }
        });
        Self {
            port,
            received,
            _forward: AbortOnDropHandle::new(forward),
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The bytes since the last time.
    fn received(&self) -> u64 {
        self.received.swap(0, Relaxed)
    }
}

#[tokio::test]
async fn a_visit_by_a_slow_line() {
    if axe("a_visit_by_a_slow_line").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start(folder.path()).await;
    let browser = Browser::start(folder.path(), &[]).await;
    let source = json!({ "source": WITNESS });
    browser
        .chromium("Page.addScriptToEvaluateOnNewDocument", source)
        .await;
    let wire = Wire::to(site.address()).await;
    let (latency, bytes) = SLOW;
    let line = json!({
        "offline": false, "latency": latency, "downloadThroughput": bytes, "uploadThroughput": bytes,
    });
    browser.chromium("Network.enable", json!({})).await;
    browser.chromium("Network.emulateNetworkConditions", line).await;

    warm_up(&site).await;
    browser.open(&wire.url()).await;
    let first = visit(&browser, &wire).await;
    measured(format_args!("page, first visit: {first}"));
    browser.reload().await;
    let again = visit(&browser, &wire).await;
    measured(format_args!("page, reload: {again}"));

    let api = Api::of(&site, "ana@example.com").await;
    let keep = "localStorage.setItem('neuropod.token', arguments[0])";
    browser.run(keep, json!([api.token])).await;
    browser.reload().await;
    let signed_in = visit(&browser, &wire).await;
    measured(format_args!("page, reload when signed in: {signed_in}"));
    browser.close().await;

    assert!(first.bytes <= FIRST_VISIT, "a first visit: {first}");
    assert!(first.files <= 5, "a first visit: {first}");
    // The page itself, to check whether it has changed.
    for visit in [again, signed_in] {
        assert!(visit.files <= 1, "a reload: {visit}");
    }
}

/// Requests the page once: a debug build compresses files on their first request, and slowly. A release build
/// does so when it starts.
async fn warm_up(site: &Site) {
    let client = client();
    let page = client.get(site.url()).send().await.unwrap().text().await.unwrap();
    for path in page.split('"').filter(|part| part.starts_with("/assets/")) {
        for encoding in ["br", "gzip"] {
            let request = client.get(format!("{}{path}", site.url()));
            let answer = request.header("accept-encoding", encoding).send().await.unwrap();
            assert_eq!(answer.headers()["content-encoding"], encoding, "{path}");
        }
    }
}

#[tokio::test]
async fn a_page_with_two_hundred_pods() {
    if axe("a_page_with_two_hundred_pods").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start(folder.path()).await;
    // An administrator has no spending limit.
    let email = "admin@example.com";
    let api = Api::of(&site, email).await;
    for number in 0..PODS {
        api.create(&format!("Pod {number}"), "cpu").await;
    }
    let pods = api.until_all_run(PODS).await;

    let page = Page::open(&site, "speed").await;
    page.before_scripts(WITNESS).await;
    page.sign_in(email).await;
    page.browser.reload().await;
    page.reads("200 running").await;
    let in_thread = json!({ "timeDomain": "threadTicks" });
    page.browser.chromium("Performance.enable", in_thread).await;
    page.picture("two-hundred").await;

    let before = Cost::so_far(&page).await;
    sleep(WINDOW).await;
    let rest = Cost::so_far(&page).await.since(&before);
    measured(format_args!("page, 200 pods at rest for {WINDOW:?}: {rest}"));

    let before = Cost::so_far(&page).await;
    let end = Instant::now() + WINDOW;
    for (change, pod) in (0..CHANGES).zip(pods.iter().take(PODS / 4).cycle()) {
        let verb = if change < CHANGES / 2 { "stop" } else { "start" };
        api.change(pod, verb).await;
        let left = (CHANGES - change).max(1);
        sleep(end.saturating_duration_since(Instant::now()) / left).await;
    }
    sleep(end.saturating_duration_since(Instant::now())).await;
    let busy = Cost::so_far(&page).await.since(&before);
    measured(format_args!(
        "page, 200 pods and {CHANGES} changes in {WINDOW:?}: {busy}"
    ));
    page.reads("200 running").await;
    page.close().await;
    // Costs count up by themselves: a message is at most about the account, once a second while its pods are charged.
    let most = WINDOW.as_secs();
    assert!(rest.messages <= most, "{rest}");
    // Not a promise of speed, but a change of one pod must not cause work for every pod.
    assert!(busy.task < WINDOW.as_secs_f64() / 2.0, "{busy}");
}

/// The processor time of the page's main thread in seconds, and the messages that it received.
struct Cost {
    task: f64,
    script: f64,
    layout: f64,
    messages: u64,
}

impl Cost {
    async fn so_far(page: &Page) -> Self {
        let answer = page.browser.chromium("Performance.getMetrics", json!({})).await;
        let value = |name: &str| {
            let metrics = answer["metrics"].as_array().unwrap();
            let found = metrics.iter().find(|metric| metric["name"] == name).unwrap();
            found["value"].as_f64().unwrap()
        };
        let messages = page.run("return messages", json!([])).await;
        Self {
            task: value("TaskDuration"),
            script: value("ScriptDuration"),
            layout: value("LayoutDuration") + value("RecalcStyleDuration"),
            messages: messages.as_u64().unwrap(),
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            task: self.task - before.task,
            script: self.script - before.script,
            layout: self.layout - before.layout,
            messages: self.messages - before.messages,
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            task,
            script,
            layout,
            messages,
        } = self;
        write!(
            f,
            "{task:.2} s of processor time ({script:.2} s scripts, {layout:.2} s styles and layout), {messages} messages"
        )
    }
}
