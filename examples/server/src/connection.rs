//! A connection to a peer that may stop to read.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;

/// How long a peer may take none of what is written to it.
const WRITE: Duration = Duration::from_secs(30);

/// A connection that is over once its peer has taken nothing for [`WRITE`]. A peer that is there and does not read would
/// keep its connection for as long as it likes: to TCP it is alive. It fails for good then: whoever goes on writing what
/// they have would wait as long for each piece.
pub(crate) struct Connection {
    stream: Pin<Box<TimeoutStream<TcpStream>>>,
    is_given_up: bool,
}

impl Connection {
    /// This stream, with the time that each write may take.
    pub(crate) fn new(stream: TcpStream) -> Self {
        let mut stream = Box::pin(TimeoutStream::new(stream));
        stream.as_mut().set_write_timeout_pinned(Some(WRITE));
        Self {
            stream,
            is_given_up: false,
        }
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
        self.stream.as_mut().poll_read(context, buffer)
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
        self.stream.as_mut().poll_shutdown(context)
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
