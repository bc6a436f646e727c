//! A process that is killed repeatedly, and its successors that continue.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The address of the store, for the process to be killed.
const ADDRESS: &str = "NEUROPOD_TEST_STORE_ADDRESS";

/// The address of the store, if this is the process to be killed.
pub(crate) fn address() -> Option<String> {
    env::var(ADDRESS).ok()
}

/// The instructions of the parent for the process to be killed.
pub(crate) fn orders<T: DeserializeOwned>() -> T {
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

/// Sends a message to the parent. Data in the pipe survives this process.
pub(crate) fn report(what: &impl Serialize) {
    let line = serde_json::to_string(what).unwrap() + "\n";
    // In one write, so that nobody reads half of it.
    io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

/// Runs `test` in a separate process on the store at `address`, and kills it once it has sent this many
/// messages. Returns all of its messages.
pub(crate) fn killed_after<T: DeserializeOwned>(
    count: usize,
    test: &str,
    address: &str,
    orders: &impl Serialize,
) -> Vec<T> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(ADDRESS, address)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{}", serde_json::to_string(orders).unwrap()).unwrap();
    let mut messages = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // The test harness prints other lines, too.
        if !line.starts_with('{') {
            continue;
        }
        messages.push(serde_json::from_str(&line).unwrap());
        if messages.len() == count {
            // SIGKILL; data in the pipe can still be read.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(messages.len() >= count, "the process ended before it was killed");
    messages
}
