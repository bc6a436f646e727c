#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const KEY: &str = "a key for the tests";

fn naming() -> Naming {
    Naming::new("pods.example.com", KEY).unwrap()
}

fn legacy() -> Naming {
    Naming::legacy_md5("pods.example.com").unwrap()
}

fn slug(name: &str) -> Result<String, NamingError> {
    naming().slug(name).map(String::from)
}

/// An RFC 1035 label: required for a Service name, and valid for a Pod, PVC, Ingress or Secret name and a label
/// value.
fn is_rfc1035_label(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Every name, with the kind within which it must be unique.
fn names(n: &Naming, slug: &Slug, hash: &UserHash, port: u16) -> [(&'static str, String); 7] {
    [
        ("pod", n.pod(slug, hash)),
        ("user volume", n.workspace(hash)),
        ("pod volume", n.pod_workspace(slug, hash)),
        ("secret", n.token_secret(slug, hash)),
        ("service", n.service(slug, hash, port)),
        ("ingress", n.ingress(slug, hash, port)),
        ("host", n.host(slug, hash, port)),
    ]
}

#[test]
fn transliterates_letters_only() {
    for (name, expected) in [
        ("My Pod", "my-pod"),
        ("my-pod", "my-pod"),
        ("Árbol", "arbol"),
        ("A\u{301}rbol", "arbol"),
        ("Straße & Søn", "strasse-son"),
        ("  --a__b..c--  ", "a-b-c"),
        ("x", "x"),
        ("Москва", "moskva"),
        ("北京", "bei-jing"),
        ("ＧＰＵ８", "gpu8"),
        ("rust 🦀 pod", "rust-pod"),
        ("👨‍👩‍👧 familia", "familia"),
        // Right-to-left script, direction marks, NUL, newline, a Cyrillic homoglyph of "a".
        ("שלום", "shlvm"),
        ("\u{202E}pod\u{202C}", "pod"),
        ("po\u{200D}d", "pod"),
        // A zero-width space separates words.
        ("po\u{200B}d", "po-d"),
        ("a\0b\nc", "a-b-c"),
        ("\u{430}lice", "alice"),
    ] {
        assert_eq!(slug(name).as_deref(), Ok(expected), "{name:?}");
    }
}

#[test]
fn a_name_with_an_empty_slug_is_an_error() {
    for name in [
        "", "   ", "---", "..", "🦀🚀", "❤️", "🅰🅱", "👍🏽", "🇪🇸", "\u{301}", "\0\n", "\u{E000}", "¿?",
    ] {
        assert_eq!(slug(name), Err(NamingError::Empty), "{name:?}");
    }
}

#[test]
fn never_starts_with_a_digit_or_like_a_punycode_label() {
    assert_eq!(slug("4090 box").as_deref(), Ok("p-4090-box"));
    assert_eq!(slug("xn--80ak6aa92e").as_deref(), Ok("p-xn-80ak6aa92e"));
    assert_eq!(slug("xn").as_deref(), Ok("p-xn"));
    assert_eq!(slug("xnor").as_deref(), Ok("xnor"));
}

#[test]
fn long_names_are_cut_and_stay_different() {
    let (a, b) = (format!("{}a", "x".repeat(49)), format!("{}b", "x".repeat(49)));
    let (slug_a, slug_b) = (slug(&a).unwrap(), slug(&b).unwrap());
    assert_ne!(slug_a, slug_b);
    for s in [&slug_a, &slug_b] {
        assert_eq!(s.len(), MAX_SLUG_LEN);
        assert!(s.starts_with(&"x".repeat(MAX_SLUG_LEN - 11)));
    }
    // A name that equals the slug of a long one is long itself, so it gets its own digest.
    assert_ne!(slug(&slug_a).unwrap(), slug_a);
    // Different keys give different digests, so nobody without the key can search for collisions.
    let other = Naming::new("pods.example.com", "another key for tests").unwrap();
    assert_ne!(String::from(other.slug(&a).unwrap()), slug_a);
    // 37 characters is the maximum that stays uncut.
    assert_eq!(slug(&"y".repeat(37)), Ok("y".repeat(37)));
    assert_eq!(slug(&"y".repeat(38)).unwrap().len(), 38);
    // A cut at a hyphen leaves no `--` and no shorter slug.
    let hyphen = slug(&format!("{} {}", "z".repeat(26), "z".repeat(20))).unwrap();
    assert_eq!((hyphen.len(), hyphen.contains("--")), (38, false));
}

#[test]
fn a_name_of_a_megabyte_is_accepted() {
    for unit in ["a", "é ", "北", "-", "🦀", "\u{301}"] {
        let name = unit.repeat(1 << 20);
        assert!(slug(&name).map_or(true, |s| s.len() == MAX_SLUG_LEN));
        assert_eq!(naming().parse_host(&name), None);
        assert!(Naming::new(name, KEY).is_err());
    }
}

#[test]
fn a_name_imitating_another_host_is_only_a_slug() {
    let n = naming();
    let (alice, mallory) = (n.user_hash("alice"), n.user_hash("mallory"));
    let victim = n.slug("alice").unwrap();
    let fake = n.slug(&format!("alice-{alice}-8888")).unwrap();
    let host = n.host(&fake, &mallory, 8888);
    assert_ne!(host, n.host(&victim, &alice, 8888));
    assert_eq!(n.parse_host(&host), Some((fake.to_string(), mallory, 8888)));
}

#[test]
fn reserved_hosts() {
    let n = naming();
    let hash = n.user_hash("u");
    for label in ["app", "api", "www", "admin"] {
        assert!(n.is_reserved(&format!("{label}.pods.example.com")));
        assert!(n.is_reserved(&format!("{}.PODS.example.com", label.to_uppercase())));
        // A pod of that name is fine: its host has hash and port.
        let slug = n.slug(label).unwrap();
        assert!(!n.is_reserved(&n.host(&slug, &hash, 80)));
    }
    assert!(n.is_reserved("pods.example.com"));
    assert!(!n.is_reserved("app.example.com"));
    assert!(!n.is_reserved("grafana.pods.example.com"));

    let like_a_pod = n.host(&n.slug("grafana").unwrap(), &hash, 3000);
    let n = n.with_reserved(["Status".to_owned(), like_a_pod.clone()]);
    assert!(n.is_reserved("status.pods.example.com"));
    assert!(n.is_reserved(&like_a_pod));
    assert_eq!(n.slug("Grafana"), Err(NamingError::Reserved));
    assert!(n.slug("status").is_ok());
}

#[test]
fn domains() {
    use DomainProblem::*;
    let problem = |domain: &str| match Naming::new(domain, KEY) {
        Err(NamingError::Domain(problem)) => Some(problem),
        Ok(_) => None,
        Err(other) => panic!("{other}"),
    };
    for good in [
        "localhost",
        "Neuropod.Online",
        "a-1.b2.example",
        "1.example.com",
        &long_domain(MAX_DOMAIN_LEN),
    ] {
        assert_eq!(problem(good), None, "{good}");
    }
    assert_eq!(naming().domain(), "pods.example.com");
    assert_eq!(
        Naming::new("PODS.Example.com", KEY).unwrap().domain(),
        "pods.example.com"
    );
    let long_label = format!("{}.com", "a".repeat(64));
    for (bad, expected) in [
        ("", EmptyLabel),
        (".example.com", EmptyLabel),
        ("example.com.", EmptyLabel),
        ("a..b", EmptyLabel),
        ("-a.com", InvalidLabel),
        ("a-.com", InvalidLabel),
        ("a_b.com", InvalidLabel),
        ("*.example.com", InvalidLabel),
        ("exámple.com", InvalidLabel),
        ("https://example.com", InvalidLabel),
        ("example.com:443", InvalidLabel),
        ("10.0.0.1", IpAddress),
        ("::1", InvalidLabel),
        (long_label.as_str(), LabelTooLong),
        (&long_domain(MAX_DOMAIN_LEN + 1), TooLong),
    ] {
        assert_eq!(problem(bad), Some(expected), "{bad}");
    }
    let n = Naming::new(long_domain(MAX_DOMAIN_LEN), KEY).unwrap();
    let host = n.host(&n.slug(&"w".repeat(50)).unwrap(), &n.user_hash("u"), u16::MAX);
    assert_eq!(host.len(), MAX_HOST_LEN);
}

fn long_domain(len: usize) -> String {
    (1..=len)
        .map(|i| if i % 2 == 0 && i < len { '.' } else { 'a' })
        .collect()
}

#[test]
fn keys() {
    assert_eq!(
        Naming::new("example.com", "short").unwrap_err(),
        NamingError::KeyTooShort(5)
    );
    assert_eq!(naming().user_hash("u"), naming().user_hash("u"));
    let other = Naming::new("pods.example.com", "another key for tests").unwrap();
    assert_ne!(naming().user_hash("u"), other.user_hash("u"));
    let debug = format!("{:?}", naming());
    assert!(
        !debug.contains("key") && !debug.contains('[') && debug.contains("pods.example.com"),
        "{debug}"
    );
    // Fixed for ever: another result would rename everything in every deployment.
    assert_eq!(naming().user_hash("64f1c0ffee").as_str(), "nr5gzqrit2");
}

#[test]
fn urls_and_schemes() {
    let n = naming();
    let (slug, hash) = (n.slug("My Pod").unwrap(), n.user_hash("u"));
    assert_eq!(
        n.url(&slug, &hash, 8888),
        format!("https://my-pod-{hash}-8888.pods.example.com")
    );
    let n = n.with_scheme(Scheme::Http);
    assert!(n.url(&slug, &hash, 8888).starts_with("http://my-pod-"));
    assert_eq!(serde_json::to_string(&Scheme::Http).unwrap(), "\"http\"");
}

#[test]
fn a_link_names_its_port_unless_it_is_the_default() {
    let n = naming();
    let (slug, hash) = (n.slug("My Pod").unwrap(), n.user_hash("u"));
    let host = format!("my-pod-{hash}-8888.pods.example.com");
    for (scheme, port, link) in [
        (Scheme::Http, 3000, format!("http://{host}:3000")),
        (Scheme::Http, 80, format!("http://{host}")),
        (Scheme::Http, 443, format!("http://{host}:443")),
        (Scheme::Https, 443, format!("https://{host}")),
        (Scheme::Https, 8443, format!("https://{host}:8443")),
    ] {
        let n = n.clone().with_scheme(scheme).with_port(port);
        assert_eq!(n.url(&slug, &hash, 8888), link);
        assert_eq!(n.host(&slug, &hash, 8888), host, "a host has no port");
    }
}

#[test]
fn parse_host_takes_only_our_own_form() {
    let n = naming();
    let (slug, hash) = (n.slug("a-b").unwrap(), n.user_hash("u"));
    let ok = Some(("a-b".to_owned(), hash.clone(), 80));
    assert_eq!(n.parse_host(&n.host(&slug, &hash, 80)), ok);
    assert_eq!(n.parse_host(&n.host(&slug, &hash, 80).to_uppercase()), ok);
    let legacy_hash = legacy().user_hash("u");
    for host in [
        String::new(),
        "pods.example.com".to_owned(),
        ".pods.example.com".to_owned(),
        "app.pods.example.com".to_owned(),
        format!("a-b-{hash}-80.evil.com"),
        format!("a-b-{hash}-80.xpods.example.com"),
        format!("x.a-b-{hash}-80.pods.example.com"),
        format!("a-b-{hash}-80.pods.example.com."),
        format!("a-b-{hash}-80.pods.example.com:443"),
        format!("a-b-{hash}-080.pods.example.com"),
        format!("a-b-{hash}-+80.pods.example.com"),
        format!("a-b-{hash}-0.pods.example.com"),
        format!("a-b-{hash}-65536.pods.example.com"),
        format!("a-b-{hash}-.pods.example.com"),
        format!("a--b-{hash}-80.pods.example.com"),
        format!("-{hash}-80.pods.example.com"),
        format!("a-b-{legacy_hash}-80.pods.example.com"),
    ] {
        assert_eq!(n.parse_host(&host), None, "{host}");
    }
}

#[test]
fn serde_validates() {
    let (slug, hash) = (naming().slug("My Pod").unwrap(), naming().user_hash("u"));
    let json = serde_json::to_string(&(&slug, &hash)).unwrap();
    assert_eq!(json, format!("[\"my-pod\",\"{hash}\"]"));
    assert_eq!(
        serde_json::from_str::<(Slug, UserHash)>(&json).unwrap(),
        (slug, hash)
    );
    // Slugs kept by a migration can be parsed.
    for kept in ["a--b", "a-", "a--", &"a".repeat(44)] {
        assert!(serde_json::from_value::<Slug>(kept.into()).is_ok(), "{kept}");
    }
    for bad in ["", "A", "a_b", "-a", "1a", "é", "xn--a", "xn-", &"a".repeat(45)] {
        assert!(serde_json::from_value::<Slug>(bad.into()).is_err(), "{bad}");
    }
    for bad in [
        "",
        "abcdefghi",
        "abcdefghi1",
        "ABCDEFGHIJ",
        "0123456g",
        "abc-efghij",
        "ééééé",
    ] {
        assert!(serde_json::from_value::<UserHash>(bad.into()).is_err(), "{bad}");
    }
}

/// Names as people type them and otherwise: any Unicode, and the forms of our own names.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "\\PC{0,60}",
        "[a-zA-Z0-9 _.-]{1,80}",
        "(a|b|-|1){1,6}",
        "x{30,45}[ab-]{0,6}",
        "[a-c]-[a-z2-7]{10}-[0-9]{1,5}",
    ]
}

fn any_naming() -> impl Strategy<Value = Naming> {
    prop_oneof![Just(naming()), Just(legacy())]
}

proptest! {
    #[test]
    fn every_name_is_valid_for_its_kind(n in any_naming(), name in any_name(), user: String, port: u16) {
        let Ok(slug) = n.slug(&name) else { return Ok(()) };
        let hash = n.user_hash(&user);
        prop_assert!(slug.as_str().parse::<Slug>().is_ok());
        prop_assert!(hash.as_str().parse::<UserHash>().is_ok());
        prop_assert!(!slug.as_str().contains("--"));
        for (kind, name) in names(&n, &slug, &hash, port) {
            let (label, domain) = name.split_once('.').unwrap_or((&name, ""));
            prop_assert!(is_rfc1035_label(label), "{kind} {name}");
            prop_assert!(!label.starts_with("xn-"), "{kind} {name}");
            prop_assert!(name.len() <= 253);
            prop_assert_eq!(domain, if kind == "host" { n.domain() } else { "" });
            // Shortening keeps hash and port.
            prop_assert!(label.contains(hash.as_str()));
            let tail = format!("-{hash}-{port}");
            prop_assert!(!matches!(kind, "service" | "ingress" | "host") || label.contains(&tail));
        }
        prop_assert!(!n.is_reserved(&n.host(&slug, &hash, port)));
    }

    #[test]
    fn hosts_are_read_back(n in any_naming(), name in any_name(), user: String, port in 1..=u16::MAX) {
        let Ok(slug) = n.slug(&name) else { return Ok(()) };
        let hash = n.user_hash(&user);
        let read = n.parse_host(&n.host(&slug, &hash, port));
        prop_assert_eq!(read, Some((slug.into(), hash, port)));
    }

    #[test]
    fn no_two_names_collide(
        n in any_naming(),
        who in prop::collection::vec((any_name(), "[ab]{1,2}", prop_oneof![Just(80u16), Just(8080), Just(80)]), 2..12),
    ) {
        // The inputs of each kind's name: only the same inputs may give the same name.
        let mut seen = HashMap::new();
        for (name, user, port) in who {
            let Ok(slug) = n.slug(&name) else { continue };
            let hash = n.user_hash(&user);
            for (kind, name) in names(&n, &slug, &hash, port) {
                let (slug, port) = match kind {
                    "user volume" => (None, None),
                    "pod" | "pod volume" | "secret" => (Some(slug.clone()), None),
                    _ => (Some(slug.clone()), Some(port)),
                };
                // Both sorts of volume are claims, so they share the cluster's namespace of claims.
                let space = if kind.ends_with("volume") { "volume" } else { kind };
                let source = (slug, hash.clone(), port);
                let first = seen.entry((space, name.clone())).or_insert_with(|| source.clone());
                prop_assert_eq!(&*first, &source, "{} {}", kind, name);
            }
        }
    }

    #[test]
    fn names_collide_only_if_they_read_the_same(a in "[a-z]{20,60}", b in "[a-z]{1,60}", common in "[a-z]{0,50}") {
        let (a, b) = (format!("{common}{a}"), format!("{common}{b}"));
        // Without spaces, digits or `xn-`, only case is lost before the cut.
        prop_assume!(a != "xn" && b != "xn");
        prop_assert_eq!(slug(&a) == slug(&b), a == b);
    }

    #[test]
    fn parse_host_never_panics_and_reads_only_what_it_makes(n in any_naming(), host: String, label in "[a-z0-9-]{0,70}") {
        n.parse_host(&host);
        let host = format!("{label}.pods.example.com");
        if let Some((slug, hash, port)) = n.parse_host(&host) {
            prop_assert_eq!(n.host(&slug.parse().unwrap(), &hash, port), host);
        }
    }

    #[test]
    fn legacy_is_the_start_of_md5(user: String) {
        use md5::Digest;
        let whole = data_encoding::HEXLOWER.encode(&md5::Md5::digest(&user));
        let hash = legacy().user_hash(&user);
        prop_assert_eq!(hash.as_str(), &whole[..8]);
    }
}

/// Display names, their form in the existing backend, and whether Kubernetes accepts it for a Service.
#[test]
fn names_of_the_existing_backend_are_kept() {
    let long = "x".repeat(40);
    let too_long = "x".repeat(41);
    let cases: &[(&str, Option<&str>)] = &[
        ("my-pod", Some("my-pod")),
        ("My Pod", Some("my-pod")),
        ("Año 2", Some("a-o-2")),
        ("AÑO 2", Some("a-o-2")),
        ("árbol", None),
        ("Café", Some("caf-")),
        // Written with a combining accent: the letter stays.
        ("an\u{303}o", Some("an-o")),
        ("a 🦀 b", Some("a----b")),
        ("fin ❤️", Some("fin---")),
        ("mi.pod_v1", Some("mi-pod-v1")),
        ("a  b", Some("a--b")),
        ("a--b", Some("a--b")),
        ("a!", Some("a-")),
        ("!a", None),
        ("4090 box", None),
        ("日本", None),
        ("", None),
        ("xn--a", None),
        ("xn-", None),
        ("xnor", Some("xnor")),
        // The Kelvin sign is a `k` in lower case.
        ("\u{212A}ube", Some("kube")),
        ("\u{130}stanbul", Some("i-stanbul")),
        (&long, Some(&long)),
        (&too_long, None),
    ];
    let n = legacy();
    let hash = n.user_hash("665f1f77bcf86cd799439011");
    for (name, expected) in cases {
        let kept = n.kept_slug(name, &[8888, 65535]);
        assert_eq!(kept.as_ref().map(Slug::as_str), *expected, "{name:?}");
        let Some(slug) = kept else { continue };
        for (kind, name) in names(&n, &slug, &hash, 65535) {
            let label = name.split('.').next().unwrap_or_default();
            assert!(is_rfc1035_label(label), "{kind} {name}");
        }
        let read = n.parse_host(&n.host(&slug, &hash, 80));
        assert_eq!(read, Some((slug.to_string(), hash.clone(), 80)), "{name:?}");
    }
    // A shorter port leaves room for a longer name.
    assert!(n.kept_slug(&too_long, &[8888]).is_some());
    // The part of a name in the cluster before the hash has the same slug.
    assert_eq!(
        n.kept_slug("a-o-2", &[80]).map(String::from),
        Some("a-o-2".into())
    );
}

#[test]
fn new_names_of_a_migrated_deployment_are_legacy_slugs_and_tidy() {
    for (name, expected) in [
        ("Año 2", "a-o-2"),
        ("Mi Pod", "mi-pod"),
        ("Café", "caf"),
        ("a  🦀 b!", "a-b"),
        ("4090 box", "p-4090-box"),
        ("xn--a", "p-xn-a"),
        // Nothing of these remains under that rule.
        ("日本", "ri-ben"),
        ("Москва", "moskva"),
    ] {
        assert_eq!(
            legacy().slug(name).map(String::from).as_deref(),
            Ok(expected),
            "{name:?}"
        );
    }
    assert_eq!(legacy().slug("🦀"), Err(NamingError::Empty));
    let (a, b) = (format!("{}a", "x".repeat(49)), format!("{}b", "x".repeat(49)));
    assert_ne!(legacy().slug(&a), legacy().slug(&b));
}

#[test]
fn legacy_md5_of_known_ids() {
    // From RFC 1321, and the id of a Mongo document.
    assert_eq!(legacy().user_hash("").as_str(), "d41d8cd9");
    assert_eq!(legacy().user_hash("abc").as_str(), "90015098");
    assert_eq!(legacy().user_hash("message digest").as_str(), "f96b697d");
}

#[test]
fn each_slug_of_the_trials_is_as_expected() {
    let trials = include_str!("../../../tests/trials/input/slugs.json");
    let trials: serde_json::Value = serde_json::from_str(trials).unwrap();
    let cases = trials["cases"].as_array().unwrap();
    assert!(cases.len() > 30);
    let naming = Naming::new("pods.example.com", "a secret of at least 16 bytes").unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let input = case["input"].as_str().unwrap();
        let found = naming.slug(input).ok().map(|slug| slug.to_string());
        if found.as_deref() != case["expect"].as_str() {
            wrong.push(format!("{input}: {found:?}, not {}", case["expect"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
