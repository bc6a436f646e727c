//! The log of a pod's container.

use std::time::Duration;

use bytes::Bytes;
use futures::{AsyncBufRead, AsyncBufReadExt, StreamExt, stream};
use kube::core::Request;
use kube::core::subresource::LogParams;
use neuropod_core::cluster::{LogOptions, LogStream, WorkloadRef};
use neuropod_core::{Error, ErrorKind, Result};
use tokio::sync::OwnedSemaphorePermit;

use crate::api::error::Call;
use crate::api::kinds::Kind;
use crate::api::partial::PartialPod;
use crate::context::Context;
use crate::labels::CONTAINER;
use crate::status;

pub(crate) async fn open(
    context: &Context,
    reference: &WorkloadRef,
    options: &LogOptions,
) -> Result<LogStream> {
    let namespace = Some(context.namespace(reference));
    let call = Call {
        verb: "get",
        kind: Kind::Pod,
        subresource: Some("log"),
        namespace,
        name: &reference.name,
    };
    let pod: Option<PartialPod> = context
        .requests
        .get(Kind::Pod, namespace, &reference.name)
        .await?;
    // A foreign pod may have the name.
    let ours = pod.filter(|pod| pod.metadata.pod_id().as_ref() == Some(&reference.pod_id));
    let Some(pod) = ours else {
        return Err(call.with_context(Error::new(ErrorKind::NotFound, "the pod is not in the cluster")));
    };
    if let Some(why_not) = why_no_log(&pod, options.previous) {
        return Err(call.with_context(Error::new(ErrorKind::InvalidState, why_not)));
    }
    let permit = context.log_permit()?;
    let request = Request::new(Kind::Pod.path(namespace))
        .logs(&reference.name, &parameters(options))
        .map_err(|error| call.failed(kube::Error::BuildRequest(error)))?;
    match context.requests.client().request_stream(request).await {
        Ok(reader) => {
            let mut reader = Box::pin(reader);
            // A log that is not followed begins at once or never, so its first bytes can be checked here.
            if !options.follow && reader.fill_buf().await.is_ok_and(is_report_of_kubelet) {
                return Err(call.with_context(log_gone()));
            }
            Ok(chunks(reader, permit))
        }
        Err(kube::Error::Api(status)) if status.code == 400 => {
            // "container … is waiting to start", "previous terminated container … not found".
            let error = Error::new(ErrorKind::InvalidState, status.message.as_str());
            Err(call.with_context(error).with_source(kube::Error::Api(status)))
        }
        Err(error) => Err(call.failed(error)),
    }
}

/// The reason if there is no log. The API server returns an empty log for a pod without a node.
fn why_no_log(pod: &PartialPod, previous: bool) -> Option<&'static str> {
    let container = pod.status.container();
    if previous {
        let ended = container.is_some_and(|container| container.last_state.terminated.is_some());
        (!ended).then_some("the container has not been restarted")
    } else {
        let started = container.is_some_and(status::was_started);
        (!started).then_some("the container has not started")
    }
}

fn parameters(options: &LogOptions) -> LogParams {
    LogParams {
        container: Some(CONTAINER.into()),
        follow: options.follow,
        previous: options.previous,
        tail_lines: options.tail.map(i64::from),
        since_seconds: options.since.map(whole_seconds),
        timestamps: options.timestamps,
        ..LogParams::default()
    }
}

/// At least 1, because the API server refuses 0.
fn whole_seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX).max(1)
}

/// Whether this is the kubelet's report that the container is gone. The kubelet sends it in place of the log,
/// with the status 200. The output of a program would end in a newline.
fn is_report_of_kubelet(log: &[u8]) -> bool {
    log.starts_with(b"unable to retrieve container logs for ") && !log.contains(&b'\n')
}

fn log_gone() -> Error {
    let message = "the node no longer has the log of that container, or does not have it yet";
    Error::new(ErrorKind::Unavailable, message)
}

/// The log in chunks, until it ends or breaks. Holds its permit for that time.
fn chunks(reader: impl AsyncBufRead + Send + Unpin + 'static, permit: OwnedSemaphorePermit) -> LogStream {
    let first = true;
    stream::unfold(Some((reader, permit, first)), async |state| {
        let (mut reader, permit, first) = state?;
        let read = reader.fill_buf().await.map(Bytes::copy_from_slice);
        match read {
            Ok(chunk) if chunk.is_empty() => None,
            Ok(chunk) if first && is_report_of_kubelet(&chunk) => Some((Err(log_gone()), None)),
            Ok(chunk) => {
                reader.consume_unpin(chunk.len());
                Some((Ok(chunk), Some((reader, permit, false))))
            }
            Err(error) => {
                let error = Error::new(ErrorKind::Unavailable, "the log stream broke off").with_source(error);
                Some((Err(error), None))
            }
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::{StreamExt, TryStreamExt, io::Cursor, stream};
    use serde_json::{Value, from_value, json};
    use tokio::sync::Semaphore;

    use super::{chunks, whole_seconds, why_no_log};

    #[tokio::test]
    async fn a_log_is_complete_and_returns_its_permit() {
        let places = Arc::new(Semaphore::new(1));
        let permit = places.clone().acquire_owned().await.unwrap();
        let mut log = chunks(Cursor::new(b"one\ntwo\n".to_vec()), permit);
        assert_eq!(log.next().await.unwrap().unwrap().as_ref(), b"one\ntwo\n");
        assert_eq!(places.available_permits(), 0);
        assert!(log.next().await.is_none());
        drop(log);
        assert_eq!(places.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_broken_log_ends_with_an_error() {
        let places = Arc::new(Semaphore::new(1));
        let permit = places.acquire_owned().await.unwrap();
        let parts = stream::iter([Ok("one"), Err(std::io::Error::other("reset"))]);
        let mut log = chunks(parts.map_ok(str::as_bytes).into_async_read(), permit);
        assert_eq!(log.next().await.unwrap().unwrap().as_ref(), b"one");
        assert!(log.next().await.unwrap().unwrap_err().is_retryable());
        assert!(log.next().await.is_none());
    }

    #[tokio::test]
    async fn a_report_of_the_kubelet_in_place_of_a_log_is_an_error() {
        let places = Arc::new(Semaphore::new(1));
        let log = async |text: &'static str| {
            let permit = places.clone().acquire_owned().await.unwrap();
            chunks(Cursor::new(text.as_bytes()), permit)
                .collect::<Vec<_>>()
                .await
        };
        let replaced = log("unable to retrieve container logs for containerd://bd6dcc93b0e5").await;
        assert!(replaced[0].as_ref().unwrap_err().is_retryable());
        assert_eq!(replaced.len(), 1);
        for of_a_program in [
            "unable to retrieve container logs for containerd://bd6dcc93b0e5\n",
            "I was unable to retrieve container logs for you",
        ] {
            assert_eq!(log(of_a_program).await[0].as_ref().unwrap(), of_a_program);
        }
    }

    #[test]
    fn a_time_below_a_second_is_one() {
        assert_eq!(whole_seconds(std::time::Duration::from_millis(3)), 1);
    }

    #[test]
    fn a_sidecar_that_runs_or_was_restarted_does_not_have_the_requested_log() {
        let pod = |sidecar: Value, main: Value| {
            let statuses = json!([{ "name": "istio-proxy", "state": sidecar["state"], "lastState": sidecar["last"] },
                { "name": "main", "state": main["state"], "lastState": main["last"] }]);
            from_value(json!({ "status": { "containerStatuses": statuses } })).unwrap()
        };
        let nothing = json!({ "state": { "waiting": { "reason": "ContainerCreating" } }, "last": {} });
        let restarted = json!({ "state": { "running": {} }, "last": { "terminated": { "exitCode": 1 } } });
        let theirs = pod(restarted.clone(), nothing.clone());
        assert!(why_no_log(&theirs, false).is_some());
        assert!(why_no_log(&theirs, true).is_some());
        let ours = pod(nothing, restarted);
        assert_eq!(why_no_log(&ours, false), None);
        assert_eq!(why_no_log(&ours, true), None);
    }
}
