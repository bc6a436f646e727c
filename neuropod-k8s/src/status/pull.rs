//! The reason why an image can't be pulled, in the words of containerd, CRI-O, Docker and the registries.

use neuropod_core::cluster::ReasonCode;

use super::warnings::Warnings;

/// Whether a container waits for its image.
pub(super) fn is_pull(reason: &str) -> bool {
    matches!(
        reason,
        "ErrImagePull"
            | "ImagePullBackOff"
            | "ErrImageNeverPull"
            | "InvalidImageName"
            | "RegistryUnavailable"
            | "ImageInspectError"
            | "SignatureValidationFailed"
    )
}

/// The cause of a failed pull. `ErrImagePull` and `ImagePullBackOff` alternate. The second contains the text of
/// the first (except with older kubelets), so that the reason stays the same.
pub(super) fn cause<'a>(message: &'a str, warnings: &'a Warnings) -> &'a str {
    if let Some((_, cause)) = message.split_once("ErrImagePull: ") {
        return cause;
    }
    // `Failed to pull image "…": <cause>`; the same event also says `Error: ErrImagePull`, without a cause.
    let event = warnings.get("Failed").map(|warning| warning.message.as_str());
    match event.and_then(|text| text.strip_prefix("Failed to pull image ")?.split_once("\": ")) {
        Some((_, cause)) if message.starts_with("Back-off") => cause,
        _ => message,
    }
}

/// The reason code of a failed pull, and whether the node is at fault.
pub(super) fn classify(waiting: &str, cause: &str) -> (ReasonCode, bool) {
    match waiting {
        "InvalidImageName" => (ReasonCode::ImageInvalid, false),
        "ErrImageNeverPull" => (ReasonCode::ImageNotFound, false),
        "RegistryUnavailable" => (ReasonCode::ImagePullFailed, false),
        // A rule of the cluster demands signed images.
        "SignatureValidationFailed" => (ReasonCode::Rejected, false),
        _ => {
            let found = classify_text(cause);
            let inspected = waiting == "ImageInspectError" && found.is_none();
            found.unwrap_or((ReasonCode::ImagePullFailed, inspected))
        }
    }
}

/// A phrase, its reason code, and whether the node is at fault.
type Phrase = (&'static str, ReasonCode, bool);

/// Phrases that can't be part of a name.
const PHRASES: [Phrase; 56] = {
    use ReasonCode::{
        ImageArchitecture as Architecture, ImageInvalid as Invalid, ImageNotFound as Missing,
        ImagePullFailed as Failed,
    };
    [
        // For another processor or system: containerd, Docker, CRI-O.
        ("no match for platform", Architecture, false),
        ("no matching manifest", Architecture, false),
        (
            "no image found in image index for architecture",
            Architecture,
            false,
        ),
        (
            "no image found in manifest list for architecture",
            Architecture,
            false,
        ),
        ("no child with platform", Architecture, false),
        ("does not match the specified platform", Architecture, false),
        ("does not provide the specified platform", Architecture, false),
        ("cannot be used on this platform", Architecture, false),
        // Retrying does not help: names without a registry on CRI-O, formats that runtimes no longer support.
        ("short name mode is enforcing", Invalid, false),
        ("short-name resolution enforced", Invalid, false),
        ("did not resolve to an alias", Invalid, false),
        ("no unqualified-search registries", Invalid, false),
        ("invalid reference format", Invalid, false),
        ("could not parse image", Invalid, false),
        ("couldn't parse image", Invalid, false),
        ("is no longer supported", Invalid, false),
        ("schema 1 support is disabled", Invalid, false),
        ("schema 1 has been removed", Invalid, false),
        ("unsupported manifest media type", Invalid, false),
        // Charts, models and other artifacts that are not images.
        ("unsupported media type", Invalid, false),
        ("unknown media type", Invalid, false),
        ("mismatched image rootfs", Invalid, false),
        ("unsupported image-specific operation on artifact", Invalid, false),
        ("unsupported docker v2s1", Invalid, false),
        // The image store of the node is damaged or full.
        ("content digest", Failed, true),
        ("from content store", Failed, true),
        ("no space left on device", Failed, true),
        ("input/output error", Failed, true),
        ("read-only file system", Failed, true),
        // The registry, or the network to it.
        ("token has expired", Failed, false),
        ("token is expired", Failed, false),
        ("rate limit", Failed, false),
        ("too many requests", Failed, false),
        ("no such host", Failed, false),
        ("server misbehaving", Failed, false),
        ("no route to host", Failed, false),
        ("network is unreachable", Failed, false),
        ("connection refused", Failed, false),
        ("connection reset", Failed, false),
        ("i/o timeout", Failed, false),
        ("timed out", Failed, false),
        ("handshake timeout", Failed, false),
        ("deadline exceeded", Failed, false),
        ("certificate", Failed, false),
        ("service unavailable", Failed, false),
        ("bad gateway", Failed, false),
        ("gateway timeout", Failed, false),
        ("internal server error", Failed, false),
        // Registries report missing and private images in the same way.
        ("manifest unknown", Missing, false),
        ("name unknown", Missing, false),
        ("not known to registry", Missing, false),
        ("payment required", Missing, false),
        ("does not exist", Missing, false),
        ("authorization failed", Missing, false),
        ("authentication required", Missing, false),
        ("no basic auth credentials", Missing, false),
    ]
};

/// Single words, which could also be part of a name. They count only as whole words.
const WORDS: [(&str, ReasonCode); 10] = [
    ("toomanyrequests", ReasonCode::ImagePullFailed),
    ("unavailable", ReasonCode::ImagePullFailed),
    ("eof", ReasonCode::ImagePullFailed),
    ("unauthorized", ReasonCode::ImageNotFound),
    ("denied", ReasonCode::ImageNotFound),
    ("forbidden", ReasonCode::ImageNotFound),
    ("insufficient_scope", ReasonCode::ImageNotFound),
    ("name_unknown", ReasonCode::ImageNotFound),
    ("manifest_unknown", ReasonCode::ImageNotFound),
    ("404", ReasonCode::ImageNotFound),
];

/// The reason code of an error text. An error of Go is a chain, `doing a: doing b: cause`, and the last link with a known
/// phrase decides. Many chains end in a bare `not found`, which refers to the link before it.
fn classify_text(cause: &str) -> Option<(ReasonCode, bool)> {
    let links = links(cause);
    let mut missing = false;
    for link in links.iter().rev() {
        match classify_link(link) {
            // The link before it was a name: `docker.io/library/lab:1: not found`.
            _ if missing && link.is_empty() => break,
            Some(found) => return Some(found),
            None if missing => break,
            None => missing = link.contains("not found") || link.contains("notfound"),
        }
    }
    missing.then_some((ReasonCode::ImageNotFound, false))
}

fn classify_link(link: &str) -> Option<(ReasonCode, bool)> {
    let mut phrases = PHRASES.iter();
    if let Some((_, code, of_the_node)) = phrases.find(|(phrase, ..)| link.contains(phrase)) {
        return Some((*code, *of_the_node));
    }
    let is_word = |word: &str| {
        let mut words = link.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
        words.any(|found| found == word)
    };
    let mut words = WORDS.iter();
    let (_, code) = words.find(|(word, _)| is_word(word))?;
    Some((*code, false))
}

/// The links of a chain, in lower case and without parts that people choose: quoted text, addresses and image references.
/// A link of only such parts is empty.
fn links(cause: &str) -> Vec<String> {
    let mut links = vec![String::new()];
    for word in unquoted(cause).to_lowercase().split_whitespace() {
        let (word, ends) = match word.strip_suffix(':') {
            Some(word) => (word, true),
            None => (word, false),
        };
        if let Some(link) = links.last_mut().filter(|_| !is_a_name(word)) {
            link.push(' ');
            link.push_str(word);
        }
        if ends {
            links.push(String::new());
        }
    }
    links
}

/// Whether a word is an address, a path, a digest or an image reference.
fn is_a_name(word: &str) -> bool {
    let inside = word.trim_matches(|c: char| !c.is_alphanumeric());
    !matches!(inside, "i/o" | "input/output") && inside.contains(['/', '@', ':'])
}

/// The text without quoted parts.
pub(super) fn unquoted(text: &str) -> String {
    let outside = text.split('"').step_by(2);
    outside.collect::<Vec<_>>().join(" ")
}
