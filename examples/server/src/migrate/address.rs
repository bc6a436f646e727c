//! Addresses of databases: comparing them, and showing them safely.

use std::collections::BTreeSet;

/// The database of an address that names none, as in the library.
const DATABASE: &str = "neuropod";
const PORT: &str = ":27017";

/// Whether it is the address of a server that speaks the protocol of MongoDB.
pub(super) fn is_mongo(address: &str) -> bool {
    ["mongodb://", "mongodb+srv://"]
        .iter()
        .any(|scheme| address.starts_with(scheme))
}

/// The address without user, password and options.
pub(super) fn shown(address: &str) -> String {
    match parts(address) {
        Some((scheme, hosts, database)) => format!("{scheme}://{hosts}/{database}"),
        None => "…".to_owned(),
    }
}

/// Whether two addresses lead to the same database, as far as the addresses show.
pub(super) fn are_same(one: &str, other: &str) -> bool {
    let database = |address| {
        let (scheme, hosts, database) = parts(address)?;
        let hosts: BTreeSet<_> = hosts.split(',').map(|host| canonical(host, scheme)).collect();
        Some((scheme, hosts, database))
    };
    matches!((database(one), database(other)), (Some(one), Some(other)) if one == other)
}

fn canonical(host: &str, scheme: &str) -> String {
    let host = host.to_lowercase();
    // The colons of an IPv6 address are in brackets.
    let port = host.rsplit(']').next().unwrap_or_default().contains(':');
    let with_port = if scheme == "mongodb" && !port {
        format!("{host}{PORT}")
    } else {
        host
    };
    for this_machine in ["127.0.0.1:", "[::1]:"] {
        if let Some(port) = with_port.strip_prefix(this_machine) {
            return format!("localhost:{port}");
        }
    }
    with_port
}

/// Scheme, hosts and database.
fn parts(address: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = address.split_once("://")?;
    // A password may contain any character, so the last `@` counts, unless it is in an option.
    let rest = match rest.rsplit_once('@') {
        Some((user, host)) if !user.contains('?') || host.contains('/') => host,
        _ => rest,
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (hosts, database) = rest.split_once('/').unwrap_or((rest, ""));
    Some((
        scheme,
        hosts,
        if database.is_empty() { DATABASE } else { database },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_a_database_address_are_hidden() {
        for (address, expected) in [
            (
                "mongodb://localhost:27017/plataforma",
                "mongodb://localhost:27017/plataforma",
            ),
            (
                "mongodb://ana:hunter2@db/plataforma?authSource=admin",
                "mongodb://db/plataforma",
            ),
            ("mongodb://ana:p@ss/hunter2@db/x", "mongodb://db/x"),
            ("mongodb://ana:hunter2?@db/x", "mongodb://db/x"),
            ("mongodb://db/x?password=hunter2", "mongodb://db/x"),
            ("mongodb://db/?token=a@hunter2", "mongodb://db/neuropod"),
            (
                "mongodb+srv://ana:hunter2@db.example.com",
                "mongodb+srv://db.example.com/neuropod",
            ),
            ("hunter2", "…"),
        ] {
            assert_eq!(shown(address), expected);
        }
    }

    #[test]
    fn one_database_has_several_addresses() {
        let one = "mongodb://ana:x@localhost:27017/plataforma?authSource=admin";
        for same in [
            "mongodb://localhost/plataforma",
            "mongodb://127.0.0.1/plataforma",
            "mongodb://[::1]:27017/plataforma",
            "mongodb://LOCALHOST:27017/plataforma?w=1",
        ] {
            assert!(are_same(one, same), "{same}");
        }
        for other in [
            "mongodb://localhost:27018/plataforma",
            "mongodb://localhost/neuropod",
            "mongodb://localhost/Plataforma",
            "mongodb+srv://localhost/plataforma",
            "mongodb://db/plataforma",
            "sqlite:plataforma",
        ] {
            assert!(!are_same(one, other), "{other}");
        }
        assert!(are_same("mongodb://a,b:27017/x", "mongodb://b,a/x"));
        assert!(are_same("mongodb://a", "mongodb://a/neuropod"));
    }
}
