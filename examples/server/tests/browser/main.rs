//! The dashboard in a real browser, against the server as a process: what people do with it, from signing in to
//! deleting a pod, and what may never happen to them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod administrator;
mod client;
mod driver;
mod guises;
mod page;
mod site;

use neuropod_test_cluster::skip;

/// The script that finds what is not accessible; `None`, and a note, where no browser is to be had.
fn axe(test: &str) -> Option<String> {
    match neuropod_test_cluster::axe() {
        Ok(script) => Some(script),
        Err(error) if error.is_unavailable() => {
            skip(&format!("browser/{test}"), &error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}
