//! People: users, their identities, and their names.

pub mod person;
pub mod profile;

pub use self::profile::{Identity, User, opening_key};
