//! Peers whose connection stays open, and who say and read nothing any more.

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

/// Within this time a dead peer is given up, in the server's own time.
const GIVEN_UP: Duration = Duration::from_mins(3);

#[derive(Debug, Clone, Copy)]
enum Transport {
    WebSocket,
    SocketIo,
}

/// A server with somebody who listens to their pod.
struct Scene {
    api: Api,
    address: SocketAddr,
    token: String,
    pod: PodId,
}

impl Scene {
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

    /// A peer that listens to the pod. It hears and answers nothing unless it is read.
    async fn peer(&self, transport: Transport) -> WebSocketStream<TcpStream> {
        let socket = TcpSocket::new_v4().unwrap();
        // A small window, so that not much fits on the way to it.
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

    /// Waits until nothing is left of the peers.
    async fn forgotten(&self, transport: Transport, tasks: usize) {
        // From here on nothing happens but what the server does by itself, as soon as it may.
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
async fn who_answers_no_ping_is_given_up() {
    let scene = Scene::set().await;
    for transport in [Transport::WebSocket, Transport::SocketIo] {
        let tasks = tasks_alive();
        let mut peer = scene.peer(transport).await;
        assert_eq!(scene.api.app.live.listeners(), 1, "{transport:?}");
        scene.forgotten(transport, tasks).await;
        tokio::time::resume();
        let ends = async { while let Some(Ok(_)) = peer.next().await {} };
        timeout(Duration::from_secs(20), ends)
            .await
            .expect("it is closed");
    }
}

#[tokio::test]
async fn who_reads_nothing_is_given_up() {
    let scene = Scene::set().await;
    for transport in [Transport::WebSocket, Transport::SocketIo] {
        let tasks = tasks_alive();
        let peer = scene.peer(transport).await;
        // More than fits between them.
        for _ in 0..20_000 {
            scene.api.app.live.refresh(std::slice::from_ref(&scene.pod));
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
        }
        scene.forgotten(transport, tasks).await;
        tokio::time::resume();
        drop(peer);
    }
}
