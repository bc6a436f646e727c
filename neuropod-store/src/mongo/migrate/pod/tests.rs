use mongodb::bson::{Bson, doc};

use super::*;

const OWNER: &str = "665f1f77bcf86cd799439011";

fn read_pod(changes: Document) -> (Option<Pod>, Vec<Oddity>) {
    let naming = Naming::legacy_md5("neuropod.online").unwrap();
    let context = Context {
        naming: &naming,
        templates: BTreeMap::new(),
        users: BTreeSet::from([UserId::new(OWNER)]),
        now: Timestamp::UNIX_EPOCH,
    };
    let mut document = doc! {
        "_id": "a", "podId": "3f9a0c1d2e4b5a68", "podName": "training", "userId": OWNER, "userHash": "81dc9bdb",
        "dockerImage": "ubuntu:22.04", "gpu": "rtx-4090", "containerDiskSize": 20, "volumeDiskSize": 30,
        "httpServices": [{ "port": 8888, "serviceName": "Web" }], "createdAt": "2024-06-04T11:20:00Z",
    };
    document.extend(changes);
    let mut old = Old::new(&document, "pods");
    let pod = read(&mut old, &context);
    let findings = old.findings();
    (pod, findings.into_iter().map(|finding| finding.oddity).collect())
}

/// The names in the record, and the names that the pod keeps.
#[test]
fn names_are_those_of_the_record() {
    let resources =
        |pod: &str, volume: &str| doc! { "podName": pod, "pvcName": volume, "namespace": "default" };
    for (name, resources, slug, volume) in [
        ("Año 2", doc! {}, "a-o-2", "workspace-81dc9bdb"),
        (
            "Mi Pod",
            resources("Mi Pod-81dc9bdb", "pvc-Mi Pod-81dc9bdb"),
            "mi-pod",
            "pvc-mi-pod-81dc9bdb",
        ),
        // The record decides, whatever the pod is called now.
        (
            "Renamed",
            resources("a-o-2-81dc9bdb", "workspace-81dc9bdb"),
            "a-o-2",
            "workspace-81dc9bdb",
        ),
        ("a 🦀", resources("", ""), "a---", "workspace-81dc9bdb"),
        // A name with the hash of another user is not used.
        ("mine", resources("theirs-00000000", "x"), "mine", "x"),
        (
            "v1.2",
            resources("v1.2-81dc9bdb", "pvc-v1.2-81dc9bdb"),
            "v1-2",
            "pvc-v1-2-81dc9bdb",
        ),
        // Nothing else in the name reaches a command line.
        (
            "a",
            resources("$(reboot); x-81dc9bdb", "; rm -rf /"),
            "a",
            "rm--rf",
        ),
    ] {
        let changes = doc! { "podName": name, "kubernetesResources": resources };
        let (pod, odd) = read_pod(changes);
        let pod = pod.unwrap();
        assert_eq!(
            (pod.name.as_str(), pod.slug.as_str(), pod.volume.as_str()),
            (name, slug, volume)
        );
        assert_eq!(odd, [], "{name}");
    }
    // The name of a Service is used if nothing else is recorded.
    let service = doc! { "port": 8888, "kubernetesServiceName": "a-o-2-81dc9bdb-8888-service" };
    let (pod, _) = read_pod(doc! { "podName": "other", "httpServices": [service] });
    assert_eq!(pod.unwrap().slug.as_str(), "a-o-2");
}

#[test]
fn names_that_kubernetes_refuses_are_reported_and_the_volume_stays() {
    let long = "x".repeat(50);
    for (name, slug) in [
        ("2 de mayo", "p-2-de-mayo"),
        ("árbol", "rbol"),
        ("---", "pod-3f9a0c1d2e4b5a68"),
        ("日本", "ri-ben"),
        (long.as_str(), ""),
    ] {
        let resources = doc! { "podName": format!("{name}-81dc9bdb"), "pvcName": "pvc-kept" };
        let (pod, odd) = read_pod(doc! { "podName": name, "kubernetesResources": resources });
        let pod = pod.unwrap();
        assert!(
            slug.is_empty() || pod.slug.as_str() == slug,
            "{name}: {}",
            pod.slug
        );
        assert_eq!(pod.volume, "pvc-kept");
        assert!(matches!(&odd[..], [Oddity::Renamed { .. }]), "{name}: {odd:?}");
    }
}

#[test]
fn the_hash_is_the_recorded_or_the_legacy_one() {
    let expected = Naming::legacy_md5("x.example").unwrap().user_hash(OWNER);
    for (recorded, hash) in [
        (Bson::from("81dc9bdb"), "81dc9bdb"),
        ("".into(), expected.as_str()),
        (Bson::Null, expected.as_str()),
        ("UPPER123".into(), expected.as_str()),
    ] {
        let (pod, _) = read_pod(doc! { "userHash": recorded });
        assert_eq!(pod.unwrap().owner_hash.as_str(), hash);
    }
}

#[test]
fn links_that_change_are_reported() {
    let with = |url: &str| {
        let (_, odd) =
            read_pod(doc! { "httpServices": [{ "port": 8888, "serviceName": "Web", "url": url }] });
        odd
    };
    assert_eq!(
        with("https://training-81dc9bdb-8888.neuropod.online/?token=x"),
        []
    );
    for other in [
        "https://training-81dc9bdb-8888-1f2e3d4c.neuropod.online",
        "https://training-81dc9bdb-8888.example.com",
    ] {
        assert!(
            matches!(&with(other)[..], [Oddity::LinkChanges { .. }]),
            "{other}"
        );
    }
}

#[test]
fn pods_without_owner_or_image_are_set_aside_and_no_others() {
    for (changes, aside) in [
        (doc! { "userId": "somebody" }, true),
        (doc! { "userId": Bson::Null }, true),
        (doc! { "dockerImage": "-rf" }, true),
        (doc! { "dockerImage": Bson::Null }, true),
        (doc! { "podId": "../etc", "gpu": "" }, false),
        (
            doc! { "podName": Bson::Null, "httpServices": 7, "containerDiskSize": "x" },
            false,
        ),
    ] {
        let (pod, odd) = read_pod(changes.clone());
        assert_eq!(pod.is_none(), aside, "{changes}");
        assert!(!odd.is_empty(), "{changes}");
    }
    let (pod, _) = read_pod(doc! { "podId": "3F9A0C1D2E4B5A68" });
    assert_eq!(pod.unwrap().id.as_str(), "3f9a0c1d2e4b5a68");
}
