//! The remaining work in the cluster, as commands.

use std::fmt::Write;

use neuropod::store::mongo::migrate::Cluster;

/// The maximum number of names in a command, so that shells of every system accept the line.
const NAMES: usize = 20;

/// Commands for `kubectl`, in bash and PowerShell alike, that remove the objects of the old backend, and label
/// volume claims for the platform `instance`.
pub(super) fn kubectl(cluster: &Cluster, namespace: &str, instance: &str) -> String {
    let mut text = String::new();
    let mut delete = |kind: &str, names: Vec<&str>| {
        for names in names.chunks(NAMES) {
            // Writing to a text does not fail.
            let _ = writeln!(
                text,
                "kubectl -n {namespace} delete {kind} --ignore-not-found {}",
                names.join(" ")
            );
        }
    };
    let objects = &cluster.objects;
    let flat = |of: fn(&neuropod::store::mongo::migrate::Objects) -> &Vec<String>| {
        objects.iter().flat_map(of).map(String::as_str).collect()
    };
    delete("ingress", flat(|objects| &objects.ingresses));
    delete("service", flat(|objects| &objects.services));
    delete(
        "pod",
        objects.iter().map(|objects| objects.pod.as_str()).collect(),
    );
    for (volume, hash) in &cluster.volumes {
        let _ = writeln!(
            text,
            "kubectl -n {namespace} label pvc {volume} app.kubernetes.io/managed-by=neuropod \
             app.kubernetes.io/instance={instance} app.kubernetes.io/name={volume} neuropod.io/user-hash={hash}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use neuropod::store::mongo::migrate::Objects;

    use super::*;

    #[test]
    fn every_object_is_named_once_and_no_line_is_too_long() {
        let objects = (0..45).map(|number| {
            Objects::new(format!("pod-{number}-81dc9bdb"))
                .with_services(vec![format!("pod-{number}-81dc9bdb-8888-service")])
                .with_ingresses(vec![format!("pod-{number}-81dc9bdb-8888-ingress")])
        });
        let mut cluster = Cluster::default();
        cluster.namespaces.insert("default".to_owned(), 45);
        cluster.objects.extend(objects);
        let volume = ("workspace-81dc9bdb".to_owned(), "81dc9bdb".to_owned());
        cluster.volumes.insert(volume);
        let text = kubectl(&cluster, "default", "server");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3 * 3 + 1, "{text}");
        assert!(lines.iter().all(|line| line.len() < 2000), "{text}");
        for name in [
            "pod-0-81dc9bdb",
            "pod-44-81dc9bdb",
            "pod-44-81dc9bdb-8888-ingress",
        ] {
            let found = text.split_whitespace().filter(|word| *word == name);
            assert_eq!(found.count(), 1, "{name}");
        }
        // The labels that `neuropod-k8s` reads, see its `labels.rs`.
        assert_eq!(
            lines[9],
            "kubectl -n default label pvc workspace-81dc9bdb app.kubernetes.io/managed-by=neuropod \
             app.kubernetes.io/instance=server app.kubernetes.io/name=workspace-81dc9bdb neuropod.io/user-hash=81dc9bdb"
        );
    }
}
