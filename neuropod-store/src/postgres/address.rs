//! The address of a server.

use std::str::FromStr;

use neuropod_core::{Error, ErrorKind, Result};
use sqlx::postgres::PgConnectOptions;

use super::failure;

/// The parameters that may stand after the `?` of an address, see the documentation of [`PgConnectOptions`].
const PARAMETERS: [&str; 19] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "options[",
];

/// Reads an address. An error shows no part of it that may be secret.
pub(super) fn parse(url: &str) -> Result<PgConnectOptions> {
    let is_ours = ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    if !is_ours {
        return Err(wrong("the address of the database has to begin with postgres://"));
    }
    // sqlx would write the values of parameters that it does not know into the log, and one may be a misspelt password.
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let names = query
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or_default());
    for name in names.filter(|name| !name.is_empty()) {
        let name = name.replace("%5B", "[").replace("%5D", "]");
        let is_option = name.starts_with("options[") && name.ends_with(']');
        if !is_option && !PARAMETERS.contains(&name.as_str()) {
            return Err(wrong(
                "the address of the database has a parameter that is unknown",
            ));
        }
    }
    let options = PgConnectOptions::from_str(url).map_err(failure::from_sqlx)?;
    let name = options.get_application_name().unwrap_or("neuropod").to_owned();
    Ok(options.application_name(&name))
}

fn wrong(message: &str) -> Error {
    Error::new(ErrorKind::NotConfigured, message)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn parameters_are_read() {
        let address =
            "postgresql://ana:p%40ss@db.example.com:6543/pods?sslmode=verify-full&options[search_path]=np";
        let options = parse(address).unwrap();
        assert_eq!(options.get_host(), "db.example.com");
        assert_eq!(options.get_port(), 6543);
        assert_eq!(options.get_username(), "ana");
        assert_eq!(options.get_database(), Some("pods"));
        assert_eq!(options.get_application_name(), Some("neuropod"));
        assert_eq!(options.get_options(), Some("-c search_path=np"));
        let named = parse("postgres://db/?application_name=billing").unwrap();
        assert_eq!(named.get_application_name(), Some("billing"));
    }

    #[test]
    fn a_wrong_address_is_refused_without_its_secrets() {
        for address in [
            "mysql://ana:hunter2@db/pods",
            "postgres://ana:hunter2@db:port/pods",
            "postgres://ana:hunter2@[db/pods",
            "postgres://ana:hunter2@db/pods?sslmode=often",
            "postgres://db/pods?user=ana&pasword=hunter2",
            "postgres://db/pods?port=hunter2",
            "postgres://db/pods?hunter2",
            "hunter2",
            "",
        ] {
            let error = parse(address).unwrap_err();
            assert_eq!(error.kind().code(), "not_configured", "{address}");
            let mut shown = format!("{error} {error:?}");
            let mut cause = error.source();
            while let Some(source) = cause {
                shown = format!("{shown} {source} {source:?}");
                cause = source.source();
            }
            assert!(!shown.contains("hunter2"), "{address}: {shown}");
        }
    }
}
