//! Connections: accepting, closing idle ones, and finishing when the server stops.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::Connection;
use crate::door::{self, Door, MAX_HEAD};
use crate::waiting::Waiting;

/// The time limit for the head of the next request. Longer than proxies keep idle connections (nginx for one
/// minute, cloudflared for one and a half), so that the proxy closes them.
const SILENCE: Duration = Duration::from_mins(2);
/// The time limit for running requests when the server stops.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);
/// The pause after a failed accept: connections that end make room for others.
const NO_ROOM: Duration = Duration::from_millis(100);

/// Serves until `stopping`, and then finishes running requests.
///
/// axum's own function has no time limit for the head of a request: a client that connects and sends nothing
/// would stay for ever.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    waiting: Waiting,
    stopping: CancellationToken,
) {
    let connections = TaskTracker::new();
    while let Some(accepted) = stopping.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                let door = Door {
                    peer,
                    place: Arc::new(waiting.join(peer.ip())),
                };
                connections.spawn(converse(stream, door, router.clone(), stopping.clone()));
            }
            Err(error) => {
                // There may be too many connections: a waiting one is closed.
                let made_room = waiting.give_way();
                tracing::warn!(%error, made_room, "a connection can't be taken");
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
async fn converse(stream: TcpStream, door: Door, router: Router, stopping: CancellationToken) {
    // Live updates are small texts that should be sent at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection is gone already");
    }
    let place = Arc::clone(&door.place);
    let connection = Connection::new(stream, Arc::clone(&place));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(SILENCE)
        // A longer head gets the status 431.
        .max_buf_size(MAX_HEAD)
        .serve_connection(
            TokioIo::new(connection),
            service_fn(move |request| door::answer(door.clone(), router.clone(), request)),
        )
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = place.given_way() => return,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection broke off");
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    use super::*;
    use crate::connection::HEAD;

    async fn server(most: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/", get(async || "hello").post(async |body: String| body))
            .route(
                "/refuse",
                axum::routing::any(async || axum::http::StatusCode::UNAUTHORIZED),
            );
        tokio::spawn(serve(
            listener,
            router,
            Waiting::new(Some(most)),
            CancellationToken::new(),
        ));
        address
    }

    /// Sends this, and reads until the connection is closed.
    async fn say(address: SocketAddr, said: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let (mut reading, mut writing) = stream.split();
        let mut heard = Vec::new();
        // Writing fails once the server stops reading, but the answer is there all the same.
        let (_, read) = tokio::join!(writing.write_all(said), reading.read_to_end(&mut heard));
        read.unwrap();
        String::from_utf8(heard).unwrap()
    }

    const HALF: &str = "GET / HTTP/1.1\r\nhost: x\r\n";

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_closed() {
        let address = server(10).await;
        let whole = &format!("{HALF}\r\n");
        let twice = &format!("{HALF}\r\n{HALF}");
        for (said, answered, after) in [
            ("", false, SILENCE),
            (HALF, false, HEAD),
            ("G", false, HEAD),
            (whole, true, SILENCE),
            (twice, true, SILENCE),
        ] {
            let begun = Instant::now();
            let heard = say(address, said.as_bytes()).await;
            assert_eq!(heard.ends_with("hello"), answered, "{said:?}: {heard}");
            assert!(
                begun.elapsed() >= after && begun.elapsed() < after * 2,
                "{said:?}: {:?}",
                begun.elapsed()
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_head_gets_no_extra_time() {
        let address = server(10).await;
        let begun = Instant::now();
        let mut stream = TcpStream::connect(address).await.unwrap();
        for sign in HALF.bytes().cycle() {
            if stream.write_all(&[sign]).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
        assert!(begun.elapsed() < HEAD * 2, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_head_is_bounded_in_bytes() {
        let address = server(10).await;
        let long = |bytes: usize| format!("{HALF}connection: close\r\nx: {}\r\n\r\n", "a".repeat(bytes));
        assert!(
            say(address, long(MAX_HEAD / 2).as_bytes())
                .await
                .starts_with("HTTP/1.1 200")
        );
        for bytes in [MAX_HEAD, MAX_HEAD * 8] {
            let heard = say(address, long(bytes).as_bytes()).await;
            assert!(heard.starts_with("HTTP/1.1 431"), "{bytes}: {heard}");
        }
        let many = "x: 1\r\n".repeat(1000);
        let heard = say(address, format!("{HALF}{many}\r\n").as_bytes()).await;
        assert!(heard.starts_with("HTTP/1.1 431"), "{heard}");
        let path = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(MAX_HEAD * 2));
        let heard = say(address, path.as_bytes()).await;
        assert!(heard.starts_with("HTTP/1.1 4"), "{heard}");
    }

    #[tokio::test(start_paused = true)]
    async fn unfinished_heads_lock_nobody_out() {
        const MOST: usize = 8;
        let address = server(MOST).await;
        let mut slow = Vec::new();
        for _ in 0..MOST * 5 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HT").await.unwrap();
            slow.push(stream);
            sleep(Duration::from_millis(300)).await;
        }
        let begun = Instant::now();
        let asked = format!("{HALF}connection: close\r\n\r\n");
        assert!(say(address, asked.as_bytes()).await.ends_with("hello"));
        assert!(begun.elapsed() < Duration::from_secs(1));
        let mut open = 0;
        for stream in &mut slow {
            let mut byte = [0];
            let ended = timeout(Duration::from_millis(10), stream.read(&mut byte)).await;
            open += usize::from(ended.is_err());
        }
        assert!(open <= MOST, "{open} are open");
    }

    #[tokio::test]
    async fn an_answer_before_the_end_of_the_body_closes_the_connection() {
        let address = server(10).await;
        let body = "b".repeat(300_000);
        let post = |path: &str, length: usize, sent: usize| {
            format!(
                "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{}",
                &body[..sent]
            )
        };
        for (said, status) in [
            (post("/refuse", 300_000, 300_000), "401"),
            (post("/refuse", 300_000, 10), "401"),
            (post("/refuse", 10, 0), "401"),
            (post("/nothing", 100_000, 100_000), "404"),
            (post("/refuse", 100_000, 0).replace("POST", "PUT"), "401"),
            (
                "POST /refuse HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n".into(),
                "401",
            ),
        ] {
            for _ in 0..20 {
                let heard = say(address, said.as_bytes()).await;
                let lower = heard.to_lowercase();
                assert!(lower.starts_with(&format!("http/1.1 {status}")), "{heard}");
                assert!(lower.contains("\r\nconnection: close\r\n"), "{heard}");
            }
        }
        // After a complete body the connection is kept.
        let twice = post("/", 5, 5).repeat(2) + "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let heard = say(address, twice.as_bytes()).await;
        assert_eq!(heard.matches("HTTP/1.1 200").count(), 3, "{heard}");
    }

    #[tokio::test]
    async fn a_request_with_no_host_or_two_is_refused() {
        let address = server(10).await;
        for hosts in [
            "",
            "host: a\r\nhost: b\r\n",
            "host: a b\r\n",
            "host: ana@x\r\n",
            "host:\r\n",
        ] {
            let said = format!("GET / HTTP/1.1\r\n{hosts}accept-language: en\r\nconnection: close\r\n\r\n");
            let heard = say(address, said.as_bytes()).await;
            assert!(heard.starts_with("HTTP/1.1 400"), "{hosts:?}: {heard}");
            assert!(heard.contains("\"code\":\"malformed\""), "{hosts:?}: {heard}");
        }
        assert!(
            say(address, b"GET / HTTP/1.0\r\n\r\n")
                .await
                .starts_with("HTTP/1.0 200")
        );
    }
}
