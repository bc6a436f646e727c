//! Connections: taken, given up where nothing comes, and finished when the server stops.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Extension;
use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Layer;

use crate::connection::Connection;

/// How long a connection may take for the head of its next request. Longer than proxies keep idle connections for the
/// next request (nginx for one minute, cloudflared for one and a half), so that it is they who close them.
const SILENCE: Duration = Duration::from_mins(2);
/// How long requests that are under way may take when the server stops.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);
/// How soon a connection is taken again after one that could not be: those that end leave room for others.
const NO_ROOM: Duration = Duration::from_millis(100);

/// Serves until `stopping`, and finishes what is under way then.
///
/// What axum has for this sets no time for the head of a request: whoever connects and says nothing would stay for ever.
pub(crate) async fn serve(listener: TcpListener, router: Router, stopping: CancellationToken) {
    let connections = TaskTracker::new();
    while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                connections.spawn(converse(stream, peer, router.clone(), stopping.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection can't be taken");
                sleep(NO_ROOM).await;
            }
        }
    }
    drop(listener);
    connections.close();
    if timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::warn!("some connections were cut");
    }
}

/// Serves one connection.
async fn converse(stream: TcpStream, peer: SocketAddr, router: Router, stopping: CancellationToken) {
    // Live updates are small texts, each of which is to go at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection is gone already");
    }
    let service = TowerToHyperService::new(Extension(ConnectInfo(peer)).layer(router));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(SILENCE)
        .serve_connection(TokioIo::new(Connection::new(stream)), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let mut served = stopping.run_until_cancelled(connection.as_mut()).await;
    if served.is_none() {
        connection.as_mut().graceful_shutdown();
        served = Some(connection.await);
    }
    if let Some(Err(error)) = served {
        tracing::debug!(%error, "a connection broke off");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_connects_and_asks_for_nothing_is_hung_up_on() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || "hello"));
        tokio::spawn(serve(listener, router, CancellationToken::new()));
        let half = "GET / HTTP/1.1\r\nhost: x\r\n";
        let whole = &format!("{half}\r\n");
        for (said, answered) in [("", false), (half, false), (whole, true)] {
            let begun = Instant::now();
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            let mut heard = String::new();
            stream.read_to_string(&mut heard).await.unwrap();
            assert_eq!(heard.ends_with("hello"), answered, "{said:?}: {heard}");
            assert!(
                begun.elapsed() >= SILENCE && begun.elapsed() < SILENCE * 2,
                "{said:?}"
            );
        }
    }
}
