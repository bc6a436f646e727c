//! Before the first pod: reaching the cluster, and checking that it has what the platform needs.

pub(crate) mod catalogue;
pub(crate) mod check;
pub(crate) mod connect;
pub(crate) mod enforcement;
pub(crate) mod rights;
pub(crate) mod site;
