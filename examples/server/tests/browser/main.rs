//! The dashboard in a real browser, against a separate server process: what people do, from signing in to
//! deleting a pod, and what must never happen.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod account;
mod administrator;
mod api;
#[path = "../common/chromium.rs"]
mod chromium;
mod client;
mod documentation;
mod first_minutes;
mod gallery;
mod guises;
mod list;
mod page;
#[path = "../common/program.rs"]
mod program;
mod site;
mod speed;

use std::fs;
use std::time::Duration;

use neuropod_test_cluster::{check_browser, npm_modules, skip};

/// The time limit of each step, for two cores shared with other tests.
const LIMIT: Duration = Duration::from_secs(30);

/// The accessibility checker; `None` and a note if there is no browser.
fn axe(test: &str) -> Option<String> {
    match check_browser().and_then(|()| npm_modules()) {
        Ok(modules) => Some(fs::read_to_string(modules.join("axe-core/axe.min.js")).unwrap()),
        Err(error) if error.is_unavailable() => {
            skip(&format!("browser/{test}"), &error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}
