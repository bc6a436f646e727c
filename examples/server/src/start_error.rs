//! The reason why the server can't start, in one line for people: the problem and the next step.

use std::io;

use neuropod::{Error, ErrorKind};

/// The error in one line, without places in the source, and with advice. Repeated causes appear once.
pub fn line(error: &anyhow::Error) -> String {
    let mut line = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !line.ends_with(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    for (option, key) in KEYS {
        line = line.replace(option, key);
    }
    if let Some(advice) = advice(error) {
        line = format!("{line}; {advice}");
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Options of the library, and their keys in the configuration.
const KEYS: [(&str, &str); 3] = [
    ("KubeConfig::namespace", "kube.namespace"),
    ("KubeConfig::exposure", "kube.ingress_class"),
    ("KubeConfig::storage", "kube.storage_class"),
];

/// The next step, if the error does not name it.
fn advice(error: &anyhow::Error) -> Option<&'static str> {
    let what = error.to_string();
    let begins = |with: &str| what.starts_with(with);
    let io = error
        .chain()
        .find_map(|cause| Some(cause.downcast_ref::<io::Error>()?.kind()));
    let ours = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    if begins("listen: ") || begins("metrics_listen: ") {
        return io.and_then(listening);
    }
    if begins("the secret in ") {
        return io.and_then(writing);
    }
    if begins("cluster") {
        return ours.and_then(cluster);
    }
    if begins("copy of ") {
        return ours.map(copy);
    }
    if begins("store: ") {
        return ours.and_then(file).or_else(|| io.and_then(writing));
    }
    if begins("store") {
        return ours.and_then(database);
    }
    None
}

fn listening(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::AddrInUse => {
            Some("stop the program that uses it, or choose another port, such as --listen 127.0.0.1:3001")
        }
        io::ErrorKind::PermissionDenied => {
            Some("this user may not use that port: choose one above 1023, such as --listen 127.0.0.1:3000")
        }
        io::ErrorKind::AddrNotAvailable => Some(
            "this machine has no such address: use 127.0.0.1 for this machine only, or 0.0.0.0 for others to reach it too",
        ),
        _ => None,
    }
}

fn writing(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Some(
            "this user needs to write there: change the permissions, or choose another file with --store sqlite:FILE",
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some("free some space on that disk"),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            Some("create that folder, or choose another file with --store sqlite:FILE")
        }
        _ => None,
    }
}

fn file(error: &Error) -> Option<&'static str> {
    let says = |text: &str| error.message().contains(text);
    match error.kind() {
        ErrorKind::PermissionDenied => writing(io::ErrorKind::PermissionDenied),
        ErrorKind::Unavailable if says("full") => writing(io::ErrorKind::StorageFull),
        ErrorKind::Unavailable if says("locked") => {
            Some("stop the process that has it open, or wait until it ends")
        }
        ErrorKind::NotConfigured if says("another version") => {
            Some("start that version, or choose another file with --store sqlite:FILE")
        }
        ErrorKind::NotConfigured if says("folder") => writing(io::ErrorKind::NotFound),
        ErrorKind::NotConfigured => {
            Some("this user must be able to read and write the file: choose another with --store sqlite:FILE")
        }
        ErrorKind::Unexpected if says("damaged") => {
            Some("restore a backup of it, or choose another file with --store sqlite:FILE")
        }
        _ => None,
    }
}

fn database(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::Unavailable | ErrorKind::Timeout => {
            Some("check that the database server runs, and that its address in `store` is right")
        }
        ErrorKind::PermissionDenied => Some("check the user and the password in the address of `store`"),
        _ => None,
    }
}

fn copy(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::AlreadyExists => "nothing was copied: give an empty database, or another file",
        ErrorKind::NotFound => "nothing was copied: check the address in --from",
        _ => {
            "the source is as it was; when the cause is gone, run the same command again, which begins anew in the target"
        }
    }
}

fn cluster(error: &Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::NotConfigured if error.message().contains("kubeconfig") => {
            Some("set kube.kubeconfig or KUBECONFIG; without --cluster kube, pods run on a simulated cluster")
        }
        ErrorKind::Unavailable | ErrorKind::Timeout => Some(
            "check that the cluster runs, and that `kubectl get namespaces` works with the same kubeconfig",
        ),
        ErrorKind::PermissionDenied => {
            Some("examples/deploy/rbac.yaml grants the rights that the server needs")
        }
        _ => None,
    }
}
