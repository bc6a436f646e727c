//! How values are stored: one shape for each kind of document, the same in every store.
//!
//! A shape is a plain serde struct with the names that documents use. [`stored::Stored`] converts it from and to the
//! type of the library. Conversions name every field (no `..`), so the compiler points here when a type gets a new one.
//! SQLite and PostgreSQL store shapes as JSON, MongoDB as BSON, where dates and ids get types of their own (`mongo/codec.rs`); a shape
//! knows nothing of either.
//!
//! Invariant: secrets are in the field `secrets` of a document ([`secrets`]) and nowhere else.
//!
//! Invariant: every document written by any version can be read. A document names its layout; one without a
//! layout has the first, which differed between the stores. [`stored::Stored::upgrade`] moves its fields to
//! their present places, and the next write stores them there.
//!
//! Invariant: fields that this version does not know stay in a document when it is rewritten ([`unknown`]).

pub(crate) mod audit;
pub(crate) mod entry;
mod extra;
mod layout;
mod login;
mod meter;
mod options;
pub(crate) mod pod;
pub(crate) mod prices;
pub(crate) mod request;
mod secrets;
pub(crate) mod stored;
pub(crate) mod template;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod tree;
pub(crate) mod unknown;
pub(crate) mod user;
