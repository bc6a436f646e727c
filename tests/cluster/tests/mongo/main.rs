//! The server that the tests of `MongoStore` use: which it is, and that it comes back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[cfg(unix)]
mod choice;
#[cfg(unix)]
mod docker;

use neuropod_test_cluster::{MongoServer, skip};

#[test]
fn answers_and_comes_back_after_a_crash() {
    let server = match MongoServer::start() {
        Ok(server) => server,
        Err(error) if error.is_unavailable() => {
            skip("neuropod-test-cluster/mongo", &error.to_string());
            return;
        }
        Err(error) => panic!("{error}"),
    };
    assert!(server.answers());
    server.stop().unwrap();
    assert!(!server.answers(), "a server that was killed takes no connections");
    server.restart().unwrap();
    assert!(server.answers());
    server.restart().expect("nothing to do");
}
