//! The page in its variants (Spanish, dark, on a phone), and texts of other people, which stay text.

use serde_json::{Value, json};

use crate::axe;
use crate::page::{ESCAPE, Page};
use crate::site::Site;

const HTML: &str = "<img src=x onerror=alert(1)>";

/// The output of a program: markup, a script, and a line with cursor movement and colours.
const LOG: &str = r"
    const really = window.fetch;
    window.fetch = (address, options) => String(address).includes('/logs')
        ? Promise.resolve(new Response('<script>alert(2)</script>\n\u001b[31m<b>red</b>\u001b[0m\n<img src=x onerror=alert(3)>\n'))
        : really(address, options);
";

#[tokio::test]
async fn user_input_stays_text() {
    let Some(axe) = axe("user_input_stays_text") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start(folder.path()).await;
    let page = Page::open(&site, "text").await;
    page.sign_in("eva@example.com").await;
    page.run(LOG, json!([])).await;
    page.go("deploy").await;
    deploy(&page, HTML).await;
    page.pod_is(HTML, "Running").await;
    page.check("pod", &axe).await;
    page.click(&format!("Connect: {HTML}")).await;
    page.reads(HTML).await;
    page.check("connection", &axe).await;
    page.click("Close").await;
    page.click(&format!("Logs: {HTML}")).await;
    for line in [
        "<script>alert(2)</script>",
        "<b>red</b>",
        "<img src=x onerror=alert(3)>",
    ] {
        page.reads(line).await;
    }
    page.check("logs", &axe).await;
    page.click("Close").await;
    page.click(&format!("Delete: {HTML}")).await;
    page.click("Delete").await;
    page.dialog_is_closed().await;
    page.reads("There are no pods.").await;
    // None of it became an element; `close` detects anything that would have run.
    let made = "return document.querySelectorAll('img:not([src=\"/icon.svg\"]), .log b, body script').length";
    assert_eq!(page.run(made, json!([])).await, 0);
    page.close().await;
}

#[tokio::test]
async fn spanish_dark_and_narrow() {
    let Some(axe) = axe("spanish_dark_and_narrow") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start(folder.path()).await;
    let page = Page::open(&site, "narrow").await;
    // An administrator has all views, and their own pods.
    page.sign_in("admin@example.com").await;
    page.go("deploy").await;
    deploy(&page, "Entrenamiento de la red").await;
    page.pod_is("Entrenamiento de la red", "Running").await;
    page.click("Use dark theme").await;
    page.check("wide-dark", &axe).await;
    page.click("Español").await;
    page.until(
        "Spanish",
        "return document.documentElement.lang === 'es'",
        json!([]),
    )
    .await;
    page.size(360, 740).await;
    for view in [
        "pods",
        "deploy",
        "account",
        "all-pods",
        "inventory",
        "users",
        "templates",
        "prices",
        "audit",
    ] {
        page.click("Menú").await;
        if view == "pods" {
            page.check("menu", &axe).await;
        }
        page.go(view).await;
        page.check(view, &axe).await;
    }
    page.click("Menú").await;
    page.go("pods").await;
    dialogs(&page, &axe).await;
    // The choices survive a reload.
    page.browser.open(&site.url()).await;
    let kept =
        "return document.documentElement.lang === 'es' && document.documentElement.dataset.theme === 'dark'";
    page.until("the choices are kept", kept, json!([])).await;
    page.close().await;
}

/// Every dialog of a pod, by the buttons in its row.
async fn dialogs(page: &Page, axe: &str) {
    let named = "return [...document.querySelectorAll('.row-actions button')].filter(seen).map(named)";
    let buttons: Value = page.until("the actions", named, json!([])).await;
    let buttons = buttons.as_array().unwrap();
    assert_eq!(buttons.len(), 5, "{buttons:?}");
    for (button, picture) in buttons
        .iter()
        .zip(["connection", "logs", "stop", "restart", "delete"])
    {
        page.click(button.as_str().unwrap()).await;
        let shown = "return place !== document && !place.querySelector('div > .muted[role=status]')";
        page.until(picture, shown, json!([])).await;
        page.check(picture, axe).await;
        let fits =
            "const box = place.getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth";
        assert_eq!(page.run(fits, json!([])).await, true, "{picture} fits");
        page.browser.press(&[ESCAPE]).await;
        page.dialog_is_closed().await;
    }
}

/// Deploys a Jupyter server with the form.
async fn deploy(page: &Page, name: &str) {
    page.fill("name", name).await;
    page.choose("deploymentType", "docker").await;
    page.fill("dockerImage", "quay.io/jupyter/base-notebook").await;
    page.choose("gpu", "cpu").await;
    page.click("Deploy").await;
}
