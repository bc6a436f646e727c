//! Ports for servers.

use std::{
    hash::{BuildHasher, RandomState},
    io,
    net::{Ipv4Addr, TcpListener},
    ops::Range,
};

use crate::error::{IoContext, Result};

/// Below the ephemeral ports of outgoing connections (32768 to 60999 on Linux, ip(7)), one of which could take
/// the port before its server does; and below Kubernetes' node ports.
const PORTS: Range<u16> = 15_000..30_000;
const ATTEMPTS: u32 = 100;

/// Free ports. All are held until the last one is found, so that they differ.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let find = || -> io::Result<[u16; N]> {
        let held = (0..N).map(|_| hold()).collect::<io::Result<Vec<_>>>()?;
        let mut ports = [0; N];
        for (port, listener) in ports.iter_mut().zip(&held) {
            *port = listener.local_addr()?.port();
        }
        Ok(ports)
    };
    find().during("find free ports")
}

fn hold() -> io::Result<TcpListener> {
    let random = RandomState::new();
    let mut result = Err(io::ErrorKind::AddrInUse.into());
    for attempt in 0..ATTEMPTS {
        let place = random.hash_one(attempt) % u64::from(PORTS.end - PORTS.start);
        let port = PORTS.start + u16::try_from(place).unwrap_or_default();
        result = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        if result.is_ok() {
            break;
        }
    }
    result
}
