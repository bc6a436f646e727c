//! A network with a round trip: a TCP proxy on loopback that hands bytes on half a round trip later, each way.
//!
//! It sees only bytes, so TLS passes through. A connection to it is open at once, because the kernel accepts it; over a
//! network that takes a round trip, which is added to what the client sends first.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Larger than a TLS record.
const CHUNK: usize = 32 * 1024;

/// A proxy. It ends when it is dropped, with its listener; its connections end with those who have them.
pub(crate) struct Delay {
    port: u16,
    task: JoinHandle<()>,
}

impl Delay {
    /// A proxy for the server at this port of loopback.
    pub(crate) async fn start(server: u16, round_trip: Duration) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("listen")?;
        let port = listener.local_addr().context("the address of the proxy")?.port();
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, server));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server, round_trip));
            }
        });
        Ok(Self { port, task })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries bytes between a client and the server until both have closed. A connection that breaks is closed.
async fn carry(client: TcpStream, server: SocketAddr, round_trip: Duration) -> Result<()> {
    let accepted = Instant::now();
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let half = round_trip / 2;
    tokio::try_join!(
        pass(from_client, to_server, half, accepted + round_trip),
        pass(from_server, to_client, half, accepted),
    )?;
    Ok(())
}

/// Passes bytes on after `delay`; what is read before `open` counts as read then.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    delay: Duration,
    open: Instant,
) -> Result<()> {
    let (sender, mut due) = mpsc::unbounded_channel();
    let read = async move {
        loop {
            let mut chunk = vec![0; CHUNK];
            let count = from.read(&mut chunk).await?;
            chunk.truncate(count);
            let is_end = count == 0;
            // The other half ends only after an error, which ends this one too.
            if sender.send((Instant::now().max(open) + delay, chunk)).is_err() || is_end {
                return anyhow::Ok(());
            }
        }
    };
    let write = async move {
        while let Some((at, chunk)) = due.recv().await {
            sleep_until(at).await;
            if chunk.is_empty() {
                to.shutdown().await?;
                break;
            }
            to.write_all(&chunk).await?;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(read, write).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_arrive_a_round_trip_later_and_a_connection_takes_one_more() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = server.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = server.accept().await.unwrap();
            let (mut from, mut to) = stream.split();
            tokio::io::copy(&mut from, &mut to).await.unwrap();
        });
        let round_trip = Duration::from_millis(40);
        let delay = Delay::start(port, round_trip).await.unwrap();
        let started = Instant::now();
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, delay.port()))
            .await
            .unwrap();
        let mut byte = [7];
        for round_trips in [2, 3, 4] {
            stream.write_all(&byte).await.unwrap();
            stream.read_exact(&mut byte).await.unwrap();
            assert!(started.elapsed() >= round_trip * round_trips, "{round_trips}");
        }
        stream.shutdown().await.unwrap();
        assert_eq!(stream.read(&mut byte).await.unwrap(), 0);
    }
}
