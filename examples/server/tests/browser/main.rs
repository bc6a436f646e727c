//! The dashboard in a real browser, against the server as a process: what people do with it, from signing in to
//! deleting a pod, and what may never happen to them.
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

/// How long anything may take here: two cores and other tests beside these.
const LIMIT: Duration = Duration::from_secs(30);

/// The script that finds what is not accessible; `None`, and a note, where no browser is to be had.
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
