//! The actions of a client.

use serde_json::json;

use crate::axe;
use crate::page::{ENTER, ESCAPE, Page, RIGHT};
use crate::site::Site;

/// An image of a Jupyter server that the simulated cluster knows.
const IMAGE: &str = "quay.io/jupyter/base-notebook";

#[tokio::test]
async fn a_pod_from_signing_in_to_its_end() {
    let Some(axe) = axe("a_pod_from_signing_in_to_its_end") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut site = Site::start(folder.path()).await;
    let page = Page::open(&site, "client").await;
    page.reads("Sign in").await;
    page.check("sign-in", &axe).await;
    page.sign_in("ana@example.com").await;
    page.reads("There are no pods.").await;
    page.check("no-pods", &axe).await;

    fill_in(&page, &axe).await;
    page.click("Deploy").await;
    page.pod_is("Training", "Starting").await;
    page.check("pod-starting", &axe).await;
    page.pod_is("Training", "Running").await;
    page.reads("cap €50.00 a day").await;
    page.check("pod-running", &axe).await;

    connect(&page, &axe).await;
    follow_the_log(&page, &axe).await;

    page.click("Stop: Training").await;
    page.reads("Anything that is not on the volume will be lost.")
        .await;
    page.check("stop", &axe).await;
    page.click("Stop").await;
    page.dialog_is_closed().await;
    page.pod_is("Training", "Stopped").await;
    page.click("Start: Training").await;
    page.pod_is("Training", "Running").await;

    page.expect_offline();
    site.kill().await;
    page.reads("No live connection").await;
    page.check("offline", &axe).await;
    site.begin().await;
    let online = "return !document.querySelector('.banner.warn:not([hidden])')";
    page.until("it is online again", online, json!([])).await;
    page.pod_is("Training", "Running").await;
    // From now on, changes show by themselves again.
    page.by_another_client("stop").await;
    page.pod_is("Training", "Stopped").await;
    page.by_another_client("start").await;
    page.pod_is("Training", "Running").await;
    page.go("account").await;
    page.reads("Cost by pod").await;
    page.reads("By day").await;
    page.check("account", &axe).await;
    page.go("pods").await;

    page.click("Delete: Training").await;
    page.reads("This can't be undone.").await;
    page.check("delete", &axe).await;
    page.click("Cancel").await;
    page.dialog_is_closed().await;
    page.pod_is("Training", "Running").await;
    page.click("Delete: Training").await;
    page.click("Delete").await;
    page.dialog_is_closed().await;
    page.reads("There are no pods.").await;
    page.click("Sign out").await;
    page.reads("Your GPU pods, in one place.").await;
    page.close().await;
}

/// Mistakes in the form are shown at their fields until they are corrected.
async fn fill_in(page: &Page, axe: &str) {
    page.go("deploy").await;
    // There is one template, and the cheapest GPU is free: both are preselected.
    let chosen = "return field('template').selectedOptions[0].value !== ''
        && field('ports').value === '8888' && field('volumeDiskSize').value === '20'
        && document.querySelector('[name=gpu]:checked')?.value === 'rtx-4050'";
    page.until("what is chosen already", chosen, json!([])).await;
    page.reads("Pod: 16 GB RAM · 4 CPUs").await;
    page.check("deploy-begin", axe).await;
    // Input is kept when another template is chosen.
    page.fill("ports", "9999").await;
    let again = "const template = field('template');
        template.dispatchEvent(new Event('change'));
        return field('ports').value";
    assert_eq!(page.run(again, json!([])).await, "9999");
    page.choose("deploymentType", "docker").await;
    page.reads("A whole day").await;
    page.check("deploy", axe).await;
    for (field, wrong) in [
        ("name", "---"),
        ("dockerImage", "Not An Image"),
        ("containerDiskSize", "0"),
        ("volumeDiskSize", "151"),
        ("ports", "8888, 8888"),
    ] {
        page.fill(field, wrong).await;
    }
    page.click("Deploy").await;
    for field in [
        "name",
        "dockerImage",
        "containerDiskSize",
        "volumeDiskSize",
        "ports",
    ] {
        let said = "return document.querySelector(`[data-field='${arguments[0]}'] .field-error:not([hidden])`)\
            ?.textContent";
        page.until(&format!("an error at {field}"), said, json!([field]))
            .await;
    }
    page.check("deploy-errors", axe).await;

    for (field, right) in [
        ("name", "Training"),
        ("dockerImage", IMAGE),
        ("containerDiskSize", "10"),
        ("volumeDiskSize", "20"),
        ("ports", "8888, 7860"),
    ] {
        page.fill(field, right).await;
    }
    page.choose("gpu", "rtx-4070").await;
    page.reads("€1.00/h").await;
    page.choose("gpu", "rtx-4050").await;
    page.reads("A whole day").await;
    // Corrected fields are no longer marked.
    let none = "return !document.querySelector('.field-error:not([hidden]), [aria-invalid], .summary:not([hidden])')";
    page.until("no error is left", none, json!([])).await;
    // An invalid cap is not ignored silently.
    page.fill("dailyCap", "fifty").await;
    page.click("Deploy").await;
    page.reads("Enter an amount with at most two decimals").await;
    page.fill("dailyCap", "50,00").await;
    page.picture("deploy-right").await;
}

/// The links open the right pages, and the token is shown only on request.
async fn connect(page: &Page, axe: &str) {
    page.click("Connect: Training").await;
    page.reads("port 7860").await;
    page.reads("Service 2").await;
    let link = "return place.querySelector('a[href*=token]')?.href";
    let link = page.until("a link with a token", link, json!([])).await;
    let (address, token) = link.as_str().unwrap().split_once("?token=").unwrap();
    assert!(address.starts_with("http://training-"), "{address}");
    let shown = page.run("return place.innerText", json!([])).await;
    assert!(
        shown.as_str().unwrap().contains(address.trim_end_matches('/')),
        "{shown}"
    );
    assert!(!shown.as_str().unwrap().contains(token), "the token, unasked");
    page.check("connection", axe).await;

    let copy = page
        .run("return [...place.querySelectorAll('button')].map(named).filter((name) => name.startsWith('Copy'))", json!([]))
        .await;
    for (name, copied) in [("Token", token), ("link", link.as_str().unwrap())] {
        let copies = copy.as_array().unwrap().iter().map(|each| each.as_str().unwrap());
        let button = copies.into_iter().find(|each| each.ends_with(name)).unwrap();
        page.click(button).await;
        let body = "return navigator.clipboard.readText().then((text) => text === arguments[0])";
        page.until(name, body, json!([copied])).await;
    }
    page.click("Show token").await;
    page.reads(token).await;
    page.click("Close").await;
    page.dialog_is_closed().await;
}

/// New lines appear by themselves, and the search finds texts in them.
async fn follow_the_log(page: &Page, axe: &str) {
    page.click("Logs: Training").await;
    page.reads("Live").await;
    page.reads("GET /api/kernels").await;
    let lines = "return document.querySelectorAll('.log .line').length";
    let before = page.run(lines, json!([])).await;
    let more = "return document.querySelectorAll('.log .line').length > arguments[0]";
    page.until("a new line, live", more, json!([before])).await;
    page.fill("Search the logs", "kernels").await;
    page.browser.press(&[ENTER]).await;
    page.until(
        "a match",
        "return place.querySelector('mark.current')?.textContent",
        json!([]),
    )
    .await;
    page.check("logs", axe).await;
    // The first clears the search, the second closes the dialog.
    page.browser.press(&[ESCAPE]).await;
    assert_eq!(
        page.run("return place.querySelectorAll('mark').length", json!([]))
            .await,
        0
    );
    page.browser.press(&[ESCAPE]).await;
    page.dialog_is_closed().await;
}

#[tokio::test]
async fn with_the_keyboard_alone() {
    if axe("with_the_keyboard_alone").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start(folder.path()).await;
    let page = Page::open(&site, "keyboard").await;
    page.tab_to("E-mail address").await;
    page.type_text("kim@example.com").await;
    page.browser.press(&[ENTER]).await;
    page.reads("There are no pods.").await;
    page.tab_to("Deploy pod").await;
    page.browser.press(&[ENTER]).await;
    page.reads("Deployment type").await;
    page.tab_to("Name").await;
    page.type_text("Keys").await;
    page.tab_to("Template").await;
    page.browser.press(&[RIGHT]).await;
    assert_eq!(page.focus().await, "Docker image");
    page.tab_to("Docker image").await;
    page.type_text(IMAGE).await;
    page.tab_to("rtx-4050").await;
    page.browser.press(&[RIGHT]).await;
    assert_eq!(page.focus().await, "rtx-4070");
    page.tab_to("HTTP ports").await;
    page.type_text("8888, 7861").await;
    page.picture("deploy").await;
    page.tab_to("Deploy").await;
    page.browser.press(&[ENTER]).await;
    page.pod_is("Keys", "Running").await;

    page.tab_to("Connect: Keys").await;
    page.browser.press(&[ENTER]).await;
    page.reads("port 7861").await;
    page.tab_to("Show token").await;
    page.browser.press(&[ENTER]).await;
    page.reads("Hide token").await;
    page.browser.press(&[ESCAPE]).await;
    page.dialog_is_closed().await;
    assert_eq!(page.focus().await, "Connect: Keys", "where one was before");
    page.tab_to("Stop: Keys").await;
    page.browser.press(&[ENTER]).await;
    page.reads("Anything that is not on the volume will be lost.")
        .await;
    assert_eq!(page.focus().await, "Cancel", "Enter must not stop a pod unread");
    page.tab_to("Stop").await;
    page.picture("stop").await;
    page.browser.press(&[ENTER]).await;
    page.pod_is("Keys", "Stopped").await;
    page.tab_to("Delete: Keys").await;
    page.browser.press(&[ENTER]).await;
    page.reads("This can't be undone.").await;
    page.tab_to("Delete").await;
    page.browser.press(&[ENTER]).await;
    page.reads("There are no pods.").await;
    assert_eq!(page.focus().await, "Pods", "what had the focus is gone");
    page.close().await;
}
