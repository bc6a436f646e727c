//! One stream of changes for all pods, whatever their number: from a watch on the pods, and three on the events that say
//! why they hang.

mod source;
mod stream;
#[cfg(test)]
mod tests;
mod tracker;

pub(crate) use self::stream::watch;
