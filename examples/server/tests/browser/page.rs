//! The dashboard as a user sees it: visible elements, clicks, input, and forbidden contents.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use data_encoding::BASE64;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::LIMIT;
use crate::chromium::Browser;
use crate::site::Site;

/// Keys in the notation of `WebDriver`.
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const ESCAPE: &str = "\u{e00c}";
pub(crate) const RIGHT: &str = "\u{e014}";
pub(crate) const SPACE: &str = " ";
const TAB: &str = "\u{e004}";

/// Runs in every page before its own scripts, and records violations of the policy and every `alert`.
const WATCH: &str = r"
    window.broken = [];
    addEventListener('securitypolicyviolation', (event) =>
        broken.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
    addEventListener('error', (event) => broken.push(`error: ${event.message}`));
    window.alert = (text) => broken.push(`alert: ${text}`);
";

/// Finds an element in the open dialog, or else in the page.
const FIND: &str = r"
    const place = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document;
    const seen = (node) => node.checkVisibility({ visibilityProperty: true }) && node.getClientRects().length > 0;
    const named = (node) => (node.ariaLabel ?? node.textContent).trim();
    const button = (name) => [...place.querySelectorAll('button, a')].find((node) => seen(node) && named(node) === name);
    const field = (name) => [...place.querySelectorAll(`[name='${name}'], [type='search']`)]
        .find((node) => seen(node) && (node.name === name || node.ariaLabel === name));
    const row = (name) => [...document.querySelectorAll('tbody')]
        .find((node) => node.querySelector('th strong')?.textContent === name);
";

/// A window with the dashboard of a site.
pub(crate) struct Page {
    pub(crate) browser: Browser,
    url: String,
    walk: &'static str,
    folder: tempfile::TempDir,
    pictures: std::cell::Cell<usize>,
    offline: std::cell::Cell<bool>,
}

impl Page {
    /// Opens the page in a new browser, in English, in light mode.
    pub(crate) async fn open(site: &Site, walk: &'static str) -> Self {
        Self::open_at(site.url(), walk).await
    }

    /// The same at a given address.
    pub(crate) async fn open_at(url: String, walk: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let browser = Browser::start(folder.path(), &[]).await;
        let page = Self {
            browser,
            url,
            walk,
            folder,
            pictures: 0.into(),
            offline: false.into(),
        };
        page.before_scripts(WATCH).await;
        page.size(1280, 900).await;
        page.browser
            .chromium(
                "Browser.grantPermissions",
                json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] }),
            )
            .await;
        page.browser.open(&page.url).await;
        page
    }

    /// Runs a script in each page opened from now on, before its own scripts.
    pub(crate) async fn before_scripts(&self, source: &str) {
        let parameters = json!({ "source": source });
        self.browser
            .chromium("Page.addScriptToEvaluateOnNewDocument", parameters)
            .await;
    }

    /// Sets the size of the page in CSS pixels; it may be smaller than a window can be.
    pub(crate) async fn size(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.browser
            .chromium("Emulation.setDeviceMetricsOverride", size)
            .await;
    }

    /// Makes the page as tall as its contents, so that a screenshot shows all of it.
    pub(crate) async fn size_of_all(&self, width: u32) {
        // Long pages must not be cut, and short ones need no more than a window.
        self.size(width, 900).await;
        let tall = "return document.documentElement.scrollHeight";
        let tall = self.run(tall, json!([])).await;
        let tall = tall.as_u64().and_then(|tall| u32::try_from(tall).ok());
        self.size(width, tall.unwrap_or_default().clamp(900, 16_000))
            .await;
    }

    /// The result of a function body, which may use the functions of [`FIND`].
    pub(crate) async fn run(&self, body: &str, arguments: Value) -> Value {
        self.browser.run(&format!("{FIND}{body}"), arguments).await
    }

    /// Waits until a function body returns something true, and returns that.
    pub(crate) async fn until(&self, what: &str, body: &str, arguments: Value) -> Value {
        let end = Instant::now() + LIMIT;
        loop {
            let value = self.run(body, arguments.clone()).await;
            if !(value.is_null() || value == false || value == "") {
                return value;
            }
            if Instant::now() > end {
                self.picture("failed").await;
                let text = self
                    .browser
                    .run("return document.body.innerText", json!([]))
                    .await;
                panic!("never: {what}; the page says:\n{}", text.as_str().unwrap());
            }
            sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// Clicks the button or link with this name, once it exists.
    pub(crate) async fn click(&self, name: &str) {
        let find = || self.until(name, "return button(arguments[0])", json!([name]));
        while !self.browser.clicks(&find().await).await {}
    }

    /// Fills the field with this name.
    pub(crate) async fn fill(&self, name: &str, text: &str) {
        let found = self
            .until(name, "return field(arguments[0])", json!([name]))
            .await;
        self.browser.fill(&found, text).await;
    }

    /// Chooses an option: the label of a radio button or of a checkbox.
    pub(crate) async fn choose(&self, name: &str, value: &str) {
        let body = "return place.querySelector(`input[name='${arguments[0]}'][value='${arguments[1]}']`)\
            ?.closest('label')";
        let found = self.until(value, body, json!([name, value])).await;
        self.browser.click(&found).await;
    }

    /// Waits until a text is visible, in the open dialog or on the page.
    pub(crate) async fn reads(&self, text: &str) {
        let body = "return (place.innerText ?? place.body.innerText).includes(arguments[0])";
        self.until(text, body, json!([text])).await;
    }

    /// Goes to a section of the page by its link.
    pub(crate) async fn go(&self, name: &str) {
        let link = self
            .until(
                name,
                "return document.querySelector(`nav a[href='#/${arguments[0]}']`)",
                json!([name]),
            )
            .await;
        self.browser.click(&link).await;
        let shown = "return document.querySelector('nav [aria-current]')?.hash === `#/${arguments[0]}` \
            && !document.querySelector('main > div > .muted[role=status]')";
        self.until(name, shown, json!([name])).await;
    }

    /// Waits until the pod with this name is in this state.
    pub(crate) async fn pod_is(&self, name: &str, status: &str) {
        let body = "return row(arguments[0])?.querySelector('.badge').textContent === arguments[1]";
        self.until(&format!("{name}: {status}"), body, json!([name, status]))
            .await;
    }

    /// Changes the user's pod without the page, like another program of theirs.
    pub(crate) async fn by_another_client(&self, verb: &str) {
        let body = "const headers = { authorization: `Bearer ${localStorage.getItem('neuropod.token')}` };
            return fetch('/api/pods', { headers })
                .then((answer) => answer.json())
                .then(({ data: [pod] }) =>
                    fetch(`/api/pods/${pod.podId}/${arguments[0]}`, { method: 'POST', headers }))
                .then(({ ok }) => ok)";
        assert_eq!(self.run(body, json!([verb])).await, true, "{verb}");
    }

    /// Waits until the dialog is closed.
    pub(crate) async fn dialog_is_closed(&self) {
        self.until(
            "the dialog closes",
            "return !document.querySelector('dialog')",
            json!([]),
        )
        .await;
    }

    /// Signs in by e-mail address.
    pub(crate) async fn sign_in(&self, email: &str) {
        self.fill("email", email).await;
        self.click("Sign in").await;
        self.until("the platform", "return document.querySelector('nav')", json!([]))
            .await;
    }

    /// The focused element: its name, and for a radio button or a checkbox its value.
    pub(crate) async fn focus(&self) -> String {
        let body = "const node = document.activeElement;
            const label = node.labels?.[0]?.textContent.trim();
            return node.name === 'gpu' ? node.value : label ?? named(node)";
        let name = self.run(body, json!([])).await;
        name.as_str().unwrap_or_default().to_owned()
    }

    /// Presses Tab until this element has the focus. An unreachable element does not exist for people without a
    /// mouse.
    pub(crate) async fn tab_to(&self, name: &str) {
        let mut passed = Vec::new();
        // More than any page has.
        for _ in 0..100 {
            self.browser.press(&[TAB]).await;
            let focus = self.focus().await;
            if focus == name {
                let ring = "return document.activeElement.matches(':focus-visible')";
                assert_eq!(self.run(ring, json!([])).await, true, "{name} shows no focus");
                return;
            }
            passed.push(focus);
        }
        panic!("Tab does not come to {name}, but to {passed:?}");
    }

    /// Types into the focused element.
    pub(crate) async fn type_text(&self, text: &str) {
        let keys: Vec<String> = text.chars().map(String::from).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        self.browser.press(&keys).await;
    }

    /// Saves a screenshot, and checks accessibility and overflow.
    pub(crate) async fn check(&self, name: &str, axe: &str) {
        self.picture(name).await;
        let wide =
            "const { scrollWidth, clientWidth } = document.documentElement; return scrollWidth - clientWidth";
        let surplus = self.browser.run(wide, json!([])).await;
        assert_eq!(surplus, 0, "{name}: the page scrolls sideways");
        let cells = "return [...document.querySelectorAll('td, th, dd')]
            .filter((cell) => seen(cell) && cell.scrollWidth > cell.clientWidth + 1)
            .filter((cell) => getComputedStyle(cell).overflowX === 'visible')
            .map((cell) => cell.textContent)";
        assert_eq!(
            self.run(cells, json!([])).await,
            json!([]),
            "{name}: text reaches into the next cell"
        );
        // Injected by the driver, because the policy of the page does not apply to it.
        if self.browser.run("return !window.axe", json!([])).await == true {
            self.browser.run(axe, json!([])).await;
        }
        let run = "return axe.run(document, { resultTypes: ['violations'], preload: false }).then(({ violations }) => violations
            .filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`))";
        let found = self.browser.run(run, json!([])).await;
        assert_eq!(found, json!([]), "{name}");
    }

    /// Saves a screenshot.
    pub(crate) async fn picture(&self, name: &str) {
        // Animations have ended, so that the same state gives the same screenshot.
        let done = "return document.getAnimations().every((each) => each.playState !== 'running' \
            || each.effect.getComputedTiming().iterations === Infinity)";
        let end = Instant::now() + LIMIT;
        while self.browser.run(done, json!([])).await != true && Instant::now() < end {
            sleep(std::time::Duration::from_millis(20)).await;
        }
        let number = self.pictures.get() + 1;
        self.pictures.set(number);
        let picture = BASE64.decode(self.browser.picture().await.as_bytes()).unwrap();
        let folder = artifacts();
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{}-{number:02}-{name}.png", self.walk));
        fs::write(file, picture).unwrap();
    }

    /// From now on failing requests are expected: the server will be away.
    pub(crate) fn expect_offline(&self) {
        self.offline.set(true);
    }

    /// Ends the test, after checking that no policy was violated, no script failed and the console has no
    /// error.
    pub(crate) async fn close(self) {
        let broken = self.browser.run("return broken", json!([])).await;
        assert_eq!(broken, json!([]), "the policy, or a script");
        let errors: Vec<_> = self
            .browser
            .console()
            .await
            .into_iter()
            .filter(|entry| entry["level"] == "SEVERE")
            // Expected 4xx replies are errors in the console, too, and so is an absent server.
            .filter(|entry| {
                let is_network = entry["source"] == "network"
                    || entry["message"]
                        .as_str()
                        .is_some_and(|text| text.contains("WebSocket"));
                let text = entry["message"].as_str().unwrap_or_default();
                !(is_network && (self.offline.get() || text.contains("status of 4")))
            })
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        self.browser.close().await;
        drop(self.folder);
    }
}

/// The folder for the screenshots of this run.
fn artifacts() -> PathBuf {
    if let Some(folder) = std::env::var_os("NEUROPOD_TEST_ARTIFACTS") {
        return folder.into();
    }
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().join("screenshots")
}
