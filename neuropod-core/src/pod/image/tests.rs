#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

use proptest::prelude::*;

use super::*;

const SHA256: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn image(text: &str) -> Result<ImageReference, ImageError> {
    text.parse()
}

#[test]
fn good_references() {
    let pinned = format!("gcr.io/a/b:1@{SHA256}");
    let digest_only = format!("a@{SHA256}");
    for (text, registry, repository, tag, digest) in [
        ("ubuntu", "docker.io", "library/ubuntu", Some("latest"), None),
        (
            "pytorch/pytorch:2.8.0-cuda12.8",
            "docker.io",
            "pytorch/pytorch",
            Some("2.8.0-cuda12.8"),
            None,
        ),
        (
            "index.docker.io/ubuntu:24.04",
            "docker.io",
            "library/ubuntu",
            Some("24.04"),
            None,
        ),
        (
            "ghcr.io/owner/a__b/c-d.e:V_1",
            "ghcr.io",
            "owner/a__b/c-d.e",
            Some("V_1"),
            None,
        ),
        ("localhost/x", "localhost", "x", Some("latest"), None),
        ("localhost:5000/x:1", "localhost:5000", "x", Some("1"), None),
        (
            "10.0.0.7:65535/a/b",
            "10.0.0.7:65535",
            "a/b",
            Some("latest"),
            None,
        ),
        (&pinned, "gcr.io", "a/b", Some("1"), Some(SHA256)),
        (&digest_only, "docker.io", "library/a", None, Some(SHA256)),
    ] {
        let image = image(text).unwrap();
        let parts = parse(text).unwrap();
        assert_eq!(
            (parts.registry(), parts.repository()),
            (registry, repository),
            "{text}"
        );
        assert_eq!((parts.tag(), parts.digest()), (tag, digest), "{text}");
        assert_eq!((image.as_str(), image.to_string().as_str()), (text, text));
    }
}

#[test]
fn bad_references() {
    use ImageError::*;
    let long_host = format!("{}io/a", "a.".repeat(126));
    for (text, expected) in [
        ("", Empty),
        ("  \n", Empty),
        ("Foo", NotLowercase),
        ("Foo/bar", NotLowercase),
        ("foo/Bar:1", NotLowercase),
        ("ghcr.io/Owner/name", NotLowercase),
        ("a:1:2", Tag),
        ("ghcr.io/a:1:2", Tag),
        ("a:", Tag),
        ("a:-x", Tag),
        ("a:ñ", Tag),
        (&format!("a:{}", "t".repeat(129)), Tag),
        ("a@", Digest),
        ("a@sha256:abc", Digest),
        ("a:1@sha256:abc", Digest),
        (&format!("a@{SHA256}a"), Digest),
        (&format!("a@{SHA256}aa"), Digest),
        (&format!("a@{}", &SHA256[..70]), Digest),
        (&format!("a@sha256:{}", "A".repeat(64)), Digest),
        (&format!("a@{SHA256}@{SHA256}"), Digest),
        ("a@md5:d41d8cd98f00b204e9800998ecf8427e", Digest),
        ("-rf", Malformed),
        ("--privileged", Malformed),
        ("a b", Space),
        (" ubuntu", Space),
        ("ubuntu\n", Space),
        ("a\0b", Space),
        ("a\u{a0}b", Space),
        ("https://docker.io/library/ubuntu", Url),
        ("docker://ubuntu", Url),
        ("localhost:0/a", Registry),
        ("localhost:65536/a", Registry),
        ("localhost:99999999999999999999/a", Registry),
        ("[::1]:5000/a", Registry),
        ("::1/a", Registry),
        ("fe80::1/a", Registry),
        (&long_host, Registry),
        (&"a".repeat(256), NameTooLong),
        (&"a".repeat(1000), TooLong),
        (&"a-".repeat(1 << 19), TooLong),
        (&"0".repeat(64), Malformed),
        ("a/", Malformed),
        ("/a", Malformed),
        ("a//b", Malformed),
        ("a/../b", Malformed),
        ("../a", Malformed),
        ("a$(id)", Malformed),
        ("a?b=c", Malformed),
        ("árbol", Malformed),
        ("🦀", Malformed),
    ] {
        assert_eq!(image(text), Err(expected), "{text}");
    }
}

#[test]
fn the_longest_reference_fits() {
    let host = format!("{}{}", "a.".repeat(126), "a");
    let text = format!(
        "{host}:65535/{}:{}@sha512:{}",
        "b".repeat(255),
        "c".repeat(128),
        "d".repeat(128)
    );
    assert_eq!(text.len(), MAX_IMAGE_LEN);
    assert_eq!(image(&text).unwrap().as_str(), text);
}

#[test]
fn json_is_the_text_and_validates() {
    let json = serde_json::to_string(&image("ghcr.io/a/b").unwrap()).unwrap();
    assert_eq!(json, "\"ghcr.io/a/b\"");
    assert_eq!(
        serde_json::from_str::<ImageReference>(&json).unwrap(),
        image("ghcr.io/a/b").unwrap()
    );
    assert!(serde_json::from_str::<ImageReference>("\"-rf\"").is_err());
}

proptest! {
    #[test]
    fn never_panics(text: String, like in "[A-Za-z0-9:/@.ñ \\[\\]_-]{0,40}") {
        for text in [text, like] {
            if let Ok(image) = image(&text) {
                prop_assert_eq!(image.as_str(), &text);
                prop_assert!(text.is_ascii() && !text.starts_with('-'));
                prop_assert!(!has_capitals(parse(&text).unwrap().repository()));
            }
        }
    }

    #[test]
    fn parts_make_the_same_reference(
        registry in "[a-z]{1,9}\\.[a-z]{2,5}(:[1-9][0-9]{0,3})?",
        repository in "[a-z0-9]{1,9}(/[a-z0-9]{1,9}([._]|__|-{1,3})[a-z0-9]{1,9}){0,3}",
        tag in "[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}",
    ) {
        prop_assume!(!registry.starts_with("index.docker.io"));
        let parts = parse(&format!("{registry}/{repository}:{tag}")).unwrap();
        prop_assert_eq!(parts.registry(), registry);
        prop_assert_eq!(parts.repository(), repository);
        prop_assert_eq!(parts.tag(), Some(tag.as_str()));
    }

    #[test]
    fn plain_names_are_references(
        like in "[a-z0-9._/:-]{1,12}",
        name in "[a-z0-9]{1,9}(/[a-z0-9]{1,9}[._-][a-z0-9]{1,9}){0,2}",
        tag in "[A-Za-z0-9_][A-Za-z0-9_.-]{0,9}",
    ) {
        let tagged = format!("{name}:{tag}");
        prop_assert!(is_plain(&name) && is_plain(&tagged));
        for text in [like, name, tagged] {
            prop_assert!(!is_plain(&text) || parse(&text).is_ok(), "{}", text);
        }
    }
}

#[test]
fn each_trial_is_as_expected() {
    let trials = include_str!("../../../../tests/trials/input/images.json");
    let trials: serde_json::Value = serde_json::from_str(trials).unwrap();
    let cases = trials["cases"].as_array().unwrap();
    assert!(cases.len() > 30);
    let mut wrong = Vec::new();
    for case in cases {
        let input = case["input"].as_str().unwrap();
        let found = image(input).map_or_else(|error| format!("{error:?}"), |_| "ok".to_owned());
        if found != case["expect"].as_str().unwrap() {
            wrong.push(format!("{input}: {found}, not {}", case["expect"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
