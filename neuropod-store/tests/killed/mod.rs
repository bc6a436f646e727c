//! A process that is killed again and again, and the next one that goes on.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where the store is, in the process that is to be killed.
const ADDRESS: &str = "NEUROPOD_TEST_STORE_ADDRESS";
/// How often it is killed.
pub(crate) const KILLS: u64 = 100;

/// The address of the store, where this is the process that is to be killed.
pub(crate) fn address() -> Option<String> {
    env::var(ADDRESS).ok()
}

/// What the parent tells the process that is to be killed.
pub(crate) fn orders<T: DeserializeOwned>() -> T {
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

/// Tells the parent. What is in the pipe survives this process.
pub(crate) fn tell(what: &impl Serialize) {
    let line = serde_json::to_string(what).unwrap() + "\n";
    // In one piece: nobody reads half of it.
    io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

/// Runs `test` in a process of its own on the store at `address`, and kills it when it has told something so many
/// times. Answers all that it has told.
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
    let mut told = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // The harness of the tests prints lines of its own.
        if !line.starts_with('{') {
            continue;
        }
        told.push(serde_json::from_str(&line).unwrap());
        if told.len() == count {
            // SIGKILL; what is in the pipe already is still read.
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(told.len() >= count, "the process ended before it was killed");
    told
}
