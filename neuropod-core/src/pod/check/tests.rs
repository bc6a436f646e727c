use super::*;
use crate::message::{Language, problem};
use crate::money::currency::Currency;

fn naming() -> Naming {
    Naming::new("pods.example.com", "a secret of at least 16 bytes").unwrap()
}

fn problems(request: &CreatePod) -> Vec<(&'static str, &'static str)> {
    let (_, problems) = check(request, &Catalogue::default(), &naming(), &ImageRules::default());
    problems
        .iter()
        .map(|problem| (problem.field, problem.violation.code()))
        .collect()
}

fn good() -> CreatePod {
    CreatePod::from_image("My Pod", "pytorch/pytorch:latest").gpu("rtx-4090")
}

fn json(text: &str) -> CreatePod {
    CreatePod::from_json(text.as_bytes()).unwrap()
}

#[test]
fn a_good_request_has_no_problems() {
    let request = json(
        r#"{"name":" Mi pod ","deploymentType":"template","template":"t1","dockerImage":"","gpu":"rtx-4050",
            "containerDiskSize":1,"volumeDiskSize":150,"ports":" 8888 , 7860 ","enableJupyter":true,
            "unknownField":[1,2]}"#,
    );
    let (checked, problems) = check(&request, &Catalogue::default(), &naming(), &ImageRules::default());
    assert_eq!(problems, []);
    assert_eq!(checked.name.unwrap().0, "Mi pod");
    assert_eq!(checked.ports.unwrap(), [8888, 7860]);
    assert_eq!(checked.source, Some(Source::Template("t1".into())));
}

#[test]
fn an_empty_request_lists_everything_at_once_in_the_words_of_the_plan() {
    let (_, problems) = check(
        &json("{}"),
        &Catalogue::default(),
        &naming(),
        &ImageRules::default(),
    );
    let texts: Vec<_> = problems
        .iter()
        .map(|found| problem(found, Language::Es, &Currency::EUR))
        .collect();
    assert_eq!(
        texts,
        [
            "Nombre es requerido",
            "GPU es requerida",
            "Tipo de despliegue requerido",
            "Tamaño de disco de contenedor es requerido",
            "Tamaño de volumen es requerido",
            "Puertos son requeridos",
        ]
    );
}

#[test]
fn names() {
    let of = |name: &str| {
        problems(&CreatePod {
            name: Some(name.to_owned()),
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
        assert_eq!(of(name), [], "{name}");
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
            of(name),
            [("name", code)],
            "{}",
            name.chars().take(60).collect::<String>()
        );
    }
}

#[test]
fn ports() {
    let of = |ports: &str| {
        problems(&CreatePod {
            ports: Some(ports.to_owned()),
            ..good()
        })
    };
    assert_eq!(of("1, 65535"), []);
    assert_eq!(of("1,2,3,4,5,6,7,8,9,10"), []);
    for ports in [
        "8888,",
        "0",
        "65536",
        "-1",
        "+1",
        "80.5",
        "0x50",
        "８８８８",
        "8888 7860",
        "99999999999999999999",
    ] {
        assert_eq!(of(ports), [("ports", "port")], "{ports}");
    }
    assert_eq!(of(""), [("ports", "required")]);
    assert_eq!(of("8888,8888"), [("ports", "port_twice")]);
    assert_eq!(of("1,2,3,4,5,6,7,8,9,10,11"), [("ports", "too_many_ports")]);
    assert!(of(&"x,".repeat(1 << 20)).len() <= MAX_LISTED + 1);
}

#[test]
fn disks() {
    let of = |size: &str| {
        problems(&json(&format!(
            r#"{{"name":"a","deploymentType":"docker","dockerImage":"a","gpu":"cpu","ports":"1","volumeDiskSize":1,
            "containerDiskSize":{size}}}"#
        )))
    };
    assert_eq!(of("100"), []);
    for size in ["0", "101", "-1", "4294967297"] {
        assert_eq!(of(size), [("containerDiskSize", "out_of_range")], "{size}");
    }
    for size in ["1.5", "1e30", r#""20""#, "[]", "true", "99999999999999999999"] {
        assert_eq!(of(size), [("containerDiskSize", "wrong_type")], "{size}");
    }
    let volume = |size| CreatePod {
        volume_disk_size: Some(size),
        ..good()
    };
    assert_eq!(problems(&volume(150)), []);
    assert_eq!(problems(&volume(151)), [("volumeDiskSize", "out_of_range")]);
}

#[test]
fn json_that_is_none_is_refused_as_a_whole() {
    let deep = format!(r#"{{"name":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let bodies: [&[u8]; 7] = [
        b"",
        b"null",
        b"[]",
        br#"{"volumeDiskSize":NaN}"#,
        br#"{"volumeDiskSize":1e400}"#,
        b"{\"name\":\"\xff\"}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let error = CreatePod::from_json(body).unwrap_err();
        assert_eq!(error.kind().code(), "invalid");
        assert!(!error.is_retryable());
    }
}

#[test]
fn a_field_that_is_there_twice_is_a_problem() {
    let request = json(r#"{"name":"a","name":"b"}"#);
    assert!(problems(&request).contains(&("name", "duplicate")));
}

/// A form that offers both sends both: `deploymentType` decides, and the other field says nothing, whatever it is.
#[test]
fn the_deployment_type_decides_between_template_and_image() {
    let request = |kind: &str, template: &str, image: &str| {
        json(&format!(
            r#"{{"name":"a","deploymentType":{kind},"template":{template},"dockerImage":{image},"gpu":"rtx-4050",
            "containerDiskSize":1,"volumeDiskSize":1,"ports":"8888"}}"#
        ))
    };
    let good = [
        (r#""template""#, r#""t1""#, r#""a/b:1""#),
        (r#"" template ""#, r#""t1""#, r#""a/b:1""#),
        (r#""template""#, r#""t1""#, r#""""#),
        (r#""template""#, r#""t1""#, "null"),
        (r#""template""#, r#""t1""#, r#""Not An Image!""#),
        (r#""template""#, r#""t1""#, "7"),
        (r#""docker""#, r#""gone""#, r#""a/b:1""#),
        (r#""docker""#, r#""""#, r#""a/b:1""#),
        (r#""docker""#, "null", r#""a/b:1""#),
        (r#""docker""#, "{}", r#""a/b:1""#),
    ];
    for (kind, template, image) in good {
        let (checked, problems) = check(
            &request(kind, template, image),
            &Catalogue::default(),
            &naming(),
            &ImageRules::default(),
        );
        assert_eq!(problems, [], "{kind} {template} {image}");
        let expected = if kind.contains("template") {
            Source::Template("t1".into())
        } else {
            Source::Image(Box::new("a/b:1".parse().unwrap()))
        };
        assert_eq!(checked.source, Some(expected), "{kind} {template} {image}");
    }
    let wrong = [
        (r#""template""#, r#""""#, r#""a/b:1""#, ("template", "required")),
        (r#""template""#, "7", r#""a/b:1""#, ("template", "wrong_type")),
        (r#""docker""#, r#""t1""#, r#""  ""#, ("dockerImage", "required")),
        (r#""docker""#, r#""t1""#, "[]", ("dockerImage", "wrong_type")),
        ("null", r#""t1""#, r#""a/b:1""#, ("deploymentType", "required")),
        (r#""""#, r#""t1""#, r#""a/b:1""#, ("deploymentType", "required")),
        (
            r#""Docker""#,
            r#""t1""#,
            r#""a/b:1""#,
            ("deploymentType", "deployment_type_unknown"),
        ),
        (
            r#""vm""#,
            r#""t1""#,
            r#""a/b:1""#,
            ("deploymentType", "deployment_type_unknown"),
        ),
        ("1", r#""t1""#, r#""a/b:1""#, ("deploymentType", "wrong_type")),
    ];
    for (kind, template, image, problem) in wrong {
        assert_eq!(
            problems(&request(kind, template, image)),
            [problem],
            "{kind} {template} {image}"
        );
    }
}

#[test]
fn what_it_is_made_from() {
    let neither = CreatePod {
        docker_image: Some("  ".into()),
        ..good()
    };
    assert_eq!(problems(&neither), [("dockerImage", "required")]);
    let no_template = CreatePod {
        deployment_type: Some("template".into()),
        docker_image: None,
        ..good()
    };
    assert_eq!(problems(&no_template), [("template", "required")]);
    let other = CreatePod {
        deployment_type: Some("vm".into()),
        ..good()
    };
    assert_eq!(problems(&other), [("deploymentType", "deployment_type_unknown")]);
    for image in [
        "Pytorch/Pytorch",
        "a:b:c",
        "-rf",
        "a b",
        "https://ghcr.io/a/b",
        "a@sha256:12",
    ] {
        let request = CreatePod {
            docker_image: Some(image.into()),
            ..good()
        };
        assert_eq!(problems(&request), [("dockerImage", "image")], "{image}");
    }
}

/// The node would ask there, and what it hears would come back as the reason of the pod.
#[test]
fn an_image_that_is_not_of_the_public_internet_is_refused_among_all_that_is_wrong() {
    let of = |image: &str| CreatePod {
        docker_image: Some(image.into()),
        ports: Some("0".into()),
        ..good()
    };
    for image in [
        "169.254.169.254/latest",
        " 127.0.0.1:10250/pods ",
        "localhost/lab",
        "0x7f.1/lab",
        "api.default.svc/lab",
    ] {
        let expected = [("dockerImage", "registry_internal"), ("ports", "port")];
        assert_eq!(problems(&of(image)), expected, "{image}");
    }
    // Where a template is asked for, the field says nothing.
    let ignored = CreatePod {
        deployment_type: Some("template".into()),
        template: Some("t1".into()),
        ..of("localhost/lab")
    };
    assert_eq!(problems(&ignored), [("ports", "port")]);
}

#[test]
fn an_image_of_another_registry_than_those_on_the_list_is_refused_and_the_list_is_told() {
    let rules = ImageRules::default()
        .only(["docker.io", "ghcr.io/my-team"])
        .unwrap();
    let of = |image: &str| {
        let request = CreatePod {
            docker_image: Some(image.into()),
            ..good()
        };
        let (checked, problems) = check(&request, &Catalogue::default(), &naming(), &rules);
        assert_eq!(checked.source.is_some(), problems.is_empty());
        problems
    };
    assert_eq!(of("ubuntu"), []);
    let refused = of("quay.io/a/b");
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
        let (_, problems) = check(&good().gpu(gpu), &catalogue, &naming(), &ImageRules::default());
        assert_eq!(problems, [Problem::new("gpu", violation)], "{gpu}");
    }
}

#[test]
fn environment() {
    let of = |name: &str, value: &str| problems(&good().variable(name, value));
    assert_eq!(of("HF_TOKEN", "hf_ñ"), []);
    for name in ["", "1A", "A-B", "A=B", "Ñ", "A B"] {
        assert_eq!(of(name, ""), [("environment", "variable_name")], "{name}");
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
        assert_eq!(of(name, "all"), [("environment", "variable_reserved")], "{name}");
    }
    for name in [
        "CUDA_VISIBLE_DEVICES",
        "LD_LIBRARY_PATH",
        "ASCEND_GLOBAL_LOG_LEVEL",
    ] {
        assert_eq!(of(name, "0"), [], "{name}");
    }
    assert_eq!(of("A", "a\0"), [("environment", "variable_value")]);
    assert_eq!(
        of("A", &"x".repeat(1 << 20)),
        [("environment", "environment_too_big")]
    );
}

#[test]
fn a_chosen_jupyter_token_is_kept_apart_and_does_not_print() {
    let (checked, _) = check(
        &good().variable(JUPYTER_TOKEN, "s3cret"),
        &Catalogue::default(),
        &naming(),
        &ImageRules::default(),
    );
    assert_eq!(checked.chosen_token, Some(AccessToken::new("s3cret")));
    assert_eq!(checked.environment, Environment::default());
    assert!(!format!("{checked:?}").contains("s3cret"));
}

#[test]
fn daily_caps() {
    let caps = [
        ("5", None),
        ("2.5", None),
        ("0.000001", None),
        ("null", None),
        ("0", Some("amount")),
        ("-1", Some("amount")),
        ("\"5\"", Some("wrong_type")),
        ("0.0000001", Some("wrong_type")),
        ("1e18", Some("wrong_type")),
        ("true", Some("wrong_type")),
    ];
    for (cap, problem) in caps {
        let read = json(&format!(r#"{{"dailyCap": {cap}}}"#));
        let request = CreatePod {
            daily_cap: read.daily_cap,
            unreadable: read.unreadable,
            ..good()
        };
        let expected: Vec<_> = problem.map(|code| ("dailyCap", code)).into_iter().collect();
        assert_eq!(problems(&request), expected, "{cap}");
    }
}

#[test]
fn idempotency_keys() {
    assert_eq!(problems(&good().idempotency_key("k".repeat(255))), []);
    for key in [String::new(), "k".repeat(256)] {
        assert_eq!(
            problems(&good().idempotency_key(key)),
            [("idempotencyKey", "idempotency_key")]
        );
    }
}

#[test]
fn each_body_of_the_trials_comes_out_right() {
    let trials = include_str!("../../../../tests/trials/input/create-bodies.json");
    let trials: serde_json::Value = serde_json::from_str(trials).unwrap();
    let cases = trials["cases"].as_array().unwrap();
    assert!(cases.len() > 10);
    for case in cases {
        let mut body = serde_json::json!({ "name": "lab", "deploymentType": "docker", "dockerImage": "a/b:1",
            "gpu": "cpu", "containerDiskSize": 10, "volumeDiskSize": 10, "ports": "8888", "enableJupyter": true });
        for (field, value) in case["change"].as_object().unwrap() {
            body[field] = value.clone();
        }
        let request = json(&body.to_string());
        let (_, found) = check(&request, &Catalogue::default(), &naming(), &ImageRules::default());
        let codes = found
            .iter()
            .map(|problem| serde_json::json!([problem.field, problem.violation.code()]));
        assert_eq!(
            codes.collect::<Vec<_>>(),
            *case["expect"].as_array().unwrap(),
            "{case}"
        );
        if let Some(text) = case["text"].as_str() {
            assert_eq!(problem(&found[0], Language::En, &Currency::EUR), text);
        }
    }
    let cap = json(r#"{"dailyCap":0.30000000000000004,"containerDiskSize":30.0}"#);
    assert_eq!(
        (cap.daily_cap, cap.container_disk_size),
        (Some(Money::from_cents(30)), Some(30))
    );
}
