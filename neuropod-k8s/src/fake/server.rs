//! An API server for tests: it notes what it is asked and answers what the test says.

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

/// How long [`Answer::Slow`] takes.
pub(crate) const SLOW: Duration = Duration::from_secs(1);

/// What comes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Json(u16, Value),
    /// What a proxy in between says.
    Text(u16, &'static str),
    Slow(Value),
    /// The connection breaks in the middle of the answer.
    Broken,
    /// There is no connection.
    Unreachable,
    Never,
}

impl Answer {
    /// A failure, as the API server words it.
    pub(crate) fn refused(code: u16, reason: &str, message: &str) -> Self {
        Self::Json(code, failure(code, reason, message))
    }

    /// A failure with the wish to be left alone for so long.
    pub(crate) fn wait(code: u16, seconds: u32) -> Self {
        let mut status = failure(code, "TooManyRequests", "please wait");
        status["details"] = json!({ "retryAfterSeconds": seconds });
        Self::Json(code, status)
    }

    /// There is no object of this kind and name.
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

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) accept: String,
    pub(crate) content: String,
    /// `null` where there is none.
    pub(crate) body: Value,
    pub(crate) at: Instant,
}

/// All requests that came, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Asked>>>);

impl Log {
    pub(crate) fn all(&self) -> Vec<Asked> {
        self.0.lock().unwrap().clone()
    }

    /// The method and the path of each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |asked: &Asked| format!("{} {}", asked.method, asked.path);
        self.all().iter().map(line).collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

/// A client whose requests `answer` answers.
pub(crate) fn client(answer: impl FnMut(&Asked) -> Answer + Send + 'static) -> (Client, Log) {
    let log = Log::default();
    let asked = log.clone();
    let answer = Arc::new(Mutex::new(answer));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (asked, answer) = (asked.clone(), answer.clone());
        async move {
            let request = read(request).await;
            let answer = (*answer.lock().unwrap())(&request);
            asked.0.lock().unwrap().push(request);
            respond(answer).await
        }
    });
    (Client::new(service, "default"), log)
}

/// A client whose requests get these answers, one after the other.
pub(crate) fn scripted(answers: impl IntoIterator<Item = Answer>) -> (Client, Log) {
    let mut answers: VecDeque<_> = answers.into_iter().collect();
    client(move |_| answers.pop_front().expect("no more requests than answers"))
}

async fn read(request: Request<Body>) -> Asked {
    let (parts, body) = request.into_parts();
    let body = body.collect_bytes().await.unwrap();
    let header = |name| {
        let value = parts.headers.get(name).map(|value| value.to_str().unwrap());
        value.unwrap_or_default().to_owned()
    };
    Asked {
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

async fn respond(answer: Answer) -> Result<Response<StreamBody<Frames>>, tower::BoxError> {
    let whole = |text: String| stream::iter([Ok(Frame::data(text.into()))]).boxed();
    let (code, body) = match answer {
        Answer::Json(code, value) => (code, whole(value.to_string())),
        Answer::Text(code, text) => (code, whole(text.to_owned())),
        Answer::Slow(value) => {
            sleep(SLOW).await;
            (200, whole(value.to_string()))
        }
        Answer::Broken => {
            let begun = Ok(Frame::data("{".into()));
            let frames = [begun, Err(std::io::Error::other("connection reset"))];
            (200, stream::iter(frames).boxed())
        }
        Answer::Unreachable => return Err("connection refused".into()),
        Answer::Never => std::future::pending().await,
    };
    Ok(Response::builder().status(code).body(StreamBody::new(body))?)
}
