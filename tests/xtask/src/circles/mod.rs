//! Finds circles among the files of a crate: files that import or call each other.
//!
//! A file points to another one if a path in it names an item that the other file defines, or if it calls a
//! method that the other file implements. A re-export represents the file that defines the item, so a `mod.rs`
//! that only re-exports is part of no circle. Test code does not count.
//!
//! There is no type inference: see [`methods`] for which method calls are followed.

mod arrows;
mod check;
mod components;
mod list;
mod methods;
mod modules;
mod names;
#[cfg(test)]
mod tests;

pub(crate) use self::check::{Options, check};
