//! People: users, who they are where they sign in, and what they may be called.

pub mod person;
pub mod profile;

pub use self::profile::{Identity, User, opening_key};
