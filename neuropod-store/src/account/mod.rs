//! The effects of calls on an account: plain functions of stored data, the same for every store.
//!
//! A store reads the [`Known`] records and the balance, calls one of these functions, and writes all of the returned
//! [`Change`] in one step, or nothing. [`fold`](fn@fold) makes old entries fewer, in steps of its own.

mod change;
mod draw;
mod fold;
mod hold;
mod known;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mongo"))]
mod names;
mod post;
mod record;

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mongo"))]
pub(crate) use self::change::Decision;
pub(crate) use self::change::{Change, no_account};
pub(crate) use self::draw::draw;
pub(crate) use self::fold::{Fold, fold, folded_key, pods_of_charges};
pub(crate) use self::hold::{hold, release};
#[cfg(any(feature = "postgres", feature = "mongo"))]
pub(crate) use self::known::Keys;
pub(crate) use self::known::Known;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mongo"))]
pub(crate) use self::names::{name_pods, pods_without_name};
pub(crate) use self::post::post;
pub(crate) use self::record::Record;
