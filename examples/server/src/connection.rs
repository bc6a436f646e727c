//! A connection to a peer that may stop reading, or stop writing in the middle of a request.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_io_timeout::TimeoutStream;

use crate::waiting::Place;

/// The time limit for a peer to accept written data.
const WRITE: Duration = Duration::from_secs(30);

/// The time limit for the head of a request, from its first byte on.
pub(crate) const HEAD: Duration = Duration::from_secs(20);
/// How long a peer may take to read the last answer, after the server stopped reading.
const LINGER: Duration = Duration::from_secs(2);
/// The maximum number of bytes that are read and discarded meanwhile.
const MAX_LINGER: usize = 1 << 20;

/// A connection that fails once its peer has accepted nothing for [`WRITE`], or has begun a request and not
/// finished its head within [`HEAD`]. A peer that does not read would otherwise keep its connection as long as
/// it likes, because TCP considers it alive. The failure is permanent: a writer with more data would wait as
/// long for each piece.
///
/// It is closed in two steps: first the writing side is shut down, then remaining input is read and discarded.
/// Closing it with unread input would reset it, and the peer might lose the last answer.
pub(crate) struct Connection {
    stream: Pin<Box<TimeoutStream<TcpStream>>>,
    is_given_up: bool,
    place: Arc<Place>,
    /// The deadline of the request with this number.
    head: Option<(u64, Pin<Box<Sleep>>)>,
    linger: Option<Linger>,
}

struct Linger {
    until: Pin<Box<Sleep>>,
    left: usize,
}

impl Connection {
    /// This stream, with time limits for writes and heads of requests.
    pub(crate) fn new(stream: TcpStream, place: Arc<Place>) -> Self {
        let mut stream = Box::pin(TimeoutStream::new(stream));
        stream.as_mut().set_write_timeout_pinned(Some(WRITE));
        Self {
            stream,
            is_given_up: false,
            place,
            head: None,
            linger: None,
        }
    }

    /// Fails if the head of a request has taken too long.
    fn check_head(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let waits_for = self.place.waits_for();
        if let Some((number, until)) = &mut self.head {
            if waits_for != Some(*number) {
                self.head = None;
            } else if until.as_mut().poll(context).is_ready() {
                return Err(ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    }

    fn write<T>(
        &mut self,
        write: impl FnOnce(Pin<&mut TimeoutStream<TcpStream>>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if self.is_given_up {
            return Poll::Ready(Err(ErrorKind::TimedOut.into()));
        }
        let written = write(self.stream.as_mut());
        self.is_given_up = matches!(&written, Poll::Ready(Err(error)) if error.kind() == ErrorKind::TimedOut);
        written
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_head(context)?;
        let before = buffer.filled().len();
        let read = self.stream.as_mut().poll_read(context, buffer);
        if self.head.is_none()
            && buffer.filled().len() > before
            && let Some(number) = self.place.waits_for()
        {
            self.head = Some((number, Box::pin(sleep(HEAD))));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(|stream| stream.poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(|stream| stream.poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.linger.is_none() {
            ready!(this.stream.as_mut().poll_shutdown(context))?;
        }
        let linger = this.linger.get_or_insert_with(|| Linger {
            until: Box::pin(sleep(LINGER)),
            left: MAX_LINGER,
        });
        let mut bytes = [0; 4096];
        while linger.left > 0 && linger.until.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut bytes);
            match ready!(this.stream.as_mut().poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    linger.left = linger.left.saturating_sub(buffer.filled().len());
                }
                // The peer has closed it too, or is gone.
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(|stream| stream.poll_write_vectored(context, parts))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
