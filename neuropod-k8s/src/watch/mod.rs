//! One stream of changes for all pods, whatever their number: a watch on the pods, and three on the events that
//! explain them.

mod source;
mod stream;
#[cfg(test)]
mod tests;
mod tracker;

pub(crate) use self::stream::watch;
