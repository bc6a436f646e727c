use super::*;
use crate::message::{Language, problem};
use crate::money::currency::Currency;

fn naming() -> Naming {
    Naming::new("pods.example.com", "a secret of at least 16 bytes").unwrap()
}

fn checked_with(
    request: &CreatePod,
    template: Option<&Template>,
    catalogue: &Catalogue,
    images: &ImageRules,
    limits: &Limits,
) -> (Checked, Vec<Problem>) {
    let rules = RequestRules {
        catalogue,
        naming: &naming(),
        images,
        limits,
    };
    check(request, template, rules)
}

fn checked(request: &CreatePod) -> (Checked, Vec<Problem>) {
    checked_with(
        request,
        None,
        &Catalogue::default(),
        &ImageRules::default(),
        &Limits::default(),
    )
}

fn codes(problems: &[Problem]) -> Vec<(&'static str, &'static str)> {
    let code = |problem: &Problem| (problem.field, problem.violation.code());
    problems.iter().map(code).collect()
}

fn problems(request: &CreatePod) -> Vec<(&'static str, &'static str)> {
    codes(&checked(request).1)
}

fn good() -> CreatePod {
    CreatePod::from_image("My Pod", "pytorch/pytorch:latest").gpu("rtx-4090")
}

fn template() -> Template {
    let options = PodOptions::default()
        .with_image("a/b:1".parse().unwrap())
        .with_disks(20, 30)
        .with_mount_path("/home/jovyan")
        .with_ports([
            Port::http(7860).with_name("Gradio"),
            Port::http(8888).with_name("Lab"),
        ])
        .with_variable("FROM", "template")
        .with_variable("BOTH", "template")
        .with_jupyter(Jupyter::Read);
    Template::new("t1", "Notebook", options, jiff::Timestamp::UNIX_EPOCH)
}

#[test]
fn a_good_request_is_completed() {
    let (checked, problems) = checked(&CreatePod::from_image(" Mi pod ", " a/b:1 "));
    assert_eq!(problems, []);
    assert_eq!(checked.name.unwrap().0, "Mi pod");
    let expected = PodOptions::default()
        .with_image("a/b:1".parse().unwrap())
        .with_gpu("cpu")
        .with_disks(10, 10)
        .with_mount_path("/workspace")
        .with_ports([Port::http(8888).with_name("Jupyter Lab")])
        .with_jupyter(Jupyter::Generated);
    assert_eq!(checked.options, expected);
}

#[test]
fn an_empty_request_lists_everything_at_once() {
    let request = CreatePod::new("", PodOptions::default().with_ports::<u16>([]).with_gpu(""));
    let expected = [
        ("name", "required"),
        ("gpu", "required"),
        ("image", "required"),
        ("ports", "required"),
    ];
    assert_eq!(problems(&request), expected);
}

/// The problem of reading a field stands for all problems of that field.
#[test]
fn a_field_that_could_not_be_read_is_reported_once_and_first() {
    let mut request = CreatePod::new("", PodOptions::default());
    request.unreadable = vec![Problem::new("image", Violation::WrongType)];
    assert_eq!(
        problems(&request),
        [("image", "wrong_type"), ("name", "required")]
    );
}

#[test]
fn a_template_fills_in_options_that_the_owner_did_not_choose() {
    let options_of = |request: &CreatePod| {
        let (checked, problems) = checked_with(
            request,
            Some(&template()),
            &Catalogue::default(),
            &ImageRules::default(),
            &Limits::default(),
        );
        assert_eq!(problems, []);
        checked.options
    };
    let proposed = options_of(&CreatePod::from_template("a", "t1"));
    assert_eq!(proposed, template().options.with_gpu("cpu"));
    let chosen = CreatePod::from_template("a", "t1")
        .gpu("rtx-4050")
        .disks(1, 2)
        .ports([9000, 7860])
        .jupyter(false)
        .variable("BOTH", "owner");
    let expected = template()
        .options
        .with_gpu("rtx-4050")
        .with_disks(1, 2)
        .with_ports([Port::http(9000), Port::http(7860).with_name("Gradio")])
        .with_jupyter(Jupyter::Off)
        .with_variable("BOTH", "owner");
    assert_eq!(options_of(&chosen), expected);
}

/// A form that offers both may send both.
#[test]
fn image_and_mount_path_of_a_template_are_fixed() {
    let mut request = CreatePod::from_image("a", "localhost/other");
    request.template = Some("t1".into());
    request.options = request.options.with_mount_path("/etc");
    let (checked, problems) = checked_with(
        &request,
        Some(&template()),
        &Catalogue::default(),
        &ImageRules::default(),
        &Limits::default(),
    );
    assert_eq!(problems, []);
    assert_eq!(
        (checked.options.image(), checked.options.mount_path()),
        ("a/b:1", "/home/jovyan")
    );
}

/// An earlier version has stored it.
#[test]
fn a_stored_template_that_mounts_over_the_system_works_on() {
    let mut stored = template();
    stored.options = stored.options.with_mount_path("/run");
    let (checked, problems) = checked_with(
        &CreatePod::from_template("a", "t1"),
        Some(&stored),
        &Catalogue::default(),
        &ImageRules::default(),
        &Limits::default(),
    );
    assert_eq!(problems, []);
    assert_eq!(checked.options.mount_path(), "/run");
}

#[test]
fn a_missing_template_is_the_only_violation() {
    let request = CreatePod::from_template("a", "gone");
    assert_eq!(problems(&request), [("template", "template_unknown")]);
    let request = CreatePod::from_template("a", " ");
    assert_eq!(problems(&request), [("template", "required")]);
}

#[test]
fn names() {
    let problems_of = |name: &str| {
        problems(&CreatePod {
            name: name.to_owned(),
            ..good()
        })
    };
    for name in [
        "x",
        "9lives",
        "xn--nio-8ma",
        "مرحبا",
        "alice-k3j5qzx2ab-8888",
        &"é".repeat(50),
    ] {
        assert_eq!(problems_of(name), [], "{name}");
    }
    for (name, code) in [
        ("", "required"),
        (" \t ", "required"),
        ("---", "name_unusable"),
        ("..", "name_unusable"),
        ("a\0b", "control_character"),
        ("a\nb", "control_character"),
        (&"x".repeat(51), "too_long"),
        (&"x".repeat(1 << 20), "too_long"),
    ] {
        assert_eq!(
            problems_of(name),
            [("name", code)],
            "{}",
            name.chars().take(60).collect::<String>()
        );
    }
}

#[test]
fn ports() {
    let problems_of = |ports: &[u16]| problems(&good().ports(ports.iter().copied()));
    assert_eq!(problems_of(&[1, 65535]), []);
    assert_eq!(problems_of(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), []);
    assert_eq!(problems_of(&[0]), [("ports", "port")]);
    assert_eq!(problems_of(&[]), [("ports", "required")]);
    assert_eq!(problems_of(&[8888, 8888]), [("ports", "port_twice")]);
    let eleven: Vec<u16> = (1..12).collect();
    assert_eq!(problems_of(&eleven), [("ports", "too_many_ports")]);
    assert!(problems_of(&[0; 1000]).len() <= MAX_LISTED + 1);
    let mut ssh = good();
    ssh.options = ssh.options.with_ports([Port::tcp(22)]);
    assert_eq!(problems(&ssh), [("ports", "port")]);
}

#[test]
fn disks() {
    for (disk, volume, expected) in [
        (1, 1, &[][..]),
        (100, 150, &[]),
        (0, 150, &[("disk_gb", "out_of_range")]),
        (
            101,
            151,
            &[("disk_gb", "out_of_range"), ("volume_gb", "out_of_range")],
        ),
        (100, u32::MAX, &[("volume_gb", "out_of_range")]),
    ] {
        assert_eq!(problems(&good().disks(disk, volume)), expected, "{disk} {volume}");
    }
}

#[test]
fn the_limits_are_those_of_the_deployment() {
    let limits = Limits::default()
        .with_disk_gb(1000)
        .with_volume_gb(2000)
        .with_ports(1)
        .with_environment(1, 10);
    let problems_of = |request: CreatePod| {
        let (_, problems) = checked_with(
            &request,
            None,
            &Catalogue::default(),
            &ImageRules::default(),
            &limits,
        );
        problems
    };
    assert_eq!(
        problems_of(good().disks(1000, 2000).variable("A", "123456789")),
        []
    );
    let wrong = good().disks(1001, 2001).ports([1, 2]).variable("A", "1234567890");
    let expected = [
        Problem::new("disk_gb", Violation::OutOfRange { min: 1, max: 1000 }),
        Problem::new("volume_gb", Violation::OutOfRange { min: 1, max: 2000 }),
        Problem::new("ports", Violation::TooManyPorts(1)),
        Problem::new("environment", Violation::EnvironmentTooBig),
    ];
    assert_eq!(problems_of(wrong), expected);
}

#[test]
fn mount_paths() {
    let problems_of = |path: &str| {
        let mut request = good();
        request.options = request.options.with_mount_path(path);
        problems(&request)
    };
    assert_eq!(problems_of("/home/jovyan/work"), []);
    for path in ["", "work", "/etc", "/a/../b"] {
        assert_eq!(problems_of(path), [("mount_path", "volume_path")], "{path}");
    }
}

#[test]
fn images() {
    assert_eq!(
        problems(&CreatePod::from_image("a", "  ")),
        [("image", "required")]
    );
    for image in [
        "Pytorch/Pytorch",
        "a:b:c",
        "-rf",
        "a b",
        "https://ghcr.io/a/b",
        "a@sha256:12",
    ] {
        let request = CreatePod::from_image("a", image);
        assert_eq!(problems(&request), [("image", "image")], "{image}");
    }
}

/// The node would send its request there, and the response would be shown as the reason of the pod.
#[test]
fn an_image_outside_the_public_internet_is_refused_among_other_violations() {
    for image in [
        "169.254.169.254/latest",
        " 127.0.0.1:10250/pods ",
        "localhost/lab",
        "0x7f.1/lab",
        "api.default.svc/lab",
    ] {
        let request = CreatePod::from_image("a", image).ports([0]);
        let expected = [("image", "registry_internal"), ("ports", "port")];
        assert_eq!(problems(&request), expected, "{image}");
    }
}

#[test]
fn an_image_of_an_unlisted_registry_is_refused_with_the_list() {
    let rules = ImageRules::default()
        .only(["docker.io", "ghcr.io/my-team"])
        .unwrap();
    let problems_of = |image: &str| {
        let request = CreatePod::from_image("a", image);
        checked_with(&request, None, &Catalogue::default(), &rules, &Limits::default()).1
    };
    assert_eq!(problems_of("ubuntu"), []);
    let refused = problems_of("quay.io/a/b");
    assert_eq!(
        problem(&refused[0], Language::En, &Currency::EUR),
        "Images from 'quay.io' are not allowed; use one from: docker.io, ghcr.io/my-team"
    );
    assert_eq!(
        problem(&refused[0], Language::Es, &Currency::EUR),
        "No se permiten imágenes de 'quay.io'; usa una de: docker.io, ghcr.io/my-team"
    );
}

#[test]
fn gpus() {
    let mut catalogue: std::collections::BTreeMap<_, _> = Catalogue::default()
        .iter()
        .map(|(id, gpu)| (id.to_owned(), gpu.clone()))
        .collect();
    catalogue.get_mut("rtx-4070").unwrap().offered = false;
    let catalogue = Catalogue::new(catalogue);
    for (gpu, violation) in [
        ("RTX-4090", Violation::GpuUnknown),
        ("rtx-9999", Violation::GpuUnknown),
        ("rtx-4070", Violation::GpuNotOffered),
        (" ", Violation::Required),
    ] {
        let (_, problems) = checked_with(
            &good().gpu(gpu),
            None,
            &catalogue,
            &ImageRules::default(),
            &Limits::default(),
        );
        assert_eq!(problems, [Problem::new("gpu", violation)], "{gpu}");
    }
}

#[test]
fn environment() {
    let problems_of = |name: &str, value: &str| problems(&good().variable(name, value));
    assert_eq!(problems_of("HF_TOKEN", "hf_ñ"), []);
    for name in ["", "1A", "A-B", "A=B", "Ñ", "A B"] {
        assert_eq!(
            problems_of(name, ""),
            [("environment", "variable_name")],
            "{name}"
        );
    }
    for name in [
        "NVIDIA_VISIBLE_DEVICES",
        "NVIDIA_ANYTHING",
        "LD_PRELOAD",
        "LD_AUDIT",
        "AMD_VISIBLE_DEVICES",
        "HABANA_VISIBLE_DEVICES",
        "ASCEND_VISIBLE_DEVICES",
        "ASCEND_RUNTIME_OPTIONS",
        "ASCEND_VNPU_SPECS",
        "CUDA_DISABLE_CONTROL",
        "CUDA_TASK_PRIORITY",
        "GPU_CORE_UTILIZATION_POLICY",
        "CUDA_DEVICE_MEMORY_LIMIT",
        "CUDA_DEVICE_MEMORY_LIMIT_0",
        "CUDA_DEVICE_SM_LIMIT",
    ] {
        assert_eq!(
            problems_of(name, "all"),
            [("environment", "variable_reserved")],
            "{name}"
        );
    }
    for name in [
        "CUDA_VISIBLE_DEVICES",
        "LD_LIBRARY_PATH",
        "ASCEND_GLOBAL_LOG_LEVEL",
    ] {
        assert_eq!(problems_of(name, "0"), [], "{name}");
    }
    assert_eq!(problems_of("A", "a\0"), [("environment", "variable_value")]);
    assert_eq!(
        problems_of("A", &"x".repeat(1 << 20)),
        [("environment", "environment_too_big")]
    );
}

#[test]
fn a_chosen_jupyter_token_is_kept_apart_and_does_not_print() {
    let request = good().variable(JUPYTER_TOKEN, "s3cret");
    let options = checked(&request).0.options;
    assert_eq!(options.jupyter, Some(Jupyter::Chosen(AccessToken::new("s3cret"))));
    assert_eq!(options.environment, Environment::default());
    assert!(!format!("{options:?}").contains("s3cret"));
    let without = checked(&request.jupyter(false)).0.options;
    assert_eq!(without.jupyter, Some(Jupyter::Off));
    assert_eq!(without.environment.0[JUPYTER_TOKEN], "s3cret");
}

#[test]
fn daily_caps() {
    for (micros, expected) in [
        (1, &[][..]),
        (0, &[("daily_cap", "amount")]),
        (-1, &[("daily_cap", "amount")]),
    ] {
        let request = good().daily_cap(Money::from_micros(micros));
        assert_eq!(problems(&request), expected, "{micros}");
    }
}

#[test]
fn idempotency_keys() {
    assert_eq!(problems(&good().idempotency_key("k".repeat(255))), []);
    for key in [String::new(), "k".repeat(256)] {
        assert_eq!(
            problems(&good().idempotency_key(key)),
            [("idempotency_key", "idempotency_key")]
        );
    }
}
