//! The host name in a request.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::uri::Authority;
use http::{HeaderMap, StatusCode, Uri, header};

use crate::app::Shared;
use crate::config::Config;
use crate::contract::failure::Failure;

/// The host name of a request: in lower case, without port and final dot. `None` if there is none.
pub(crate) fn name(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let authority = match uri.authority() {
        Some(authority) => authority.clone(),
        None => headers.get(header::HOST)?.to_str().ok()?.parse().ok()?,
    };
    let name = authority.host().to_ascii_lowercase();
    Some(name.strip_suffix('.').unwrap_or(&name).to_owned())
}

/// Whether a host name, as returned by [`name`], belongs to this server.
///
/// In development, anybody who reaches the server can sign in as anybody. A page of another site can make its
/// own name resolve to this server (DNS rebinding), and would then be treated as a page of this server: the
/// name of that site gives it away. A page can't do that with `localhost` and the names below it (RFC 6761,
/// section 6.3), nor with an address.
pub(crate) fn is_ours(config: &Config, name: &str) -> bool {
    if !config.dev || name == "localhost" || name.ends_with(".localhost") {
        return true;
    }
    if config
        .dev_hosts
        .iter()
        .any(|ours| ours.eq_ignore_ascii_case(name))
    {
        return true;
    }
    let address = name
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    let own = config.listen.ip();
    address.is_ok_and(|address| {
        let address = address.to_canonical();
        address.is_loopback() || address == own.to_canonical() || own.is_unspecified()
    })
}

/// Middleware that refuses requests for foreign names.
pub(crate) async fn check(State(app): State<Shared>, request: Request, next: Next) -> Response {
    match name(request.uri(), request.headers()) {
        Some(name) if !is_ours(&app.config, &name) => Failure::new(
            StatusCode::MISDIRECTED_REQUEST,
            "not_this_host",
            "Este servidor está en modo de desarrollo y solo responde en localhost; ábrelo con ese nombre, o añade \
             este otro a dev_hosts en su configuración",
            "This server is in development mode and answers only at localhost; open it by that name, or add this one to \
             dev_hosts in its configuration",
        )
        .into_response(),
        _ => next.run(request).await,
    }
}

/// Whether a request has exactly one valid host, as HTTP/1.1 requires (RFC 9112, section 3.2).
pub(crate) fn is_well_formed(version: http::Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => version < http::Version::HTTP_11,
        (Some(host), None) => host.to_str().is_ok_and(|host| {
            let authority = host.parse::<Authority>();
            authority.is_ok_and(|authority| {
                let is_name = |sign: u8| sign.is_ascii_alphanumeric() || b"-._~%".contains(&sign);
                let name = authority.host();
                let is_host = name.starts_with('[') || name.bytes().all(is_name);
                let port = host.strip_prefix(name).filter(|_| is_host);
                let is_port = |port: &str| port.is_empty() || port.parse::<u16>().is_ok();
                port.is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
            })
        }),
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn named(host: &str) -> Option<String> {
        let headers = [(header::HOST, HeaderValue::from_str(host).unwrap())];
        name(&Uri::from_static("/"), &headers.into_iter().collect())
    }

    #[test]
    fn in_development_only_names_of_this_machine_are_ours() {
        let config = |listen: &str| Config {
            dev: true,
            listen: listen.parse().unwrap(),
            dev_hosts: vec!["Workstation.lan".into()],
            ..Config::default()
        };
        let local = config("127.0.0.1:3000");
        for host in [
            "localhost",
            "LocalHost:3000",
            "localhost.:3000",
            "ana-1-8888.pods.localhost:3000",
            "127.0.0.1",
            "127.9.9.9:80",
            "[::1]:3000",
            "[::ffff:127.0.0.1]",
            "workstation.LAN:3000",
        ] {
            assert!(is_ours(&local, &named(host).unwrap()), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:3000",
            "localhost.evil.example",
            "notlocalhost",
            "127.0.0.1.evil.example",
            "127.0.0.1.nip.io",
            "192.168.1.5:3000",
            "[2001:db8::1]",
            "0.0.0.0:3000",
            "2130706433",
            "workstation.lan.evil.example",
        ] {
            assert!(!is_ours(&local, &named(host).unwrap()), "{host}");
        }
        assert!(is_ours(&config("192.168.1.5:3000"), "192.168.1.5"));
        assert!(!is_ours(&config("192.168.1.5:3000"), "192.168.1.6"));
        assert!(is_ours(&config("0.0.0.0:3000"), "192.168.1.5"));
        assert!(!is_ours(&config("0.0.0.0:3000"), "evil.example"));
        assert!(is_ours(&Config::default(), "evil.example"));
    }

    #[test]
    fn a_request_has_exactly_one_host() {
        let fits = |version, hosts: &[&str]| {
            let hosts = hosts
                .iter()
                .map(|host| (header::HOST, HeaderValue::from_str(host).unwrap()));
            let mut headers = HeaderMap::new();
            for (name, host) in hosts {
                headers.append(name, host);
            }
            is_well_formed(version, &headers)
        };
        let (old, new) = (http::Version::HTTP_10, http::Version::HTTP_11);
        for host in [
            "localhost",
            "localhost:3000",
            "a.b:",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:3000",
            "pod_1.x",
        ] {
            assert!(fits(new, &[host]) && fits(old, &[host]), "{host}");
        }
        for host in [
            "",
            " ",
            "a b",
            "ana@localhost",
            "localhost:port",
            "localhost:70000",
            "http://localhost",
            "a/b",
            "[::1",
            "::1",
            "a,b",
            "localhost:80:80",
            "a?b",
            "a#b",
        ] {
            assert!(!fits(new, &[host]), "{host}");
        }
        assert!(!fits(new, &[]) && fits(old, &[]));
        assert!(!fits(new, &["a", "a"]) && !fits(old, &["a", "b"]));
    }
}
