//! The backend's view of the API server: requests, kinds of objects, decoded parts of them, errors.

pub(crate) mod error;
pub(crate) mod kinds;
pub(crate) mod manifest;
pub(crate) mod partial;
pub(crate) mod quantity;
pub(crate) mod request;
mod wording;
