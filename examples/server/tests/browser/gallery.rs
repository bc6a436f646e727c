//! The gallery of `--scenario`: every state and every failure, with its remedy.

use std::fs;
use std::path::Path;

use data_encoding::BASE64;
use serde_json::json;

use crate::axe;
use crate::page::Page;
use crate::site::Site;

/// The variants of the page: the name of the screenshot, the button that leads there from the previous one, and
/// the width.
const GUISES: [(&str, Option<&str>, u32); 8] = [
    ("en-light-wide", None, 1280),
    ("en-light-narrow", None, 360),
    ("en-dark-narrow", Some("Use dark theme"), 360),
    ("en-dark-wide", None, 1280),
    ("es-dark-wide", Some("Español"), 1280),
    ("es-dark-narrow", None, 360),
    ("es-light-narrow", Some("Usar tema claro"), 360),
    ("es-light-wide", None, 1280),
];

#[tokio::test]
async fn every_failure_shows_its_remedy_in_every_variant() {
    let Some(axe) = axe("every_failure_says_what_can_be_done_about_it") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start_with(folder.path(), &["--scenario", "all"]).await;
    let page = Page::open(&site, "gallery").await;
    page.sign_in("gallery@example.com").await;
    page.pod_is("running", "Running").await;
    for name in [
        "crash_loop",
        "no_gpu_free",
        "not_answering",
        "volume_deleted",
        "gave_up",
        "name_taken",
    ] {
        let has_reason =
            "return Boolean(row(arguments[0])?.querySelector('.reason:not([hidden]) strong')?.textContent)";
        page.until(name, has_reason, json!([name])).await;
    }
    for (guise, button, width) in GUISES {
        if let Some(button) = button {
            // On a narrow page it is in the menu.
            page.size(1280, 900).await;
            page.click(button).await;
        }
        let remedy = if guise.starts_with("es") {
            "Qué puedes hacer:"
        } else {
            "What you can do:"
        };
        let all = "const reasons = [...document.querySelectorAll('.reason')].filter(seen);
            return reasons.length > 20 && reasons.every((node) => node.textContent.includes(arguments[0]))";
        page.until(&format!("{guise}: {remedy}"), all, json!([remedy]))
            .await;
        page.size_of_all(width).await;
        page.check(guise, &axe).await;
    }
    page.close().await;
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing is left in the folder"
    );
}

#[tokio::test]
async fn suspended_users_and_users_without_money_see_it() {
    let Some(axe) = axe("suspended_users_and_users_without_money_see_it") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let site = Site::start_with(folder.path(), &["--scenario", "suspended,empty_account"]).await;
    let page = Page::open(&site, "gallery-accounts").await;
    page.sign_in("empty@example.com").await;
    page.pod_is("empty_account", "Stopped").await;
    page.click("Start: empty_account").await;
    page.reads("Insufficient funds").await;
    page.check("empty", &axe).await;
    page.click("Sign out").await;
    page.sign_in("suspended@example.com").await;
    page.pod_is("suspended", "Stopped").await;
    page.check("suspended", &axe).await;
    page.close().await;
}

/// The screenshot in the README. `NEUROPOD_TEST_README=1` updates it.
#[tokio::test]
async fn the_picture_of_the_readme() {
    if axe("the_picture_of_the_readme").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shown = "running,running_web,pulling_image,no_gpu_free,stopped";
    let site = Site::start_with(folder.path(), &["--scenario", shown]).await;
    let page = Page::open(&site, "readme").await;
    page.sign_in("gallery@example.com").await;
    page.pod_is("running", "Running").await;
    page.pod_is("running_web", "Running").await;
    page.reads("No GPU of this type is free").await;
    page.size(1200, 760).await;
    page.picture("dashboard").await;
    let picture = BASE64.decode(page.browser.picture().await.as_bytes()).unwrap();
    assert!(picture.len() < 150_000, "{} bytes", picture.len());
    if std::env::var_os("NEUROPOD_TEST_README").is_some() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/dashboard.png");
        fs::write(file, picture).unwrap();
    }
    page.close().await;
}
