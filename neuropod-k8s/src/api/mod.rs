//! The API server as the backend sees it: requests, the kinds of objects, the parts of them that are decoded, errors.

pub(crate) mod error;
pub(crate) mod kinds;
pub(crate) mod manifest;
pub(crate) mod partial;
pub(crate) mod quantity;
pub(crate) mod request;
mod wording;
