//! Reading pods: one, a page, all, their connections, and their logs.

use crate::cluster::backend::{LogOptions, LogStream};
use crate::cluster::plan;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::{Actor, PodId, UserId};
use crate::platform::handle::Platform;
use crate::pod::connection;
use crate::pod::connection::{Connection, ConnectionState};
use crate::pod::record::{Desired, Pod};
use crate::store::traits::{ListOptions, Page};

impl Platform {
    /// The pod with this id.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` when it belongs to another user.
    pub async fn get(&self, actor: &Actor, id: &PodId) -> Result<Pod> {
        self.0.records.visible(actor, id).await
    }

    /// A page of pods, oldest first: for clients their own, for administrators those of
    /// [`owner`](ListOptions::owner) (default: of all users).
    ///
    /// # Errors
    /// `Forbidden` when a client requests the pods of another user, or deleted ones.
    pub async fn list(&self, actor: &Actor, options: &ListOptions) -> Result<Page> {
        if options.include_deleted {
            actor.require_admin()?;
        }
        let options = ListOptions {
            owner: owner_to_list(actor, options.owner.as_ref())?,
            ..options.clone()
        };
        self.0.records.page(&options).await
    }

    /// All pods that [`list`](Self::list) returns page by page, without deleted ones: for clients their own,
    /// for administrators those of `owner` or of all users.
    ///
    /// # Errors
    /// `Forbidden` when a client requests the pods of another user.
    pub async fn list_all(&self, actor: &Actor, owner: Option<&UserId>) -> Result<Vec<Pod>> {
        let owner = owner_to_list(actor, owner)?;
        self.0.records.all(owner.as_ref(), false).await
    }

    /// The public ports of a pod, and whether they can be opened now. While the token of its Jupyter server is not known, the
    /// driver of this process looks for it at once.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden`.
    pub async fn connections(&self, actor: &Actor, id: &PodId) -> Result<Vec<Connection>> {
        let pod = self.0.records.visible(actor, id).await?;
        let connections = connection::connections(&pod, &self.0.rules.naming);
        let awaits_login = |connection: &Connection| connection.state == ConnectionState::AwaitingLogin;
        if connections.iter().any(awaits_login) {
            self.0.wakeups.wake(id);
        }
        Ok(connections)
    }

    /// The log of a pod's container.
    ///
    /// # Errors
    /// `InvalidState` when it is stopped or has not started yet; `NotFound`; `Forbidden`.
    pub async fn logs(&self, actor: &Actor, id: &PodId, options: LogOptions) -> Result<LogStream> {
        let pod = self.0.records.visible(actor, id).await?;
        if pod.desired != Desired::Running {
            return Err(
                Error::new(ErrorKind::InvalidState, "the pod is stopped").with_context("state", "stopped")
            );
        }
        let reference = plan::reference(&pod, &self.0.rules.naming);
        self.0
            .cluster
            .logs(&reference, options)
            .await
            .map_err(|error| match error.kind() {
                // The record exists, so it is the pod object that is missing.
                ErrorKind::NotFound => Error::new(ErrorKind::InvalidState, "the pod has not started yet")
                    .with_context("state", "starting")
                    .with_source(error),
                _ => error,
            })
    }
}

/// The owner of the listed pods; `None`: all owners.
fn owner_to_list(actor: &Actor, owner: Option<&UserId>) -> Result<Option<UserId>> {
    match owner {
        Some(owner) => actor.require_access(owner).map(|()| Some(owner.clone())),
        None if actor.is_admin() => Ok(None),
        None => Ok(Some(actor.id.clone())),
    }
}
