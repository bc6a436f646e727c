//! Stand-ins for the API server, for unit tests.

pub(crate) mod server;
pub(crate) mod world;
