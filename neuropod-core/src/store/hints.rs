//! What other processes change in a store of pods: an optional power of a store.

use futures::stream::BoxStream;

use crate::id::PodId;

/// Reports the pods that other processes change in the store, at once and as well as it can.
///
/// A platform with it reacts at once to what another replica was asked for, and notifies its subscribers. Without it, it
/// learns of a change from the cluster, or when it reads everything, every few minutes. Nothing depends on a hint:
/// one that is lost, late or wrong costs time and no more. The suite `conformance::hints` (feature `conformance`) checks
/// implementations.
pub trait PodHints: Send + Sync + 'static {
    /// The changes from when the stream begins to listen, which is soon after it is first polled.
    ///
    /// Who gets a hint reads the record, so a hint comes after its change can be read. Changes made through this same value
    /// are not among them. Each stream has every hint, and one that is not read holds up nobody. It never ends: it resumes by
    /// itself after disconnects, and then begins with [`PodHint::Missed`].
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
