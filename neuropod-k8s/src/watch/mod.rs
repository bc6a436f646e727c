//! One stream of changes for all pods, whatever their number: a watch on the pods and one on the events about them, one for each
//! kind of object that belongs to them, and, while a pod isn't ready, two on the events about nodes and claims.

mod aliveness;
mod kept;
mod outage;
mod source;
mod stream;
#[cfg(test)]
mod tests;
mod tracker;

pub(crate) use self::outage::Outage;
pub(crate) use self::source::{Selection, Source, Update};
pub(crate) use self::stream::{beside_pods, watch};
