//! The acknowledgement of an event of Socket.IO.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use socketioxide::adapter::{Adapter, LocalAdapter};
use socketioxide::extract::AckSender;
use socketioxide::handler::{FromMessageParts, Value as Packet};
use socketioxide::socket::Socket;
use socketioxide::{SendError, SocketError};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The delay before a retry with a peer whose channel is full.
pub(super) const TRY_AGAIN: Duration = Duration::from_millis(50);

/// The acknowledgement owed to a client that asked for one; empty otherwise.
///
/// A client with `retries` sends its next event only after the last one was acknowledged. It takes any first
/// argument but `null` for an error and repeats the event. Failures are reported by the event `error` instead.
pub(super) struct Ack<A: Adapter = LocalAdapter> {
    socket: Arc<Socket<A>>,
    id: Option<i64>,
}

impl<A: Adapter> FromMessageParts<A> for Ack<A> {
    type Error = Infallible;

    fn from_message_parts(
        socket: &Arc<Socket<A>>,
        _: &mut Packet,
        id: &Option<i64>,
    ) -> Result<Self, Infallible> {
        Ok(Self {
            socket: Arc::clone(socket),
            id: *id,
        })
    }
}

impl Ack {
    /// Acknowledges with `null` once the channel has room; without it the client would wait for ever.
    pub(super) async fn send(self, ended: &CancellationToken) {
        while !ended.is_cancelled() {
            let mut nothing = Packet::Str("".into(), None);
            let Ok(sender) = AckSender::from_message_parts(&self.socket, &mut nothing, &self.id);
            match sender.send(&Value::Null) {
                Err(SendError::Socket(SocketError::InternalChannelFull)) => sleep(TRY_AGAIN).await,
                Err(error) => return tracing::debug!(%error, "nobody is there for the acknowledgement"),
                Ok(()) => return,
            }
        }
    }
}
