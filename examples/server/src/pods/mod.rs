//! The hosts of simulated pods: in a simulation no container serves, so the server itself answers for
//! `*.<domain>`.
//!
//! Each host is its own origin, separate from the dashboard and the API. Neither is available there, and the
//! pages run only one fixed script, so that a pod's page can do as little to the platform as a real one.
//!
//! Never on a real cluster: there the hosts belong to containers, and requests for them go to the ingress.

mod echo;
mod found;
mod links;
mod login;
mod page;
mod route;
#[cfg(test)]
mod tests;

pub(crate) use self::{links::links, route::route};
