//! Rules for registries, applied to requests, templates, and stored pods.

use neuropod::pod::image::ImageRules;
use neuropod::sim::{Method, Settings};
use neuropod::store::TemplateStore;
use neuropod::{Actor, CreatePod, Error, ErrorKind, Money, PodOptions, PodStore, Status, Template};

use crate::common::{Driver, World, request, until_status};

/// The mistakes in an error, by field.
fn problems(error: &Error) -> Vec<(&'static str, &'static str)> {
    let ErrorKind::Invalid(errors) = error.kind() else {
        panic!("{error}")
    };
    let problems = errors.problems().iter();
    problems
        .map(|problem| (problem.field, problem.violation.code()))
        .collect()
}

fn template(image: &str, path: &str) -> Template {
    let options = PodOptions::default()
        .with_image(image.parse().unwrap())
        .with_disks(10, 10)
        .with_mount_path(path);
    Template::new("t1", "Notebook", options, jiff::Timestamp::UNIX_EPOCH)
}

#[tokio::test(start_paused = true)]
async fn images_outside_the_public_internet_are_refused_and_nothing_is_created() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    // Stored by an earlier version.
    let stored = template("10.0.0.7:5000/lab", "/workspace");
    world.store.insert_template(&stored).await.unwrap();
    for (request, field) in [
        (
            CreatePod::from_image("a", "169.254.169.254/latest/meta-data"),
            "image",
        ),
        (CreatePod::from_image("a", "127.0.0.1:10250/pods"), "image"),
        (CreatePod::from_image("a", "0x7f.1/lab"), "image"),
        (
            CreatePod::from_image("a", "registry.kube-system.svc:5000/lab"),
            "image",
        ),
        (CreatePod::from_template("a", "t1"), "template"),
    ] {
        let error = platform.create(&world.ana, &request).await.unwrap_err();
        assert_eq!(problems(&error), [(field, "registry_internal")], "{request:?}");
    }
    assert_eq!(world.money().await, (Money::from_cents(1000), Money::ZERO));
    assert_eq!(world.count(Method::Apply), 0);
    assert_eq!(platform.list_all(&world.ana, None).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn the_rules_apply_to_created_and_changed_templates() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let root = Actor::admin("root");
    let wrong = template("localhost:5000/lab", "/run/secrets");
    let expected = [("image", "registry_internal"), ("mount_path", "volume_path")];
    let error = platform.create_template(&root, &wrong).await.unwrap_err();
    assert_eq!(problems(&error), expected);
    assert_eq!(world.store.templates().await.unwrap(), []);

    let good = template("quay.io/jupyter/base-notebook", "/home/jovyan/work");
    let stored = platform.create_template(&root, &good).await.unwrap();
    let mut changed = wrong;
    changed.version = stored.version;
    let error = platform.change_template(&root, &changed).await.unwrap_err();
    assert_eq!(problems(&error), expected);
    assert_eq!(world.store.templates().await.unwrap(), [stored]);
}

/// Rules become stricter while pods run, and pods are migrated from elsewhere.
#[tokio::test(start_paused = true)]
async fn a_stored_pod_of_another_registry_keeps_running_but_can_not_restart() {
    let world = World::new(Settings::default()).await;
    let before = world.platform();
    let pod = {
        let _driver = Driver::start(&before);
        let pod = before.create(&world.ana, &request("Training")).await.unwrap();
        until_status(&before, &world.ana, &pod.id, Status::Running).await
    };

    let rules = ImageRules::default().only(["docker.io"]).unwrap();
    let after = world.parts().images(rules).build().unwrap();
    let _driver = Driver::start(&after);
    let expected = [("image", "registry_not_allowed")];
    let refused = after.restart(&world.ana, &pod.id).await.unwrap_err();
    assert_eq!(problems(&refused), expected);
    let kept = after.get(&world.ana, &pod.id).await.unwrap();
    assert_eq!((kept.run, kept.status), (pod.run, Status::Running));

    after.stop(&world.ana, &pod.id).await.unwrap();
    until_status(&after, &world.ana, &pod.id, Status::Stopped).await;
    let refused = after.start(&world.ana, &pod.id).await.unwrap_err();
    assert_eq!(problems(&refused), expected);
    assert_eq!(world.store.get(&pod.id).await.unwrap().unwrap().run, pod.run);

    let rules = ImageRules::default()
        .only(["docker.io", "quay.io/jupyter"])
        .unwrap();
    let allowed = world.parts().images(rules).build().unwrap();
    allowed.start(&world.ana, &pod.id).await.unwrap();
    until_status(&allowed, &world.ana, &pod.id, Status::Running).await;
}
