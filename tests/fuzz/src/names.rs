//! Names of objects and hosts.

use neuropod::naming::{MAX_DOMAIN_LEN, MAX_HOST_LEN, MAX_LABEL_LEN, Naming, NamingError, Slug};

/// For any names of a pod and its owner, the names made of them are valid in Kubernetes and DNS, and a
/// host parses to the parts it was made of.
pub fn names(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let domain = "pods.example.com";
    let keyed = Naming::new(domain, "a secret of at least 16 bytes").expect("a valid domain and key");
    let legacy = Naming::legacy_md5(domain).expect("a valid domain");
    for naming in [&keyed, &legacy] {
        match naming.slug(&text) {
            Ok(slug) => {
                all_names(naming, &slug, &text);
                assert_eq!(naming.slug(&text).as_ref(), Ok(&slug), "the same name every time");
            }
            Err(error) => assert!(
                matches!(error, NamingError::Empty | NamingError::Reserved),
                "{error:?}"
            ),
        }
        // Old deployments have names that can only be kept.
        if let Some(slug) = naming.kept_slug(&text, &[8888]) {
            is_label(&naming.service(&slug, &naming.user_hash(&text), 8888));
        }
        if let Some((slug, hash, port)) = naming.parse_host(&text) {
            let slug: Slug = slug.parse().expect("the slug of a host is one");
            assert_eq!(naming.host(&slug, &hash, port), text.to_ascii_lowercase());
        }
    }
    if let Ok(slug) = text.parse::<Slug>() {
        assert_eq!(slug.as_str(), text);
    }
    if let Ok(naming) = Naming::legacy_md5(text.clone()) {
        assert!(naming.domain().len() <= MAX_DOMAIN_LEN);
        let slug = naming.slug(&"long ".repeat(40)).expect("a name with letters");
        assert!(naming.host(&slug, &naming.user_hash("ana"), u16::MAX).len() <= MAX_HOST_LEN);
    }
}

/// All names made of a slug, with the longest port and the shortest.
fn all_names(naming: &Naming, slug: &Slug, user: &str) {
    let hash = naming.user_hash(user);
    is_label(&naming.pod(slug, &hash));
    is_label(&naming.token_secret(slug, &hash));
    is_label(&naming.pod_workspace(slug, &hash));
    is_label(&naming.workspace(&hash));
    for port in [1, u16::MAX] {
        is_label(&naming.service(slug, &hash, port));
        is_label(&naming.ingress(slug, &hash, port));
        let host = naming.host(slug, &hash, port);
        let (label, _) = host.split_once('.').expect("a host below the domain");
        is_label(label);
        assert!(!naming.is_reserved(&host), "{host} is the platform's own");
        let parsed = naming.parse_host(&host.to_ascii_uppercase());
        assert_eq!(parsed, Some((slug.as_str().to_owned(), hash.clone(), port)));
    }
}

/// Asserts an RFC 1035 label.
fn is_label(name: &str) {
    assert!(
        name.len() <= MAX_LABEL_LEN,
        "{name} has {} characters",
        name.len()
    );
    assert!(name.starts_with(|c: char| c.is_ascii_lowercase()), "{name}");
    assert!(!name.ends_with('-'), "{name}");
    assert!(!name.starts_with("xn--"), "{name} looks internationalised");
    assert!(
        name.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
        "{name}"
    );
}
