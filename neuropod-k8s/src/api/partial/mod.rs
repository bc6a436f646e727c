//! Partial objects: the fields of Kubernetes objects that the backend needs, decoded straight from the response.
//!
//! A whole pod is some 10 KB of JSON, most of it `spec` and `managedFields`. These types skip both without keeping
//! them, which takes a sixth of the time and a fortieth of the memory of `k8s_openapi`'s `Pod`.

mod claim;
mod event;
pub(crate) mod fields;
mod lenient;
mod list;
mod metadata;
mod object;
mod pod;

pub(crate) use self::claim::PartialClaim;
pub(crate) use self::event::PartialEvent;
pub(crate) use self::list::List;
pub(crate) use self::metadata::{Annotations, Meta};
pub(crate) use self::object::{Partial, PartialObject, PartialPolicy};
pub(crate) use self::pod::{Condition, ContainerState, ContainerStatus, PartialPod, Terminated, Waiting};
