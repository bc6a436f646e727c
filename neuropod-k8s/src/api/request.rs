//! Requests to the API server, each with a bounded number of retries.

#[cfg(test)]
mod tests;

use std::future::Future;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use kube::Client;
use kube::api::{DeleteParams, GetParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::Request;
use neuropod_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::error::Elapsed;

use crate::api::error::{Call, is_transient, is_unknown_resource, retry_after};
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::api::partial::{List, Meta, Partial, PartialObject};
use crate::labels::MANAGER;

/// Objects in one page. The API server holds a whole page in memory, several times.
const PAGE: u32 = 500;
/// How often a list is begun again because its pages have expired: one that never ends is worse than one that fails.
const MAX_RESTARTS: u32 = 3;

/// If the API server asks to wait longer than this, the error is returned and the driver decides when to retry.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Sends requests.
pub(crate) struct Requests {
    client: Client,
    /// Limits the writes in flight.
    writes: Semaphore,
    deadline: Duration,
}

impl Requests {
    pub(crate) fn new(client: Client, writes: usize, deadline: Duration) -> Self {
        Self {
            client,
            writes: Semaphore::new(writes.max(1)),
            deadline,
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Runs a whole operation, up to the deadline. kube has no read time-out of its own.
    pub(crate) async fn in_time<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match tokio::time::timeout(self.deadline, work).await {
            Ok(result) => result,
            Err(elapsed) => Err(self.late(elapsed)),
        }
    }

    fn late(&self, elapsed: Elapsed) -> Error {
        let message = format!("the cluster did not respond within {:?}", self.deadline);
        Error::new(ErrorKind::Timeout, message).with_source(elapsed)
    }

    /// The object, if it exists. For most kinds only its metadata.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<T>> {
        // These are needed in full.
        if matches!(kind, Kind::Pod | Kind::PersistentVolumeClaim) {
            return self.get_whole(kind, namespace, name).await;
        }
        let request = Request::new(kind.path(namespace)).get_metadata(name, &GetParams::default());
        self.find(request, kind, namespace, name).await
    }

    /// The whole object, if it exists.
    pub(crate) async fn get_whole<T: DeserializeOwned>(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<T>> {
        let request = Request::new(kind.path(namespace)).get(name, &GetParams::default());
        self.find(request, kind, namespace, name).await
    }

    async fn find<T: DeserializeOwned>(
        &self,
        request: Built,
        kind: Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<T>> {
        let call = Call::on_name("get", kind, namespace, name);
        match self.send(request).await {
            Ok(object) => Ok(Some(object)),
            Err(kube::Error::Api(status)) if status.is_not_found() && !is_unknown_resource(&status) => {
                Ok(None)
            }
            Err(error) => Err(call.failed(error)),
        }
    }

    /// The response at a path that has no objects, such as `/version`.
    pub(crate) async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, kube::Error> {
        let request = http::Request::get(path).body(Vec::new());
        self.send(request.map_err(kube::core::request::Error::BuildRequest))
            .await
    }

    /// All objects that the selectors match, from all pages.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        selectors: &ListParams,
    ) -> Result<Vec<T>> {
        let add = |all: &mut Vec<T>, object| all.push(object);
        self.fold(kind, namespace, selectors, add).await
    }

    /// Adds all objects that the selectors match to a collection, page by page: what a page has beside them is not kept.
    /// Each page has the deadline for itself.
    pub(crate) async fn fold<T: DeserializeOwned, A: Default>(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        selectors: &ListParams,
        add: impl FnMut(&mut A, T),
    ) -> Result<A> {
        self.fold_pages(kind, namespace, selectors, false, add).await
    }

    /// The metadata of all objects with these labels. Empty if the cluster does not have the kind.
    pub(crate) async fn list_metadata(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        labels: &str,
    ) -> Result<Vec<Meta>> {
        let add = |all: &mut Vec<Meta>, metadata| all.push(metadata);
        self.fold_metadata(kind, namespace, labels, add).await
    }

    /// Adds the metadata of all objects with these labels to a collection, page by page.
    pub(crate) async fn fold_metadata<A: Default>(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        labels: &str,
        mut add: impl FnMut(&mut A, Meta),
    ) -> Result<A> {
        let selectors = ListParams::default().labels(labels);
        let add = |all: &mut A, object: PartialObject| add(all, object.metadata);
        self.fold_pages(kind, namespace, &selectors, true, add).await
    }

    async fn fold_pages<T: DeserializeOwned, A: Default>(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        selectors: &ListParams,
        metadata_only: bool,
        mut add: impl FnMut(&mut A, T),
    ) -> Result<A> {
        let call = Call::on_kind("list", kind, namespace);
        let request = Request::new(kind.path(namespace));
        let mut page = selectors.clone().limit(PAGE);
        let mut all = A::default();
        let mut restarts = 0;
        loop {
            let request = if metadata_only {
                request.list_metadata(&page)
            } else {
                request.list(&page)
            };
            let sent = tokio::time::timeout(self.deadline, self.send(request)).await;
            let list: List<T> = match sent.map_err(|elapsed| self.late(elapsed))? {
                Ok(list) => list,
                Err(kube::Error::Api(status)) if metadata_only && is_unknown_resource(&status) => {
                    return Ok(all);
                }
                // etcd was compacted between two pages, so the next page is gone. Start again.
                Err(kube::Error::Api(status))
                    if status.code == 410 && page.continue_token.is_some() && restarts < MAX_RESTARTS =>
                {
                    page.continue_token = None;
                    all = A::default();
                    restarts += 1;
                    continue;
                }
                Err(error) => return Err(call.failed(error)),
            };
            list.items.into_iter().for_each(|object| add(&mut all, object));
            if list.metadata.next.is_empty() {
                return Ok(all);
            }
            page.continue_token = Some(list.metadata.next);
        }
    }

    /// Creates the object. Returns the error of kube itself, because callers act on its details.
    pub(crate) async fn create<T: DeserializeOwned>(
        &self,
        manifest: &Manifest,
        namespace: Option<&str>,
    ) -> Result<T, kube::Error> {
        let params = PostParams {
            field_manager: Some(MANAGER.into()),
            ..PostParams::default()
        };
        let body = serde_json::to_vec(&manifest.body).map_err(kube::Error::SerdeError)?;
        self.write(Request::new(manifest.kind.path(namespace)).create(&params, body))
            .await
    }

    /// Creates or updates the object, by server-side apply: for one whose name nobody else uses. Returns the error of kube
    /// itself. It does not wait for other writes, because it is wanted in time.
    pub(crate) async fn put<T: Partial>(
        &self,
        manifest: &Manifest,
        namespace: Option<&str>,
    ) -> Result<T, kube::Error> {
        let params = PatchParams::apply(MANAGER).force();
        let request = Request::new(manifest.kind.path(namespace));
        self.send(request.patch(&manifest.name, &params, &Patch::Apply(&manifest.body)))
            .await
    }

    /// Updates the object with this uid to the manifest, by server-side apply.
    pub(crate) async fn apply<T: Partial>(
        &self,
        manifest: &Manifest,
        namespace: Option<&str>,
        uid: &str,
    ) -> Result<T> {
        self.own_creation(manifest, namespace, uid).await?;
        let mut body = manifest.update.as_ref().unwrap_or(&manifest.body).clone();
        // With the uid, the API server refuses (409) if the object was replaced or removed meanwhile.
        body["metadata"]["uid"] = uid.into();
        let params = PatchParams::apply(MANAGER).force();
        let request = Request::new(manifest.kind.path(namespace));
        let request = request.patch(&manifest.name, &params, &Patch::Apply(&body));
        let call = Call::on_object("patch", manifest, namespace);
        self.write(request).await.map_err(|error| call.failed(error))
    }

    /// Makes our apply the owner of the fields that our creation set. The API server records a creation as
    /// `Update`, and an apply only removes fields of an earlier apply: an annotation that left the manifest
    /// would stay for ever.
    async fn own_creation(&self, manifest: &Manifest, namespace: Option<&str>, uid: &str) -> Result<()> {
        let found: Option<Managed> = self.get(manifest.kind, namespace, &manifest.name).await?;
        let Some(mut metadata) = found.map(|object| object.metadata) else {
            return Ok(());
        };
        let ours = |entry: &&mut Value| entry["manager"] == MANAGER && entry["operation"] == "Update";
        let Some(entry) = metadata.managed_fields.iter_mut().find(ours) else {
            return Ok(());
        };
        entry["operation"] = "Apply".into();
        // With the version just read, because others may have changed their entries since.
        let fields = json!({ "metadata": {
            "managedFields": metadata.managed_fields,
            "resourceVersion": metadata.resource_version,
        }});
        let renamed: Result<PartialObject, _> = self.merge(manifest, namespace, uid, fields).await;
        renamed
            .map(drop)
            .map_err(|error| Call::on_object("patch", manifest, namespace).failed(error))
    }

    /// Changes some fields of the object with this uid (JSON merge patch).
    pub(crate) async fn merge<T: Partial>(
        &self,
        manifest: &Manifest,
        namespace: Option<&str>,
        uid: &str,
        mut fields: Value,
    ) -> Result<T, kube::Error> {
        fields["metadata"]["uid"] = uid.into();
        let params = PatchParams {
            field_manager: Some(MANAGER.into()),
            ..PatchParams::default()
        };
        let request = Request::new(manifest.kind.path(namespace));
        self.write(request.patch(&manifest.name, &params, &Patch::Merge(&fields)))
            .await
    }

    /// Deletes the object. Returns it if it still exists, such as a pod that is ending. Never deletes another object of the
    /// same name.
    pub(crate) async fn delete<T: Partial>(&self, kind: Kind, meta: &Meta) -> Result<Option<T>> {
        let namespace = Some(meta.namespace.as_str());
        let params = DeleteParams::default().preconditions(Preconditions {
            uid: Some(meta.uid.clone()),
            resource_version: None,
        });
        let call = Call::on_name("delete", kind, namespace, &meta.name);
        let request = Request::new(kind.path(namespace)).delete(&meta.name, &params);
        match self.write::<Deletion>(request).await {
            Ok(response) if response.kind == "Status" => return Ok(None),
            // The response contains an object that ends later, but sometimes also one that is gone already.
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.is_not_found() => return Ok(None),
            Err(error) => return Err(call.failed(error)),
        }
        let left: Option<T> = self.get(kind, namespace, &meta.name).await?;
        Ok(left.filter(|object| object.meta().uid == meta.uid))
    }

    async fn write<T: DeserializeOwned>(&self, request: Built) -> Result<T, kube::Error> {
        // Acquiring can't fail, because the semaphore is never closed.
        let _permit = self.writes.acquire().await.ok();
        self.send(request).await
    }

    /// Sends the request, with retries. Every request of this crate may be repeated: a repeated creation finds
    /// its own object, and patches and deletions name a uid.
    async fn send<T: DeserializeOwned>(&self, request: Built) -> Result<T, kube::Error> {
        let request = request.map_err(kube::Error::BuildRequest)?;
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .with_max_times(4)
            .with_jitter();
        (|| self.client.request(request.clone()))
            .retry(backoff)
            .when(is_transient)
            .adjust(|error, wait| match retry_after(error) {
                Some(asked) if asked > LONGEST_WAIT => None,
                Some(asked) => wait.map(|wait| wait.max(asked)),
                None => wait,
            })
            .await
    }
}

/// A request as kube builds it.
type Built = Result<http::Request<Vec<u8>>, kube::core::request::Error>;

/// An object with `managedFields`, which record the owner of each field.
#[derive(Deserialize)]
struct Managed {
    metadata: ManagedMeta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManagedMeta {
    resource_version: String,
    #[serde(default)]
    managed_fields: Vec<Value>,
}

/// The response to a deletion: a `Status`, or the object that is ending.
#[derive(Deserialize)]
struct Deletion {
    kind: String,
}
