//! Asks a server whether it speaks the protocol of MongoDB.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

/// One attempt to reach a server that is near.
const LIMIT: Duration = Duration::from_secs(2);
/// `{hello: 1, $db: "admin"}` in BSON, after the flags and the kind of the section.
const COMMAND: &[u8] = b"\0\0\0\0\0\x1f\0\0\0\x10hello\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0";
/// The header of a message: its length, its number, the number of the message that it answers, its kind.
const HEADER: usize = 16;
/// The number of our message.
const NUMBER: u32 = 1;
/// The kind of all messages since MongoDB 3.6.
const OP_MSG: u32 = 2013;

/// Sends the command `hello` as a client does, and reads the head of the answer.
///
/// A connection alone says little: Docker's proxy accepts connections to a port whose server has not started yet.
pub(super) fn hello(address: impl ToSocketAddrs) -> io::Result<()> {
    let mut last = io::Error::other("the address has no host");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, LIMIT).and_then(ask) {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn ask(mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let length = u32::try_from(HEADER + COMMAND.len()).map_err(io::Error::other)?;
    let header = [length, NUMBER, 0, OP_MSG].map(u32::to_le_bytes);
    stream.write_all(&[header.as_flattened(), COMMAND].concat())?;
    let mut answer = [[0; 4]; 4];
    stream.read_exact(answer.as_flattened_mut())?;
    let [_, _, answered, kind] = answer.map(u32::from_le_bytes);
    if (answered, kind) == (NUMBER, OP_MSG) {
        Ok(())
    } else {
        Err(io::Error::other(
            "what answers does not speak the protocol of MongoDB",
        ))
    }
}
