//! The text that the program prints at the start: the address to open, how to sign in, how to stop.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use secrecy::ExposeSecret;

use crate::config::{ClusterKind, Config, LogFormat};
use crate::gallery;

/// The greeting of a server on the simulated cluster or in development, which people start by hand; `None` for
/// others, and if the log is for programs. `config.listen` is the actual address.
pub fn compose(config: &Config) -> Option<String> {
    let by_hand = config.dev || config.cluster == ClusterKind::Sim;
    if !by_hand || config.log == LogFormat::Json {
        return None;
    }
    let base = base(config.listen);
    let mut text = String::from("\nNeuropod is running.\n\n");
    let mut line = |name: &str, value: &str| {
        // Writing to a text does not fail.
        let _ = writeln!(text, "  {name:<10}{value}");
    };
    line("Open", &base);
    if config.listen.ip().is_unspecified() {
        let more = "it listens on every address of this machine, so others can reach it too";
        line("", more);
    }
    line("Sign in", &sign_in(config));
    if !config.scenario.is_empty() {
        line("Gallery", &gallery::who(&config.scenario));
    }
    match config.cluster {
        ClusterKind::Sim => line(
            "Cluster",
            "simulated: no program runs in the pods, and their links open pages of this server",
        ),
        ClusterKind::Kube => line("Cluster", "the Kubernetes cluster of the current kubeconfig"),
    }
    line("Kept in", &kept_in(config));
    line("API", &format!("{base}/api/docs"));
    line("Stop", "Ctrl-C");
    text.push('\n');
    Some(text)
}

/// The address to open in a browser on this machine.
fn base(listen: SocketAddr) -> String {
    let ip = listen.ip();
    let is_localhost = ip == Ipv4Addr::LOCALHOST || ip == Ipv6Addr::LOCALHOST;
    let host = match ip {
        _ if is_localhost || ip.is_unspecified() => "localhost".to_owned(),
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    };
    match listen.port() {
        80 => format!("http://{host}"),
        port => format!("http://{host}:{port}"),
    }
}

fn sign_in(config: &Config) -> String {
    if config.dev {
        let admin = &config.admin_email;
        return format!("with any e-mail address, without a password; {admin} is the administrator");
    }
    match (&config.auth.google_client_id, &config.auth.jwks_url) {
        (Some(_), _) => "with Google".to_owned(),
        (None, Some(_)) => "with a token of the configured issuer".to_owned(),
        (None, None) => "not set up: start the server with --dev to try it".to_owned(),
    }
}

fn kept_in(config: &Config) -> String {
    let store = config.store.expose_secret();
    match store.strip_prefix("sqlite:") {
        Some(file) => format!("the file {file}"),
        None if store == "memory" => "memory: everything is lost when the server stops".to_owned(),
        // The address may have a password.
        None => "the configured database".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_an_address_that_can_be_opened() {
        for (listen, opens) in [
            ("127.0.0.1:3000", "http://localhost:3000"),
            ("[::1]:3000", "http://localhost:3000"),
            ("0.0.0.0:8080", "http://localhost:8080"),
            ("[::]:80", "http://localhost"),
            ("127.0.0.2:3000", "http://127.0.0.2:3000"),
            ("192.168.1.5:3000", "http://192.168.1.5:3000"),
            ("[2001:db8::1]:3000", "http://[2001:db8::1]:3000"),
        ] {
            assert_eq!(base(listen.parse().unwrap()), opens, "{listen}");
        }
    }

    #[test]
    fn it_names_the_account_the_simulation_and_how_to_stop() {
        let config = Config {
            dev: true,
            listen: ([0, 0, 0, 0], 3999).into(),
            ..Config::default()
        };
        let text = compose(&config).unwrap();
        for part in [
            "http://localhost:3999\n",
            "every address",
            "admin@example.com",
            "simulated",
            "the file neuropod.db",
            "/api/docs",
            "Ctrl-C",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn it_shows_no_passwords_and_is_absent_from_logs_for_programs() {
        let config = Config {
            dev: true,
            store: "mongodb://ana:hunter2@db/neuropod".into(),
            ..Config::default()
        };
        assert!(!compose(&config).unwrap().contains("hunter2"));
        let log = LogFormat::Json;
        assert_eq!(
            compose(&Config {
                log,
                ..config.clone()
            }),
            None
        );
        let (dev, cluster) = (false, ClusterKind::Kube);
        assert_eq!(
            compose(&Config {
                dev,
                cluster,
                ..config
            }),
            None
        );
    }
}
