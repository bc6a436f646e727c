//! The address of a store as it may be shown: without what opens it.

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};

/// Options of a MongoDB address that are no secret. All others are taken for one.
const HARMLESS: [&str; 36] = [
    "appname",
    "authmechanism",
    "authsource",
    "compressors",
    "connecttimeoutms",
    "directconnection",
    "heartbeatfrequencyms",
    "journal",
    "loadbalanced",
    "localthresholdms",
    "maxconnecting",
    "maxidletimems",
    "maxpoolsize",
    "maxstalenessseconds",
    "minpoolsize",
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

/// The address with `…` in the place of user, password, and every option that may be a secret.
pub(crate) fn shown(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("//") else {
        return address.to_owned();
    };
    let (rest, fragment) = match rest.split_once('#') {
        Some((rest, _)) => (rest, "#…"),
        None => (rest, ""),
    };
    // A password may have any sign in it, also those that end it for a parser: what follows the last `@` is not it.
    let (user, rest) = match rest.rsplit_once('@') {
        // An `@` in an option is not the end of a password.
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

/// Whether there is anything in it that is not for all to see.
pub(super) fn has_secret(address: &str) -> bool {
    shown(address).contains('…')
}

/// As [`shown`].
pub(super) fn serialize<S: Serializer>(address: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    shown(address.expose_secret()).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opens_a_store_is_not_shown_wherever_it_stands() {
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
    fn what_is_no_secret_stays() {
        for address in [
            "memory",
            "sqlite:neuropod.db",
            "sqlite:/var/lib/neuropod.db",
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
