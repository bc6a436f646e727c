//! Peers that keep their connection open but neither send nor read anything.

use std::net::SocketAddr;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use neuropod::PodId;
use serde_json::json;
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::time::{pause, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::test_api::{Api, config};

/// A dead peer is disconnected within this time, by the server's own clock.
const GIVEN_UP: Duration = Duration::from_mins(3);

#[derive(Debug, Clone, Copy)]
enum Transport {
    WebSocket,
    SocketIo,
}

/// A server with a user who listens to their pod.
struct Setup {
    api: Api,
    address: SocketAddr,
    token: String,
    pod: PodId,
}

impl Setup {
    async fn set() -> Self {
        let api = Api::start(config()).await;
        let token = api.sign_in("ana@example.com").await;
        let pod = api.create(&token, "training").await;
        api.until(&token, &pod, "running").await;
        Self {
            address: api.serve().await,
            api,
            token,
            pod: pod.parse().unwrap(),
        }
    }

    /// A peer that listens to the pod. It only receives and answers when it is read.
    async fn peer(&self, transport: Transport) -> WebSocketStream<TcpStream> {
        let socket = TcpSocket::new_v4().unwrap();
        // A small window, so that little fits in transit.
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(self.address).await.unwrap();
        let path = match transport {
            Transport::WebSocket => format!("/ws?token={}", self.token),
            Transport::SocketIo => "/socket.io/?EIO=4&transport=websocket".to_owned(),
        };
        let url = format!("ws://{}{path}", self.address);
        let (mut peer, _) = client_async(url, stream).await.unwrap();
        let (subscribe, update) = match transport {
            Transport::WebSocket => (
                json!({ "type": "subscribe", "podId": self.pod }).to_string(),
                "\"podUpdate\"",
            ),
            Transport::SocketIo => {
                let sign_in = format!("40{}", json!({ "token": self.token }));
                peer.send(Message::text(sign_in)).await.unwrap();
                until(&mut peer, "42[\"connected\"").await;
                (
                    format!("42{}", json!(["subscribe", { "podId": self.pod }])),
                    "42[\"podUpdate\"",
                )
            }
        };
        peer.send(Message::text(subscribe)).await.unwrap();
        until(&mut peer, update).await;
        peer
    }

    /// Waits until nothing remains of the peers.
    async fn forgotten(&self, transport: Transport, tasks: usize) {
        // From here on only the server's own timers run, as early as possible.
        pause();
        let waited = timeout(GIVEN_UP, async {
            while self.api.app.live.listeners() > 0 || tasks_alive() > tasks {
                sleep(Duration::from_secs(1)).await;
            }
        });
        assert!(
            waited.await.is_ok(),
            "{transport:?}: {} listeners are left, and {} tasks where {tasks} were",
            self.api.app.live.listeners(),
            tasks_alive()
        );
    }
}

async fn until(peer: &mut WebSocketStream<TcpStream>, part: &str) {
    let wait = async { while !peer.next().await.unwrap().unwrap().to_string().contains(part) {} };
    timeout(Duration::from_secs(20), wait).await.expect("it comes");
}

fn tasks_alive() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

#[tokio::test]
async fn a_peer_without_pongs_is_disconnected() {
    let setup = Setup::set().await;
    for transport in [Transport::WebSocket, Transport::SocketIo] {
        let tasks = tasks_alive();
        let mut peer = setup.peer(transport).await;
        assert_eq!(setup.api.app.live.listeners(), 1, "{transport:?}");
        setup.forgotten(transport, tasks).await;
        tokio::time::resume();
        let ends = async { while let Some(Ok(_)) = peer.next().await {} };
        timeout(Duration::from_secs(20), ends)
            .await
            .expect("it is closed");
    }
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_disconnected() {
    let setup = Setup::set().await;
    for transport in [Transport::WebSocket, Transport::SocketIo] {
        let tasks = tasks_alive();
        let peer = setup.peer(transport).await;
        // More than fits in transit.
        for _ in 0..20_000 {
            setup.api.app.live.refresh(std::slice::from_ref(&setup.pod));
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
        }
        setup.forgotten(transport, tasks).await;
        tokio::time::resume();
        drop(peer);
    }
}
