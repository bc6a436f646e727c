//! Our own server for the tests of `MongoStore`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use neuropod_test_cluster::{MongoServer, skip};

/// Sends the command `hello` like a MongoDB client (`OP_MSG`), and returns whether the reply is valid.
fn says_hello(uri: &str) -> std::io::Result<bool> {
    let address = uri.trim_start_matches("mongodb://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    // {hello: 1, $db: "admin"} in BSON.
    let document = b"\x1f\x00\x00\x00\x10hello\x00\x01\x00\x00\x00\x02$db\x00\x06\x00\x00\x00admin\x00\x00";
    let mut message = Vec::new();
    for number in [16 + 5 + 31_u32, 1, 0, 2013, 0] {
        message.extend(number.to_le_bytes());
    }
    message.push(0);
    message.extend(document);
    stream.write_all(&message)?;
    let mut header = [0; 16];
    stream.read_exact(&mut header)?;
    // The second number is ours, the third is that of the request, the fourth is the kind of message.
    Ok(header[8..16] == [1, 0, 0, 0, 0xdd, 0x07, 0, 0])
}

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
    assert!(says_hello(&server.uri()).unwrap());
    server.stop();
    says_hello(&server.uri()).expect_err("a server that was killed takes no connections");
    server.restart().unwrap();
    assert!(says_hello(&server.uri()).unwrap());
}
