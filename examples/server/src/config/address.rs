//! The address of a store in a form that may be shown, without its secrets.

use anyhow::{Result, ensure};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};

/// Options of an address of MongoDB or PostgreSQL that are not secret. All others are treated as secret.
const HARMLESS: [&str; 44] = [
    "appname",
    "application_name",
    "authmechanism",
    "authsource",
    "compressors",
    "connecttimeoutms",
    "dbname",
    "directconnection",
    "heartbeatfrequencyms",
    "host",
    "hostaddr",
    "journal",
    "loadbalanced",
    "localthresholdms",
    "maxconnecting",
    "maxidletimems",
    "maxpoolsize",
    "maxstalenessseconds",
    "minpoolsize",
    "port",
    "readconcernlevel",
    "readpreference",
    "readpreferencetags",
    "replicaset",
    "retryreads",
    "retrywrites",
    "servermonitoringmode",
    "serverselectiontimeoutms",
    "sockettimeoutms",
    "srvmaxhosts",
    "srvservicename",
    "ssl",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "timeoutms",
    "tls",
    "tlsallowinvalidcertificates",
    "tlsallowinvalidhostnames",
    "tlsinsecure",
    "uuidrepresentation",
    "w",
    "wtimeoutms",
    "zlibcompressionlevel",
];

/// Whether it is the address of a PostgreSQL server.
pub(crate) fn is_postgres(address: &str) -> bool {
    ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| address.starts_with(scheme))
}

/// Checks the address of a store. An error shows no part of it.
pub(crate) fn check_store(store: &str) -> Result<()> {
    ensure!(
        !store.starts_with("sqlite:") || !store.contains('?'),
        "`sqlite:FILE` takes no options after a `?`"
    );
    ensure!(
        store != "sqlite:",
        "`sqlite:FILE` needs the name of a file, such as sqlite:neuropod.db"
    );
    ensure!(
        store == "memory"
            || is_postgres(store)
            || ["sqlite:", "mongodb://", "mongodb+srv://"]
                .iter()
                .any(|kind| store.starts_with(kind)),
        "it must be `sqlite:FILE`, `postgres://HOST/DATABASE`, `mongodb://HOST/DATABASE`, `mongodb+srv://…` or `memory`"
    );
    Ok(())
}

/// The address with `…` in place of the user, the password, and every option that may be secret.
pub(crate) fn shown(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("//") else {
        return address.to_owned();
    };
    let (rest, fragment) = match rest.split_once('#') {
        Some((rest, _)) => (rest, "#…"),
        None => (rest, ""),
    };
    // A password may contain any character, even those that end it for a parser, so the last `@` counts.
    let (user, rest) = match rest.rsplit_once('@') {
        // An `@` in an option does not end a password.
        Some((user, host)) if !user.contains('?') || host.contains('/') => ("…@", host),
        _ => ("", rest),
    };
    let (host, options) = match rest.split_once('?') {
        Some((host, options)) => (host, Some(options)),
        None => (rest, None),
    };
    let options = options.map(|options| {
        let options = options.split('&').map(|option| {
            let name = option.split('=').next().unwrap_or_default();
            if HARMLESS.contains(&name.to_lowercase().as_str()) {
                option.to_owned()
            } else if option.contains('=') && name.chars().all(|sign| sign.is_ascii_alphanumeric()) {
                format!("{name}=…")
            } else {
                "…".to_owned()
            }
        });
        format!("?{}", options.collect::<Vec<_>>().join("&"))
    });
    format!("{scheme}//{user}{host}{}{fragment}", options.unwrap_or_default())
}

/// Whether the address contains anything secret.
pub(super) fn has_secret(address: &str) -> bool {
    shown(address).contains('…')
}

/// Serialises like [`shown`].
pub(super) fn serialize<S: Serializer>(
    address: &SecretString,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    shown(address.expose_secret()).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_an_address_are_hidden_wherever_they_are() {
        let secret = "hunter2";
        let cases = [
            "mongodb://ana:hunter2@db/neuropod",
            "mongodb://ana:hunter2@a:1,b:2/neuropod?replicaSet=rs0",
            "mongodb://hunter2@db",
            "mongodb://ana:p@ss/hunter2@db/neuropod",
            "mongodb://ana:hunter2?@db/neuropod",
            "mongodb+srv://ana:hunter2@db.example.com/?retryWrites=true",
            "mongodb://db/neuropod?password=hunter2",
            "mongodb://db/neuropod?tls=true&PASSWORD=hunter2&w=majority",
            "mongodb://db/?authMechanismProperties=AWS_SESSION_TOKEN:hunter2",
            "mongodb://db/?tlsCertificateKeyFilePassword=hunter2",
            "mongodb://db/?proxyUsername=ana&proxyPassword=hunter2",
            "mongodb://db/?pass%77ord=hunter2",
            "mongodb://db/?hunter2",
            "mongodb://db/?token=a@hunter2",
            "mongodb://ana:x@db/?token=a@hunter2",
            "mongodb://db/neuropod#hunter2",
            "postgres://ana:hunter2@db/neuropod?sslmode=verify-full",
            "postgresql://db/neuropod?user=ana&password=hunter2",
            "postgres://db/neuropod?options=-c%20app.key%3Dhunter2",
            "postgres://db/neuropod?options[app.key]=hunter2",
        ];
        for address in cases {
            let shown = shown(address);
            assert!(
                !shown.contains(secret) && shown.contains('…'),
                "{address}: {shown}"
            );
        }
    }

    #[test]
    fn harmless_parts_of_an_address_are_shown() {
        for address in [
            "memory",
            "sqlite:neuropod.db",
            "sqlite:/var/lib/neuropod.db",
            "postgres://db:5432/neuropod?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "mongodb://db:27017/neuropod",
            "mongodb://a,b/neuropod?replicaSet=rs0&authSource=admin&tls=true",
        ] {
            assert_eq!(shown(address), address);
        }
        assert_eq!(
            shown("mongodb://ana:hunter2@db/neuropod?authSource=admin&password=x"),
            "mongodb://…@db/neuropod?authSource=admin&password=…"
        );
    }
}
