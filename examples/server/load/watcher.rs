//! A client that watches pods.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::{SinkExt, StreamExt};
use http::{HeaderValue, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::api::Account;
use crate::board::Board;

/// How long a client may take to receive all its pods.
const BEGIN: Duration = Duration::from_mins(1);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
/// The last update of every pod, as received.
type Latest = Arc<Mutex<HashMap<String, String>>>;

/// A connected client. It disconnects when this is dropped.
pub(crate) struct Watcher {
    /// The number of its user.
    pub(crate) user: usize,
    latest: Latest,
    reading: JoinHandle<Result<()>>,
}

/// The fields that are read in every update.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Update<'a> {
    r#type: &'a str,
    #[serde(default)]
    pod_id: &'a str,
    #[serde(default)]
    status: &'a str,
}

impl Watcher {
    /// Connects, subscribes to all pods of the account and waits until each has been received.
    pub(crate) async fn connect(address: &str, account: &Account, board: Arc<Board>) -> Result<Self> {
        let mut request = format!("ws://{address}/ws").into_client_request()?;
        let bearer = HeaderValue::from_str(&format!("Bearer {}", account.token))?;
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        let (mut socket, _) = connect_async(request).await?;
        for pod in &account.pods {
            let text = json!({ "type": "subscribe", "podId": pod }).to_string();
            socket.send(Message::text(text)).await?;
        }
        let mut reader = Reader {
            socket,
            latest: Latest::default(),
            board,
            measured: HashMap::new(),
        };
        let latest = Arc::clone(&reader.latest);
        let known = || latest.lock().unwrap_or_else(PoisonError::into_inner).len();
        let begin = async {
            while known() < account.pods.len() {
                reader.read().await?;
            }
            Ok::<_, anyhow::Error>(())
        };
        timeout(BEGIN, begin)
            .await
            .context("not all pods were reported")??;
        let reading = tokio::spawn(async move {
            loop {
                reader.read().await?;
            }
        });
        Ok(Self {
            user: account.number,
            latest,
            reading,
        })
    }

    /// Whether the last update of a pod equals the pod in the API.
    pub(crate) fn is_current(&self, pod: &Value) -> bool {
        let id = pod["podId"].as_str().unwrap_or_default();
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(update) = latest.get(id) else {
            return false;
        };
        let shown = serde_json::from_str(update).map(|mut update: Value| update["pod"].take());
        // Figures change with every request, and costs by the second.
        let lasting = |mut pod: Value| {
            pod["stats"] = Value::Null;
            pod["totalCost"] = Value::Null;
            pod
        };
        shown.is_ok_and(|shown| lasting(shown) == lasting(pod.clone()))
    }

    /// Whether the connection has ended.
    pub(crate) fn is_broken(&self) -> bool {
        self.reading.is_finished()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

struct Reader {
    socket: Socket,
    latest: Latest,
    board: Arc<Board>,
    /// The last change of each pod that was measured.
    measured: HashMap<String, u64>,
}

impl Reader {
    /// Handles one message.
    async fn read(&mut self) -> Result<()> {
        let message = self.socket.next().await.context("the server has gone")??;
        let text = match message {
            Message::Text(text) => text,
            Message::Close(frame) => bail!("the server closed the connection: {frame:?}"),
            _ => return Ok(()),
        };
        let update: Update<'_> = serde_json::from_str(&text).with_context(|| text.to_string())?;
        if update.r#type != "podUpdate" {
            bail!("not expected: {text}");
        }
        if let Some(change) = self.board.heard(update.pod_id, update.status)
            && self.measured.insert(update.pod_id.to_owned(), change.number) != Some(change.number)
        {
            self.board.measured(change.at.elapsed());
        }
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.insert(update.pod_id.to_owned(), text.to_string());
        Ok(())
    }
}
