//! Checks whether browsers treat two hosts as the same site, that is, whether they share the registrable domain
//! below a public suffix.
//!
//! A program in a pod can be anybody's. On the same site as the dashboard, its pages could set cookies that the
//! browser sends to the dashboard, and its requests would count as the dashboard's own.

use std::net::IpAddr;

use neuropod_core::{Error, ErrorKind, Result};

use crate::config::Domains;

/// Fails if pods are at a site of the control plane, unless the configuration allows it.
///
/// # Errors
/// `NotConfigured`, with the two hosts.
pub(crate) fn check(domains: &Domains) -> Result<()> {
    // Names below `localhost` belong to this machine (RFC 6761), so there are no other users.
    let is_local = domains.pods == "localhost" || domains.pods.ends_with(".localhost");
    if domains.allow_same_site || domains.pods.is_empty() || is_local {
        return Ok(());
    }
    // Names of pods are not known here, but each has one label below the domain.
    let pod = format!("pod.{}", domains.pods);
    let shared = domains.control_plane.iter().find(|host| is_same_site(&pod, host));
    let Some(host) = shared else {
        return Ok(());
    };
    let message = "pods have host names at the site of the control plane, whose cookies they could set: give them a domain \
                   of their own, or say with allow_same_site that it is meant";
    Err(Error::new(ErrorKind::NotConfigured, message)
        .with_context("pods", &domains.pods)
        .with_context("control plane", host))
}

fn is_same_site(one: &str, other: &str) -> bool {
    match (site(one), site(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// The registrable domain of a host, in lower case; `None` for an address, or a public suffix itself.
fn site(host: &str) -> Option<String> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return None;
    }
    psl::domain_str(&host).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(pods: &str, control_plane: &str, allow_same_site: bool) -> Result<()> {
        check(&Domains::new(pods, ["127.0.0.1", control_plane]).with_allow_same_site(allow_same_site))
    }

    #[test]
    fn pods_need_another_registrable_domain() {
        for (pods, control_plane) in [
            ("example.com", "app.example.com"),
            ("pods.example.com", "app.example.com"),
            ("pods.app.example.com", "app.example.com"),
            ("Pods.Example.COM", "app.example.com."),
            ("pods.example.com", "example.com"),
            ("pods.example.co.uk", "app.example.co.uk"),
            ("pods.lab.internal", "app.lab.internal"),
        ] {
            let error = checked(pods, control_plane, false).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::NotConfigured);
            let text = error.to_string();
            assert!(
                text.contains("allow_same_site") && text.contains(control_plane),
                "{text}"
            );
            checked(pods, control_plane, true).unwrap();
        }
        for (pods, control_plane) in [
            ("example.net", "app.example.com"),
            ("example-pods.com", "example.com"),
            ("other.co.uk", "app.example.co.uk"),
            // Public suffixes themselves: each name below one is a site of its own.
            ("github.io", "app.github.io"),
            ("ana.github.io", "app.github.io"),
            ("pods.localhost", "app.pods.localhost"),
            ("example.com", "10.0.0.1"),
            ("example.com", "[::1]"),
            ("", "app.example.com"),
        ] {
            checked(pods, control_plane, false).unwrap();
        }
    }
}
