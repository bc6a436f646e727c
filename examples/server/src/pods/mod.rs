//! The simulated pods' own hosts: in a simulation no container serves, so the server answers for `*.<domain>` itself.
//!
//! Each host is an origin of its own, apart from the dashboard and the API. Nothing of either is to be had there, and
//! the pages run no script but one fixed file, so that a pod's page can do as little to the platform as a real one.
//!
//! Never on a real cluster: there the hosts are those of containers, and requests for them get to the ingress.

mod echo;
mod found;
mod links;
mod login;
mod page;
mod route;
#[cfg(test)]
mod tests;

pub(crate) use self::{links::links, route::route};
