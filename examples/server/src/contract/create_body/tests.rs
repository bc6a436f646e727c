use neuropod::PodOptions;
use neuropod::cluster::Catalogue;
use neuropod::message::{Language, problem};
use neuropod::money::Currency;
use neuropod::naming::Naming;
use neuropod::pod::check::{RequestRules, check};
use neuropod::pod::{ImageRules, Protocol, Template};

use super::*;
use crate::contract::names::wire_name;

fn read(body: &str) -> CreatePod {
    CreateBody::request(body.as_bytes(), &Limits::default()).unwrap()
}

/// The mistakes reported for a request, with the field names of the body.
fn mistakes(request: &CreatePod) -> Vec<Problem> {
    let naming = Naming::new("pods.example.com", "a secret of at least 16 bytes").unwrap();
    let rules = RequestRules {
        catalogue: &Catalogue::default(),
        naming: &naming,
        images: &ImageRules::default(),
        limits: &Limits::default(),
    };
    let image = PodOptions::default().with_image("a/b:1".parse().unwrap());
    let known = Template::new("t1", "Notebook", image, jiff::Timestamp::UNIX_EPOCH);
    let template = request
        .template
        .as_deref()
        .filter(|id| *id == "t1")
        .map(|_| &known);
    let (_, problems) = check(request, template, rules);
    let Err(errors) = ValidationErrors::check(problems) else {
        return Vec::new();
    };
    let error = in_order(errors.into());
    let ErrorKind::Invalid(errors) = error.kind() else {
        unreachable!()
    };
    errors.problems().to_vec()
}

fn codes(request: &CreatePod) -> Vec<(&'static str, &'static str)> {
    let code = |problem: &Problem| (wire_name(problem.field), problem.violation.code());
    mistakes(request).iter().map(code).collect()
}

fn body(change: &serde_json::Value) -> String {
    let mut body = serde_json::json!({ "name": "lab", "deploymentType": "docker", "dockerImage": "a/b:1",
        "gpu": "cpu", "containerDiskSize": 10, "volumeDiskSize": 10, "ports": "8888", "enableJupyter": true });
    for (field, value) in change.as_object().unwrap() {
        body[field] = value.clone();
    }
    body.to_string()
}

#[test]
fn a_good_body_has_no_problems() {
    let request = read(
        r#"{"name":" Mi pod ","deploymentType":"template","template":"t1","dockerImage":"","gpu":"rtx-4050",
            "containerDiskSize":1,"volumeDiskSize":150,"ports":" 8888 , 7860/http ","enableJupyter":true,
            "unknownField":[1,2]}"#,
    );
    assert_eq!(codes(&request), []);
    assert_eq!(request.template.as_deref(), Some("t1"));
    let ports: Vec<_> = request.options.ports().iter().map(|port| port.number).collect();
    assert_eq!(ports, [8888, 7860]);
    assert!(
        request
            .options
            .ports()
            .iter()
            .all(|port| port.protocol == Protocol::Http)
    );
}

#[test]
fn an_empty_body_lists_all_mistakes_in_the_words_of_the_plan() {
    let texts: Vec<_> = mistakes(&read("{}"))
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
fn ports() {
    let problems_of = |ports: &str| codes(&read(&body(&serde_json::json!({ "ports": ports }))));
    assert_eq!(problems_of("1, 65535"), []);
    assert_eq!(problems_of("1,2,3,4,5,6,7,8,9,10"), []);
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
        assert_eq!(problems_of(ports), [("ports", "port")], "{ports}");
    }
    assert_eq!(problems_of(""), [("ports", "required")]);
    assert_eq!(problems_of("8888,8888"), [("ports", "port_twice")]);
    assert_eq!(
        problems_of("x,8888,8888"),
        [("ports", "port"), ("ports", "port_twice")]
    );
    assert_eq!(
        problems_of("1,2,3,4,5,6,7,8,9,10,11"),
        [("ports", "too_many_ports")]
    );
    assert!(problems_of(&"x,".repeat(1 << 20)).len() <= MAX_LISTED + 1);
}

#[test]
fn disks() {
    let problems_of = |size: &str| {
        codes(&read(&format!(
            r#"{{"name":"a","deploymentType":"docker","dockerImage":"a","gpu":"cpu","ports":"1","volumeDiskSize":1,
            "containerDiskSize":{size}}}"#
        )))
    };
    assert_eq!(problems_of("100"), []);
    for size in ["0", "101", "-1", "4294967297"] {
        assert_eq!(
            problems_of(size),
            [("containerDiskSize", "out_of_range")],
            "{size}"
        );
    }
    for size in ["1.5", "1e30", r#""20""#, "[]", "true", "99999999999999999999"] {
        assert_eq!(problems_of(size), [("containerDiskSize", "wrong_type")], "{size}");
    }
}

#[test]
fn invalid_json_is_refused_as_a_whole() {
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
        let failure = CreateBody::request(body, &Limits::default()).unwrap_err();
        assert_eq!(failure.code(), "invalid");
        assert!(!failure.is_of_server());
    }
}

#[test]
fn a_duplicate_field_is_a_mistake() {
    let request = read(r#"{"name":"a","name":"b"}"#);
    assert!(codes(&request).contains(&("name", "duplicate")));
}

/// A form that offers both sends both: `deploymentType` decides, and the other field is ignored.
#[test]
fn the_deployment_type_decides_between_template_and_image() {
    let request = |kind: &str, template: &str, image: &str| {
        read(&format!(
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
        let request = request(kind, template, image);
        assert_eq!(codes(&request), [], "{kind} {template} {image}");
        if kind.contains("template") {
            assert_eq!(
                (request.template.as_deref(), request.options.image()),
                (Some("t1"), "")
            );
        } else {
            assert_eq!(
                (request.template.as_deref(), request.options.image()),
                (None, "a/b:1")
            );
        }
    }
    let wrong = [
        (r#""template""#, r#""""#, r#""a/b:1""#, ("template", "required")),
        (
            r#""template""#,
            r#""gone""#,
            r#""a/b:1""#,
            ("template", "template_unknown"),
        ),
        (r#""template""#, "7", r#""a/b:1""#, ("template", "wrong_type")),
        (r#""docker""#, r#""t1""#, r#""  ""#, ("dockerImage", "required")),
        (r#""docker""#, r#""t1""#, r#""a:b:c""#, ("dockerImage", "image")),
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
            codes(&request(kind, template, image)),
            [problem],
            "{kind} {template} {image}"
        );
    }
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
        let cap: serde_json::Value = serde_json::from_str(cap).unwrap();
        let expected: Vec<_> = problem.map(|code| ("dailyCap", code)).into_iter().collect();
        let request = read(&body(&serde_json::json!({ "dailyCap": cap })));
        assert_eq!(codes(&request), expected, "{cap}");
    }
}

#[test]
fn each_body_of_the_trials_is_as_expected() {
    let trials = include_str!("../../../../../tests/trials/input/create-bodies.json");
    let trials: serde_json::Value = serde_json::from_str(trials).unwrap();
    let cases = trials["cases"].as_array().unwrap();
    assert!(cases.len() > 10);
    for case in cases {
        let request = read(&body(&case["change"]));
        let found = codes(&request).into_iter();
        let found: Vec<_> = found
            .map(|(field, code)| serde_json::json!([field, code]))
            .collect();
        assert_eq!(found, *case["expect"].as_array().unwrap(), "{case}");
        if let Some(text) = case["text"].as_str() {
            assert_eq!(
                problem(&mistakes(&request)[0], Language::En, &Currency::EUR),
                text
            );
        }
    }
    let body = serde_json::json!({ "dailyCap": 0.300_000_000_000_000_04, "containerDiskSize": 30.0 });
    let options = read(&body.to_string()).options;
    assert_eq!(
        (options.daily_cap, options.disk_gb),
        (Some(Money::from_cents(30)), Some(30))
    );
}
