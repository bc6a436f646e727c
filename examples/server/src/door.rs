//! Handles every request of a connection, whatever its route.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use bytes::Bytes;
use http::header::CONNECTION;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use neuropod::money::Currency;
use tower::ServiceExt;

use crate::accept_language::accept_language;
use crate::contract::failure::Failure;
use crate::host;
use crate::waiting::Place;

/// The maximum size of a request's head, in bytes.
pub(crate) const MAX_HEAD: usize = 64 * 1024;

/// The connection of a request.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// The address of the peer.
    pub(crate) peer: SocketAddr,
    /// Its place among the waiting connections.
    pub(crate) place: Arc<Place>,
}

/// The answer to a request.
///
/// If its body was not read to the end, the connection is closed after the answer, because the rest of the body
/// would be taken for the next request.
pub(crate) async fn answer(
    door: Door,
    router: Router,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    door.place.serve();
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(ConnectInfo(door.peer));
    let is_read = Arc::new(AtomicBool::new(body.is_end_stream()));
    let mut response = if let Some(wrong) = wrong(&parts) {
        // None of these texts contains an amount.
        wrong.written(accept_language(&parts.headers), &Currency::EUR)
    } else {
        let body = Body::new(Watched {
            body,
            is_read: Arc::clone(&is_read),
        });
        router.oneshot(Request::from_parts(parts, body)).await?
    };
    if !is_read.load(Ordering::Acquire) {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    // An upgraded connection has its own rules.
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(response);
    }
    Ok(response.map(|body| {
        Body::new(Answered {
            body,
            _waits: WaitsAgain(door.place),
        })
    }))
}

/// The mistake in the head of a request, whatever its route.
fn wrong(head: &Parts) -> Option<Failure> {
    let lines = head.headers.iter();
    // Each header also has a colon, a space and a line end.
    let length: usize = lines
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    if length + head.uri.path().len() + head.uri.query().map_or(0, str::len) > MAX_HEAD {
        return Some(Failure::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head_too_large",
            "La cabecera de la petición es demasiado grande: 64 KiB como máximo",
            "The head of the request is too big: at most 64 KiB",
        ));
    }
    (!host::is_well_formed(head.version, &head.headers)).then(|| {
        Failure::new(
            StatusCode::BAD_REQUEST,
            "malformed",
            "La petición tiene que decir para qué host es, una sola vez",
            "The request has to say for which host it is, once",
        )
    })
}

/// The body of a request, which records whether it was read to the end.
struct Watched {
    body: Incoming,
    is_read: Arc<AtomicBool>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.is_read.store(true, Ordering::Release);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer. When it is dropped, the connection waits for the next request.
struct Answered {
    body: Body,
    _waits: WaitsAgain,
}

struct WaitsAgain(Arc<Place>);

impl Drop for WaitsAgain {
    fn drop(&mut self) {
        self.0.wait();
    }
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
