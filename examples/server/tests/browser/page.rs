//! The dashboard as people have it before them: what can be seen, clicked, typed into, and what must never be there.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use data_encoding::BASE64;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::LIMIT;
use crate::chromium::Browser;
use crate::site::Site;

/// Keys, as `WebDriver` calls them.
pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const ESCAPE: &str = "\u{e00c}";
pub(crate) const RIGHT: &str = "\u{e014}";
pub(crate) const SPACE: &str = " ";
const TAB: &str = "\u{e004}";

/// Runs in every page before its own scripts: writes down what breaks the policy, and every `alert`.
const WATCH: &str = r"
    window.broken = [];
    addEventListener('securitypolicyviolation', (event) =>
        broken.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
    addEventListener('error', (event) => broken.push(`error: ${event.message}`));
    window.alert = (text) => broken.push(`alert: ${text}`);
";

/// What finds an element: the place to look in is the dialog that is open, else the page.
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
    /// Opens the page in a browser of its own, in English, and light.
    pub(crate) async fn open(site: &Site, walk: &'static str) -> Self {
        Self::open_at(site.url(), walk).await
    }

    /// The same, at an address that somebody has read.
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

    /// Runs a script in each page that is opened from now on, before those of the page.
    pub(crate) async fn before_scripts(&self, source: &str) {
        let parameters = json!({ "source": source });
        self.browser
            .chromium("Page.addScriptToEvaluateOnNewDocument", parameters)
            .await;
    }

    /// Sets the size of the page in CSS pixels; less than a window can have, too.
    pub(crate) async fn size(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.browser
            .chromium("Emulation.setDeviceMetricsOverride", size)
            .await;
    }

    /// Makes the page as tall as what is on it, so that a picture shows all of it.
    pub(crate) async fn size_of_all(&self, width: u32) {
        // What is long is not to be cut, and what is short needs no more than a window.
        self.size(width, 900).await;
        let tall = "return document.documentElement.scrollHeight";
        let tall = self.run(tall, json!([])).await;
        let tall = tall.as_u64().and_then(|tall| u32::try_from(tall).ok());
        self.size(width, tall.unwrap_or_default().clamp(900, 16_000))
            .await;
    }

    /// What a body of a function returns, which may use what [`FIND`] defines.
    pub(crate) async fn run(&self, body: &str, arguments: Value) -> Value {
        self.browser.run(&format!("{FIND}{body}"), arguments).await
    }

    /// Waits until the body of a function returns something true, and answers that.
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

    /// Clicks the button or link with this name, once it is there.
    pub(crate) async fn click(&self, name: &str) {
        let find = || self.until(name, "return button(arguments[0])", json!([name]));
        while !self.browser.clicks(&find().await).await {}
    }

    /// Fills the field that the form calls so.
    pub(crate) async fn fill(&self, name: &str, text: &str) {
        let found = self
            .until(name, "return field(arguments[0])", json!([name]))
            .await;
        self.browser.fill(&found, text).await;
    }

    /// Chooses one of several: the label of a radio button or of a checkbox.
    pub(crate) async fn choose(&self, name: &str, value: &str) {
        let body = "return place.querySelector(`input[name='${arguments[0]}'][value='${arguments[1]}']`)\
            ?.closest('label')";
        let found = self.until(value, body, json!([name, value])).await;
        self.browser.click(&found).await;
    }

    /// Waits until a text is to be seen, in the dialog that is open or on the page.
    pub(crate) async fn reads(&self, text: &str) {
        let body = "return (place.innerText ?? place.body.innerText).includes(arguments[0])";
        self.until(text, body, json!([text])).await;
    }

    /// Goes to a part of the page by its link.
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

    /// Changes the pod of who is signed in past the page, as another program of theirs does.
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

    /// What has the focus: its name, and for a radio button or a checkbox what it stands for.
    pub(crate) async fn focus(&self) -> String {
        let body = "const node = document.activeElement;
            const label = node.labels?.[0]?.textContent.trim();
            return node.name === 'gpu' ? node.value : label ?? named(node)";
        let name = self.run(body, json!([])).await;
        name.as_str().unwrap_or_default().to_owned()
    }

    /// Presses Tab until this has the focus; what can't be reached so does not exist for who has no mouse.
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

    /// Types where the focus is.
    pub(crate) async fn type_text(&self, text: &str) {
        let keys: Vec<String> = text.chars().map(String::from).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        self.browser.press(&keys).await;
    }

    /// Keeps a picture, and looks for what people with a screen reader or a keyboard can't use, and for overflow.
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
        // Injected by the driver, which the policy of the page does not hold back.
        if self.browser.run("return !window.axe", json!([])).await == true {
            self.browser.run(axe, json!([])).await;
        }
        let run = "return axe.run(document, { resultTypes: ['violations'], preload: false }).then(({ violations }) => violations
            .filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`))";
        let found = self.browser.run(run, json!([])).await;
        assert_eq!(found, json!([]), "{name}");
    }

    /// Keeps a picture of the page as it is.
    pub(crate) async fn picture(&self, name: &str) {
        // What fades in is there: the same state gives the same picture.
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

    /// From now on failing requests are no surprise: the server will be away.
    pub(crate) fn expect_offline(&self) {
        self.offline.set(true);
    }

    /// Ends, once nothing has broken the policy of the page, no script has failed and the console has no error.
    pub(crate) async fn close(self) {
        let broken = self.browser.run("return broken", json!([])).await;
        assert_eq!(broken, json!([]), "the policy, or a script");
        let errors: Vec<_> = self
            .browser
            .console()
            .await
            .into_iter()
            .filter(|entry| entry["level"] == "SEVERE")
            // The answers 4xx that were asked for are errors to the console, too; so is a server that is away.
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

/// The folder of the pictures of this run.
fn artifacts() -> PathBuf {
    if let Some(folder) = std::env::var_os("NEUROPOD_TEST_ARTIFACTS") {
        return folder.into();
    }
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().join("screenshots")
}
