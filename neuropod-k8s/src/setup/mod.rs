//! Before the first pod: connecting to the cluster, and checking the requirements.

pub(crate) mod catalogue;
pub(crate) mod check;
pub(crate) mod connect;
pub(crate) mod enforcement;
pub(crate) mod rights;
pub(crate) mod site;
