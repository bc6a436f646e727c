//! What other processes change in a store of pods: an optional power of a store.

use futures::stream::BoxStream;

use crate::id::PodId;

/// Reports the pods that other processes change in the store, at once and as well as it can.
///
/// A platform with it reacts at once to what another replica was asked for, and notifies its subscribers. Without it, it
/// learns of a change from the cluster, or when it reads everything, every few minutes. Nothing depends on a hint:
/// one that is lost, late or wrong costs time and no more.
pub trait PodHints: Send + Sync + 'static {
    /// The changes from now on. The stream resumes by itself after disconnects, and then begins with
    /// [`PodHint::Missed`].
    fn hints(&self) -> BoxStream<'static, PodHint>;
}

/// A hint of what has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PodHint {
    /// The record of this pod was stored, changed or removed.
    Changed(PodId),
    /// Hints were lost: any record may have changed.
    Missed,
}
