//! An API server for tests. It records the requests and gives scripted replies.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// How long [`Reply::Slow`] takes.
pub(crate) const SLOW: Duration = Duration::from_secs(1);

/// How often an open watch sends a bookmark.
pub(crate) const BOOKMARKS: Duration = Duration::from_mins(1);

/// What a watch sends, each line so long after the one before.
pub(crate) type Lines = Vec<(Duration, Value)>;

/// The reply to a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Json(u16, Value),
    /// The reply of a proxy in between.
    Text(u16, &'static str),
    Slow(Value),
    /// A watch that sends these lines, and bookmarks beside them, until the time asked for is over.
    Watch(Lines),
    /// A watch on something that API servers send no bookmarks for, such as events.
    Silent,
    /// A watch that sends these lines and is cut off.
    Cut(Lines),
    /// The connection breaks in the middle of the reply.
    Broken,
    /// There is no connection.
    Unreachable,
    Never,
}

impl Reply {
    /// A failure, as the API server words it.
    pub(crate) fn refused(code: u16, reason: &str, message: &str) -> Self {
        Self::Json(code, failure(code, reason, message))
    }

    /// A failure that asks to wait this long.
    pub(crate) fn wait(code: u16, seconds: u32) -> Self {
        let mut status = failure(code, "TooManyRequests", "please wait");
        status["details"] = json!({ "retryAfterSeconds": seconds });
        Self::Json(code, status)
    }

    /// A failure: no object has this kind and name.
    pub(crate) fn absent(kind: &str, name: &str) -> Self {
        let mut status = failure(404, "NotFound", &format!("{kind} \"{name}\" not found"));
        status["details"] = json!({ "kind": kind, "name": name });
        Self::Json(404, status)
    }
}

fn failure(code: u16, reason: &str, message: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
        "reason": reason, "message": message })
}

/// A line of a watch.
pub(crate) fn line(kind: &str, object: &Value) -> Value {
    json!({ "type": kind, "object": object })
}

/// A request that was received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) accept: String,
    pub(crate) content: String,
    /// `null` if there is none.
    pub(crate) body: Value,
    pub(crate) at: Instant,
}

impl Received {
    pub(crate) fn is_watch(&self) -> bool {
        self.query.contains("watch=true")
    }

    /// How long the watch may last.
    fn seconds(&self) -> u64 {
        let mut query = form_urlencoded::parse(self.query.as_bytes());
        let seconds =
            query.find_map(|(key, value)| (key == "timeoutSeconds").then(|| value.parse().unwrap()));
        seconds.unwrap_or(u64::MAX)
    }
}

/// All requests that were received, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Received>>>);

impl Log {
    pub(crate) fn all(&self) -> Vec<Received> {
        self.0.lock().unwrap().clone()
    }

    /// The method and the path of each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |received: &Received| format!("{} {}", received.method, received.path);
        self.all().iter().map(line).collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

/// A client whose requests get the result of `reply`.
pub(crate) fn client(reply: impl FnMut(&Received) -> Reply + Send + 'static) -> (Client, Log) {
    let log = Log::default();
    let received = log.clone();
    let reply = Arc::new(Mutex::new(reply));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (received, reply) = (received.clone(), reply.clone());
        async move {
            let request = read(request).await;
            let reply = (*reply.lock().unwrap())(&request);
            let seconds = request.seconds();
            received.0.lock().unwrap().push(request);
            respond(reply, Duration::from_secs(seconds)).await
        }
    });
    (Client::new(service, "default"), log)
}

/// A client whose requests get these replies, one after the other.
pub(crate) fn scripted(replies: impl IntoIterator<Item = Reply>) -> (Client, Log) {
    let mut replies: VecDeque<_> = replies.into_iter().collect();
    client(move |_| replies.pop_front().expect("no more requests than replies"))
}

async fn read(request: Request<Body>) -> Received {
    let (parts, body) = request.into_parts();
    let body = body.collect_bytes().await.unwrap();
    let header = |name| {
        let value = parts.headers.get(name).map(|value| value.to_str().unwrap());
        value.unwrap_or_default().to_owned()
    };
    Received {
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        accept: header(ACCEPT),
        content: header(CONTENT_TYPE),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        at: Instant::now(),
        method: parts.method,
    }
}

type Frames = BoxStream<'static, Result<Frame<Bytes>, std::io::Error>>;

/// What a watch sends.
fn send(lines: Lines) -> Frames {
    let lines = stream::iter(lines).then(|(after, line)| async move {
        sleep(after).await;
        line
    });
    lines.map(|line| Ok(frame(&line))).boxed()
}

fn frame(line: &Value) -> Frame<Bytes> {
    Frame::data(format!("{line}\n").into())
}

async fn respond(reply: Reply, longest: Duration) -> Result<Response<StreamBody<Frames>>, tower::BoxError> {
    let whole = |text: String| stream::iter([Ok(Frame::data(text.into()))]).boxed();
    let (code, body) = match reply {
        Reply::Json(code, value) => (code, whole(value.to_string())),
        Reply::Text(code, text) => (code, whole(text.to_owned())),
        Reply::Slow(value) => {
            sleep(SLOW).await;
            (200, whole(value.to_string()))
        }
        Reply::Watch(lines) => {
            let bookmarks = stream::unfold((), |()| async {
                sleep(BOOKMARKS).await;
                let meta = json!({ "resourceVersion": "9", "creationTimestamp": null });
                let bookmark = json!({ "kind": "Any", "apiVersion": "v1", "metadata": meta });
                Some((Ok(frame(&line("BOOKMARK", &bookmark))), ()))
            });
            let all = stream::select(send(lines), bookmarks);
            (200, all.take_until(Box::pin(sleep(longest))).boxed())
        }
        Reply::Silent => {
            let nothing = stream::pending();
            (200, nothing.take_until(Box::pin(sleep(longest))).boxed())
        }
        Reply::Cut(lines) => (200, send(lines)),
        Reply::Broken => {
            let begun = Ok(Frame::data("{".into()));
            let frames = [begun, Err(std::io::Error::other("connection reset"))];
            (200, stream::iter(frames).boxed())
        }
        Reply::Unreachable => return Err("connection refused".into()),
        Reply::Never => std::future::pending().await,
    };
    Ok(Response::builder().status(code).body(StreamBody::new(body))?)
}
