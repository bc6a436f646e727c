//! Ports for servers.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
};

use crate::error::{IoContext, Result};

/// Ports that nobody listens on now. All are held until the last is found, so that they differ.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let find = || -> io::Result<[u16; N]> {
        let held = (0..N)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .collect::<io::Result<Vec<_>>>()?;
        let mut ports = [0; N];
        for (port, listener) in ports.iter_mut().zip(&held) {
            *port = listener.local_addr()?.port();
        }
        Ok(ports)
    };
    find().during("find free ports")
}
